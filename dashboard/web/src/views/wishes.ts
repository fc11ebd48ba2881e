// wishes - what a person changes on one chart: lines that are left out, and a scale not from 0.

import type { Wishes } from '../draw/chart';
import type { LegendRow, PanelSpec } from './resolve';

export const AS_IT_IS: Wishes = { hidden: new Set(), fitted: false };

/** Sent to a chart's box as the detail of a `chart:wish`: the n-th row of its legend, or its scale. */
export type Wish = { row: number } | 'scale';

export function wished(now: Wishes, spec: PanelSpec, wish: Wish): Wishes {
  if (wish === 'scale') return { ...now, fitted: !now.fitted };
  const row = spec.rows.filter((r) => r.ink !== undefined)[wish.row];
  return row === undefined ? now : toggled(now, spec, row);
}

/** With the lines of a row of the legend left out, or back. */
export function toggled(now: Wishes, spec: PanelSpec, row: LegendRow): Wishes {
  const ids = linesOf(spec, row);
  const hidden = new Set(now.hidden);
  const off = isHidden(now, spec, row);
  for (const id of ids) {
    if (off) hidden.delete(id);
    else hidden.add(id);
  }
  return { ...now, hidden };
}

export function isHidden(now: Wishes, spec: PanelSpec, row: LegendRow): boolean {
  const ids = linesOf(spec, row);
  return ids.length > 0 && ids.every((id) => now.hidden.has(id));
}

/** A row tells of a line, or of one above the axis and one below it. */
function linesOf({ lines }: PanelSpec, row: LegendRow): string[] {
  const told = row.values.map((v) => v.id);
  return lines.filter((l) => told.includes(l.id)).map((l) => l.id);
}
