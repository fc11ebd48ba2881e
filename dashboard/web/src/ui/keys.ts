// keys - what single keys do. One table serves the keyboard and the help that lists it.
//
// Never while a field would take them, nor with Ctrl, Alt or Meta: those are the browser's. They can
// be switched off as a whole (a voice that dictates types letters); the help stays a click away.

import { signal } from '@preact/signals';
import { theme } from '../draw/theme';
import type { Board } from './board';
import { copyText } from './copy';
import { current } from './current';
import { download } from './export';
import { go, hostPath, route } from './router';
import { say } from './toast';
import { toggleZone } from './zone';

const STORED = 'zpulse.keys';
const SEQUENCE_MS = 1500; // between g and the letter after it

export const helpOpen = signal(false);
export const keysOn = signal(stored() !== 'off');

export type Group = 'Everywhere' | 'Time' | 'List of hosts' | 'Charts';

export interface Key {
  group: Group;
  shown: string; // in the help
  says: string;
  /** As the event names them; false from `act`: not taken. */
  keys: readonly string[];
  act: (board: Board | null, key: string) => boolean | void;
}

const DIGITS = ['1', '2', '3', '4', '5', '6', '7', '8'];

/** A key that means something only on a host's page. */
const onHost = (act: (board: Board) => boolean | void): Key['act'] => (board) => (board === null ? false : act(board));

export const KEYS: readonly Key[] = [
  { group: 'Everywhere', shown: '?', says: 'this list', keys: ['?'], act: () => void (helpOpen.value = true) },
  { group: 'Everywhere', shown: '/', says: 'find', keys: ['/'], act: focusFilter },
  { group: 'Everywhere', shown: 'g f', says: 'all hosts', keys: ['g f'], act: toFleet },
  { group: 'Everywhere', shown: 'g h', says: 'the host seen last', keys: ['g h'], act: toHost },
  { group: 'Everywhere', shown: 'Esc', says: 'up: cursor, chart, page', keys: ['Escape'], act: up },
  { group: 'Everywhere', shown: 'd', says: 'theme: system, dark, light', keys: ['d'], act: () => theme.cycle() },
  { group: 'Everywhere', shown: 'u', says: 'times local or in UTC', keys: ['u'], act: () => toggleZone() },
  { group: 'Everywhere', shown: 'Shift + y', says: 'copy a link to what is shown', keys: ['Y'], act: copyLink },
  { group: 'Time', shown: 'Space', says: 'pause, and go on', keys: [' '], act: onHost((b) => b.togglePause()) },
  { group: 'Time', shown: 'l', says: 'back to live', keys: ['l'], act: onHost((b) => b.view.live()) },
  { group: 'Time', shown: '[ ]', says: 'half a window earlier, later', keys: ['[', ']'], act: shift },
  { group: 'Time', shown: '+ −', says: 'zoom in, out', keys: ['+', '=', '-'], act: zoom },
  { group: 'Time', shown: '0', says: 'as at first, live', keys: ['0'], act: onHost((b) => b.resetView()) },
  { group: 'List of hosts', shown: 'j k', says: 'next, previous host; Enter opens it', keys: ['j', 'k'], act: step },
  { group: 'Charts', shown: 'j k', says: 'next, previous chart', keys: [], act: () => false },
  { group: 'Charts', shown: '← →', says: 'one sample (Shift: ten); Home, End', keys: [], act: () => false },
  { group: 'Charts', shown: 'Enter', says: 'pin the moment', keys: [], act: () => false },
  { group: 'Charts', shown: 'Shift + Space', says: 'begin a range; Enter ends it', keys: [], act: () => false },
  { group: 'Charts', shown: 'e', says: 'large, and back', keys: ['e'], act: onHost(() => expand()) },
  { group: 'Charts', shown: 'y', says: 'scale from 0, or fitted', keys: ['y'], act: onHost(() => wish('scale')) },
  { group: 'Charts', shown: '1 – 8', says: 'leave a line out, and back', keys: DIGITS, act: toggleLine },
  { group: 'Charts', shown: 'x', says: 'what is shown as CSV', keys: ['x'], act: exportCsv },
];

/** What a mouse and fingers do, for the same list. */
export const HANDS: readonly [string, string][] = [
  ['Hover', 'marks a moment in every chart'],
  ['Click', 'pins it; once more lets it go'],
  ['Click in a legend', 'leaves the line out, and back'],
  ['Drag', 'shows the range dragged over'],
  ['Shift + drag', 'moves time'],
  ['Ctrl + wheel', 'zooms time, about the pointer'],
  ['Double click', 'back to live'],
  ['Strip on top', 'drag its window or its ends'],
  ['One finger', 'sideways marks a moment'],
  ['Two fingers', 'zoom and move time'],
];

/** What the help lists: nothing that the page of now has not. */
export function keysOf(group: Group): readonly Key[] {
  const canFind = document.querySelector('input[type=search]') !== null;
  return KEYS.filter((k) => k.group === group && (k.act !== focusFilter || canFind));
}

/** Listens from now on. */
export function startKeys(): void {
  let prefix = '';
  let prefixAt = 0;
  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || helpOpen.peek()) return;
    if (!keysOn.peek() && e.key !== 'Escape') return;
    const target = e.target instanceof HTMLElement ? e.target : document.body;
    if (isTaken(target, e.key)) return;
    const letter = e.key.length === 1 && !e.shiftKey ? e.key.toLowerCase() : e.key;
    const name = prefix !== '' && e.timeStamp - prefixAt < SEQUENCE_MS ? `${prefix} ${letter}` : letter;
    prefix = letter === 'g' ? 'g' : '';
    prefixAt = e.timeStamp;
    const key = KEYS.find((k) => k.keys.includes(name)) ?? KEYS.find((k) => k.keys.includes(letter));
    if (key !== undefined && key.act(current.peek(), letter) !== false) e.preventDefault();
  });
}

/** A control under the focus has its own use for it. */
function isTaken(target: HTMLElement, key: string): boolean {
  if (target.closest('input:not([type=checkbox]), textarea, select, [contenteditable]') !== null) {
    if (key === 'Escape') target.blur();
    return true;
  }
  return key === ' ' && target.closest('button, a, summary, input') !== null;
}

export function setKeysOn(on: boolean): void {
  keysOn.value = on;
  try {
    localStorage.setItem(STORED, on ? 'on' : 'off');
  } catch {
    // Storage is forbidden here: the choice lasts as long as the page.
  }
}

function stored(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

function shift(board: Board | null, key: string): boolean | void {
  if (board === null) return false;
  board.shift(key === '[' ? -0.5 : 0.5);
}

function zoom(board: Board | null, key: string): boolean | void {
  if (board === null) return false;
  board.view.zoom(key === '-' ? 0.5 : 2);
}

function focusFilter(): boolean | void {
  const field = document.querySelector<HTMLInputElement>('input[type=search]');
  if (field === null) return false;
  field.focus();
  field.select();
}

function copyLink(): void {
  say(copyText(location.href) ? 'Link copied' : 'This browser does not allow copying; the address bar has the link');
}

/** The box of the chart that has the focus, else of the one under the pointer. */
function chartBox(): HTMLElement | null {
  const { activeElement } = document;
  return activeElement?.closest<HTMLElement>('.chart-box') ?? document.querySelector<HTMLElement>('.chart-box:hover');
}

/** Lets the chart's panel know what is wished; see views/wishes.ts. */
function wish(detail: { row: number } | 'scale'): boolean | void {
  const box = chartBox();
  if (box === null) return false;
  box.dispatchEvent(new CustomEvent('chart:wish', { detail }));
}

function toggleLine(board: Board | null, key: string): boolean | void {
  return board === null ? false : wish({ row: Number(key) - 1 });
}

function expand(): boolean | void {
  const panel = chartBox()?.closest<HTMLElement>('.panel');
  if (panel == null) return false;
  for (const other of document.querySelectorAll('[data-expanded]')) {
    if (other !== panel) other.removeAttribute('data-expanded');
  }
  panel.toggleAttribute('data-expanded');
  panel.scrollIntoView({ block: 'nearest' });
}

function exportCsv(board: Board | null): boolean | void {
  if (board === null) return false;
  const name = (board.session.name.peek() || board.session.host).replace(/[^\w.-]+/g, '_').slice(0, 60);
  const [from, to] = board.view.range().map((t) => new Date(t).toISOString().slice(0, 19).replace(/:/g, ''));
  download(`${name}_${from}_${to}.csv`, board.csv(chartBox()));
  say('Saved what is shown as CSV');
}

let lastHost = ''; // as the address named it

function toFleet(): void {
  if (route.peek().view !== 'fleet') go('/');
  focusHost(lastHost);
}

function toHost(): boolean | void {
  const to = lastHost !== '' ? hostPath(lastHost) : hostLinks()[0]?.getAttribute('href');
  if (to == null || route.peek().view === 'host') return false;
  go(to);
}

route.subscribe((r) => {
  if (r.view === 'host') lastHost = r.host;
});

/** Takes away what was opened last; on a host's page with nothing open, goes to the list. */
function up(board: Board | null): boolean | void {
  if (board === null) return false;
  const { activeElement } = document;
  if (board.clearCursor()) return;
  const large = document.querySelector('[data-expanded]');
  if (large !== null) return large.removeAttribute('data-expanded');
  if (activeElement instanceof HTMLElement && activeElement.closest('main .panel') !== null) activeElement.blur();
  else toFleet();
}

const hostLinks = () => [...document.querySelectorAll<HTMLElement>('[data-host] a')];
const charts = () => [...document.querySelectorAll<HTMLElement>('main [role=figure][tabindex="0"]')];

function step(board: Board | null, key: string): boolean | void {
  const all = board === null ? hostLinks() : charts();
  if (all.length === 0) return false;
  const at = all.findIndex((e) => e === document.activeElement || e.contains(document.activeElement));
  const next = at < 0 ? (key === 'j' ? 0 : all.length - 1) : at + (key === 'j' ? 1 : -1);
  const to = all[Math.max(0, Math.min(all.length - 1, next))];
  to.focus({ preventScroll: true });
  to.scrollIntoView({ block: board === null ? 'nearest' : 'center' });
}

/** The list comes from an answer, so its row may not be there yet. */
function focusHost(host: string, tries = 20): void {
  const row = host === '' ? null : document.querySelector(`[data-host="${CSS.escape(host)}"] a`);
  if (row instanceof HTMLElement) row.focus();
  else if (tries > 0 && host !== '') setTimeout(() => focusHost(host, tries - 1), 50);
}
