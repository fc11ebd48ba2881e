// page_state - what of the address belongs to the page as a whole: zone, sections, kiosk.
//
// The address is read when the page is loaded and on each step through the history; from then on it
// follows the signals. What one board shows (range, cursor) is the board's.

import { effect } from '@preact/signals';
import { route, setQuery } from './router';
import { parseTurned, printTurned, remembered, turned } from './sections';
import { parseZone, setZone, zone } from './zone';

function read(): void {
  const query = new URLSearchParams(location.search);
  setZone(parseZone(query.get('z')));
  if (location.pathname.startsWith('/h/')) turned.value = parseTurned(query.get('o') ?? remembered());
}

/** Before the router starts, so that the first page is rendered in the state of its address. */
export function readPageState(): void {
  read();
  addEventListener('popstate', read);
}

/** From the first rendering on. */
export function writePageState(): void {
  effect(() => {
    const onHost = route.value.view === 'host';
    setQuery('z', zone.value);
    setQuery('o', onHost ? printTurned(turned.value) : null);
  });
}
