/** Keeps long lists out of the document: only the rows near the screen are in it, and gaps stand for the others. */
import {
  observeWindowOffset,
  observeWindowRect,
  type VirtualItem,
  Virtualizer,
  windowScroll,
} from "@tanstack/virtual-core";
import type { RefObject } from "preact";
import { useCallback, useEffect, useLayoutEffect, useReducer, useRef, useState } from "preact/hooks";

/** Shorter lists are in the document as a whole, so that the browser's own search finds everything in them. */
const SHORT = 100;
/** So many rows are drawn beyond each end of the screen. */
const OVERSCAN = 10;
/** While it scrolls, the list is drawn again for so many new rows at once. */
const STEP = 6;
/** How long a new list must not have changed before more of it is drawn than is in sight, in milliseconds. */
const SETTLES_AFTER = 150;
/** So many rows at each end are drawn at once then. */
const GROWTH = 8;
/** Where lists begin on a phone, in pixels: one that begins elsewhere is drawn a second time. */
const USUAL_TOP = 190;

export interface VirtualOptions {
  /** What the list is about: with other keys and another one, it is a new list. */
  readonly subject: string;
  readonly container: RefObject<HTMLElement | null>;
  readonly keys: readonly string[];
  /** The height of an element that has not been in the document yet, in pixels. */
  readonly estimate: (index: number) => number;
  /** The elements that stay in the document, wherever the list is scrolled to. */
  readonly pinned: readonly number[];
}

export interface Virtual {
  readonly items: readonly VirtualItem[];
  /** The height of the list, in pixels. */
  readonly end: number;
  readonly measure: (element: HTMLElement | null) => void;
}

export function useVirtual({ subject, container, keys, estimate, pinned }: VirtualOptions): Virtual {
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  // A new list begins with what is in sight, and grows step by step: the first picture, and the next key of a search, come first.
  const grown = useRef({ subject, keys, around: 0 });
  const isNew = grown.current.subject !== subject && grown.current.keys !== keys;
  const wanted = keys.length > SHORT ? OVERSCAN : SHORT;
  const around = isNew ? 0 : Math.min(grown.current.around, wanted);
  grown.current = { subject, keys, around };
  /** What is in the document. */
  const drawn = useRef({ first: 0, last: 0, height: 0 });
  useEffect(() => {
    if (around >= wanted) return;
    const { first, last } = drawn.current;
    const isWhole = first === 0 && last === keys.length;
    const grow = () => {
      grown.current.around = isWhole ? wanted : Math.min(around + GROWTH, wanted);
      redraw(undefined);
    };
    const timer = setTimeout(grow, around === 0 ? SETTLES_AFTER : 0);
    return () => clearTimeout(timer);
  }, [keys, subject, around, wanted]);
  const isPrinted = useIsPrinted();
  // Another function makes the virtualizer measure everything again.
  const getItemKey = useCallback((index: number) => keys[index] ?? index, [keys]);
  const [initialRect] = useState(() => ({ width: innerWidth, height: innerHeight }));
  const options = {
    count: keys.length,
    getItemKey,
    estimateSize: estimate,
    getScrollElement: () => window,
    observeElementRect: observeWindowRect,
    observeElementOffset: observeWindowOffset,
    scrollToFn: windowScroll,
    onChange: (list: Virtualizer<Window, HTMLElement>) => {
      const { first, last, height } = drawn.current;
      const { startIndex = 0, endIndex = 0 } = list.range ?? {};
      const margin = OVERSCAN - STEP;
      const isAhead =
        (first === 0 || startIndex - first > margin) && (last === keys.length || last - endIndex > margin);
      if (!list.isScrolling || !isAhead || list.getTotalSize() !== height) redraw(undefined);
    },
    rangeExtractor: ({ startIndex, endIndex, count }: Record<"startIndex" | "endIndex" | "count", number>) => {
      const [first, last] = isPrinted ? [0, count] : [startIndex - around, endIndex + around + 1];
      drawn.current = { ...drawn.current, first: Math.max(0, first), last: Math.min(count, last) };
      const near = new Set(pinned);
      for (let index = drawn.current.first; index < drawn.current.last; index++) near.add(index);
      return [...near].sort((a, b) => a - b);
    },
    initialRect,
  };
  const [virtualizer] = useState(() => new Virtualizer<Window, HTMLElement>(options));
  const margin = useRef(USUAL_TOP);
  virtualizer.setOptions({ ...options, scrollMargin: margin.current });
  // Not at each scroll: looking at the layout is what makes scrolling slow.
  useLayoutEffect(() => {
    const top = topOf(container.current);
    if (top === margin.current) return;
    margin.current = top;
    redraw(undefined);
  }, [keys, container]);
  useLayoutEffect(() => virtualizer._didMount(), [virtualizer]);
  useLayoutEffect(() => virtualizer._willUpdate());
  const { scrollMargin } = virtualizer.options;
  const items = virtualizer
    .getVirtualItems()
    .map((item) => ({ ...item, start: item.start - scrollMargin, end: item.end - scrollMargin }));
  const end = virtualizer.getTotalSize();
  drawn.current = { ...drawn.current, height: end };
  return { items, end, measure: virtualizer.measureElement };
}

/** Whether the page is on its way to paper, which has all rows on it. */
function useIsPrinted(): boolean {
  const [isPrinted, setPrinted] = useState(false);
  useEffect(() => {
    const [begin, end] = [() => setPrinted(true), () => setPrinted(false)];
    addEventListener("beforeprint", begin);
    addEventListener("afterprint", end);
    return () => {
      removeEventListener("beforeprint", begin);
      removeEventListener("afterprint", end);
    };
  }, []);
  return isPrinted;
}

function topOf(element: HTMLElement | null): number {
  return element ? Math.round(element.getBoundingClientRect().top + scrollY) : 0;
}
