// band - from the least to the most of each bucket, behind the line of their means: where a pixel is
// many samples, none of their spikes is lost.

import { gapless } from '../data/gaps';
import { highId, lowId, type Table } from '../data/past';
import { columnOf, type Line } from './line';
import { theme } from './theme';

const FILL = 0.22;

export interface Band {
  low: ArrayLike<number>;
  high: ArrayLike<number>;
  fill: string;
  down: boolean;
}

export interface Frame {
  times: ArrayLike<number>;
  from: number; // rows
  end: number;
  step: number; // ms
  x(t: number): number; // canvas pixels
  y(v: number): number;
}

/** The bands of lines in rows [from, end), for as far as they are known. */
export function bandsOf(lines: readonly Line[], store: Table, from: number, end: number): Band[] {
  const bands: Band[] = [];
  for (const { id, fold, ink, down = false } of lines) {
    // Of a sum the parts' extremes say nothing: they need not have been at one moment.
    if (fold?.by === 'sum') continue;
    const of = fold?.of ?? [id];
    const high = columnOf({ id: '', fold: { of: of.map(highId), by: 'max' } }, store, from, end);
    const low = columnOf({ id: '', fold: { of: of.map(lowId), by: 'max' } }, store, from, end);
    if (high !== undefined && low !== undefined) bands.push({ low, high, down, fill: theme.faint(ink, FILL) });
  }
  return bands;
}

/** Fills the band of rows [from, end), broken where the data is. */
export function drawBand(ctx: CanvasRenderingContext2D, { low, high, fill }: Band, f: Frame): void {
  ctx.fillStyle = fill;
  for (const [first, end] of gapless(f.times, high, f.step, f.from, f.end)) {
    ctx.beginPath();
    for (let i = first; i < end; i++) ctx.lineTo(f.x(f.times[i]), f.y(high[i]));
    for (let i = end - 1; i >= first; i--) ctx.lineTo(f.x(f.times[i]), f.y(low[i]));
    ctx.fill();
  }
}

/** A line of its own over rows [from, end), broken where the data is. */
export function drawEdge(ctx: CanvasRenderingContext2D, values: ArrayLike<number>, stroke: string, f: Frame): void {
  ctx.strokeStyle = stroke;
  for (const [first, end] of gapless(f.times, values, f.step, f.from, f.end)) {
    ctx.beginPath();
    for (let i = first; i < end; i++) ctx.lineTo(f.x(f.times[i]), f.y(values[i]));
    ctx.stroke();
  }
}
