// hatch - diagonal lines where nothing was sampled.

import type { Gap } from '../data/gaps';
import { theme } from './theme';

const SIZE = 7; // css pixels between lines

let made: { version: number; ratio: number; pattern: CanvasPattern | null } | null = null;

function patternFor(ctx: CanvasRenderingContext2D, ratio: number): CanvasPattern | null {
  const version = theme.version.peek();
  if (made !== null && made.version === version && made.ratio === ratio) return made.pattern;
  const tile = document.createElement('canvas');
  const size = (tile.width = tile.height = Math.round(SIZE * ratio));
  const pen = tile.getContext('2d')!;
  pen.strokeStyle = theme.colour('hatch');
  pen.lineWidth = ratio;
  pen.beginPath();
  for (const shift of [-size, 0, size]) {
    pen.moveTo(shift - ratio, size + ratio);
    pen.lineTo(shift + size + ratio, -ratio);
  }
  pen.stroke();
  made = { version, ratio, pattern: ctx.createPattern(tile, 'repeat') };
  return made.pattern;
}

export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

/** Hatches each gap across a box of canvas pixels; `x` turns a time into one of them. */
export function hatchGaps(
  ctx: CanvasRenderingContext2D,
  gaps: readonly Gap[],
  box: Box,
  x: (ms: number) => number,
  ratio: number,
): void {
  if (gaps.length === 0) return;
  const pattern = patternFor(ctx, ratio);
  if (pattern === null) return;
  ctx.save();
  ctx.fillStyle = pattern;
  for (const gap of gaps) {
    const left = Math.max(box.left, x(gap.from));
    const right = Math.min(box.left + box.width, x(gap.to));
    if (right > left) ctx.fillRect(left, box.top, right - left, box.height);
  }
  ctx.restore();
}
