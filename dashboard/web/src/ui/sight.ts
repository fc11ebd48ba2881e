// sight - what a window does that comes into sight or goes out of it, for all pages alike.
//
// Out of sight for ten seconds it sleeps: no stream, and each minute one short question, of which the
// title and the icon tell how many hosts are not well. Seen again, it is as it was.

import { getSummary } from '../net/api';
import { browserWindows } from '../net/windows';
import { current } from './current';
import { outOfSight } from './kiosk';

const SLEEP_MS = 10_000;
const ASK_EVERY_MS = 60_000;

let sleepTimer = 0;
let askTimer = 0;
let badge = 0;

const windows = browserWindows((crowded) => {
  const client = current.peek()?.session.client;
  if (client === undefined) return;
  // Out of sight it keeps its stream for a moment, but not where another needs the connection.
  if (crowded && outOfSight()) client.sleep();
  else client.setCrowded(crowded);
});

export function startSight(): void {
  document.addEventListener('visibilitychange', changed);
  addEventListener('pagehide', leave);
  addEventListener('pageshow', changed);
  current.subscribe(() => tellWindows());
}

/** The page is left: its stream is not torn from it, but given back. */
function leave(): void {
  current.peek()?.session.client.sleep();
  windows.set(false, false);
}

function changed(): void {
  const out = outOfSight();
  current.peek()?.setHidden(out);
  window.clearTimeout(sleepTimer);
  window.clearInterval(askTimer);
  if (out) sleepTimer = window.setTimeout(sleep, SLEEP_MS);
  else showBadge(0);
  tellWindows();
}

function sleep(): void {
  tellWindows();
  askTimer = window.setInterval(() => void ask(), ASK_EVERY_MS);
  void ask();
}

function tellWindows(): void {
  const client = current.peek()?.session.client;
  windows.set(!outOfSight(), client?.awake ?? false);
}

async function ask(): Promise<void> {
  try {
    const { late, silent } = await getSummary();
    if (outOfSight()) showBadge(late + silent);
  } catch {
    // Not reached: what was known stays.
  }
}

/** `(3) NAME`, and a dot on the icon; 0 takes both away. */
function showBadge(count: number): void {
  const bare = badge > 0 ? document.title.replace(/^\(\d+\) /, '') : document.title;
  badge = count;
  document.title = count > 0 ? `(${count}) ${bare}` : bare;
  const link = document.querySelector<HTMLLinkElement>('link[rel=icon]');
  if (link === null) return;
  link.dataset.plain ??= link.href;
  link.href = count > 0 ? BADGED : link.dataset.plain;
}

const BADGED = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b57c9"/>' +
    '<path d="M5 17h5l3-8 6 15 3-7h5" fill="none" stroke="#fff" stroke-width="2.8"/>' +
    '<circle cx="24" cy="8" r="8" fill="#e0455a" stroke="#fff" stroke-width="2"/></svg>',
)}`;
