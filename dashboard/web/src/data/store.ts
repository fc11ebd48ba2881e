// store - the last minutes of one host: rows by time, one column of doubles per number.
//
// In:   rows as they come, and blocks of the past that may overlap what is here.
// Out:  contiguous views of any run of rows, without a copy.
// Rule: times rise and none is there twice; the row that came first stands, and only fills what it
//       lacked. NaN is "no sample". A row is never invented: a hole in time is a hole between rows.
//
// A column is a ring written twice, at i and at i + N, so rows [start, start + count) are always one
// run of memory. Stacked columns are running sums of others, kept here so that a redraw adds nothing.

import { runningSums } from './stack';

export interface Rows {
  ids: readonly string[];
  times: ArrayLike<number>;
  columns: readonly ArrayLike<number | null>[];
}

interface Stack {
  parts: string[];
  sums: string[];
}

export class Store {
  /** Grows with each change, so that a reader can tell whether it has seen the present state. */
  revision = 0;
  private start = 0;
  private held = 0;
  private stamps: Float64Array;
  private rings = new Map<string, Float64Array>();
  private stacks: Stack[] = [];

  constructor(readonly capacity: number) {
    this.stamps = new Float64Array(2 * capacity);
  }

  get count(): number {
    return this.held;
  }

  /** Stamp of the newest row in ms, NaN where there is none. */
  get newest(): number {
    return this.held === 0 ? NaN : this.stamps[this.start + this.held - 1];
  }

  get oldest(): number {
    return this.held === 0 ? NaN : this.stamps[this.start];
  }

  has(id: string): boolean {
    return this.rings.has(id);
  }

  ids(): string[] {
    return [...this.rings.keys()].filter((id) => !id.startsWith('+'));
  }

  /** All stamps, oldest first. A view: valid until the next change. */
  times(): Float64Array {
    return this.stamps.subarray(this.start, this.start + this.held);
  }

  /** All values of a column, beside times(). A column that is not here is undefined. */
  column(id: string): Float64Array | undefined {
    return this.rings.get(id)?.subarray(this.start, this.start + this.held);
  }

  /** The set of columns from now on. New ones are empty in the rows that are here; others go. */
  setColumns(ids: readonly string[]): void {
    const kept = new Map<string, Float64Array>();
    for (const id of ids) kept.set(id, this.rings.get(id) ?? this.emptyRing());
    this.rings = kept;
    const wanted = this.stacks.map((s) => s.parts);
    this.stacks = [];
    for (const parts of wanted) this.addStack(parts);
    this.revision++;
  }

  /** Keeps running sums of `parts`, lowest first; their columns are named by stackId. */
  addStack(parts: readonly string[]): void {
    const here = parts.filter((id) => this.rings.has(id));
    const sums = here.map((id) => stackId(parts[0], id));
    for (const id of sums) if (!this.rings.has(id)) this.rings.set(id, this.emptyRing());
    const stack = { parts: [...parts], sums };
    this.stacks = this.stacks.filter((s) => s.parts[0] !== parts[0]).concat(stack);
    this.fillStack(stack);
    this.revision++;
  }

  /** One row. False if its time was here already: then it is dropped, except for what it fills. */
  append(ids: readonly string[], t: number, values: readonly (number | null)[]): boolean {
    if (!(t > this.newest) && this.held > 0) {
      const before = this.held;
      this.merge({ ids, times: [t], columns: values.map((v) => [v]) });
      return this.held > before;
    }
    const at = this.claim(t);
    for (const ring of this.rings.values()) ring[at] = ring[at + this.capacity] = NaN;
    ids.forEach((id, i) => {
      const ring = this.rings.get(id);
      if (ring !== undefined) ring[at] = ring[at + this.capacity] = values[i] ?? NaN;
    });
    for (const stack of this.stacks) this.sumRow(stack, at);
    this.revision++;
    return true;
  }

  /** Rows of the past, their times rising. What is already here stands; gaps of it are filled. */
  merge(rows: Rows): void {
    const mine = this.times().slice();
    const order = mergeOrder(mine, rows.times, this.capacity);
    const theirs = new Map(rows.ids.map((id, i) => [id, rows.columns[i]]));
    for (const [id, ring] of this.rings) {
      const old = ring.slice(this.start, this.start + this.held);
      const incoming = theirs.get(id);
      order.forEach(({ here, there }, at) => {
        const own = here < 0 ? NaN : old[here];
        const value = Number.isNaN(own) && there >= 0 ? (incoming?.[there] ?? NaN) : own;
        ring[at] = ring[at + this.capacity] = value;
      });
    }
    order.forEach(({ here, there }, at) => {
      this.stamps[at] = this.stamps[at + this.capacity] = here < 0 ? rows.times[there] : mine[here];
    });
    this.start = 0;
    this.held = order.length;
    for (const stack of this.stacks) this.fillStack(stack);
    this.revision++;
  }

  private emptyRing(): Float64Array {
    return new Float64Array(2 * this.capacity).fill(NaN);
  }

  /** Makes room for a row at time t and gives its place in the first half. */
  private claim(t: number): number {
    let at: number;
    if (this.held === this.capacity) {
      at = this.start;
      this.start = (this.start + 1) % this.capacity;
    } else {
      at = (this.start + this.held) % this.capacity;
      this.held++;
    }
    this.stamps[at] = this.stamps[at + this.capacity] = t;
    return at;
  }

  private sumRow(stack: Stack, at: number): void {
    const sums = runningSums(this.present(stack).map((id) => this.rings.get(id)![at]));
    stack.sums.forEach((id, i) => {
      const ring = this.rings.get(id)!;
      ring[at] = ring[at + this.capacity] = sums[i];
    });
  }

  private fillStack(stack: Stack): void {
    for (let i = 0; i < this.held; i++) this.sumRow(stack, (this.start + i) % this.capacity);
  }

  private present(stack: Stack): string[] {
    return stack.parts.filter((id) => this.rings.has(id));
  }
}

/** Name of the running sum up to `id` in the stack whose lowest part is `base`. */
export function stackId(base: string, id: string): string {
  return `+${base}:${id}`;
}

interface Place {
  here: number; // row of ours, -1: none
  there: number; // row of theirs, -1: none
}

/** The newest `limit` rows of two rising lists as one rising list without doubles. */
function mergeOrder(mine: ArrayLike<number>, theirs: ArrayLike<number>, limit: number): Place[] {
  const order: Place[] = [];
  let here = 0;
  let there = 0;
  while (here < mine.length || there < theirs.length) {
    const a = here < mine.length ? mine[here] : Infinity;
    const b = there < theirs.length ? theirs[there] : Infinity;
    order.push({ here: a <= b ? here : -1, there: b <= a ? there : -1 });
    if (a <= b) here++;
    if (b <= a) there++;
  }
  return order.slice(-limit);
}
