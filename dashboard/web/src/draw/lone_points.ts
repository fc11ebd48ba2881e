// lone_points - samples that have a gap on both sides.

import type uPlot from 'uplot';

/** Indexes of them, null where there are none: a line cannot show them, so they get a point. */
export function lonePoints(u: uPlot, at: number): number[] | null {
  const values = u.data[at];
  const lone: number[] = [];
  const [from, to] = u.series[0].idxs ?? [0, values.length - 1];
  for (let i = from; i <= to; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) lone.push(i);
  }
  return lone;
}
