// history - which rows a range of time is drawn from, and asking for those that are not here.
//
// The live rows serve as far back as they reach. For what is older, or longer than they are, history
// is asked for as many points as there are pixels, of the columns that are on the screen only: once
// the view has rested, a little wider than it, so that a small move asks nothing. Until the answer
// comes, what is here is drawn on, stretched.

import type { Hist } from '../net/protocol';
import { lowerBound } from './gaps';
import { Past, type Asked, type Table } from './past';

const REST_MS = 120;
const RETRY_MS = 2000;
const MARGIN = 0.25; // of the range, asked for on each side
const FINER = 1.25; // rows so much coarser than what could be had are good enough
const DENSE = 2; // points a pixel: screens have finer ones than a style sheet says
const MANY = 40; // columns; of more than these one point a pixel is enough

export interface Look {
  from: number; // ms
  to: number;
  pixels: number; // of the plot
  ids: readonly string[]; // columns on the screen
}

export interface HistoryEnv {
  live: Table;
  stacks: () => readonly (readonly string[])[];
  /** ms between live rows. */
  step(): number;
  ask(ids: readonly string[], range: { from: number; to: number; points: number }, stop: AbortSignal): Promise<Hist>;
  /** Other rows are to be drawn. */
  changed(): void;
  after(ms: number, callback: () => void): number;
  cancel(timer: number): void;
}

export class History {
  asks = 0;
  /** Nothing was sampled before this, as far as is known; ms. */
  beginning = NaN;
  private past: Past | null = null;
  private spoiled = false; // the live rows have a hole that the past does not know of
  private timer = 0;
  private stop: AbortController | null = null;
  private asking: Asked | null = null;
  private look: Look | null = null;

  constructor(private readonly env: HistoryEnv) {}

  /** The rows to draw for the range looked at. */
  table(): Table {
    const { live } = this.env;
    if (this.look === null || this.past === null || this.liveServes(this.look)) return live;
    this.past.follow();
    return overlap(this.past, this.look) >= overlap(live, this.look) ? this.past : live;
  }

  stepOf(table: Table): number {
    return table === this.past ? this.past.step : this.env.step();
  }

  /** The rows of the past are buckets: `table` has their least and most. */
  isCoarse(table: Table): boolean {
    return table === this.past && this.past.coarse;
  }

  /** Says what is looked at now; asks for it if need be. `moved`: by hand, so it may be moved on. */
  see(look: Look, moved: boolean): void {
    this.look = look;
    this.past?.follow();
    const known = !Number.isFinite(look.from) || !Number.isFinite(look.to) || look.ids.length === 0;
    if (known || this.served(look)) return this.rest();
    if (this.asking !== null && !this.spoiled && covers(this.asking, look)) return;
    // A live range moves with each sample, and that is no reason to wait on.
    if (this.timer !== 0 && !moved) return;
    this.rest();
    this.timer = this.env.after(REST_MS, () => this.ask());
  }

  /** Something was looked at, and nothing is asked or about to be. */
  get idle(): boolean {
    return this.look !== null && this.timer === 0 && this.asking === null;
  }

  /** Rows came late, none of them before `from`: what is here lacks them, and is asked for again. */
  spoil(from: number): void {
    this.spoiled = true;
    if (from < this.beginning) this.beginning = NaN;
    if (this.look !== null) this.see(this.look, false);
  }

  end(): void {
    this.rest();
    this.stop?.abort();
  }

  private rest(): void {
    this.env.cancel(this.timer);
    this.timer = 0;
  }

  private served(look: Look): boolean {
    return this.liveServes(look) || (this.past !== null && !this.spoiled && this.pastServes(this.past, look));
  }

  private liveServes({ from }: Look): boolean {
    const { live } = this.env;
    const reach = live.oldest - 1.5 * this.env.step();
    return from >= reach || this.beginning >= reach;
  }

  private pastServes(past: Past, look: Look): boolean {
    const { asked, from } = past;
    const first = Math.max(look.from, Number.isNaN(this.beginning) ? -Infinity : this.beginning);
    const reaches = asked.to >= look.to || past.newest >= this.env.live.newest - 2 * past.step;
    const fine = past.step <= FINER * this.stepFor(look);
    return from <= first && reaches && fine && covers({ ...asked, from: -Infinity, to: Infinity }, look);
  }

  /** The step that the server would choose. */
  private stepFor(look: Look): number {
    const raw = this.env.step();
    const span = look.to - look.from;
    const points = this.pointsFor(look);
    return span / raw <= points ? raw : Math.ceil(span / Math.max(1, points - 1) / raw) * raw;
  }

  private pointsFor({ pixels, ids }: Look): number {
    return Math.max(2, Math.round(pixels * (ids.length > MANY ? 1 : DENSE)));
  }

  private async ask(): Promise<void> {
    this.timer = 0;
    this.stop?.abort();
    const stop = (this.stop = new AbortController());
    const look = this.look!;
    const margin = Math.round((look.to - look.from) * MARGIN);
    const range = {
      from: Math.max(0, Math.floor(look.from - margin)),
      to: Math.ceil(look.to + margin),
      points: Math.ceil(this.pointsFor(look) * (1 + 2 * MARGIN)),
    };
    this.asks++;
    this.asking = { ...range, ids: look.ids };
    try {
      const answer = await this.env.ask(look.ids, range, stop.signal);
      if (stop.signal.aborted) return;
      this.asking = null;
      this.take(answer, { ...range, ids: look.ids });
    } catch {
      // Refused, not reached, or too late: what is here stays on the screen.
      if (stop.signal.aborted) return;
      this.asking = null;
      this.timer = this.env.after(RETRY_MS, () => this.ask());
    }
  }

  private take(answer: Hist, asked: Asked): void {
    const { live } = this.env;
    this.past = new Past(answer, asked, live, this.env.stacks(), this.env.step());
    this.spoiled = false;
    if (answer.n > 0 && answer.t0 > asked.from + 1.5 * answer.step) {
      this.beginning = Number.isNaN(live.oldest) ? answer.t0 : Math.min(answer.t0, live.oldest);
    } else if (answer.n > 0) {
      this.beginning = NaN; // there may be more before it
    }
    this.env.changed();
  }
}

function covers(asked: Asked, { from, to, ids }: Look): boolean {
  return asked.from <= from && asked.to >= to && ids.every((id) => asked.ids.includes(id));
}

function overlap(table: Table, { from, to }: Look): number {
  const times = table.times();
  const first = lowerBound(times, from);
  const end = lowerBound(times, to + 1);
  return end - first < 1 ? 0 : times[end - 1] - times[first] + 1;
}
