// crosshair - one moment, marked in every chart at once.
//
// The marks are elements moved by a transform; nothing is drawn on a canvas for a hover. A pointer
// holds a place on the screen, so the moment under it moves on with the data; keys hold a moment.

import { gapAt, nearestRow } from '../data/gaps';
import type { Plane, Surface } from '../draw/chart';
import { formatInterval, formatTime } from '../draw/format';

interface Mark {
  surface: Surface;
  line: HTMLElement;
  tag: HTMLElement;
  words: Words;
}

/** What a chart says of a row: beside the mark, at `y` pixels from its top, and to a screen reader. */
export interface Words {
  describe?: (y: number, row: number) => string;
  say?: (row: number) => string;
}

export class Crosshair {
  /** Row of the store under the cursor; null: no cursor; -1: a gap. */
  row: number | null = null;
  private marks = new Map<string, Mark>();
  private share: number | null = null; // of the width, by a pointer
  private moment: number | null = null; // ms, by keys
  private owner = '';
  private y = 0;
  private asked = false;

  constructor(
    private readonly plane: Plane,
    private readonly changed: () => void,
  ) {}

  add(surface: Surface, words: Words): void {
    const line = document.createElement('div');
    line.className = 'xhair';
    const tag = document.createElement('div');
    tag.className = 'xtag';
    line.hidden = tag.hidden = true;
    surface.over.append(line, tag);
    this.marks.set(surface.key, { surface, line, tag, words });
  }

  remove(surface: Surface): void {
    if (this.marks.get(surface.key)?.surface !== surface) return;
    this.marks.delete(surface.key);
    if (this.owner === surface.key) this.clear();
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

  clear(): void {
    if (this.share === null && this.moment === null) return;
    this.share = this.moment = null;
    this.ask();
  }

  /** The moment in ms, null without a cursor. On a sample it is that sample's stamp. */
  time(): number | null {
    const [from, to] = this.plane.view.range();
    const t = this.moment ?? (this.share === null ? null : from + this.share * (to - from));
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
    for (const mark of this.marks.values()) {
      mark.line.hidden = !shown;
      mark.tag.hidden = !shown || mark.surface.key !== this.owner;
      if (!shown) continue;
      const share = (t - from) / (to - from);
      const x = Math.round(share * mark.surface.width());
      mark.line.style.transform = `translateX(${x}px)`;
      if (!mark.tag.hidden) this.placeTag(mark, t, x, share > 0.6);
    }
    this.changed();
  }

  /** What the tag of the chart under the pointer says, for those who do not see it. */
  spoken(): string {
    const mark = this.marks.get(this.owner);
    const t = this.time();
    if (mark === undefined || t === null) return '';
    const { say } = mark.words;
    return this.row === null || this.row < 0 || say === undefined
      ? this.text(mark, t)
      : `${formatTime(t)}: ${say(this.row)}`;
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
    if (gap !== undefined) {
      return gap.open ? `no data since ${formatTime(gap.from)}` : `no data ${formatInterval(gap.from, gap.to)}`;
    }
    const more = mark.words.describe?.(this.y, this.row ?? -1) ?? '';
    return formatTime(t) + (more === '' ? '' : ` · ${more}`);
  }

  private ask(): void {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => this.place());
  }
}
