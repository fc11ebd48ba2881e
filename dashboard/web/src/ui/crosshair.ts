// crosshair - one moment, marked in every chart at once.
//
// The marks are elements moved by a transform; nothing is drawn on a canvas for a hover. A pointer
// holds a place on the screen, so the moment under it moves on with the data; keys hold a moment.
// A moment that is pinned stays marked, and is what counts whenever no other one is pointed at.

import { signal } from '@preact/signals';
import { gapAt, nearestRow, type Gap } from '../data/gaps';
import type { Plane, Surface } from '../draw/chart';
import { formatInterval, formatMoment } from '../draw/format';
import type { Note } from '../net/protocol';

const SAME_PX = 5; // a click so near to the pin is on it, a pointer so near to an event
const NOTES_SAID = 2; // of those at one place
const NOTE_LIMIT = 120; // characters

interface Mark {
  surface: Surface;
  line: HTMLElement;
  pin: HTMLElement;
  tag: HTMLElement;
  words: Words;
}

/** What a chart says of a row: beside the mark, at `y` pixels from its top, and to a screen reader. */
export interface Words {
  describe?: (y: number, row: number) => string;
  say?: (row: number) => string;
}

/** What is known beside the rows. */
export interface Known {
  /** Why there is a gap; empty where that is not known. */
  why(gap: Gap): string;
  happened(from: number, to: number): readonly Note[];
}

export class Crosshair {
  /** Row of the store under the cursor; null: no cursor; -1: a gap. */
  row: number | null = null;
  /** ms, null: none. */
  readonly pinned = signal<number | null>(null);
  private marks = new Map<string, Mark>();
  private share: number | null = null; // of the width, by a pointer
  private moment: number | null = null; // ms, by keys
  private owner = '';
  private y = 0;
  private asked = false;

  constructor(
    private readonly plane: Plane,
    private readonly changed: () => void,
    private readonly known: Known,
  ) {}

  add(surface: Surface, words: Words): void {
    const [pin, line, tag] = ['xpin', 'xhair', 'xtag'].map((name) => {
      const element = document.createElement('div');
      element.className = name;
      element.hidden = true;
      return element;
    });
    surface.over.append(pin, line, tag);
    this.marks.set(surface.key, { surface, pin, line, tag, words });
    if (this.time() !== null) this.ask();
  }

  remove(surface: Surface): void {
    if (this.marks.get(surface.key)?.surface !== surface) return;
    this.marks.delete(surface.key);
    if (this.owner === surface.key) this.leave();
  }

  /** A pointer is over `surface`, `x` and `y` css pixels into it. */
  point(surface: Surface, x: number, y: number): void {
    this.share = Math.max(0, Math.min(1, x / surface.width()));
    this.moment = null;
    this.owner = surface.key;
    this.y = y;
    this.ask();
  }

  /** Moves by samples, from the newest where there was no cursor. */
  stepBy(surface: Surface, rows: number): void {
    const times = this.plane.store.times();
    const [from, to] = this.plane.view.range();
    if (times.length === 0) return;
    const now = this.time() ?? to;
    const at = Math.max(0, Math.min(times.length - 1, nearestRow(times, now) + rows));
    this.moment = Math.max(from, Math.min(to, times[at]));
    this.share = null;
    this.owner = surface.key;
    this.ask();
  }

  /** Nothing is pointed at any more; what is pinned stays. */
  leave(): void {
    if (this.share === null && this.moment === null) return;
    this.share = this.moment = null;
    this.ask();
  }

  /** Lets go of everything; false if there was nothing. */
  clear(): boolean {
    if (this.time() === null) return false;
    this.pinned.value = this.share = this.moment = null;
    this.ask();
    return true;
  }

  pin(t: number | null): void {
    this.pinned.value = t === null ? null : Math.round(t);
    this.ask();
  }

  /** Pins what is pointed at, or lets go of it where it is pinned already. */
  togglePin(): void {
    const t = this.time();
    if (t === null) return;
    const [from, to] = this.plane.view.range();
    const near = (SAME_PX * (to - from)) / (this.marks.get(this.owner)?.surface.width() ?? 1);
    const pinned = this.pinned.peek();
    this.pin(pinned !== null && Math.abs(pinned - t) <= near ? null : t);
  }

  /** The moment in ms, null without a cursor. On a sample it is that sample's stamp. */
  time(): number | null {
    const [from, to] = this.plane.view.range();
    const pointed = this.moment ?? (this.share === null ? null : from + this.share * (to - from));
    const t = pointed ?? this.pinned.peek();
    if (t === null || !Number.isFinite(t)) return null;
    const times = this.plane.store.times();
    const at = nearestRow(times, t);
    return at >= 0 && Math.abs(times[at] - t) <= 0.75 * this.plane.step() ? times[at] : t;
  }

  /** Places all marks now: after a pointer event, and after the charts moved under it. */
  place(): void {
    this.asked = false;
    const t = this.time();
    const [from, to] = this.plane.view.range();
    const shown = t !== null && t >= from && t <= to;
    this.row = shown ? this.rowAt(t) : null;
    const pinned = this.pinned.peek();
    const owner = this.marks.has(this.owner) ? this.owner : this.marks.keys().next().value;
    for (const mark of this.marks.values()) {
      const width = mark.surface.width();
      const at = (time: number) => Math.round(((time - from) / (to - from)) * width);
      put(mark.pin, pinned !== null && pinned >= from && pinned <= to ? at(pinned) : null);
      put(mark.line, shown && t !== pinned ? at(t) : null);
      mark.tag.hidden = !shown || mark.surface.key !== owner;
      if (!mark.tag.hidden) this.placeTag(mark, t!, at(t!), at(t!) > 0.5 * width);
    }
    this.changed();
  }

  /** What the tag of the chart under the pointer says, for those who do not see it. */
  spoken(): string {
    const mark = this.marks.get(this.owner);
    const t = this.time();
    if (mark === undefined || t === null) return '';
    const { say } = mark.words;
    if (this.row === null || this.row < 0 || say === undefined) return this.text(mark, t);
    return [`${formatMoment(t, Date.now())}: ${say(this.row)}`, ...this.happened(mark, t)].join(' · ');
  }

  private rowAt(t: number): number {
    const times = this.plane.store.times();
    const at = nearestRow(times, t);
    return at >= 0 && times[at] === t ? at : -1;
  }

  private placeTag(mark: Mark, t: number, x: number, left: boolean): void {
    mark.tag.textContent = this.text(mark, t);
    const nudge = left ? 'translateX(-100%) translateX(-6px)' : 'translateX(6px)';
    mark.tag.style.transform = `translateX(${x}px) ${nudge}`;
  }

  private text(mark: Mark, t: number): string {
    const gap = gapAt(mark.surface.gaps, t);
    const happened = this.happened(mark, t);
    if (gap === undefined) {
      const more = mark.words.describe?.(this.y, this.row ?? -1) ?? '';
      return [formatMoment(t, Date.now()), ...(more === '' ? [] : [more]), ...happened].join(' · ');
    }
    const why = this.known.why(gap);
    const when = gap.open ? `since ${formatMoment(gap.from, Date.now())}` : formatInterval(gap.from, gap.to);
    const others = happened.filter((text) => text !== why);
    return [`no data ${when}`, ...(why === '' ? [] : [why]), ...others].join(' · ');
  }

  /** What the marks say that are at the cursor: a sample's, as long as no other sample is nearer. */
  private happened(mark: Mark, t: number): string[] {
    const [from, to] = this.plane.view.range();
    const near = Math.max((SAME_PX * (to - from)) / mark.surface.width(), this.plane.step() / 2);
    const notes = this.known.happened(t - near, t + near);
    const texts = notes.slice(-NOTES_SAID).map((n) => (n.text || n.kind).slice(0, NOTE_LIMIT));
    return notes.length > NOTES_SAID ? [...texts, `${notes.length - NOTES_SAID} more`] : texts;
  }

  private ask(): void {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => this.place());
  }
}

/** Moves a mark; null hides it. */
function put(mark: HTMLElement, x: number | null): void {
  mark.hidden = x === null;
  if (x !== null) mark.style.transform = `translateX(${x}px)`;
}
