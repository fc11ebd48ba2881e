// store - the last minutes of one host: rows by time, one column of doubles per number.
//
// In:   rows as they come, and blocks of the past that may overlap what is here.
// Out:  contiguous views of any run of rows, without a copy.
// Rule: times rise and none is there twice; the row that came first stands, and only fills what it
//       lacked. NaN is "no sample". A row is never invented: a hole in time is a hole between rows.
//
// A column is a run of memory with room behind it: rows are written at its end, and once there is no
// room the newest go back to its start. Room grows with the rows, up to a quarter more than may be
// held, so many columns of a young host are small. Stacked columns are running sums of others, kept
// here so that a redraw adds nothing.

import { runningSums } from './stack';

export interface Rows {
  ids: readonly string[];
  times: ArrayLike<number>;
  columns: readonly ArrayLike<number | null>[];
}

const FIRST_ROOM = 128; // rows

interface Stack {
  parts: string[];
  sums: string[];
}

export class Store {
  /** Grows with each change, so that a reader can tell whether it has seen the present state. */
  revision = 0;
  private start = 0;
  private held = 0;
  private room = FIRST_ROOM;
  private stamps: Float64Array = new Float64Array(FIRST_ROOM);
  private values = new Map<string, Float64Array>();
  private stacks: Stack[] = [];

  /** `capacity`: the most rows that are kept. */
  constructor(readonly capacity: number) {}

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
    return this.values.has(id);
  }

  ids(): string[] {
    return [...this.values.keys()].filter((id) => !id.startsWith('+'));
  }

  /** All stamps, oldest first. A view: valid until the next change. */
  times(): Float64Array {
    return this.stamps.subarray(this.start, this.start + this.held);
  }

  /** All values of a column, beside times(). A column that is not here is undefined. */
  column(id: string): Float64Array | undefined {
    return this.values.get(id)?.subarray(this.start, this.start + this.held);
  }

  /** The set of columns from now on. New ones are empty in the rows that are here; others go. */
  setColumns(ids: readonly string[]): void {
    const kept = new Map<string, Float64Array>();
    for (const id of ids) kept.set(id, this.values.get(id) ?? this.emptyColumn());
    this.values = kept;
    const wanted = this.stacks.map((s) => s.parts);
    this.stacks = [];
    for (const parts of wanted) this.addStack(parts);
    this.revision++;
  }

  /** Keeps running sums of `parts`, lowest first; their columns are named by stackId. */
  addStack(parts: readonly string[]): void {
    const here = parts.filter((id) => this.values.has(id));
    const sums = here.map((id) => stackId(parts[0], id));
    for (const id of sums) if (!this.values.has(id)) this.values.set(id, this.emptyColumn());
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
    for (const column of this.values.values()) column[at] = NaN;
    ids.forEach((id, i) => {
      const column = this.values.get(id);
      if (column !== undefined) column[at] = values[i] ?? NaN;
    });
    for (const stack of this.stacks) this.sumRow(stack, at);
    this.revision++;
    return true;
  }

  /** Rows of the past, their times rising. What is already here stands; gaps of it are filled. */
  merge(rows: Rows): void {
    const order = mergeOrder(this.times(), rows.times, this.capacity);
    const count = order.here.length;
    const theirs = new Map(rows.ids.map((id, i) => [id, rows.columns[i]]));
    this.room = Math.max(this.room, this.roomFor(count));
    for (const [id, old] of this.values) this.values.set(id, this.merged(old, order, theirs.get(id)));
    this.stamps = this.merged(this.stamps, order, rows.times);
    this.start = 0;
    this.held = count;
    for (const stack of this.stacks) this.fillStack(stack);
    this.revision++;
  }

  private merged(old: Float64Array, { here, there }: Order, theirs?: ArrayLike<number | null>): Float64Array {
    const column = new Float64Array(this.room).fill(NaN);
    for (let at = 0; at < here.length; at++) {
      const own = here[at] < 0 ? NaN : old[this.start + here[at]];
      column[at] = Number.isNaN(own) && there[at] >= 0 ? (theirs?.[there[at]] ?? NaN) : own;
    }
    return column;
  }

  private emptyColumn(): Float64Array {
    return new Float64Array(this.room).fill(NaN);
  }

  private roomFor(rows: number): number {
    const most = Math.ceil(this.capacity * 1.25) + 1;
    return Math.min(most, Math.max(FIRST_ROOM, 2 * rows));
  }

  /** Makes room for a row at time t and gives its place. */
  private claim(t: number): number {
    if (this.held === this.capacity) this.start++;
    else this.held++;
    if (this.start + this.held > this.room) this.toFront(this.held - 1);
    const at = this.start + this.held - 1;
    this.stamps[at] = t;
    return at;
  }

  /** Takes the first `rows` rows back to the start of their memory, or to a larger one. */
  private toFront(rows: number): void {
    const room = Math.max(this.room, this.roomFor(rows));
    const moved = (column: Float64Array) => {
      const to = room === this.room ? column : new Float64Array(room);
      to.set(column.subarray(this.start, this.start + rows));
      return to;
    };
    this.stamps = moved(this.stamps);
    for (const [id, column] of this.values) this.values.set(id, moved(column));
    this.room = room;
    this.start = 0;
  }

  private sumRow(stack: Stack, at: number): void {
    const sums = runningSums(this.present(stack).map((id) => this.values.get(id)![at]));
    stack.sums.forEach((id, i) => {
      const ring = this.values.get(id)!;
      ring[at] = ring[at + this.capacity] = sums[i];
    });
  }

  private fillStack(stack: Stack): void {
    for (let i = 0; i < this.held; i++) this.sumRow(stack, this.start + i);
  }

  private present(stack: Stack): string[] {
    return stack.parts.filter((id) => this.values.has(id));
  }
}

/** Name of the running sum up to `id` in the stack whose lowest part is `base`. */
export function stackId(base: string, id: string): string {
  return `+${base}:${id}`;
}

interface Order {
  here: number[]; // row of ours, -1: none
  there: number[]; // row of theirs, -1: none
}

/** The newest `limit` rows of two rising lists as one rising list without doubles. */
function mergeOrder(mine: ArrayLike<number>, theirs: ArrayLike<number>, limit: number): Order {
  const order: Order = { here: [], there: [] };
  let here = 0;
  let there = 0;
  while (here < mine.length || there < theirs.length) {
    const a = here < mine.length ? mine[here] : Infinity;
    const b = there < theirs.length ? theirs[there] : Infinity;
    order.here.push(a <= b ? here : -1);
    order.there.push(b <= a ? there : -1);
    if (a <= b) here++;
    if (b <= a) there++;
  }
  return { here: order.here.slice(-limit), there: order.there.slice(-limit) };
}
