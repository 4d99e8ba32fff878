/** What replaces the list: loading, empty, or an error. */
import type { TaskQuery } from "./query";

const WIDTHS = [62, 44, 71, 38, 55, 48];

export function Skeleton() {
  return (
    <div class="skeleton">
      <p class="visually-hidden">Loading tasks…</p>
      <div class="skeleton-heading" />
      {WIDTHS.map((width) => (
        <div key={width} class="skeleton-row">
          <span class="skeleton-check" />
          <span class="skeleton-text" style={{ inlineSize: `${width}%` }} />
        </div>
      ))}
    </div>
  );
}

export function Empty({ query, onClear }: { readonly query: TaskQuery; readonly onClear: () => void }) {
  if (query.tag !== null || query.priority !== null) {
    return (
      <div class="state">
        <Horizon />
        <h2>Nothing matches</h2>
        <p>No task here has {query.tag === null ? "this priority" : `the tag “${query.tag}”`}.</p>
        <button type="button" class="button" onClick={onClear}>
          Clear filters
        </button>
      </div>
    );
  }
  const [title, text] = EMPTY[query.status];
  return (
    <div class="state">
      <Horizon />
      <h2>{title}</h2>
      <p>{text}</p>
    </div>
  );
}

const EMPTY: Readonly<Record<TaskQuery["status"], readonly [string, string]>> = {
  open: ["All clear", "Nothing to do. Type a task above and press Enter."],
  completed: ["Nothing completed yet", "Tasks that you complete appear here."],
  all: ["No tasks yet", "Type your first one above and press Enter."],
};

export function Unreadable({ why, onRetry }: { readonly why: string; readonly onRetry: () => void }) {
  return (
    <div class="state" role="alert">
      <Horizon />
      <h2>Your tasks can’t be shown</h2>
      <p>{why} Nothing is lost.</p>
      <button type="button" class="button button-primary" onClick={onRetry}>
        Try again
      </button>
    </div>
  );
}

function Horizon() {
  return (
    <svg class="horizon" viewBox="0 0 160 80" aria-hidden="true" focusable="false">
      <circle class="scene-sun" cx="80" cy="52" r="22" />
      <path class="scene-far" d="M0 62c26-14 52-8 76-1s54-12 84-6v25H0z" />
      <path class="scene-near" d="M0 72c32-12 60-4 86 0s52 2 74-6v14H0z" />
    </svg>
  );
}
