// value_axis - the scale of what a chart shows: round, sticky, and two-sided where it must be.

import type { Unit } from './format';
import { fittedScale, StickyMax, ticksUpTo, twoSidedScale, valueScale, type TwoSided } from './ticks';

export interface Side {
  values: ArrayLike<number>;
  down: boolean; // drawn below the axis
}

export interface Sight {
  first: number; // rows [first, end) are in sight
  end: number;
  max: number | undefined; // the top, where it is known
  height: number; // css pixels of the chart
  fitted: boolean; // need not begin at 0
}

const APART = 48; // css pixels between two ticks, at least
const STEPS_MOST = 6; // more lines than that would be a fence
const APART_OF_TWO = 44; // on a scale with two sides, which has half the room for each

export class ValueAxis {
  ticks: number[] = [];
  private readonly top = new StickyMax();
  private readonly bottom = new StickyMax();

  constructor(
    private readonly unit: Unit,
    private readonly twoSided: boolean,
  ) {}

  /** The range to show, and its ticks, given all that is drawn. */
  update(sides: readonly Side[], { first, end, max, height, fitted }: Sight): { min: number; max: number } {
    const { unit } = this;
    const steps = Math.min(STEPS_MOST, Math.max(2, Math.floor(height / APART)));
    if (fitted) {
      const { ticks, ...shown } = fit(sides, first, end, unit, steps);
      this.ticks = ticks;
      return shown;
    }
    if (max !== undefined && max > 0) {
      this.ticks = ticksUpTo(max, unit, steps);
      return { min: 0, max };
    }
    const [above, below] = extremes(sides, first, end);
    const now = performance.now();
    if (below === 0 && !this.twoSided) {
      const top = this.top.update(valueScale(above, unit, steps).max, now);
      this.ticks = valueScale(top, unit, steps).ticks;
      return { min: 0, max: top };
    }
    const both = Math.min(STEPS_MOST, Math.max(4, Math.floor(height / APART_OF_TWO)));
    const wanted = twoSidedScale(above, below, unit, both);
    const top = this.top.update(wanted.max, now);
    const bottom = this.bottom.update(-wanted.min, now);
    const { ticks, ...shown } = twoSidedScale(top, bottom, unit, both);
    this.ticks = ticks;
    return shown;
  }
}

/** How far it goes above the axis and below it, both at least 0. */
function extremes(sides: readonly Side[], first: number, end: number): [number, number] {
  const most: [number, number] = [0, 0];
  for (const { values, down } of sides) {
    const side = down ? 1 : 0;
    for (let i = first; i < end; i++) {
      if (values[i] > most[side]) most[side] = values[i];
      else if (-values[i] > most[1 - side]) most[1 - side] = -values[i];
    }
  }
  return most;
}

function fit(sides: readonly Side[], first: number, end: number, unit: Unit, steps: number): TwoSided {
  let [least, most] = [Infinity, -Infinity];
  for (const { values } of sides) {
    for (let i = first; i < end; i++) {
      if (values[i] < least) least = values[i];
      if (values[i] > most) most = values[i];
    }
  }
  return most >= least ? fittedScale(least, most, unit, steps) : fittedScale(0, 1, unit, steps);
}

/** The newest value, undefined where there is none. */
export function lastOf(column: Float64Array | undefined): number | undefined {
  for (let i = (column?.length ?? 0) - 1; i >= 0; i--) if (!Number.isNaN(column![i])) return column![i];
  return undefined;
}
