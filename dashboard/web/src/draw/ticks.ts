// ticks - where the lines of an axis stand.

import type { Unit } from './format';

const NICE = [1, 2, 2.5, 5, 10];
const HALVES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024];
const PERCENT = [5, 10, 25, 50, 100];

export interface Scale {
  max: number;
  ticks: number[];
}

/** The least round scale from 0 that holds `max` with at most `most` steps. */
export function valueScale(max: number, unit: Unit, most: number): Scale {
  const least = FLOORS[unit];
  const top = Math.max(Number.isFinite(max) ? max : 0, least);
  const step = niceStep(top / Math.max(1, most), unit);
  const count = Math.ceil(top / step - 1e-9);
  return { max: count * step, ticks: range(0, count * step, step) };
}

export interface TwoSided extends Scale {
  min: number; // 0 or below
}

/** The least round scale that holds `up` above 0 and `down` below it, with one step for both. */
export function twoSidedScale(up: number, down: number, unit: Unit, most: number): TwoSided {
  const least = FLOORS[unit] / 2;
  const top = Math.max(up, least);
  const bottom = Math.max(down, least);
  // Ticks at the round numbers of both sides; the smaller side ends where its numbers do.
  const step = niceStep((top + bottom) / Math.max(2, most), unit);
  const max = Math.ceil(top / step - 1e-9) * step;
  const min = -Math.ceil(bottom / step - 1e-9) * step;
  return { min, max, ticks: range(min, max, step) };
}

/** The least round scale that holds [least, most], wherever 0 is. */
export function fittedScale(least: number, most: number, unit: Unit, steps: number): TwoSided {
  const span = most > least ? most - least : Math.max(Math.abs(most) * 0.02, FLOORS[unit] * 0.02);
  const wanted = span / Math.max(1, steps - 1);
  const step = unit.startsWith('bytes') ? niceStep(wanted, unit) : niceDecimal(wanted);
  const min = Math.floor(least / step + 1e-9) * step;
  const max = Math.max(min + step, Math.ceil(most / step - 1e-9) * step);
  return { min, max, ticks: range(min, max, step) };
}

/** Round ticks on a scale whose end is given and need not be round, e.g. all the memory there is. */
export function ticksUpTo(max: number, unit: Unit, most: number): number[] {
  if (!(max > 0)) return [0];
  return range(0, max, niceStep(max / Math.max(1, most), unit));
}

/** A scale never shows less than this, so that noise near zero stays small. */
const FLOORS: Record<Unit, number> = {
  percent: 5,
  bytes: 1024,
  bytes_per_second: 1024,
  bits_per_second: 1000,
  load: 1,
  count: 2,
  per_second: 10,
  seconds: 0.001,
  celsius: 40,
  rpm: 1000,
  hertz: 1e9,
};

function niceStep(least: number, unit: Unit): number {
  if (unit === 'percent') return PERCENT.find((s) => s >= least - 1e-9) ?? niceDecimal(least);
  if (unit !== 'bytes' && unit !== 'bytes_per_second') return niceDecimal(least, unit === 'count');
  const power = 1024 ** Math.max(0, Math.floor(Math.log(Math.max(1, least)) / Math.log(1024)));
  return power * (HALVES.find((s) => s * power >= least - 1e-9) ?? 1024);
}

function niceDecimal(least: number, whole = false): number {
  const power = Math.max(10 ** Math.floor(Math.log10(least)), whole ? 1 : 0);
  const fits = (s: number) => s * power >= least * (1 - 1e-9) && (!whole || Number.isInteger(s * power));
  return power * (NICE.find(fits) ?? 10);
}

function range(from: number, to: number, step: number): number[] {
  const out: number[] = [];
  for (let i = 0; from + i * step <= to * (1 + 1e-9); i++) out.push(from + i * step);
  return out;
}

const HOUR_S = 3600;
const DAY_S = 24 * HOUR_S;
const TIME_STEPS_S = [
  ...[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800],
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_S),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].map((days) => days * DAY_S),
];

export interface TimeTicks {
  at: number[]; // ms
  withSeconds: boolean;
}

/**
 * Ticks of time within [from, to] ms on `width` pixels, none closer than `apart` pixels. Hours and days
 * begin where clocks that are `ahead` ms of UTC say so.
 */
export function timeTicks(from: number, to: number, width: number, apart: number, ahead = 0): TimeTicks {
  const most = Math.max(1, Math.floor(width / apart));
  const least = (to - from) / 1000 / most;
  const seconds = TIME_STEPS_S.find((s) => s >= least) ?? TIME_STEPS_S.at(-1)!;
  const step = seconds * 1000;
  const at: number[] = [];
  for (let t = Math.ceil((from + ahead) / step) * step - ahead; t <= to; t += step) at.push(t);
  return { at, withSeconds: seconds < 60 };
}

const SHRINK_AFTER_MS = 5000;

/** The top of an axis that grows at once and shrinks only after five seconds, so axes do not dance. */
export class StickyMax {
  private shown = 0;
  private smallerSince = NaN;

  /** The top to draw, given the one that would fit now. */
  update(max: number, now: number): number {
    if (max >= this.shown) {
      this.shown = max;
      this.smallerSince = NaN;
    } else if (Number.isNaN(this.smallerSince)) {
      this.smallerSince = now;
    } else if (now - this.smallerSince >= SHRINK_AFTER_MS) {
      this.shown = max;
      this.smallerSince = NaN;
    }
    return this.shown;
  }
}
