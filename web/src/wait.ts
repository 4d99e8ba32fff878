/** @param milliseconds how long it takes until the promise is fulfilled */
export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
