export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-ground" width="32" height="32" rx="9" />
      <path class="mark-check" d="M9 16.8l5 5 9-11" />
      <circle class="mark-sun" cx="24.5" cy="24.5" r="2.5" />
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
