// readouts - the numbers in the legends: at the cursor, else the newest in view.
//
// Each is a signal that is bound to a text node, so a tick changes texts and renders no component.

import { signal, type Signal } from '@preact/signals';
import { lowerBound } from '../data/gaps';
import type { Store } from '../data/store';
import { formatParts, NONE, type Parts, type Unit } from '../draw/format';

export type Source = (value: (id: string) => number) => number;

interface Entry {
  source: Source;
  unit: Unit;
  number: Signal<string>;
  suffix: Signal<string>;
  watch?: (value: number) => void;
}

export class Readouts {
  private entries = new Map<string, Entry>();

  /** The readout of that name; made where it is not there yet. `source` computes it from columns. */
  take(name: string, unit: Unit, source: Source = (value) => value(name)): Entry {
    let entry = this.entries.get(name);
    if (entry === undefined) {
      entry = { source, unit, number: signal(NONE), suffix: signal('') };
      this.entries.set(name, entry);
    }
    return entry;
  }

  /** `row` is a row of the store, -1 where there is a gap. */
  update(store: Store, row: number): void {
    const value = (id: string) => (row < 0 ? NaN : (store.column(id)?.[row] ?? NaN));
    for (const entry of this.entries.values()) {
      const now = entry.source(value);
      const parts: Parts = formatParts(now, entry.unit);
      entry.number.value = parts.number;
      entry.suffix.value = parts.unit;
      entry.watch?.(now);
    }
  }
}

/** The last row at or before `to` that is within `limit` ms of it, -1: none. */
export function lastRow(store: Store, to: number): number {
  return lowerBound(store.times(), to + 1) - 1;
}
