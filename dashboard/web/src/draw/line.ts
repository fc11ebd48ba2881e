// line - one drawn number: which column or columns it is made of, and how it looks.

export interface Line {
  id: string; // of its column; of a fold a name of its own
  label: string;
  ink: string; // a token of theme.ts, or what theme.declare gave
  dash?: readonly number[]; // css pixels; none: solid
  down?: boolean; // drawn below the axis
  side?: string; // the direction in words, where the label does not say it
  fold?: Fold; // made of several columns
}

/** Several columns as one number. `max` where a sum would mean nothing: nothing is averaged away. */
export interface Fold {
  of: readonly string[];
  by: 'sum' | 'max';
}

export const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 2], [9, 3, 2, 3]];
const INKS = 8;

/** The look of the n-th of a family of like lines: eight colours, then the same ones dashed. */
export function lookOf(n: number): Pick<Line, 'ink' | 'dash'> {
  const dash = DASHES[Math.floor(n / INKS) % DASHES.length];
  return { ink: `series-${(n % INKS) + 1}`, ...(dash.length > 0 ? { dash } : {}) };
}

/** Sum or greatest of those that are there, NaN where none is. */
export function foldValues(values: readonly number[], by: Fold['by']): number {
  let out = NaN;
  for (const v of values) {
    if (Number.isNaN(v)) continue;
    out = Number.isNaN(out) ? v : by === 'sum' ? out + v : Math.max(out, v);
  }
  return out;
}

/** The line's value, given that of each column. */
export function valueOf(line: Pick<Line, 'id' | 'fold'>, value: (id: string) => number): number {
  return line.fold === undefined ? value(line.id) : foldValues(line.fold.of.map(value), line.fold.by);
}

export function isHere(line: Line, has: (id: string) => boolean): boolean {
  return line.fold === undefined ? has(line.id) : line.fold.of.some(has);
}

/** Where a line's columns are. */
export interface Rows {
  readonly count: number;
  column(id: string): Float64Array | undefined;
}

/** The columns that it is made of. */
export function idsOf(line: Line): readonly string[] {
  return line.fold === undefined ? [line.id] : line.fold.of;
}

/** The line's values beside store.times(); of a fold they are right within rows [from, end) only. */
export function columnOf(
  line: Pick<Line, 'id' | 'fold'>,
  store: Rows,
  from = 0,
  end = store.count,
): Float64Array | undefined {
  if (line.fold === undefined) return store.column(line.id);
  const columns = line.fold.of.flatMap((id) => store.column(id) ?? []);
  if (columns.length <= 1) return columns[0];
  const out = new Float64Array(store.count);
  const row = new Array<number>(columns.length);
  for (let i = from; i < end; i++) {
    for (let c = 0; c < columns.length; c++) row[c] = columns[c][i];
    out[i] = foldValues(row, line.fold.by);
  }
  return out;
}

/** The height of a layer, of those below it that are seen: the store's sums are of all. */
export function sumOf(seen: readonly Line[], store: Rows, first: number, end: number): Float64Array {
  const out = new Float64Array(store.count).fill(NaN);
  const columns = seen.map((l) => columnOf(l, store, first, end));
  for (let i = first; i < end; i++) {
    out[i] = 0;
    for (const column of columns) out[i] += column?.[i] ?? NaN;
  }
  return out;
}
