// overview_strip - one number over hours in a strip as high as a line or two of text.
//
// The mean is a solid area; above it, fainter, reaches the most of each bucket, so that a short spike
// is there on a strip of hours. Idle time is drawn as what is left of it: how busy the host was.

import { findGaps, plotRows, rowsWithin } from '../data/gaps';
import { highId, lowId, type Past } from '../data/past';
import { formatTick, zoneAhead } from './format';
import { hatchGaps } from './hatch';
import { theme } from './theme';
import { timeTicks } from './ticks';

const LABELS = 15; // css pixels below the drawing
const APART = 84; // css pixels between times

export function drawOverview(canvas: HTMLCanvasElement, past: Past | null, id: string, range: [number, number]): void {
  const ratio = Math.min(2, devicePixelRatio);
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.max(1, Math.round(canvas.clientHeight * ratio));
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const ctx = canvas.getContext('2d')!;
  ctx.clearRect(0, 0, width, height);
  const [from, to] = range;
  const bottom = height - LABELS * ratio;
  const x = (t: number) => ((t - from) / (to - from)) * width;
  if (past !== null && past.count > 0) {
    const box = { left: 0, top: 0, width, height: bottom };
    const gaps = findGaps(past.times(), past.column(id)!, past.step, from, to);
    hatchGaps(ctx, gaps, box, x, ratio);
    drawRows(ctx, past, id, range, bottom, x);
  }
  ctx.fillStyle = theme.colour('grid');
  ctx.fillRect(0, bottom, width, ratio);
  ctx.fillStyle = theme.colour('muted');
  ctx.font = `${Math.round(11 * ratio)}px system-ui, sans-serif`;
  ctx.textBaseline = 'alphabetic';
  const ticks = timeTicks(from, to, width / ratio, APART, zoneAhead(from));
  for (const t of ticks.at) {
    const text = formatTick(t, ticks.withSeconds);
    const left = x(t) - ctx.measureText(text).width / 2;
    if (left >= 0 && x(t) + (x(t) - left) <= width) ctx.fillText(text, left, height - 3 * ratio);
  }
}

function drawRows(
  ctx: CanvasRenderingContext2D,
  past: Past,
  id: string,
  [from, to]: [number, number],
  bottom: number,
  x: (t: number) => number,
): void {
  const times = past.times();
  const [first, end] = rowsWithin(times, from, to);
  const idle = id === 'cpu.idle';
  const mean = past.column(id)!;
  const most = past.column(idle ? lowId(id) : highId(id)) ?? mean;
  const top = idle ? 100 : greatest(most, first, end);
  const y = (v: number) => bottom - (Math.max(0, idle ? 100 - v : v) / (top || 1)) * bottom * 0.94;
  const rows = plotRows(times, [mean, most], first, end, past.step);
  ctx.fillStyle = theme.faint('series-1', 0.28);
  fillUnder(ctx, rows[0], rows[2], x, y, bottom);
  ctx.fillStyle = theme.faint('series-1', 0.75);
  fillUnder(ctx, rows[0], rows[1], x, y, bottom);
}

/** One area for each stretch without a gap. */
function fillUnder(
  ctx: CanvasRenderingContext2D,
  times: ArrayLike<number | null>,
  values: ArrayLike<number | null>,
  x: (t: number) => number,
  y: (v: number) => number,
  bottom: number,
): void {
  for (let i = 0; i < times.length; ) {
    if (values[i] === null) {
      i++;
      continue;
    }
    const start = x(times[i]!);
    ctx.beginPath();
    ctx.moveTo(start, bottom);
    let last = start;
    for (; i < times.length && values[i] !== null; i++) ctx.lineTo((last = x(times[i]!)), y(values[i]!));
    ctx.lineTo(Math.max(last, start + 1), bottom);
    ctx.fill();
  }
}

function greatest(values: Float64Array, first: number, end: number): number {
  let most = 0;
  for (let i = first; i < end; i++) if (values[i] > most) most = values[i];
  return most;
}
