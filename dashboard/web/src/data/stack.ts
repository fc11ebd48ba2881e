// stack - running sums, so that areas lie on top of one another.

/** Sums of the first 1, 2, ... values. From a missing value on the height is unknown, so NaN. */
export function runningSums(values: readonly number[]): number[] {
  let sum = 0;
  return values.map((v) => (sum += v));
}

/** What a layer alone is worth, given the heights of it and of the one below. */
export function layerOf(sum: number, below: number | undefined): number {
  return below === undefined ? sum : sum - below;
}
