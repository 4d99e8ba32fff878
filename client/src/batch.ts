/** What a batch may have, and what a refusal of one says of its items. */
import type { BatchItem, BatchResult } from "./contract.js";
import type { FieldError, ParameterError, Problem, ProblemCode } from "./errors.js";

/** The most items of one batch. */
export const BATCH_ITEMS = 100;
/** The most bytes of one batch: the API's limit, less some room for what encloses the items. */
const BATCH_BYTES = 1_048_576 - 1_024;

/** Says of one item after another whether a batch has room for it. The first one always has room. */
export function roomFor(limit = BATCH_ITEMS): (item: BatchItem) => boolean {
  let items = 0;
  let bytes = 0;
  return (item) => {
    const more = new TextEncoder().encode(JSON.stringify(item)).length + 1;
    if (items > 0 && (items >= limit || bytes + more > BATCH_BYTES)) return false;
    items += 1;
    bytes += more;
    return true;
  };
}

/** What the API said of one item. */
export interface ItemProblem {
  readonly status: number;
  readonly code: ProblemCode | null;
  readonly detail: string;
  /** What exactly is wrong; pointers begin at the item. */
  readonly errors: readonly (FieldError | ParameterError)[];
}

export function problemOf({ status, problem }: BatchResult): ItemProblem {
  const { code = null, detail = `The API answered ${status}.` } = problem ?? {};
  return { status, code, detail, errors: [] };
}

/** The items that a refusal of a whole batch names, by their place. Of a batch of one, it is that one. */
export function namedItems({ status, code, message: detail, errors }: Problem, size: number): Map<number, ItemProblem> {
  const named = new Map<number, ItemProblem>();
  const common = { status, code, detail };
  for (const error of errors) {
    const [, index, rest] = ("pointer" in error && /^\/items\/(\d+)(.*)$/u.exec(error.pointer)) || [];
    if (index === undefined) continue;
    const earlier = named.get(Number(index))?.errors ?? [];
    named.set(Number(index), { ...common, errors: [...earlier, { ...error, pointer: rest ?? "" }] });
  }
  if (named.size === 0 && size === 1) named.set(0, { ...common, errors });
  return named;
}

/** Whether a refusal stays one however often the request is repeated. */
export function isFinal(status: number): boolean {
  return status < 500 ? ![401, 403, 408, 409, 424, 425, 429].includes(status) : status === 507;
}
