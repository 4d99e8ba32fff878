/** What replaces the list: loading, empty, or an error. */
import type { JSX } from "preact";
import { t } from "../text";
import { Check, Cloud, Search, Stack, Sun } from "../ui/icons";
import type { TaskQuery } from "./query";

const WIDTHS = [62, 44, 71, 38, 55, 48];

export function Skeleton() {
  return (
    <div class="skeleton">
      <p class="visually-hidden">{t().loading}</p>
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
  const words = t();
  const { list, tag, priority } = query;
  if (list === "search") {
    return (
      <State Icon={Search} title={words.nothingFound} text={query.text === "" ? words.searchHint : words.searchEmpty} />
    );
  }
  if (tag !== null || priority !== null) {
    return (
      <State
        Icon={Search}
        title={words.nothingMatches}
        text={tag === null ? words.noneWithPriority : words.noneWithTag(tag, priority !== null)}
      >
        <button type="button" class="button" onClick={onClear}>
          {words.clearFilters}
        </button>
      </State>
    );
  }
  const { title, text } = words.empty[list];
  return <State Icon={list === "completed" ? Check : list === "all" ? Stack : Sun} title={title} text={text} />;
}

export function Unreadable({ why, onRetry }: { readonly why: string; readonly onRetry: () => void }) {
  const words = t();
  return (
    <div role="alert">
      <State Icon={Cloud} title={words.unreadable} text={`${why} ${words.nothingIsLost}`}>
        <button type="button" class="button button-primary" onClick={onRetry}>
          {words.tryAgain}
        </button>
      </State>
    </div>
  );
}

interface StateProps {
  readonly Icon: () => JSX.Element;
  readonly title: string;
  readonly text: string;
  readonly children?: JSX.Element;
}

function State({ Icon, title, text, children }: StateProps) {
  return (
    <div class="state">
      <span class="state-icon">
        <Icon />
      </span>
      <h2>{title}</h2>
      <p>{text}</p>
      {children}
    </div>
  );
}
