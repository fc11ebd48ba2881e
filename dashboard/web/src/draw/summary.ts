// summary - a chart in words, for who does not see it.

import { formatDuration, formatValue, type Unit } from './format';
import { columnOf, valueOf, type Line } from './line';
import { rowsWithin } from '../data/gaps';
import type { Table } from '../data/past';

const SAID_MOST = 6; // lines; more is no summary

/** "Load, last 5 m. 1 m: 0.52, between 0.10 and 0.90, rising. ..." */
export function summarise(
  title: string,
  lines: readonly Line[],
  unit: Unit,
  store: Table,
  range: [number, number],
): string {
  const [from, to] = range;
  if (!Number.isFinite(from)) return `${title}, no data yet.`;
  const [first, end] = rowsWithin(store.times(), from, to);
  const said = lines.slice(0, SAID_MOST).map((line) => {
    const values = columnOf(line, store, first, end)?.subarray(first, end) ?? [];
    return `${nameOf(line)}: ${shapeOf(values, unit)}.`;
  });
  const more = lines.length > said.length ? [`And ${lines.length - said.length} more.`] : [];
  return [`${title}, ${formatDuration(to - from)}.`, ...said, ...more].join(' ');
}

function shapeOf(values: ArrayLike<number>, unit: Unit): string {
  let least = Infinity;
  let most = -Infinity;
  let now = NaN;
  let before = NaN; // in the middle of what is shown
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (Number.isNaN(v)) continue;
    least = Math.min(least, v);
    most = Math.max(most, v);
    if (i <= values.length / 2 || Number.isNaN(before)) before = v;
    now = v;
  }
  if (Number.isNaN(now)) return 'no data';
  const moved = most > least ? (now - before) / (most - least) : 0;
  const trend = moved > 0.25 ? ', rising' : moved < -0.25 ? ', falling' : '';
  const [a, b] = [formatValue(least, unit), formatValue(most, unit)];
  return `${formatValue(now, unit)}, ${a === b ? 'unchanged' : `between ${a} and ${b}`}${trend}`;
}

/** The values of one row: "user 12.0 %, system 3.1 %". */
export function sayRow(lines: readonly Line[], unit: Unit, store: Table, row: number): string {
  const at = (id: string) => store.column(id)?.[row] ?? NaN;
  const said = lines.map((line) => `${nameOf(line)} ${formatValue(valueOf(line, at), unit)}`);
  return said.slice(0, 2 * SAID_MOST).join(', ');
}

export function nameOf({ label, side }: Line): string {
  return side === undefined ? label : `${label} ${side}`;
}
