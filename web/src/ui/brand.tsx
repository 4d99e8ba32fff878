export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-ground" width="32" height="32" rx="8" />
      <circle class="mark-sun" cx="16" cy="16" r="9.5" />
      <path class="mark-check" d="M11.6 16.4l3.2 3.2 5.8-7" />
    </svg>
  );
}

export function Brand() {
  return (
    <span class="brand">
      <Mark />
      Daylist
    </span>
  );
}
