// stack - running sums, so that areas lie on top of one another.

/** Sums of the first 1, 2, ... values. From a missing value on the height is unknown, so NaN. */
export function runningSums(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((v) => (sum += v));
}
