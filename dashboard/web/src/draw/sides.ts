// sides - the axis between what goes up and what goes down, and which is which.

import uPlot from 'uplot';
import { theme } from './theme';

const FONT_PX = 11;
const INSET_PX = 10; // of a word's middle from the top or the bottom

export function drawSides(u: uPlot, words: readonly [string, string]): void {
  u.ctx.fillStyle = theme.colour('border-strong');
  u.ctx.fillRect(u.bbox.left, Math.round(u.valToPos(0, 'y', true)), u.bbox.width, uPlot.pxRatio);
  drawWords(u, words);
}

/** Said within the plot, in its corners; '' says nothing. */
export function drawWords({ ctx, bbox }: uPlot, [above, below]: readonly [string, string]): void {
  const ratio = uPlot.pxRatio;
  ctx.save();
  ctx.font = `${FONT_PX * ratio}px system-ui, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'middle';
  if (above !== '') word(ctx, above, bbox.left, bbox.top + INSET_PX * ratio);
  if (below !== '') word(ctx, below, bbox.left, bbox.top + bbox.height - INSET_PX * ratio);
  ctx.restore();
}

/** A word that stays readable where a line runs behind it. */
function word(ctx: CanvasRenderingContext2D, text: string, left: number, y: number): void {
  const pad = 4 * uPlot.pxRatio;
  ctx.fillStyle = theme.faint('surface', 0.75);
  ctx.fillRect(left + pad / 2, y - 2 * pad, ctx.measureText(text).width + 2 * pad, 4 * pad);
  ctx.fillStyle = theme.colour('muted');
  ctx.fillText(text, left + 1.5 * pad, y);
}
