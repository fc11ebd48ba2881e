// readouts - the numbers in the legends: at the cursor, else the newest in view. The large figures and
// the bars are always the newest in view.
//
// Each is a signal that is bound to a text node, so a tick changes texts and renders no component.

import { batch, signal, type Signal } from '@preact/signals';
import { lowerBound } from '../data/gaps';
import type { Table } from '../data/past';
import { formatParts, NONE, type Parts, type Unit } from '../draw/format';

export type Source = (value: (id: string) => number) => number;

/** Readouts that are seen together; what is not seen is not computed. */
export interface Group {
  awake: boolean;
}

const ALWAYS: Group = { awake: true };

export interface Entry {
  source: Source;
  unit: Unit;
  follows: 'cursor' | 'edge';
  group: Group;
  number: Signal<string>;
  suffix: Signal<string>;
  watch?: (value: number) => void;
}

export class Readouts {
  private entries = new Set<Entry>();

  /** A readout; `source` computes it from columns. Until the next update it says that nothing is there. */
  take(unit: Unit, follows: Entry['follows'], source: Source, group: Group = ALWAYS): Entry {
    const entry = { source, unit, follows, group, number: signal(NONE), suffix: signal('') };
    this.entries.add(entry);
    return entry;
  }

  drop(entry: Entry): void {
    this.entries.delete(entry);
  }

  /** Rows of the store, -1 where there is none: a gap, or nothing yet. */
  update(store: Table, rows: Record<Entry['follows'], number>): void {
    const from = (row: number) => (id: string) => (row < 0 ? NaN : (store.column(id)?.[row] ?? NaN));
    const at = { cursor: from(rows.cursor), edge: from(rows.edge) };
    batch(() => {
      for (const entry of this.entries) {
        if (!entry.group.awake) continue;
        const now = entry.source(at[entry.follows]);
        const parts: Parts = formatParts(now, entry.unit);
        entry.number.value = parts.number;
        entry.suffix.value = parts.unit;
        entry.watch?.(now);
      }
    });
  }
}

/** The columns that a source reads. */
export function sourceIds(source: Source): string[] {
  const ids: string[] = [];
  source((id) => {
    ids.push(id);
    return NaN;
  });
  return ids;
}

/** The last row at or before `to`, -1: none. */
export function lastRow(store: Table, to: number): number {
  return lowerBound(store.times(), to + 1) - 1;
}
