/** Swipe actions of a row on touch screens. */

/** How far a row must be moved for its action, in pixels. */
const FAR = 88;
/** How far a finger moves before it is clear in which direction, in pixels. */
const SLOP = 10;

export interface SwipeActions {
  readonly right: () => void;
  readonly left: () => void;
}

/** Follows a finger from its first touch. The browser keeps vertical movements, to scroll (`touch-action: pan-y`). */
export function swipe(
  { currentTarget, pointerType, pointerId, clientX, clientY }: PointerEvent,
  actions: SwipeActions,
): void {
  if (pointerType !== "touch" || !(currentTarget instanceof HTMLElement)) return;
  const row = currentTarget;
  const listening = new AbortController();
  const { signal } = listening;
  let moved = 0;
  const end = () => {
    listening.abort();
    delete row.dataset.swipe;
    row.style.removeProperty("--swipe");
  };
  const onMove = (event: PointerEvent) => {
    if (event.pointerId !== pointerId) return;
    const [x, y] = [event.clientX - clientX, event.clientY - clientY];
    if (moved === 0 && Math.abs(x) < SLOP) return;
    if (moved === 0 && Math.abs(y) > Math.abs(x)) return end();
    moved = x;
    row.dataset.swipe = `${x > 0 ? "right" : "left"}${Math.abs(x) >= FAR ? " far" : ""}`;
    row.style.setProperty("--swipe", `${x}px`);
  };
  const onUp = (event: PointerEvent) => {
    if (event.pointerId !== pointerId) return;
    end();
    if (moved !== 0)
      addEventListener("click", (event) => event.stopPropagation(), {
        capture: true,
        once: true,
        signal: AbortSignal.timeout(50),
      });
    if (moved >= FAR) actions.right();
    if (moved <= -FAR) actions.left();
  };
  addEventListener("pointermove", onMove, { signal });
  addEventListener("pointerup", onUp, { signal });
  addEventListener("pointercancel", end, { signal });
}
