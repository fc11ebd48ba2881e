// gestures - what mouse, finger and keys do on a chart.
//
// Mouse: hover marks, drag chooses a range, double click goes back to live. One finger: sideways
// marks (up and down stays the page's: `touch-action: pan-y`). Two fingers: pinch zooms time.
// Keys on a focused chart: arrows by a sample (Shift: ten), Home and End, Escape.

import type { Surface } from '../draw/chart';
import type { Crosshair } from './crosshair';
import type { TimeView } from './time_view';

const LEAST_DRAG_PX = 6;

export interface Wiring {
  crosshair: Crosshair;
  view: TimeView;
  now(): number; // ms, the collector's clock
}

/** Wires a chart; the function given back takes it off again. */
export function wireGestures(surface: Surface, focusable: HTMLElement, w: Wiring): () => void {
  const over = surface.over;
  const stop = new AbortController();
  const on = <K extends keyof HTMLElementEventMap>(
    target: HTMLElement,
    type: K,
    take: (e: HTMLElementEventMap[K]) => void,
  ) => target.addEventListener(type, take, { signal: stop.signal });

  const selection = document.createElement('div');
  selection.className = 'selection';
  selection.hidden = true;
  over.append(selection);
  const touches = new Map<number, number>(); // pointer -> x
  let dragFrom: number | null = null;

  const place = (e: PointerEvent) => {
    const box = over.getBoundingClientRect();
    return { x: e.clientX - box.left, y: e.clientY - box.top };
  };

  on(over, 'pointerdown', (e) => {
    const { x, y } = place(e);
    if (e.pointerType === 'touch') {
      touches.set(e.pointerId, x);
      if (touches.size === 1) w.crosshair.point(surface, x, y);
      return;
    }
    if (e.button !== 0) return;
    dragFrom = x;
    over.setPointerCapture(e.pointerId);
  });

  on(over, 'pointermove', (e) => {
    const { x, y } = place(e);
    if (e.pointerType === 'touch' && touches.size === 2) return pinch(e.pointerId, x);
    if (e.pointerType === 'touch') touches.set(e.pointerId, x);
    if (dragFrom !== null) select(dragFrom, x);
    w.crosshair.point(surface, x, y);
  });

  const pinch = (id: number, x: number) => {
    const before = spread(touches);
    touches.set(id, x);
    const after = spread(touches);
    const xs = [...touches.values()];
    const middle = (xs[0] + xs[1]) / 2 / surface.width();
    if (before > 10 && after > 10) w.view.zoomAbout(after / before, Math.max(0, Math.min(1, middle)), w.now());
  };

  const select = (from: number, to: number) => {
    const left = Math.max(0, Math.min(from, to));
    const right = Math.min(surface.width(), Math.max(from, to));
    selection.hidden = right - left < LEAST_DRAG_PX;
    selection.style.transform = `translateX(${left}px)`;
    selection.style.width = `${right - left}px`;
  };

  on(over, 'pointerup', (e) => {
    touches.delete(e.pointerId);
    if (dragFrom === null) return;
    const [from, to] = w.view.range();
    const timeAt = (px: number) => from + Math.max(0, Math.min(1, px / surface.width())) * (to - from);
    const ends = [dragFrom, place(e).x].sort((a, b) => a - b);
    if (ends[1] - ends[0] >= LEAST_DRAG_PX) w.view.hold(timeAt(ends[0]), timeAt(ends[1]), w.now());
    dragFrom = null;
    selection.hidden = true;
  });

  on(over, 'pointercancel', (e) => {
    touches.delete(e.pointerId);
    dragFrom = null;
    selection.hidden = true;
  });
  on(over, 'pointerleave', (e) => {
    if (e.pointerType !== 'touch') w.crosshair.clear();
  });
  on(over, 'dblclick', () => w.view.live());

  on(focusable, 'keydown', (e) => {
    if (e.target !== focusable || e.ctrlKey || e.metaKey || e.altKey) return;
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity }[e.key];
    if (by !== undefined) w.crosshair.stepBy(surface, e.shiftKey && Number.isFinite(by) ? by * 10 : by);
    else if (e.key === 'Escape') w.crosshair.clear();
    else return;
    e.preventDefault();
  });
  on(focusable, 'blur', () => w.crosshair.clear());

  return () => {
    stop.abort();
    selection.remove();
  };
}

function spread(touches: Map<number, number>): number {
  const xs = [...touches.values()];
  return Math.abs(xs[0] - xs[1]);
}
