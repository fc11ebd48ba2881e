// readouts - the numbers in the legends: at the cursor, else the newest in view. The large figures and
// the bars are always the newest in view.
//
// Each is a signal that is bound to a text node, so a tick changes texts and renders no component.

import { signal, type Signal } from '@preact/signals';
import { lowerBound } from '../data/gaps';
import type { Table } from '../data/past';
import { formatParts, NONE, type Parts, type Unit } from '../draw/format';

export type Source = (value: (id: string) => number) => number;

interface Entry {
  source: Source;
  unit: Unit;
  follows: 'cursor' | 'edge';
  number: Signal<string>;
  suffix: Signal<string>;
  watch?: (value: number) => void;
}

export class Readouts {
  private entries = new Map<string, Entry>();

  /** The readout of that name; made where it is not there yet. `source` computes it from columns. */
  take(name: string, unit: Unit, follows: Entry['follows'], source: Source = (value) => value(name)): Entry {
    let entry = this.entries.get(`${follows} ${name}`);
    if (entry === undefined) {
      entry = { source, unit, follows, number: signal(NONE), suffix: signal('') };
      this.entries.set(`${follows} ${name}`, entry);
    }
    return entry;
  }

  /** Rows of the store, -1 where there is none: a gap, or nothing yet. */
  update(store: Table, rows: Record<Entry['follows'], number>): void {
    for (const entry of this.entries.values()) {
      const row = rows[entry.follows];
      const now = entry.source((id) => (row < 0 ? NaN : (store.column(id)?.[row] ?? NaN)));
      const parts: Parts = formatParts(now, entry.unit);
      entry.number.value = parts.number;
      entry.suffix.value = parts.unit;
      entry.watch?.(now);
    }
  }
}

/** The columns that a source reads. */
export function idsOf(source: Source): string[] {
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
