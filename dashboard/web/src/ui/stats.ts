// stats - what the page knows of itself, at window.__ui for tests and for the curious.

import type { HostSession } from '../data/host_session';
import { highId, lowId } from '../data/past';
import type { Plane } from '../draw/chart';
import type { Scheduler } from '../draw/scheduler';
import type { TimeView } from './time_view';

const KEPT = 600;

export const counters = {
  longTasks: 0,
  charts: 0,
  bitmapBytes: () => 0, // of all charts
  paintLagMs: [] as number[], // from a sample's stamp until it was painted
  firstPaintMs: NaN, // from navigation until the first samples were drawn
};

/** What tests want to know of a board. */
interface Watched {
  session: HostSession;
  view: TimeView;
  plane: Plane;
  crosshair: { pinned: { peek(): number | null } };
  rows: { idle: boolean };
}

let watched: Watched | null = null;

/** What is looked at from now on. */
export function watch(next: Watched | null): void {
  watched = next;
}

export function noteDrawn(): void {
  if (Number.isNaN(counters.firstPaintMs)) counters.firstPaintMs = performance.now();
}

export function notePaint(lagMs: number): void {
  counters.paintLagMs.push(lagMs);
  if (counters.paintLagMs.length > KEPT) counters.paintLagMs.shift();
}

export function startStats(scheduler: Scheduler): void {
  try {
    new PerformanceObserver((list) => (counters.longTasks += list.getEntries().length)).observe({
      type: 'longtask',
    });
  } catch {
    counters.longTasks = NaN; // this browser does not tell
  }
  const stats = {
    get frames() {
      return scheduler.frames;
    },
    get slowFrames() {
      return scheduler.slowFrames;
    },
    get redraws() {
      return scheduler.redraws;
    },
    get failed() {
      return scheduler.failed;
    },
    get redrawMs() {
      return scheduler.redrawMs;
    },
    /** Charts are made and drawn, and what they show was asked for. */
    get resting() {
      return scheduler.idle && counters.charts > 0 && (watched?.rows.idle ?? false);
    },
    get longTasks() {
      return counters.longTasks;
    },
    get charts() {
      return counters.charts;
    },
    get bitmapBytes() {
      return counters.bitmapBytes();
    },
    get paintLagMs() {
      return [...counters.paintLagMs];
    },
    get firstPaintMs() {
      return counters.firstPaintMs;
    },
    get ticks() {
      return watched?.session.client.inbox.ticks ?? 0;
    },
    get missedSeq() {
      return watched?.session.client.inbox.missedSeq ?? 0;
    },
    get reconnects() {
      return watched?.session.client.reconnects ?? 0;
    },
    get bytes() {
      return watched?.session.client.bytes ?? 0;
    },
    get newestAge() {
      return watched === null ? NaN : watched.session.now() - watched.session.store.newest;
    },
    get clockOffset() {
      return watched?.session.clock.offset ?? NaN;
    },
  };
  const ui = { stats, series, shown, range: () => watched?.view.range() ?? null, pinned };
  Object.assign(window, { __ui: ui });
}

const pinned = () => watched?.crosshair.pinned.peek() ?? null;

/** A copy of what is held live of a column: times in ms and values, null for none. */
const series = (id: string) => ({
  t: copy(watched?.session.store.times()),
  v: copy(watched?.session.store.column(id)),
});

/** The same of the rows that the charts are drawn from; of buckets with the least and the most. */
function shown(id: string) {
  const plane = watched?.plane;
  const store = plane?.store;
  return {
    step: plane?.step() ?? NaN,
    coarse: plane?.coarse ?? false,
    t: copy(store?.times()),
    v: copy(store?.column(id)),
    low: copy(store?.column(lowId(id))),
    high: copy(store?.column(highId(id))),
  };
}

const copy = (values: Float64Array | undefined) => [...(values ?? [])].map((v) => (Number.isNaN(v) ? null : v));
