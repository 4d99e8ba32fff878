import { useSignal } from "@preact/signals";
import { useEffect, useId, useRef } from "preact/hooks";
import { t } from "../text";
import { announce } from "../ui/announcer";
import { Close } from "../ui/icons";
import { addTag } from "./quick-add";
import { LIMITS } from "./task";

interface TagsFieldProps {
  readonly tags: readonly string[];
  readonly known: readonly string[];
  readonly onChange: (tags: string[]) => void;
}

/** Removable tags, and a box for the next one, which Enter or a comma adds. */
export function TagsField({ tags, known, onChange }: TagsFieldProps) {
  const id = useId();
  const text = useSignal("");
  const box = useRef<HTMLInputElement>(null);

  const take = () => {
    const all = [...tags];
    for (const part of text.value.split(",")) {
      const tag = part.trim().replace(/^#/u, "");
      if (tag !== "") addTag(all, tag);
    }
    text.value = "";
    const added = all.slice(tags.length);
    if (added.length === 0) return;
    onChange(all);
    announce(t().tagAdded(added.join(", ")));
  };
  // Also when the page goes away.
  useEffect(() => {
    addEventListener("pagehide", take);
    return () => removeEventListener("pagehide", take);
  });
  const remove = (tag: string) => {
    onChange(tags.filter((other) => other !== tag));
    announce(t().tagRemoved(tag));
    box.current?.focus();
  };

  return (
    <div class="tags-field">
      {tags.map((tag) => (
        <span key={tag} class="tag-chip">
          {tag}
          <button type="button" aria-label={t().removeTag(tag)} onClick={() => remove(tag)}>
            <Close />
          </button>
        </span>
      ))}
      <label class="visually-hidden" for={`${id}-tag`}>
        {t().addATag}
      </label>
      <input
        ref={box}
        id={`${id}-tag`}
        class="bare"
        list={`${id}-known`}
        maxLength={LIMITS.tag}
        placeholder={tags.length === 0 ? t().addATag : ""}
        value={text.value}
        onInput={(event) => {
          text.value = event.currentTarget.value;
          if (text.value.includes(",")) take();
        }}
        onBlur={take}
        onKeyDown={(event) => {
          const last = tags.at(-1);
          if (event.key === "Enter" && !event.ctrlKey && !event.metaKey && text.value.trim() !== "") {
            event.preventDefault();
            take();
          } else if (event.key === "Escape") take();
          else if (event.key === "Backspace" && text.value === "" && last !== undefined) {
            remove(last);
          }
        }}
      />
      <datalist id={`${id}-known`}>
        {known
          .filter((tag) => !tags.includes(tag))
          .map((tag) => (
            <option key={tag} value={tag} />
          ))}
      </datalist>
    </div>
  );
}
