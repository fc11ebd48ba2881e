// screen_rows - the rows that the charts are drawn from: which columns are on the screen, in which
// range, and asking history for what is not here.

import { History, type Look } from '../data/history';
import type { HostSession } from '../data/host_session';
import { pickItems } from '../data/pick';
import type { Plane } from '../draw/chart';
import { getHist } from '../net/api';
import { noteDrawn } from './stats';
import type { TimeView } from './time_view';

const PIXELS = 600; // of a plot that is not there yet

export interface Screen {
  widths(): number[]; // of the plots, css pixels
  /** Other rows are to be drawn. */
  changed(): void;
  /** Calls back once nothing is left to be made or drawn. */
  whenDrawn(callback: () => void): void;
}

export class ScreenRows {
  readonly history: History;
  readonly plane: Plane;
  private needs = new Map<string, number>();
  private timer = 0;
  private waits = new Set<number>();

  constructor(
    private readonly session: HostSession,
    private readonly view: TimeView,
    private readonly screen: Screen,
  ) {
    this.history = new History({
      live: session.store,
      stacks: () => session.stacks,
      step: () => session.step,
      ask: (ids, range, stop) => getHist(session.host, pickItems(ids, session.store.ids()), range, stop),
      changed: () => screen.changed(),
      after: (ms, callback) => this.afterDrawing(ms, callback),
      cancel: (timer) => this.waits.delete(timer) && window.clearTimeout(timer),
    });
    session.needed = () => this.needed();
    this.plane = this.makePlane();
  }

  private makePlane(): Plane {
    const { history, view } = this;
    return {
      get store() {
        return history.table();
      },
      get coarse() {
        return history.isCoarse(history.table());
      },
      view,
      step: () => history.stepOf(history.table()),
      notes: () => this.session.notes.all.peek(),
      drawn: noteDrawn,
    };
  }

  /** Charts are made a few at a time, so what is on the screen is known once all are. */
  private afterDrawing(ms: number, callback: () => void): number {
    const timer = window.setTimeout(() => {
      this.screen.whenDrawn(() => {
        if (this.waits.delete(timer)) callback();
      });
    }, ms);
    this.waits.add(timer);
    return timer;
  }

  end(): void {
    this.history.end();
    window.clearTimeout(this.timer);
  }

  /** Columns are known, and nothing is asked for or about to be. */
  get idle(): boolean {
    return this.needs.size > 0 && this.timer === 0 && this.history.idle;
  }

  /** The range is another, by hand (`moved`) or because time goes on. */
  see(moved: boolean): void {
    const [from, to] = this.view.range();
    const widths = this.screen.widths();
    const pixels = widths.length === 0 ? PIXELS : Math.max(...widths);
    const look: Look = { from, to, pixels, ids: this.needed() };
    this.history.see(look, moved);
  }

  /** These columns are on the screen, as numbers or drawn, until the function given back is called. */
  need(ids: readonly string[]): () => void {
    for (const id of ids) this.needs.set(id, (this.needs.get(id) ?? 0) + 1);
    this.needsChanged();
    return () => {
      for (const id of ids) {
        const left = this.needs.get(id)! - 1;
        if (left > 0) this.needs.set(id, left);
        else this.needs.delete(id);
      }
    };
  }

  /** In the order of the columns, not in that in which charts came to be: one state asks one question. */
  needed(): string[] {
    return this.session.store.ids().filter((id) => this.needs.has(id));
  }

  /** Once for all that comes onto the screen at a time. */
  private needsChanged(): void {
    if (this.timer !== 0) return;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      this.session.needsChanged();
      this.see(true);
    }, 0);
  }
}
