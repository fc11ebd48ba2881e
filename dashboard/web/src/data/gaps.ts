// gaps - where nothing was sampled, and how to hand that to a chart.
//
// Rule: two neighbouring samples further apart than 1.5 steps have a gap between them, whether rows
//       are left out or hold no value. It follows from the known interval; nobody sets it.

export interface Gap {
  from: number; // ms, the last sample before
  to: number; // ms, the first sample after, or the present where none has come
  open: boolean; // it still lasts
}

const TOLERANCE = 1.5;

/** Gaps of one column within [from, to], oldest first. Ahead of the first sample there is no gap. */
export function findGaps(
  times: ArrayLike<number>,
  values: ArrayLike<number>,
  step: number,
  from: number,
  to: number,
): Gap[] {
  const gaps: Gap[] = [];
  let last = NaN;
  for (let i = 0; i < times.length && times[i] <= to; i++) {
    if (Number.isNaN(values[i])) continue;
    if (times[i] - last > TOLERANCE * step && times[i] > from) {
      gaps.push({ from: last, to: times[i], open: false });
    }
    last = times[i];
  }
  const after = nextSample(times, values, to);
  const end = Number.isNaN(after) ? to : after;
  if (end - last > TOLERANCE * step && to > last) {
    gaps.push({ from: last, to: end, open: Number.isNaN(after) });
  }
  return gaps;
}

function nextSample(times: ArrayLike<number>, values: ArrayLike<number>, after: number): number {
  for (let i = times.length - 1, found = NaN; ; i--) {
    if (i < 0 || times[i] <= after) return found;
    if (!Number.isNaN(values[i])) found = times[i];
  }
}

export function gapAt(gaps: readonly Gap[], t: number): Gap | undefined {
  return gaps.find((g) => t > g.from && (t < g.to || g.open));
}

/** First and one past the last row within [from, to], widened by a row so that lines reach the edge. */
export function rowsWithin(times: ArrayLike<number>, from: number, to: number): [number, number] {
  const first = lowerBound(times, from);
  const end = lowerBound(times, to + 1);
  return [Math.max(0, first - 1), Math.min(times.length, end + 1)];
}

/** The row nearest to t, -1 where there are none. */
export function nearestRow(times: ArrayLike<number>, t: number): number {
  const at = lowerBound(times, t);
  if (at === times.length) return at - 1;
  return at > 0 && t - times[at - 1] <= times[at] - t ? at - 1 : at;
}

/** The first row at or after t. */
export function lowerBound(times: ArrayLike<number>, t: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle] < t) low = middle + 1;
    else high = middle;
  }
  return low;
}

export type Plot = (ArrayLike<number> | (number | null)[])[];

/**
 * Times and columns of rows [from, end) as uPlot wants them. Without a hole these are the views as
 * they are. uPlot takes only null for a gap, not NaN, so with one they are copied: NaN becomes null,
 * and a hole in time gets a row of nulls in its middle.
 */
export function plotRows(
  times: Float64Array,
  columns: readonly Float64Array[],
  from: number,
  end: number,
  step: number,
): Plot {
  if (isWhole(times, columns, from, end, step)) {
    return [times, ...columns].map((c) => c.subarray(from, end));
  }
  const out: (number | null)[][] = Array.from({ length: columns.length + 1 }, () => []);
  for (let i = from; i < end; i++) {
    if (i > from && times[i] - times[i - 1] > TOLERANCE * step) {
      out.forEach((list, c) => list.push(c === 0 ? (times[i] + times[i - 1]) / 2 : null));
    }
    out[0].push(times[i]);
    columns.forEach((c, at) => out[at + 1].push(Number.isNaN(c[i]) ? null : c[i]));
  }
  return out;
}

function isWhole(
  times: Float64Array,
  columns: readonly Float64Array[],
  from: number,
  end: number,
  step: number,
): boolean {
  for (let i = from; i < end; i++) {
    if (i > from && times[i] - times[i - 1] > TOLERANCE * step) return false;
    for (const c of columns) if (Number.isNaN(c[i])) return false;
  }
  return true;
}

/** Stretches [first, end) of rows that follow one another without a gap and all have a value. */
export function gapless(
  times: ArrayLike<number>,
  values: ArrayLike<number>,
  step: number,
  from: number,
  end: number,
): [number, number][] {
  const out: [number, number][] = [];
  let first = -1;
  for (let i = from; i <= end; i++) {
    const broken = i === end || Number.isNaN(values[i]) || (first >= 0 && times[i] - times[i - 1] > TOLERANCE * step);
    if (broken && first >= 0) {
      out.push([first, i]);
      first = -1;
    }
    if (i < end && first < 0 && !Number.isNaN(values[i])) first = i;
  }
  return out;
}
