// board - what stands behind a host's page: its session, its range of time, and all that draws it.
//
// A sample comes -> the charts are marked dirty -> they are drawn within a frame or two -> then, and
// only then, the legends and the pill move on, so that what is said is what is seen.

import { effect, signal } from '@preact/signals';
import { HostSession } from '../data/host_session';
import { noteCause, notesWithin } from '../data/notes';
import type { Plane, Surface } from '../draw/chart';
import { formatDuration } from '../draw/format';
import { Scheduler, type Drawable } from '../draw/scheduler';
import { theme } from '../draw/theme';
import { bindAddress } from './board_address';
import { Crosshair, type Words } from './crosshair';
import { csvOf } from './export';
import { wireGestures } from './gestures';
import { pillOf, type Pill } from './pill';
import { Mounts } from './mounts';
import { lastRow, Readouts, type Group } from './readouts';
import { ScreenRows } from './screen_rows';
import { counters, notePaint, startStats, watch } from './stats';
import { TimeView } from './time_view';
import { zone } from './zone';

const PULSE_MS = 250;
const LATE_STEPS = 2.5; // without a sample for so long the charts move on and show the gap

/** `ids`: the columns that it draws; `bytes`: of its bitmaps. */
export type Drawn = Drawable &
  Surface & { resize(): void; destroy(): void; bytes(): number; root: HTMLElement; ids: readonly string[] };

export const scheduler = new Scheduler({
  request: (callback) => requestAnimationFrame(callback),
  now: () => performance.now(),
});
startStats(scheduler);

export class Board {
  readonly session: HostSession;
  readonly view = new TimeView();
  readonly readouts = new Readouts();
  readonly crosshair: Crosshair;
  readonly plane: Plane;
  readonly rows: ScreenRows;
  readonly pill = signal<Pill>({ kind: 'nodata', word: 'NO DATA', detail: '', action: 'Pause' });
  readonly dead = signal(false); // the newest number is too old to look alive
  readonly age = signal(''); // of the newest number, once it is dead
  readonly shown = signal(false); // numbers are on the screen
  readonly atCursor = signal(false); // the legends show a moment of the past
  readonly spoken = signal(''); // for screen readers, where the cursor is
  readonly mounts = new Mounts(scheduler);
  private drawn = new Set<Drawn>();
  private unseen = new Set<Drawn>(); // of those, what is not in sight and so not drawn
  private lag = 0;
  private painted = NaN; // stamp of the newest sample on the screen
  private pulseTimer = 0;
  private spokenTimer = 0;
  private listeners = new Set<() => void>();
  private movedAt = 0;
  private stopEffects: (() => void)[] = [];
  private sizes = new ResizeObserver((entries) => this.resized(entries));

  constructor(host: string, stacks: readonly (readonly string[])[]) {
    this.session = new HostSession(host, stacks);
    this.rows = new ScreenRows(this.session, this.view, {
      widths: () => [...this.drawn].map((chart) => chart.width()),
      changed: () => this.redraw(),
      whenDrawn: (callback) => scheduler.whenDrawn(callback),
    });
    this.plane = this.rows.plane;
    this.crosshair = new Crosshair(
      this.plane,
      () => this.tell(),
      {
        why: (gap) => noteCause(gap, this.session.notes.all.peek()) || this.session.causes.of(gap),
        happened: (from, to) => notesWithin(this.session.notes.all.peek(), from, to),
      },
    );
  }

  start(): void {
    watch(this);
    counters.bitmapBytes = () => this.mounts.bytes();
    this.session.onData = (since) => this.changed(since);
    this.session.onFilled = (from) => this.filled(from);
    this.session.onCause = () => this.crosshair.place();
    this.session.start();
    this.pulseTimer = window.setInterval(() => this.pulse(), PULSE_MS);
    this.stopEffects.push(
      bindAddress(this.view, this.crosshair, () => this.session.now()),
      effect(() => {
        void [this.view.held.value, this.view.span.value, theme.version.value, zone.value];
        this.rows.see(true);
        this.redraw();
        this.tellListeners();
      }),
      effect(() => {
        void this.session.notes.all.value;
        this.redraw();
      }),
    );
  }

  stop(): void {
    this.session.stop();
    this.rows.end();
    watch(null);
    window.clearInterval(this.pulseTimer);
    window.clearTimeout(this.spokenTimer);
    for (const stop of this.stopEffects) stop();
    this.sizes.disconnect();
    this.mounts.stop();
  }

  /** A chart in `root`, made once that is near; the function given back ends it. */
  mount(root: HTMLElement, make: () => Drawn, words: Words = {}): () => void {
    return this.mounts.add(root, () => {
      const chart = make();
      const end = this.add(chart, root, words);
      return { show: (seen) => this.show(chart, seen), bytes: () => chart.bytes(), end };
    });
  }

  /** Numbers that came into sight are told at once; out of it they sleep. */
  wake(group: Group, seen: boolean): void {
    if (group.awake === seen) return;
    group.awake = seen;
    if (seen) this.tell();
  }

  private show(chart: Drawn, seen: boolean): void {
    if (!seen) {
      this.unseen.add(chart);
      scheduler.forget(chart);
    } else if (this.unseen.delete(chart)) {
      scheduler.mark(chart);
      scheduler.whenDrawn(() => this.afterPaint());
    }
  }

  /** Takes a chart in; the function given back puts it out again and ends it. */
  private add(chart: Drawn, focusable: HTMLElement, words: Words): () => void {
    this.drawn.add(chart);
    counters.charts++;
    const forget = this.need(chart.ids);
    this.crosshair.add(chart, words);
    const w = { crosshair: this.crosshair, view: this.view, now: () => this.session.now() };
    const unwire = wireGestures(chart, focusable, w);
    this.sizes.observe(chart.root);
    this.tell();
    scheduler.mark(chart);
    scheduler.whenDrawn(() => this.afterPaint());
    return () => {
      unwire();
      this.sizes.unobserve(chart.root);
      this.crosshair.remove(chart);
      scheduler.forget(chart);
      this.drawn.delete(chart);
      forget();
      this.unseen.delete(chart);
      counters.charts--;
      chart.destroy();
    };
  }

  /** These columns are on the screen, as numbers or drawn, until the function given back is called. */
  need(ids: readonly string[]): () => void {
    return this.rows.need(ids);
  }

  /** Calls back whenever rows came or the range is another; the function given back ends that. */
  onChange(callback: () => void): () => void {
    this.listeners.add(callback);
    return () => this.listeners.delete(callback);
  }

  togglePause(): void {
    if (this.view.held.peek() === null) this.view.pause(this.session.now());
    else this.view.live();
  }

  pressPill(): void {
    if (this.pill.peek().kind === 'reconnecting') this.session.client.nudge();
    else this.togglePause();
  }

  shift(share: number): void {
    this.view.shift(share, this.session.now());
  }

  /** The moment is pinned, and the charts show it; where they do not reach it, they move there. */
  showMoment(t: number): void {
    const [from, to] = this.view.range();
    if (!(t >= from && t <= to)) this.view.moveTo(t - (to - from) / 2, this.session.now());
    this.crosshair.pin(t);
  }

  resetView(): void {
    this.view.reset();
  }

  /** The columns of the chart in `root`, or of all charts, as they are on the screen. */
  csv(root: Element | null): string {
    const charts = [...this.drawn].filter((c) => root === null || c.root === root);
    const ids = [...new Set(charts.flatMap((c) => c.ids))];
    return csvOf(this.plane.store, ids, this.view.range(), this.plane.coarse);
  }

  /** False if there was no cursor. */
  clearCursor(): boolean {
    return this.crosshair.clear();
  }

  setHidden(hidden: boolean): void {
    this.session.client.setHidden(hidden);
  }

  private filled(from: number): void {
    this.rows.history.spoil(from);
    this.changed(-Infinity);
  }

  private tellListeners(): void {
    for (const callback of this.listeners) callback();
  }

  private changed(since: number): void {
    this.view.edge = this.session.store.newest;
    this.view.fit(this.session.store.oldest);
    this.rows.see(false);
    this.tellListeners();
    if (since > this.view.range()[1]) return this.refreshPill(); // held: nothing of it is in sight
    this.redraw();
  }

  private redraw(): void {
    for (const chart of this.drawn) if (!this.unseen.has(chart)) scheduler.mark(chart);
    scheduler.whenDrawn(() => this.afterPaint());
  }

  private afterPaint(): void {
    const { store } = this.session;
    const newest = store.newest;
    const first = Number.isNaN(this.painted) && store.count > 0 && this.drawn.size > 0;
    if (newest > this.painted || first) {
      this.lag = this.session.now() - newest;
      this.painted = newest;
      notePaint(this.lag);
    }
    if (first) {
      this.session.complete();
      this.shown.value = true;
    }
    this.crosshair.place();
    this.refreshPill();
  }

  private tell(): void {
    const { store } = this.plane;
    const edge = lastRow(store, this.view.range()[1]);
    this.readouts.update(store, { edge, cursor: this.crosshair.row ?? edge });
    this.atCursor.value = this.crosshair.row !== null;
    window.clearTimeout(this.spokenTimer);
    this.spokenTimer = window.setTimeout(() => (this.spoken.value = this.crosshair.spoken()), 400);
  }

  /** Four times a second: what changes by time alone. */
  private pulse(): void {
    const now = this.session.now();
    const newest = this.session.store.newest;
    const late = now - newest > LATE_STEPS * this.session.step && this.view.held.peek() === null;
    if (late && now - this.movedAt >= 1000) {
      this.movedAt = now;
      this.view.edge = now;
      this.redraw();
    }
    this.refreshPill();
  }

  private refreshPill(): void {
    const { session, view } = this;
    const now = session.now();
    const held = view.held.peek();
    const pill = pillOf({
      now,
      link: session.link.peek(),
      downFor: Date.now() - session.linkSince,
      newest: this.painted,
      lag: this.lag,
      step: session.step,
      stale: session.stale,
      pausedFor: held !== null && !held.byHand ? now - held.since : null,
      fixed: held !== null && held.byHand ? held : null,
      polling: session.polling.peek(),
      skew: session.info.peek()?.offset_ms,
    });
    const was = this.pill.peek();
    if (pill.kind !== was.kind || pill.detail !== was.detail) this.pill.value = pill;
    const age = now - session.store.newest;
    this.dead.value = age >= session.stale;
    this.age.value = age >= session.stale ? `${formatDuration(age)} ago` : '';
  }

  private resized(entries: ResizeObserverEntry[]): void {
    const roots = new Set(entries.map((e) => e.target));
    for (const chart of this.drawn) {
      if (!roots.has(chart.root)) continue;
      chart.resize();
      if (!this.unseen.has(chart)) scheduler.mark(chart);
    }
    scheduler.whenDrawn(() => this.afterPaint());
  }
}
