// stats - what the page knows of itself, at window.__ui for tests and for the curious.

import type { HostSession } from '../data/host_session';
import type { Scheduler } from '../draw/scheduler';
import type { TimeView } from './time_view';

const KEPT = 600;

export const counters = {
  longTasks: 0,
  charts: 0,
  paintLagMs: [] as number[], // from a sample's stamp until it was painted
  firstPaintMs: NaN, // from navigation until the first samples were drawn
};

let session: HostSession | null = null;
let view: TimeView | null = null;

/** What is looked at from now on. */
export function watch(next: { session: HostSession; view: TimeView } | null): void {
  session = next?.session ?? null;
  view = next?.view ?? null;
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
    get longTasks() {
      return counters.longTasks;
    },
    get charts() {
      return counters.charts;
    },
    get paintLagMs() {
      return [...counters.paintLagMs];
    },
    get firstPaintMs() {
      return counters.firstPaintMs;
    },
    get ticks() {
      return session?.client.inbox.ticks ?? 0;
    },
    get missedSeq() {
      return session?.client.inbox.missedSeq ?? 0;
    },
    get reconnects() {
      return session?.client.reconnects ?? 0;
    },
    get bytes() {
      return session?.client.bytes ?? 0;
    },
    get newestAge() {
      return session === null ? NaN : session.now() - session.store.newest;
    },
    get clockOffset() {
      return session?.clock.offset ?? NaN;
    },
  };
  /** A copy of what is held of a column: times in ms and values, null for none. */
  const series = (id: string) => ({
    t: [...(session?.store.times() ?? [])],
    v: [...(session?.store.column(id) ?? [])].map((v) => (Number.isNaN(v) ? null : v)),
  });
  Object.assign(window, { __ui: { stats, series, range: () => view?.range() ?? null } });
}
