// core_strip - how busy each core was: a row a core, a column a sample, the colour says how much.
//
// The picture is made at one pixel a cell and stretched over its time range, so its seconds stand
// exactly under those of the chart above, whatever the width. Hatching shows through where no cell is.

import { findGaps, lowerBound, type Gap } from '../data/gaps';
import { hatchGaps } from './hatch';
import type { Plane, Surface } from './chart';
import { GUTTER } from './chart';
import { drawMarks } from './marks';
import type { Drawable } from './scheduler';
import { parseRgb, theme } from './theme';

const STEPS = 9;
const MOST_HEIGHT = 168; // css pixels for all rows
const MOST_ROW = 14;

/** Height of one row in css pixels for so many cores. */
export function rowHeight(cores: number): number {
  return Math.max(1, Math.min(MOST_ROW, Math.floor(MOST_HEIGHT / Math.max(1, cores))));
}

/** Which step of the ramp shows `percent`, 0 to 8. */
export function rampStep(percent: number): number {
  return Math.max(0, Math.min(STEPS - 1, Math.floor((percent / 100) * STEPS)));
}

export class CoreStrip implements Drawable, Surface {
  readonly key = 'cores';
  readonly over: HTMLElement;
  gaps: Gap[] = [];
  private readonly canvas = document.createElement('canvas');
  private readonly cells = document.createElement('canvas');
  private plotWidth = 0;

  constructor(
    readonly root: HTMLElement,
    readonly ids: readonly string[],
    private readonly plane: Plane,
  ) {
    this.over = document.createElement('div');
    this.over.className = 'over';
    root.append(this.canvas, this.over);
    this.resize();
  }

  width(): number {
    return this.plotWidth;
  }

  height(): number {
    return rowHeight(this.ids.length) * this.ids.length;
  }

  /** The core drawn at `y` css pixels from the top, as an index into the ids given. */
  coreAt(y: number): number {
    return Math.max(0, Math.min(this.ids.length - 1, Math.floor(y / rowHeight(this.ids.length))));
  }

  rank(): number {
    return this.root.getBoundingClientRect().top;
  }

  resize(): void {
    const ratio = Math.min(2, devicePixelRatio);
    const width = Math.max(120, this.root.clientWidth);
    this.plotWidth = width - GUTTER.left - GUTTER.right;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(this.height() * ratio);
  }

  /** Of its bitmaps. */
  bytes(): number {
    return 4 * (this.canvas.width * this.canvas.height + this.cells.width * this.cells.height);
  }

  destroy(): void {
    this.canvas.remove();
    this.over.remove();
  }

  draw(): void {
    const { store, view } = this.plane;
    const [from, to] = view.range();
    const first = store.column(this.ids[0]);
    if (!Number.isFinite(from) || first === undefined) return;
    const ratio = this.canvas.height / this.height();
    const ctx = this.canvas.getContext('2d')!;
    const left = GUTTER.left * ratio;
    const width = this.plotWidth * ratio;
    const x = (t: number) => left + ((t - from) / (to - from)) * width;
    this.gaps = findGaps(store.times(), first, this.plane.step(), from, to);
    ctx.clearRect(0, 0, this.canvas.width, this.canvas.height);
    const box = { left, top: 0, width, height: this.canvas.height };
    hatchGaps(ctx, this.gaps, box, x, ratio);
    this.paintCells(from, to);
    ctx.save();
    ctx.beginPath();
    ctx.rect(left, 0, width, this.canvas.height);
    ctx.clip();
    ctx.imageSmoothingEnabled = false;
    // A sample tells of the step before it, so its cell ends at its stamp.
    const start = this.slotStart(from);
    const shown = this.cells.width * this.plane.step();
    ctx.drawImage(this.cells, x(start), 0, (shown / (to - from)) * width, this.canvas.height);
    ctx.restore();
    this.separate(ctx, left, width, ratio);
    drawMarks(ctx, this.plane.notes(), box, x, ratio);
    this.label(ctx, left, ratio);
  }

  private slotStart(from: number): number {
    const { store } = this.plane;
    const step = this.plane.step();
    const at = lowerBound(store.times(), from);
    const anchor = at < store.count ? store.times()[at] : from;
    return anchor - step * (Math.ceil((anchor - from) / step) + 1);
  }

  private paintCells(from: number, to: number): void {
    const { store } = this.plane;
    const step = this.plane.step();
    const times = store.times();
    const start = this.slotStart(from);
    const columns = Math.max(1, Math.min(4096, Math.ceil((to - start) / step) + 1));
    const rows = this.ids.length;
    this.cells.width = columns;
    this.cells.height = rows;
    const ctx = this.cells.getContext('2d')!;
    const image = ctx.createImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    const ramp = rampPixels();
    const data = this.ids.map((id) => store.column(id));
    for (let i = lowerBound(times, start); i < times.length; i++) {
      const column = Math.round((times[i] - start) / step) - 1;
      if (column < 0) continue;
      if (column >= columns) break;
      for (let r = 0; r < rows; r++) {
        const v = data[r]?.[i] ?? NaN;
        if (!Number.isNaN(v)) pixels[r * columns + column] = ramp[rampStep(v)];
      }
    }
    ctx.putImageData(image, 0, 0);
  }

  /** A hair between rows that are high enough for one. */
  private separate(ctx: CanvasRenderingContext2D, left: number, width: number, ratio: number): void {
    const row = rowHeight(this.ids.length);
    if (row < 5) return;
    ctx.fillStyle = theme.colour('surface');
    for (let r = 1; r < this.ids.length; r++) {
      ctx.fillRect(left, Math.round(r * row * ratio) - ratio / 2, width, ratio);
    }
  }

  private label(ctx: CanvasRenderingContext2D, left: number, ratio: number): void {
    const row = rowHeight(this.ids.length);
    const every = Math.max(1, Math.ceil(13 / row));
    ctx.fillStyle = theme.colour('muted');
    ctx.font = `${Math.round(11 * ratio)}px system-ui, sans-serif`;
    ctx.textAlign = 'right';
    ctx.textBaseline = 'middle';
    for (let r = 0; r < this.ids.length; r += every) {
      const name = this.ids[r].slice('core.'.length);
      const y = Math.max(6 * ratio, (r + 0.5) * row * ratio);
      if (y + 5 * ratio <= this.canvas.height) ctx.fillText(name, left - 8 * ratio, y);
    }
  }
}

let made: { version: number; pixels: Uint32Array } | null = null;

/** The ramp as pixels in the byte order of ImageData. */
function rampPixels(): Uint32Array {
  const version = theme.version.peek();
  if (made?.version !== version) {
    const bytes = new Uint8ClampedArray(4 * STEPS);
    for (let i = 0; i < STEPS; i++) {
      const { r, g, b } = parseRgb(theme.colour(`ramp-${i + 1}`));
      bytes.set([r, g, b, 255], 4 * i);
    }
    made = { version, pixels: new Uint32Array(bytes.buffer) };
  }
  return made.pixels;
}
