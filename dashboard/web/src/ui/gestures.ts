// gestures - what mouse, fingers and keys do on a chart.
//
// Mouse: hover marks, a click pins, drag chooses a range, Shift and drag moves time, Ctrl and wheel
// (which is what a pinch on a touchpad says) zooms about the pointer, double click goes back to live.
// Fingers: one marks sideways (up and down stays the page's: `touch-action: pan-y`), two zoom and move.
// Keys on a focused chart: arrows by a sample (Shift: ten), Home and End, Enter pins, Shift and Space
// begins a range that Enter ends, Escape lets go.

import type { Surface } from '../draw/chart';
import type { Crosshair } from './crosshair';
import type { TimeView } from './time_view';

const LEAST_DRAG_PX = 6;
const WHEEL_LINE_PX = 16;
const WHEEL_RATE = 0.002; // of a zoom's logarithm a pixel

export interface Wiring {
  crosshair: Crosshair;
  view: TimeView;
  now(): number; // ms, the collector's clock
}

interface Drag {
  from: number; // css pixels
  pans: boolean;
  range: [number, number]; // ms, when it began
}

/** Wires a chart; the function given back takes it off again. */
export function wireGestures(surface: Surface, focusable: HTMLElement, w: Wiring): () => void {
  const stop = new AbortController();
  const selection = document.createElement('div');
  selection.className = 'selection';
  selection.hidden = true;
  surface.over.append(selection);
  const g = new Gestures(surface, selection, w);
  g.wirePointer(stop.signal);
  g.wireTouch(stop.signal);
  g.wireKeys(focusable, stop.signal);
  return () => {
    stop.abort();
    selection.remove();
  };
}

class Gestures {
  private drag: Drag | null = null;
  private touches = new Map<number, number>(); // pointer -> x
  private mark: number | null = null; // ms, where a range by keys begins

  constructor(
    private readonly surface: Surface,
    private readonly selection: HTMLElement,
    private readonly w: Wiring,
  ) {}

  wirePointer(signal: AbortSignal): void {
    const { over } = this.surface;
    const on = listener(over, signal);
    on('pointerdown', (e) => {
      if (e.pointerType === 'touch' || e.button !== 0) return;
      this.drag = { from: this.place(e).x, pans: e.shiftKey, range: this.w.view.range() };
      over.classList.toggle('pans', e.shiftKey);
      over.setPointerCapture(e.pointerId);
    });
    on('pointermove', (e) => {
      if (e.pointerType === 'touch') return;
      const { x, y } = this.place(e);
      if (this.drag?.pans) return this.pan(this.drag, x);
      if (this.drag !== null) this.select(this.drag.from, x);
      this.w.crosshair.point(this.surface, x, y);
    });
    on('pointerup', (e) => {
      if (this.drag !== null) this.drop(this.drag, this.place(e).x);
      this.letGo();
    });
    on('pointercancel', () => this.letGo());
    on('pointerleave', (e) => {
      if (e.pointerType !== 'touch') this.w.crosshair.leave();
    });
    on('dblclick', () => {
      this.w.crosshair.clear();
      this.w.view.live();
    });
    over.addEventListener('wheel', (e) => this.wheel(e), { signal, passive: false });
  }

  wireTouch(signal: AbortSignal): void {
    const on = listener(this.surface.over, signal);
    on('pointerdown', (e) => {
      if (e.pointerType !== 'touch') return;
      const { x, y } = this.place(e);
      this.touches.set(e.pointerId, x);
      if (this.touches.size === 1) this.w.crosshair.point(this.surface, x, y);
    });
    on('pointermove', (e) => {
      if (e.pointerType !== 'touch') return;
      const { x, y } = this.place(e);
      if (this.touches.size === 2) return this.pinch(e.pointerId, x);
      this.touches.set(e.pointerId, x);
      this.w.crosshair.point(this.surface, x, y);
    });
    on('pointerup', (e) => this.touches.delete(e.pointerId));
    on('pointercancel', (e) => this.touches.delete(e.pointerId));
  }

  wireKeys(focusable: HTMLElement, signal: AbortSignal): void {
    const on = listener(focusable, signal);
    on('keydown', (e) => {
      if (e.target !== focusable || e.ctrlKey || e.metaKey || e.altKey) return;
      if (this.key(e)) e.preventDefault();
    });
    on('blur', () => {
      this.mark = null;
      this.selection.hidden = true;
      this.w.crosshair.leave();
    });
  }

  private key(e: KeyboardEvent): boolean {
    const { crosshair } = this.w;
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[e.key];
    const at = crosshair.time();
    if (by !== undefined) {
      crosshair.stepBy(this.surface, e.shiftKey && Number.isFinite(by) ? by * 10 : by);
      if (this.mark !== null) this.select(this.pixel(this.mark), this.pixel(crosshair.time() ?? this.mark));
      return true;
    }
    if (at === null) return false;
    if (e.key === ' ' && e.shiftKey) {
      this.mark = at;
      this.select(this.pixel(at), this.pixel(at));
    } else if (e.key === 'Enter' && this.mark !== null) {
      if (this.mark !== at) this.w.view.hold(Math.min(this.mark, at), Math.max(this.mark, at), this.w.now());
      this.mark = null;
      this.selection.hidden = true;
    } else if (e.key === 'Enter') crosshair.pin(at);
    else if (e.key === 'Escape') {
      this.mark = null;
      this.selection.hidden = true;
      return crosshair.clear();
    } else return false;
    return true;
  }

  private pan(drag: Drag, x: number): void {
    const [from, to] = drag.range;
    this.w.view.moveTo(from - ((x - drag.from) / this.surface.width()) * (to - from), this.w.now());
  }

  private drop(drag: Drag, x: number): void {
    if (drag.pans) return;
    const ends = [drag.from, x].sort((a, b) => a - b);
    if (ends[1] - ends[0] >= LEAST_DRAG_PX) {
      this.w.crosshair.clear();
      this.w.view.hold(this.timeAt(ends[0]), this.timeAt(ends[1]), this.w.now());
    } else this.w.crosshair.togglePin();
  }

  private letGo(): void {
    this.drag = null;
    this.selection.hidden = true;
    this.surface.over.classList.remove('pans');
  }

  private wheel(e: WheelEvent): void {
    const unit = e.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE_PX : 1;
    if (e.ctrlKey || e.metaKey) {
      const at = Math.max(0, Math.min(1, this.place(e).x / this.surface.width()));
      this.w.view.zoomAbout(Math.exp(-e.deltaY * unit * WHEEL_RATE), at, this.w.now());
    } else if (Math.abs(e.deltaX) > 1.5 * Math.abs(e.deltaY)) {
      this.w.view.shift((e.deltaX * unit) / this.surface.width(), this.w.now());
    } else return;
    e.preventDefault();
  }

  private pinch(id: number, x: number): void {
    const before = spread(this.touches);
    this.touches.set(id, x);
    const after = spread(this.touches);
    const width = this.surface.width();
    if (before.apart > 10 && after.apart > 10) {
      const at = Math.max(0, Math.min(1, after.middle / width));
      this.w.view.zoomAbout(after.apart / before.apart, at, this.w.now());
    }
    if (this.w.view.held.peek() !== null) this.w.view.shift((before.middle - after.middle) / width, this.w.now());
  }

  private select(from: number, to: number): void {
    const left = Math.max(0, Math.min(from, to));
    const right = Math.min(this.surface.width(), Math.max(from, to));
    this.selection.hidden = right - left < LEAST_DRAG_PX && this.mark === null;
    this.selection.style.transform = `translateX(${left}px)`;
    this.selection.style.width = `${Math.max(2, right - left)}px`;
  }

  private place(e: MouseEvent): { x: number; y: number } {
    const box = this.surface.over.getBoundingClientRect();
    return { x: e.clientX - box.left, y: e.clientY - box.top };
  }

  private timeAt(px: number): number {
    const [from, to] = this.w.view.range();
    return from + Math.max(0, Math.min(1, px / this.surface.width())) * (to - from);
  }

  private pixel(t: number): number {
    const [from, to] = this.w.view.range();
    return ((t - from) / (to - from)) * this.surface.width();
  }
}

function listener(target: HTMLElement, signal: AbortSignal) {
  return <K extends keyof HTMLElementEventMap>(type: K, take: (e: HTMLElementEventMap[K]) => void) =>
    target.addEventListener(type, take, { signal });
}

/** Of two fingers: how far apart, and where between them. */
function spread(touches: Map<number, number>): { apart: number; middle: number } {
  const [a, b] = touches.values();
  return { apart: Math.abs(a - b), middle: (a + b) / 2 };
}
