import { useSignal } from "@preact/signals";
import { useEffect, useId, useLayoutEffect, useRef } from "preact/hooks";
import { t } from "../text";
import { onCloseRequest } from "../ui/close-request";
import type { Draft } from "./drafts";
import { DueField } from "./due-field";
import { PriorityField } from "./priority-field";
import { RepeatField } from "./repeat-field";
import { Subtasks } from "./subtasks";
import { TagsField } from "./tags-field";
import { LIMITS, type TaskContent } from "./task";
import type { Workbench } from "./workbench";

/** The form of a task, in its own place in the list. What is typed is kept as a draft until it is saved or cancelled. */
export function TaskEditor({ bench, opened }: { readonly bench: Workbench; readonly opened: Draft }) {
  const words = t();
  const id = useId();
  const title = useRef<HTMLInputElement>(null);
  const problem = useSignal("");
  const { form, actions } = bench;
  const { seen, draft } = opened;
  const isGone = !bench.tasks.snapshot.value.tasks.has(seen.id);
  // Before the next key: what is typed at once belongs into the title.
  useLayoutEffect(() => {
    title.current?.focus({ preventScroll: true });
    title.current?.select();
    title.current?.form?.scrollIntoView({ block: "nearest" });
  }, []);

  // As a dialog does: on a phone, Back asks for it.
  useEffect(() => onCloseRequest(() => form.close()), [form]);

  const change = (content: Partial<TaskContent>) => {
    problem.value = "";
    form.type(content);
  };
  const save = (event: Event) => {
    event.preventDefault();
    const trimmed = draft.title.trim();
    if (trimmed === "" || [...trimmed].length > LIMITS.title) {
      problem.value = trimmed === "" ? words.titleNeeded : words.titleTooLong(LIMITS.title);
      title.current?.focus();
      return;
    }
    if (trimmed !== draft.title) form.type({ title: trimmed });
    void actions.save();
  };

  return (
    <form
      class="editor"
      aria-label={words.editTask(seen.title)}
      onSubmit={save}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.preventDefault();
          form.close();
        } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) event.currentTarget.requestSubmit();
      }}
    >
      <label class="visually-hidden" for={`${id}-title`}>
        {words.title}
      </label>
      <input
        ref={title}
        id={`${id}-title`}
        class="bare editor-title"
        dir="auto"
        autocomplete="off"
        aria-describedby={`${id}-problem`}
        value={draft.title}
        onInput={(event) => change({ title: event.currentTarget.value })}
      />
      <p id={`${id}-problem`} class="form-problem" role="alert">
        {problem.value || (isGone && words.deletedSaveAgain)}
      </p>
      <label class="visually-hidden" for={`${id}-notes`}>
        {words.notes}
      </label>
      <textarea
        id={`${id}-notes`}
        class="editor-notes"
        dir="auto"
        rows={3}
        maxLength={LIMITS.description}
        placeholder={words.notes}
        value={draft.description ?? ""}
        onInput={(event) => change({ description: event.currentTarget.value || null })}
      />
      <div class="editor-fields">
        <div class="editor-field">
          <span class="editor-label" aria-hidden="true">
            {words.due}
          </span>
          <DueField due={draft.due} onChange={(due) => change(due === null ? { due, recurrence: null } : { due })} />
        </div>
        {/* Subtasks recur with their parent. */}
        {!seen.parent_id && (
          <div class="editor-field">
            <span class="editor-label" aria-hidden="true">
              {words.repeat}
            </span>
            <RepeatField task={draft} onChange={change} />
          </div>
        )}
        <div class="editor-field">
          <span class="editor-label" aria-hidden="true">
            {words.priority}
          </span>
          <PriorityField priority={draft.priority} onChange={(priority) => change({ priority })} />
        </div>
        <div class="editor-field">
          <span class="editor-label" aria-hidden="true">
            {words.tags}
          </span>
          <TagsField tags={draft.tags} known={bench.knownTags.value} onChange={(tags) => change({ tags })} />
        </div>
      </div>
      {!seen.parent_id && !isGone && <Subtasks bench={bench} task={seen} />}
      <div class="editor-actions">
        <button type="submit" class="button button-primary">
          {words.save}
        </button>
        {/* A subtask that is being typed would be added if it lost the focus. */}
        <button
          type="button"
          class="button"
          onMouseDown={(event) => {
            if (document.activeElement?.closest(".subtasks")) event.preventDefault();
          }}
          onClick={() => actions.cancel()}
        >
          {words.cancel}
        </button>
      </div>
    </form>
  );
}
