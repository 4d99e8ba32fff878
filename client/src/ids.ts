/** Ids for tasks that are made here: UUIDs of version 7 (RFC 9562), as the API wants them. They sort by when they were made. */

let last = 0;
let counter = 0;

/**
 * A new id. Ids made in one millisecond sort in the order of the calls, by a counter in `rand_a` (RFC 9562 §6.2, method 1).
 * A clock that goes back does not take the ids with it.
 */
export function newTaskId(now: number = Date.now()): string {
  const random = crypto.getRandomValues(new Uint8Array(10));
  if (now > last) {
    last = now;
    // Half of the counter is left to count in.
    counter = (((random[0] ?? 0) << 8) | (random[1] ?? 0)) & 0x7ff;
  } else if (++counter > 0xfff) {
    last += 1;
    counter = 0;
  }
  const time = last.toString(16).padStart(12, "0");
  const tail = [...random.subarray(2)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const variant = (0x8 | (Number.parseInt(tail.charAt(0), 16) & 0x3)).toString(16);
  const sequence = counter.toString(16).padStart(3, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence}-${variant}${tail.slice(1, 4)}-${tail.slice(4)}`;
}
