// board_address - what of the address is a board's: the range (`t`) and the pinned moment (`x`).

import { effect } from '@preact/signals';
import { parseRange, parseTime, printRange, printTime } from './address';
import type { Crosshair } from './crosshair';
import { setQuery } from './router';
import type { TimeView } from './time_view';

const REST_MS = 250; // browsers take a few changes of the address a second, so it waits for a rest

/** Reads the address now and on each step through the history, and writes it as the view changes. */
export function bindAddress(view: TimeView, crosshair: Crosshair, now: () => number): () => void {
  let timer = 0;
  const read = () => {
    const query = new URLSearchParams(location.search);
    view.adopt(parseRange(query.get('t')), now());
    crosshair.pin(parseTime(query.get('x')));
  };
  const write = () => {
    const range = view.asRange();
    const pinned = crosshair.pinned.peek();
    setQuery('t', range === null ? null : printRange(range));
    setQuery('x', pinned === null ? null : printTime(pinned));
  };
  read();
  addEventListener('popstate', read);
  const stop = effect(() => {
    void [view.held.value, view.span.value, crosshair.pinned.value];
    window.clearTimeout(timer);
    timer = window.setTimeout(write, REST_MS);
  });
  return () => {
    removeEventListener('popstate', read);
    window.clearTimeout(timer);
    stop();
  };
}
