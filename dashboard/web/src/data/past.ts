// past - rows that were asked for, of a stretch of time that the live rows do not reach.
//
// In:   one answer of history, then the live rows as they come.
// Out:  the same as a store gives: times, columns, running sums; and where the rows are buckets, the
//       least and the most of each beside its mean (lowId, highId).
// Rule: bucket edges are multiples of the step, as the server cuts them, so buckets that end after
//       the answer are made here from live rows and are the same. A bucket's time is its middle.

import type { Hist } from '../net/protocol';
import { lowerBound } from './gaps';
import { runningSums } from './stack';
import { stackId } from './store';

/** Rows by time, as charts want them: the live ones or those of the past. */
export interface Table {
  readonly revision: number; // grows with each change
  readonly count: number;
  readonly oldest: number; // ms, NaN: empty
  readonly newest: number;
  has(id: string): boolean;
  times(): Float64Array;
  column(id: string): Float64Array | undefined;
}

export const lowId = (id: string): string => `<${id}`;
export const highId = (id: string): string => `>${id}`;

export interface Asked {
  from: number; // ms
  to: number;
  ids: readonly string[];
}

const SPARE = 1024; // rows for what comes after the answer; then the oldest make room

export class Past implements Table {
  readonly step: number; // ms between rows
  readonly coarse: boolean; // rows are buckets
  revision = 0;
  /** Rows are here from this time on, if there are any; ms. */
  from: number;
  private held: number;
  private room: number;
  private stamps: Float64Array;
  private values = new Map<string, Float64Array>();
  private none: Float64Array; // of a column that was not asked for
  private readonly half: number; // from a bucket's start to its middle
  private ids: string[];
  private followed = -1; // revision of the live rows

  constructor(
    answer: Hist,
    readonly asked: Asked,
    private readonly live: Table,
    private readonly stacks: readonly (readonly string[])[],
    rawStep: number,
  ) {
    this.from = asked.from;
    this.step = answer.step;
    this.coarse = answer.min !== undefined;
    this.half = this.coarse ? (answer.step - rawStep) / 2 : 0;
    this.held = answer.t.length;
    this.room = this.held + SPARE;
    this.ids = answer.c;
    this.stamps = this.filled(answer.t.map((t) => answer.t0 + t + this.half));
    this.none = this.filled([]);
    answer.c.forEach((id, c) => {
      this.values.set(id, this.filled(answer.avg[c]));
      if (answer.min !== undefined) this.values.set(lowId(id), this.filled(answer.min[c]));
      if (answer.max !== undefined) this.values.set(highId(id), this.filled(answer.max[c]));
    });
    for (const [base, id] of this.sums()) this.values.set(stackId(base, id), this.filled([]));
    this.sumRows(0);
  }

  get count(): number {
    return this.held;
  }

  get oldest(): number {
    return this.held === 0 ? NaN : this.stamps[0];
  }

  get newest(): number {
    return this.held === 0 ? NaN : this.stamps[this.held - 1];
  }

  has(id: string): boolean {
    return this.live.has(id) || this.values.has(id);
  }

  times(): Float64Array {
    return this.stamps.subarray(0, this.held);
  }

  column(id: string): Float64Array | undefined {
    const own = this.values.get(id) ?? (this.live.has(id) ? this.none : undefined);
    return own?.subarray(0, this.held);
  }

  /** Takes in the live rows that are later than what is here. */
  follow(): void {
    if (this.live.revision === this.followed) return;
    this.followed = this.live.revision;
    const before = this.held;
    if (this.coarse) this.followBuckets();
    else this.followRows();
    this.sumRows(Math.max(0, Math.min(before, this.held) - 1));
    this.revision++;
  }

  private followRows(): void {
    const times = this.live.times();
    const after = this.held === 0 ? this.from : this.newest + 1;
    for (let i = lowerBound(times, after); i < times.length; i++) this.put(times[i], i, i + 1);
  }

  private followBuckets(): void {
    const times = this.live.times();
    const last = this.held === 0 ? this.from : this.newest - this.half;
    for (let i = lowerBound(times, last); i < times.length; ) {
      const start = times[i] - (times[i] % this.step);
      const end = lowerBound(times, start + this.step);
      // Of a bucket whose first rows are not live any more the answer knows better.
      const whole = i > 0 || times[0] === start;
      if (whole || start > last) this.put(start + this.half, i, end);
      i = end;
    }
  }

  /** Row `t` from live rows [first, end): written over where it is the last one here. */
  private put(t: number, first: number, end: number): void {
    if (this.held === 0 || this.stamps[this.held - 1] < t) this.claim(t);
    const at = this.held - 1;
    for (const id of this.ids) {
      const { mean, least, most } = fold(this.live.column(id), first, end);
      this.values.get(id)![at] = mean;
      if (!this.coarse) continue;
      this.values.get(lowId(id))![at] = least;
      this.values.get(highId(id))![at] = most;
    }
  }

  private claim(t: number): void {
    if (this.held === this.room) {
      const gone = Math.min(SPARE, this.held);
      for (const column of [this.stamps, ...this.values.values()]) column.copyWithin(0, gone, this.held);
      this.held -= gone;
      this.from = this.stamps[0];
    }
    this.stamps[this.held++] = t;
  }

  private filled(values: readonly (number | null)[]): Float64Array {
    const column = new Float64Array(this.room).fill(NaN);
    for (let i = 0; i < values.length; i++) column[i] = values[i] ?? NaN;
    return column;
  }

  private *sums(): Iterable<[string, string]> {
    for (const parts of this.stacks) for (const id of parts) if (this.values.has(id)) yield [parts[0], id];
  }

  private sumRows(from: number): void {
    for (const parts of this.stacks) {
      const here = parts.filter((id) => this.values.has(id));
      const columns = here.map((id) => this.values.get(id)!);
      const sums = here.map((id) => this.values.get(stackId(parts[0], id))!);
      for (let i = from; i < this.held; i++) {
        runningSums(columns.map((c) => c[i])).forEach((sum, c) => (sums[c][i] = sum));
      }
    }
  }
}

function fold(column: Float64Array | undefined, first: number, end: number) {
  let sum = 0;
  let n = 0;
  let least = Infinity;
  let most = -Infinity;
  for (let i = first; i < end; i++) {
    const v = column?.[i] ?? NaN;
    if (Number.isNaN(v)) continue;
    sum += v;
    n++;
    least = Math.min(least, v);
    most = Math.max(most, v);
  }
  return n === 0 ? { mean: NaN, least: NaN, most: NaN } : { mean: sum / n, least, most };
}
