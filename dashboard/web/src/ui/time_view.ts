// time_view - which stretch of time every chart of the page shows.
//
// Live, it ends at the newest sample and moves on with it. Held, it stands still: paused as it was,
// or set to a range by hand. Until a span is chosen, a host that is younger than the usual one is
// shown in the shorter one, so that a first minute is not a sliver at the edge.

import { signal } from '@preact/signals';

export const SPANS_MS = [60_000, 300_000, 900_000] as const;
export const SPAN_DEFAULT_MS = 300_000;
const SPAN_LEAST_MS = 10_000;
const SPAN_MOST_MS = 900_000;

export interface Held {
  from: number;
  to: number;
  byHand: boolean; // a range that was chosen; otherwise paused
  since: number; // ms of the collector's clock
}

export class TimeView {
  readonly span = signal(SPAN_DEFAULT_MS);
  readonly held = signal<Held | null>(null);
  /** Right end while live; set by who knows the samples. */
  edge = NaN;
  private chosen = false;

  range(): [number, number] {
    const held = this.held.value;
    return held === null ? [this.edge - this.span.value, this.edge] : [held.from, held.to];
  }

  /** There are samples since `oldest`. */
  fit(oldest: number): void {
    if (this.chosen || this.held.peek() !== null || !Number.isFinite(oldest)) return;
    this.span.value = this.edge - oldest < SPANS_MS[0] ? SPANS_MS[0] : SPAN_DEFAULT_MS;
  }

  setSpan(ms: number): void {
    this.chosen = true;
    this.span.value = clampSpan(ms);
    const held = this.held.value;
    if (held !== null) this.held.value = { ...held, from: held.to - this.span.value };
  }

  pause(now: number): void {
    const [from, to] = this.range();
    if (Number.isFinite(to)) this.held.value = { from, to, byHand: false, since: now };
  }

  hold(from: number, to: number, now: number): void {
    const middle = (from + to) / 2;
    const half = Math.max(to - from, SPAN_LEAST_MS) / 2;
    this.held.value = { from: middle - half, to: middle + half, byHand: true, since: now };
  }

  live(): void {
    this.held.value = null;
  }

  /** Zooms by `factor` (2: half the time), about `at`, a share of the width, where the view is held. */
  zoom(factor: number, at: number): void {
    const held = this.held.value;
    if (held === null) return this.setSpan(this.span.value / factor);
    const span = clampSpan((held.to - held.from) / factor);
    const pivot = held.from + (held.to - held.from) * at;
    this.held.value = { ...held, from: pivot - span * at, to: pivot + span * (1 - at), byHand: true };
  }

  /** Moves by a share of the span; from live it holds first. */
  shift(share: number, now: number): void {
    const [from, to] = this.range();
    const by = (to - from) * share;
    if (!Number.isFinite(by)) return;
    if (to + by >= this.edge) return this.live();
    this.held.value = { from: from + by, to: to + by, byHand: true, since: now };
  }
}

function clampSpan(ms: number): number {
  return Math.min(SPAN_MOST_MS, Math.max(SPAN_LEAST_MS, ms));
}
