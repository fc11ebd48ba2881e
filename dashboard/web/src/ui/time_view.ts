// time_view - which stretch of time every chart of the page shows.
//
// Live, it ends at the newest sample and moves on with it. Held, it stands still: paused as it was,
// or set to a range by hand. Until a span is chosen, a host that is younger than the usual one is
// shown in the shorter one, so that a first minute is not a sliver at the edge.
//
// The ends of a held range are round to what a pixel shows, so that an address can hold them.

import { signal } from '@preact/signals';
import type { Range } from './address';

export const SPANS_MS = [60_000, 300_000, 900_000, 3_600_000] as const;
export const SPAN_DEFAULT_MS = 300_000;
const SPAN_LEAST_MS = 10_000;
const SPAN_MOST_MS = 3_600_000;
const NEAR_NOW = 0.75; // a zoom of a live view about this share of the width or more stays live

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
  /** The earliest time of which anything can be known, NaN: not known yet. */
  earliest = NaN;
  private chosen = false;
  private automatic = SPAN_DEFAULT_MS;

  range(): [number, number] {
    const held = this.held.value;
    return held === null ? [this.edge - this.span.value, this.edge] : [held.from, held.to];
  }

  /** There are samples since `oldest`. */
  fit(oldest: number): void {
    if (!Number.isFinite(oldest)) return;
    this.automatic = this.edge - oldest < SPANS_MS[0] ? SPANS_MS[0] : SPAN_DEFAULT_MS;
    if (!this.chosen && this.held.peek() === null) this.span.value = this.automatic;
  }

  /** What an address says of it: null where it is as it is by itself. */
  asRange(): Range | null {
    const held = this.held.value;
    if (held !== null) return { from: held.from, to: held.to };
    return this.span.value === this.automatic ? null : { span: this.span.value };
  }

  adopt(range: Range | null, now: number): void {
    if (range === null) {
      this.chosen = false;
      this.live();
      this.span.value = this.automatic;
    } else if ('span' in range) {
      this.live();
      this.setSpan(range.span);
    } else {
      this.hold(range.from, range.to, now);
    }
  }

  setSpan(ms: number): void {
    this.chosen = true;
    this.span.value = this.clampSpan(ms);
    const held = this.held.value;
    if (held !== null) this.place(held.to - this.span.value, held.to, held);
  }

  pause(now: number): void {
    const [from, to] = this.range();
    if (Number.isFinite(to)) this.held.value = { from, to, byHand: false, since: now };
  }

  hold(from: number, to: number, now: number): void {
    const middle = (from + to) / 2;
    // How far back anything goes is not known yet when an address names a stretch of days.
    const span = Number.isNaN(this.earliest) ? Math.max(SPAN_LEAST_MS, to - from) : this.clampSpan(to - from);
    const half = span / 2;
    this.place(middle - half, middle + half, { byHand: true, since: now });
  }

  live(): void {
    this.held.value = null;
  }

  /** Live, with the span it has by itself. */
  reset(): void {
    this.chosen = false;
    this.live();
    this.span.value = this.automatic;
  }

  /** Zooms by `factor` (2: half the time); a live view stays live. */
  zoom(factor: number): void {
    const held = this.held.value;
    if (held === null) this.setSpan(this.span.value / factor);
    else this.zoomHeld(factor, 0.5, held);
  }

  /** Zooms about `at`, a share of the width. A live view is held where its newest end would go. */
  zoomAbout(factor: number, at: number, now: number): void {
    const [from, to] = this.range();
    if (!Number.isFinite(to)) return;
    const held = this.held.value;
    if (held === null && (at >= NEAR_NOW || factor < 1)) return this.setSpan(this.span.value / factor);
    this.zoomHeld(factor, at, held ?? { from, to, byHand: true, since: now });
  }

  /** Moves by a share of the span; from live it holds first. */
  shift(share: number, now: number): void {
    const [from, to] = this.range();
    this.moveTo(from + (to - from) * share, now);
  }

  /** The same span, from another time on; at the newest end it is live. */
  moveTo(start: number, now: number): void {
    const [from, to] = this.range();
    if (!Number.isFinite(start) || !Number.isFinite(to - from)) return;
    const end = start + (to - from);
    if (end >= this.edge) {
      if (this.held.value !== null) this.setSpan(to - from);
      return this.live();
    }
    this.place(start, end, { byHand: true, since: now });
  }

  private zoomHeld(factor: number, at: number, held: Held): void {
    const span = this.clampSpan((held.to - held.from) / factor);
    const pivot = held.from + (held.to - held.from) * at;
    this.place(pivot - span * at, pivot + span * (1 - at), { ...held, byHand: true });
  }

  /** Holds [from, to], moved so that it is within what can be known. */
  private place(from: number, to: number, how: { byHand: boolean; since: number }): void {
    const span = to - from;
    const last = Number.isFinite(this.edge) ? this.edge : Infinity;
    const first = Number.isFinite(this.earliest) ? Math.min(this.earliest, last - span) : -Infinity;
    const start = Math.max(first, Math.min(from, Math.max(last - span, first)));
    const grain = grainOf(span);
    const round = (t: number) => Math.round(t / grain) * grain;
    this.held.value = { from: round(start), to: round(start + span), byHand: how.byHand, since: how.since };
  }

  private clampSpan(ms: number): number {
    const known = this.edge - this.earliest;
    const most = known > SPAN_MOST_MS ? known : SPAN_MOST_MS;
    return Math.round(Math.min(most, Math.max(SPAN_LEAST_MS, ms)));
  }
}

/** Less than a pixel of a range so long, on any screen: 1 s, 0.1 s or 0.01 s. */
function grainOf(span: number): number {
  return span >= 3_000_000 ? 1000 : span >= 300_000 ? 100 : 10;
}
