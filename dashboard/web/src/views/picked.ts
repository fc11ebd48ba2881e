// picked - which of many like things have a line of their own: those with the most of it lately.
//
// Looked at anew every half minute, and one that is drawn makes room only for one with clearly more,
// so that lines do not come and go. Colours follow the names, so those that stay keep theirs.

import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { things } from '../data/columns';
import type { Column } from '../net/protocol';
import type { Board } from '../ui/board';
import { DRAWN_MOST } from './resolve';
import type { Template } from './template';

const AGAIN_MS = 30_000;
const ROWS = 300; // of the newest that count
const CLEARLY = 1.25;

/** Keys of the things that are drawn; undefined where there are few enough for all. */
export function usePicked(board: Board, t: Template, columns: readonly Column[]): ReadonlySet<string> | undefined {
  const prefixes = 'each' in t ? t.each : [];
  const many = useMemo(() => {
    const all = things(columns, ...prefixes);
    return all.length > DRAWN_MOST ? all : undefined;
  }, [t, columns]);
  const picked = useSignal<ReadonlySet<string> | undefined>(undefined);
  const pick = () => {
    if (many === undefined) return undefined;
    const weights = many.map((x) => {
      const down = 'each' in t && t.down !== undefined ? mostOf(board, t.down + x.key) : 0;
      return { key: x.key, weight: Math.max(mostOf(board, x.id), down) };
    });
    return choose(weights, picked.peek(), DRAWN_MOST);
  };
  if (many !== undefined && picked.peek() === undefined) picked.value = pick();
  useEffect(() => {
    if (many === undefined) {
      picked.value = undefined;
      return;
    }
    const again = () => {
      const next = pick()!;
      const now = picked.peek();
      if (now === undefined || now.size !== next.size || [...next].some((k) => !now.has(k))) picked.value = next;
    };
    again();
    const timer = window.setInterval(again, AGAIN_MS);
    return () => window.clearInterval(timer);
  }, [many]);
  return many === undefined ? undefined : picked.value;
}

function mostOf(board: Board, id: string): number {
  const values = board.session.store.column(id) ?? [];
  let most = 0;
  for (let i = Math.max(0, values.length - ROWS); i < values.length; i++) if (values[i] > most) most = values[i];
  return most;
}

export interface Weighed {
  key: string;
  weight: number;
}

/** The `limit` heaviest; those of `now` weigh a quarter more. */
export function choose(all: readonly Weighed[], now: ReadonlySet<string> | undefined, limit: number): Set<string> {
  const weigh = ({ key, weight }: Weighed) => weight * (now?.has(key) ? CLEARLY : 1);
  const order = all.map((x, i) => ({ key: x.key, weight: weigh(x), i }));
  order.sort((a, b) => b.weight - a.weight || Number(now?.has(b.key)) - Number(now?.has(a.key)) || a.i - b.i);
  return new Set(order.slice(0, limit).map((x) => x.key));
}
