// use_readout - a readout for as long as a component lives.

import { useEffect, useMemo } from 'preact/hooks';
import type { Unit } from '../draw/format';
import type { Board } from './board';
import { sourceIds, type Entry, type Group, type Source } from './readouts';

export interface Asked {
  unit: Unit;
  source: Source;
  follows: Entry['follows'];
}

/** Made anew where `key` changes; its source is always the one of the last rendering. */
export function useReadout(board: Board, key: string, asked: Asked, group?: Group): Entry {
  const { unit, source, follows } = asked;
  const entry = useMemo(() => board.readouts.take(unit, follows, source, group), [board, key]);
  entry.source = source;
  useEffect(() => () => board.readouts.drop(entry), [entry]);
  const ids = sourceIds(source);
  useEffect(() => board.need(ids), [board, ids.join()]);
  return entry;
}
