/** Line icons on a 20-pixel grid. They are decorative: text beside them or a label has their meaning. */
import type { ComponentChildren } from "preact";

function icon(children: ComponentChildren) {
  return () => (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const Plus = icon(<path d="M10 4v12M4 10h12" />);
export const Trash = icon(<path d="M4 6h12M8 6V4h4v2M5.5 6l.7 10h7.6l.7-10M8.5 9v4.5M11.5 9v4.5" />);
export const Calendar = icon(<path d="M3.5 5.5h13v11h-13zM3.5 9h13M7 3.5v3M13 3.5v3" />);
export const Flag = icon(<path d="M5 17V3.5h9.5L12.5 7l2 3.5H5" />);
export const Tag = icon(<path d="M3.5 3.5h6l7 7-6 6-7-7zM6.8 6.8h.01" />);
export const Note = icon(<path d="M4 5.5h12M4 10h12M4 14.5h7" />);
export const Close = icon(<path d="M5 5l10 10M15 5L5 15" />);
export const Circle = icon(<circle cx="10" cy="10" r="6.5" />);
export const Check = icon(<path d="M4 10.5l4 4 8-9" />);
export const Stack = icon(<path d="M10 3.5l7 3.5-7 3.5L3 7zM3.5 10.5L10 13.8l6.5-3.3M3.5 13.8L10 17l6.5-3.2" />);
export const Keyboard = icon(
  <path d="M2.5 5.5h15v9h-15zM5.5 8.5h.01M8.5 8.5h.01M11.5 8.5h.01M14.5 8.5h.01M7 11.7h6" />,
);
export const Leave = icon(<path d="M8 4H4v12h4M8 10h9M13.5 6.5L17 10l-3.5 3.5" />);
export const Cloud = icon(
  <path d="M6 15.5a3.5 3.5 0 01-.4-7A4.8 4.8 0 0114.8 8 3.8 3.8 0 0114 15.5M8 12.5l4 4M12 12.5l-4 4" />,
);
export const Branch = icon(<path d="M5 4v9h6M11 13a2 2 0 104 0 2 2 0 00-4 0M5 7h6M11 7a2 2 0 104 0 2 2 0 00-4 0" />);
export const Repeat = icon(
  <path d="M4 9V7.5a2 2 0 012-2h9M12.5 3L15 5.5 12.5 8M16 11v1.5a2 2 0 01-2 2H5M7.5 17L5 14.5 7.5 12" />,
);
export const Today = icon(<path d="M3.5 5.5h13v11h-13zM3.5 9h13M7 3.5v3M13 3.5v3M10 11.5v3M8.5 13h3" />);
export const Search = icon(<path d="M9 3.5a5.5 5.5 0 100 11 5.5 5.5 0 000-11zM13 13l4 4" />);
export const More = icon(<path class="dots" d="M5 10h.01M10 10h.01M15 10h.01" />);
export const ArrowUp = icon(<path d="M10 16V4.5M5 9.5l5-5 5 5" />);
export const ArrowDown = icon(<path d="M10 4v11.5M5 10.5l5 5 5-5" />);
export const Sun = icon(
  <path d="M10 7a3 3 0 100 6 3 3 0 000-6zM10 2.5v1.5M10 16v1.5M2.5 10H4M16 10h1.5M4.7 4.7l1 1M14.3 14.3l1 1M15.3 4.7l-1 1M5.7 14.3l-1 1" />,
);
export const Sofa = icon(
  <path d="M5 10V6.5a2 2 0 012-2h6a2 2 0 012 2V10M3.5 9A1.5 1.5 0 005 10.5V12h10v-1.5A1.5 1.5 0 1116.5 12v3h-13v-3A1.5 1.5 0 013.5 9zM5 15v1.5M15 15v1.5" />,
);
export const NextWeek = icon(
  <path d="M3.5 5.5h13v11h-13zM3.5 9h13M7 3.5v3M13 3.5v3M8 12.8h4M10.5 11.2l1.6 1.6-1.6 1.6" />,
);
export const Filter = icon(<path d="M3.5 5.5h13M6 10h8M8.5 14.5h3" />);
export const Menu = icon(<path d="M3.5 5.5h13M3.5 10h13M3.5 14.5h13" />);
export const Columns = icon(<path d="M3.5 4.5h13v11h-13zM8 4.5v11M12 4.5v11" />);
export const Select = icon(<path d="M3.5 3.5h13v13h-13zM6.5 10l2.5 2.5 4.5-5" />);
export const ChevronLeft = icon(<path d="M12 5l-5 5 5 5" />);
export const ChevronRight = icon(<path d="M8 5l5 5-5 5" />);
export const Settings = icon(
  <path d="M3 6h8M15 6h2M3 14h2M9 14h8M13 4a2 2 0 100 4 2 2 0 000-4zM7 12a2 2 0 100 4 2 2 0 000-4z" />,
);

const BARS = { low: 1, medium: 2, high: 3 } as const;

/** One to three bars: the priority without its color. */
export function PriorityBars({ priority }: { readonly priority: keyof typeof BARS }) {
  return (
    <svg class="icon bars" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {[4, 8.5, 13].map((x, index) => (
        <rect
          key={x}
          class={index < BARS[priority] ? "bar-on" : "bar-off"}
          x={x}
          y={12 - index * 4}
          width="3"
          height={4 + index * 4}
        />
      ))}
    </svg>
  );
}
