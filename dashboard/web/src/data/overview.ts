// overview - one column over all that can be known of a host, for the strip on top of its page.
//
// How far back that is, nobody says: a host may have been there longer than the collector keeps its
// samples. So it is asked from the first time the host was seen, and if the first row comes much
// later, once more from there. New rows are made from the live ones; now and then it is asked anew,
// for the oldest ones go.

import type { Hist } from '../net/protocol';
import { Past, type Table } from './past';

const AGAIN_MS = 300_000;
const RETRY_MS = 5000;
const EMPTY_SHARE = 0.1; // of the range without rows at its start that makes asking again worth it
const LEAST_MS = 300_000; // the strip is never shorter, or a young host would be all of it

export interface OverviewEnv {
  live: Table;
  step(): number; // ms between live rows
  now(): number; // ms, the collector's clock
  /** When the host was first seen, ms; NaN: not known yet. */
  first(): number;
  ask(id: string, range: { from: number; to: number; points: number }): Promise<Hist>;
  changed(): void;
}

export class Overview {
  past: Past | null = null;
  /** The first row that there is, ms; NaN: not known yet. */
  oldest = NaN;
  private late = Infinity; // ms, where rows that came late begin
  private askedAt = -Infinity;
  private busy = false;
  private over = false;

  constructor(
    readonly id: string,
    private readonly env: OverviewEnv,
  ) {}

  /** Asks if it is time to; called as often as one likes. `pixels`: of the strip. */
  tend(pixels: number): void {
    this.past?.follow();
    const now = this.env.now();
    if (this.busy || this.over || now - this.askedAt < AGAIN_MS || Number.isNaN(this.env.first())) return;
    this.askedAt = now;
    void this.ask(pixels);
  }

  /** Rows came late, none of them before `from`. */
  spoil(from: number): void {
    this.late = Math.min(this.late, from);
    this.askedAt = -Infinity;
  }

  /** What the strip covers, ms. */
  range(): [number, number] {
    const end = Math.max(this.env.now(), this.env.live.newest || -Infinity);
    const known = Math.min(this.oldest || Infinity, this.env.live.oldest || Infinity);
    return [Math.min(known, end - LEAST_MS), end];
  }

  end(): void {
    this.over = true;
  }

  private async ask(pixels: number): Promise<void> {
    this.busy = true;
    try {
      const first = Math.min(this.env.first(), this.late, this.env.live.oldest || Infinity);
      await this.take(Math.floor(Math.max(0, first)), pixels);
    } catch {
      // Refused or not reached: the strip stays as it is, and is tried again soon.
      this.askedAt = this.env.now() - AGAIN_MS + RETRY_MS;
    } finally {
      this.busy = false;
    }
  }

  private async take(from: number, pixels: number, again = true): Promise<void> {
    const to = Math.ceil(this.env.now());
    if (from >= to) return;
    const range = { from, to, points: Math.max(2, Math.round(pixels)) };
    const answer = await this.env.ask(this.id, range);
    if (this.over) return;
    if (again && answer.n > 0 && answer.t0 - from > EMPTY_SHARE * (to - from)) {
      return this.take(answer.t0, pixels, false);
    }
    const { live, step } = this.env;
    this.past = new Past(answer, { from, to, ids: [this.id] }, live, [], step());
    this.oldest = answer.n > 0 ? this.past.oldest : NaN;
    this.env.changed();
  }
}
