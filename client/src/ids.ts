/** Ids for tasks that are made here: UUIDs of version 7 (RFC 9562), as the API wants them. They sort by when they were made. */

let last = 0;
let counter = 0;

/**
 * A new id. Ids made in one millisecond sort in the order of the calls, by a counter in `rand_a` (RFC 9562 §6.2, method 1).
 * A clock that goes back does not take the ids with it.
 */
export function newTaskId(now: number = Date.now()): string {
  // Its last two groups are random, and have the variant already.
  const random = crypto.randomUUID();
  if (now > last) {
    last = now;
    // Half of the counter is left to count in.
    counter = Number.parseInt(random.slice(0, 3), 16) >> 1;
  } else if (++counter > 0xfff) {
    last += 1;
    counter = 0;
  }
  const time = last.toString(16).padStart(12, "0");
  const sequence = counter.toString(16).padStart(3, "0");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${sequence}-${random.slice(19)}`;
}
