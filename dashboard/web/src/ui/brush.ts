// brush - the strip on top of a host's page: all that is known, and in it a window of what is shown.
//
// Dragging the window moves it, dragging an end moves that end, dragging beside it begins another.
// At the right end of the strip the window is live. The ends are sliders for the keyboard. The drawing
// changes once a pixel of time has passed; the window is an element that is moved.

import { effect } from '@preact/signals';
import { Overview } from '../data/overview';
import { drawOverview } from '../draw/overview_strip';
import { formatMoment, formatStretch } from '../draw/format';
import type { Drawable } from '../draw/scheduler';
import { theme } from '../draw/theme';
import { getHist } from '../net/api';
import { scheduler, type Board } from './board';
import { outOfSight } from './kiosk';
import { zone } from './zone';

/** What is drawn, the first that the host has. */
const CANDIDATES = ['cpu.idle', 'load.1', 'mem.used'];
const LEAST_PX = 4;
const KNOB_PX = 5; // from an edge of the strip an end stays away, so that it can be taken
const STEP_SHARE = 0.01; // of the strip, by an arrow key

type Grip = 'move' | 'from' | 'to' | 'new';

export class Brush implements Drawable {
  private overview: Overview | null = null;
  private readonly canvas: HTMLCanvasElement;
  private readonly window: HTMLElement;
  private readonly ends: { from: HTMLElement; to: HTMLElement };
  private drag: { grip: Grip; x: number; range: [number, number] } | null = null;
  private shown: [number, number] = [NaN, NaN]; // ms, what the drawing covers
  private stops: (() => void)[] = [];

  /** `root` holds a canvas, and a window with two ends. */
  constructor(
    private readonly root: HTMLElement,
    private readonly board: Board,
  ) {
    this.canvas = root.querySelector('canvas')!;
    this.window = root.querySelector('.brush-window')!;
    this.ends = { from: root.querySelector('.brush-from')!, to: root.querySelector('.brush-to')! };
    const sizes = new ResizeObserver(() => this.dirty());
    sizes.observe(root);
    const stop = new AbortController();
    this.wire(stop.signal);
    this.stops.push(
      () => sizes.disconnect(),
      () => stop.abort(),
      board.onChange(() => this.changed()),
      this.followLate(),
      effect(() => {
        void [theme.version.value, zone.value];
        this.dirty();
      }),
      effect(() => {
        void board.session.info.value;
        this.changed();
      }),
      effect(() => {
        void [board.view.held.value, board.view.span.value];
        this.place();
      }),
    );
  }

  private followLate(): () => void {
    const { session } = this.board;
    session.onLate = (from) => {
      this.overview?.spoil(from);
      this.changed();
    };
    return () => (session.onLate = () => {});
  }

  end(): void {
    for (const stop of this.stops) stop();
    this.overview?.end();
    scheduler.forget(this);
  }

  rank(): number {
    return Infinity;
  }

  draw(): void {
    if (this.overview === null) return;
    this.shown = this.overview.range();
    drawOverview(this.canvas, this.overview.past, this.overview.id, this.shown);
    this.place();
  }

  private width(): number {
    return Math.max(1, this.root.clientWidth);
  }

  private dirty(): void {
    this.shown = [NaN, NaN];
    scheduler.mark(this);
  }

  /** Rows came, or time went on. */
  private changed(): void {
    this.overview ??= this.makeOverview();
    if (this.overview === null) return;
    if (!outOfSight()) this.overview.tend(this.width());
    const [from, to] = this.overview.range();
    const pixel = (to - from) / this.width();
    if (!(Math.abs(to - this.shown[1]) < pixel && Math.abs(from - this.shown[0]) < pixel)) scheduler.mark(this);
    else this.place();
  }

  private makeOverview(): Overview | null {
    const { session } = this.board;
    const id = CANDIDATES.find((c) => session.store.has(c));
    if (id === undefined) return null;
    return new Overview(id, {
      live: session.store,
      step: () => session.step,
      now: () => session.now(),
      first: () => session.info.peek()?.first_ms ?? NaN,
      ask: (column, range) => getHist(session.host, [column], range),
      changed: () => {
        this.board.view.earliest = this.overview!.oldest;
        this.dirty();
      },
    });
  }

  /** Puts the window where the view is. */
  private place(): void {
    const [from, to] = this.board.view.range();
    const [first, last] = this.shown;
    const shown = Number.isFinite(from) && Number.isFinite(first);
    this.window.hidden = this.ends.from.hidden = this.ends.to.hidden = !shown;
    if (!shown) return;
    const x = (t: number) => Math.max(0, Math.min(1, (t - first) / (last - first))) * this.width();
    const right = Math.max(LEAST_PX, x(to));
    const left = Math.min(x(from), right - LEAST_PX);
    this.window.style.transform = `translateX(${left}px)`;
    this.window.style.width = `${right - left}px`;
    const inside = (px: number) => Math.max(KNOB_PX, Math.min(this.width() - KNOB_PX, px));
    this.ends.from.style.transform = `translateX(${inside(left)}px)`;
    this.ends.to.style.transform = `translateX(${inside(right)}px)`;
    this.describe(this.ends.from, from);
    this.describe(this.ends.to, to);
    this.window.title = formatStretch(from, to, Date.now());
  }

  private describe(end: HTMLElement, t: number): void {
    const [first, last] = this.shown;
    const percent = Math.round(Math.max(0, Math.min(1, (t - first) / (last - first))) * 100);
    if (end.getAttribute('aria-valuenow') === String(percent)) return;
    end.setAttribute('aria-valuenow', String(percent));
    end.setAttribute('aria-valuetext', formatMoment(t, Date.now()));
  }

  private wire(signal: AbortSignal): void {
    const { root } = this;
    root.addEventListener('pointerdown', (e) => this.take(e), { signal });
    root.addEventListener('pointermove', (e) => this.drag !== null && this.moved(e), { signal });
    root.addEventListener('pointerup', (e) => this.letGo(e), { signal });
    root.addEventListener('pointercancel', () => (this.drag = null), { signal });
    root.addEventListener('dblclick', () => this.board.view.live(), { signal });
    for (const grip of ['from', 'to'] as const) {
      this.ends[grip].addEventListener('keydown', (e) => this.key(e, grip), { signal });
    }
  }

  private take(e: PointerEvent): void {
    if (e.button !== 0 || Number.isNaN(this.shown[0])) return;
    const target = e.target as Element;
    const grip = target === this.ends.from ? 'from' : target === this.ends.to ? 'to' : null;
    this.drag = {
      grip: grip ?? (target === this.window ? 'move' : 'new'),
      x: this.pixel(e),
      range: this.board.view.range(),
    };
    this.root.setPointerCapture(e.pointerId);
  }

  private moved(e: PointerEvent): void {
    const { grip, x, range } = this.drag!;
    const [from, to] = range;
    const by = this.duration(this.pixel(e) - x);
    if (grip === 'move') this.board.view.moveTo(from + by, this.board.session.now());
    else if (grip === 'from') this.show(Math.min(from + by, to), to);
    else if (grip === 'to') this.show(from, Math.max(from, to + by));
    else if (Math.abs(this.pixel(e) - x) > LEAST_PX) this.show(this.time(x), this.time(this.pixel(e)));
  }

  /** Without a move it was a click: the window comes there. */
  private letGo(e: PointerEvent): void {
    const { drag } = this;
    this.drag = null;
    if (drag?.grip !== 'new' || Math.abs(this.pixel(e) - drag.x) > LEAST_PX) return;
    const [from, to] = drag.range;
    this.board.view.moveTo(this.time(drag.x) - (to - from) / 2, this.board.session.now());
  }

  private key(e: KeyboardEvent, grip: 'from' | 'to'): void {
    const by = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[e.key];
    if (by === undefined || e.ctrlKey || e.metaKey || e.altKey) return;
    e.preventDefault();
    const [from, to] = this.board.view.range();
    const step = this.duration(this.width()) * STEP_SHARE * by * (e.shiftKey ? 10 : 1);
    if (grip === 'from') this.show(Math.min(from + step, to), to);
    else this.show(from, Math.max(from, to + step));
  }

  /** A range that ends where the strip does is live. */
  private show(a: number, b: number): void {
    const { view, session } = this.board;
    const [from, to] = a < b ? [a, b] : [b, a];
    const pixel = this.duration(1);
    if (to >= view.edge - pixel) {
      view.live();
      view.setSpan(view.edge - from);
    } else {
      view.hold(from, to, session.now());
    }
  }

  private pixel(e: PointerEvent): number {
    return e.clientX - this.root.getBoundingClientRect().left;
  }

  private time(px: number): number {
    return this.shown[0] + this.duration(px);
  }

  private duration(px: number): number {
    return (px / this.width()) * (this.shown[1] - this.shown[0]);
  }
}
