export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect class="mark-ground" width="32" height="32" rx="9" />
      <path class="mark-sun" d="M6 21a10 10 0 0120 0z" />
      <path class="mark-check" d="M10.5 17.2l4 4 8-9.4" />
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
