// marks - when something happened: a thin broken line through the plot, with a foot to be found by.
//
// It lies over the lines and is quieter than they are; what happened is said at the cursor, and in the
// list of events.

import type { Note } from '../net/protocol';
import type { Box } from './hatch';
import { theme } from './theme';

const FOOT = 4; // css pixels, half its width and its height
const DASH = [4, 3];

/** Marks each note across a box of canvas pixels; `x` turns a time into one of them. */
export function drawMarks(
  ctx: CanvasRenderingContext2D,
  notes: readonly Note[],
  box: Box,
  x: (ms: number) => number,
  ratio: number,
): void {
  // Of those that fall on one pixel, one is drawn.
  const at = new Set(notes.map((n) => Math.round(x(n.t))));
  if (at.size === 0) return;
  const bottom = box.top + box.height;
  ctx.save();
  ctx.strokeStyle = ctx.fillStyle = theme.colour('muted');
  ctx.lineWidth = ratio;
  ctx.setLineDash(DASH.map((d) => d * ratio));
  for (const left of at) {
    if (left < box.left || left > box.left + box.width) continue;
    ctx.beginPath();
    const middle = left + (Math.round(ratio) % 2) / 2; // on pixels, not between two
    ctx.moveTo(middle, box.top);
    ctx.lineTo(middle, bottom);
    ctx.stroke();
    ctx.beginPath();
    ctx.moveTo(left - FOOT * ratio, bottom);
    ctx.lineTo(left, bottom - FOOT * ratio);
    ctx.lineTo(left + FOOT * ratio, bottom);
    ctx.fill();
  }
  ctx.restore();
}
