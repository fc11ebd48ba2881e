// chart - lines or stacked areas over time, drawn by uPlot.
//
// uPlot draws axes and paths. Not its own: the range (the page has one), the scale (sticky, round),
// stacking (the store has sums), the cursor (an element moved by a transform, see crosshair.ts).
// What goes down is drawn on a scale of its own that is the other one upside down, so both sides of
// the axis share its step, and the store need not hold numbers with their sign turned.

import uPlot from 'uplot';
import { findGaps, plotRows, rowsWithin, type Gap } from '../data/gaps';
import { lowId, type Table } from '../data/past';
import { stackId } from '../data/store';
import type { Note } from '../net/protocol';
import type { TimeView } from '../ui/time_view';
import { bandsOf, drawBand, drawEdge, type Band, type Frame } from './band';
import { formatTick, formatTicks, type Unit, zoneAhead } from './format';
import { hatchGaps } from './hatch';
import { columnOf, idsOf, isHere, sumOf, type Line } from './line';
import { lonePoints } from './lone_points';
import { drawMarks } from './marks';
import type { Drawable } from './scheduler';
import { drawSides, drawWords } from './sides';
import { theme } from './theme';
import { timeTicks } from './ticks';
import { lastOf, ValueAxis } from './value_axis';

export interface ChartSpec {
  key: string;
  kind: 'stack' | 'lines' | 'area';
  unit: Unit;
  lines: readonly Line[]; // of a stack the lowest first, else the foremost first
  max?: number | string; // top of the scale, or the column that says it
  sparse?: boolean; // no value is no loss: only a missing row is a gap
  sides?: readonly [string, string]; // what is above the axis, what below
  idle?: { id: string; of: number }; // of a stack: what is left of `of`, so the least of it is the peak
}

/** What a person changes on one chart. */
export interface Wishes {
  readonly hidden: ReadonlySet<string>; // ids of lines
  readonly fitted: boolean; // the scale need not begin at 0
}

export interface Plane {
  readonly store: Table; // the rows that hold the range, live or of the past
  readonly coarse: boolean; // they are buckets, with lowId and highId of each column
  view: TimeView;
  step(): number;
  /** What happened on the host, oldest first. */
  notes(): readonly Note[];
  /** A chart has drawn samples. */
  drawn(): void;
}

/** The part of the page that a chart covers: what crosshair and gestures need to know of it. */
export interface Surface {
  readonly key: string;
  readonly over: HTMLElement; // the plotting area, no axes
  width(): number; // of it, css pixels
  gaps: Gap[];
}

export const GUTTER = { left: 68, right: 12, top: 12, bottom: 22 };
const AXIS_FONT = '12px system-ui, sans-serif';
const FILL = 0.66;
const FILL_REST = 0.3;
const FILL_AREA = 0.28;

export class Chart implements Drawable, Surface {
  gaps: Gap[] = [];
  readonly ids: readonly string[]; // columns that it draws
  private readonly plot: uPlot;
  private readonly scale: ValueAxis;
  private readonly lines: readonly Line[];
  private bands: Band[] = []; // of buckets, behind their means
  private peak: Float64Array | null = null;
  private rows: Omit<Frame, 'x' | 'y'> = { times: [], from: 0, end: 0, step: 1000 };
  private xTicks = { at: [] as number[], withSeconds: false };
  private size = { width: 0, height: 0 };

  constructor(
    readonly root: HTMLElement,
    private readonly spec: ChartSpec,
    private readonly plane: Plane,
    private readonly wishes: () => Wishes = () => ({ hidden: new Set(), fitted: false }),
  ) {
    const here = spec.lines.filter((line) => isHere(line, (id) => plane.store.has(id)));
    this.lines = spec.kind === 'stack' ? here : here.reverse();
    this.ids = [...this.lines.flatMap(idsOf), ...(typeof spec.max === 'string' ? [spec.max] : [])];
    this.size = { width: Math.max(120, root.clientWidth), height: Math.max(80, root.clientHeight) };
    this.scale = new ValueAxis(spec.unit, this.hasDown());
    this.plot = new uPlot(this.options(), [[], ...this.lines.map(() => [])] as uPlot.AlignedData, root);
  }

  get key(): string {
    return this.spec.key;
  }

  get over(): HTMLElement {
    return this.plot.over;
  }

  width(): number {
    return this.size.width - GUTTER.left - GUTTER.right;
  }

  /** Of its bitmap. */
  bytes(): number {
    return 4 * this.plot.ctx.canvas.width * this.plot.ctx.canvas.height;
  }

  rank(): number {
    return this.root.matches(':hover, :focus') ? -Infinity : this.root.getBoundingClientRect().top;
  }

  resize(): void {
    const width = this.root.clientWidth;
    const height = this.root.clientHeight;
    if (width < 40 || height < 40 || (width === this.size.width && height === this.size.height)) return;
    this.size = { width, height };
    this.plot.setSize(this.size);
  }

  destroy(): void {
    this.plot.destroy();
  }

  draw(): void {
    const { store, view } = this.plane;
    const [from, to] = view.range();
    if (!Number.isFinite(from) || this.lines.length === 0) return;
    const times = store.times();
    const [first, end] = rowsWithin(times, from, to);
    const columns = this.lines.map((line) => this.values(line, first, end));
    this.rows = { times, from: first, end, step: this.plane.step() };
    this.readExtremes(first, end);
    const max = typeof this.spec.max === 'string' ? lastOf(store.column(this.spec.max)) : this.spec.max;
    const sides = columns.map((values, i) => ({ values, down: this.lines[i].down === true }));
    const bands = this.bands.flatMap(({ low, high, down }) => [low, high].map((values) => ({ values, down })));
    const sight = { first, end, max, height: this.size.height, fitted: this.isFitted() };
    const scale = this.scale.update([...sides, ...bands], sight);
    this.gaps = findGaps(times, this.presence(columns, first, end), this.plane.step(), from, to);
    this.xTicks = timeTicks(from, to, this.width(), 72, zoneAhead(from));
    this.plot.batch(() => {
      const rows = plotRows(times, columns, first, end, this.plane.step());
      this.plot.setData(rows as uPlot.AlignedData, false);
      this.plot.setScale('x', { min: from, max: to });
      this.plot.setScale('y', scale);
      if (this.hasDown()) this.plot.setScale('down', { min: -scale.max, max: -scale.min });
    });
    this.root.classList.add('drawn');
    if (end > first) this.plane.drawn();
  }

  private values(line: Line, first: number, end: number): Float64Array {
    const { store } = this.plane;
    const { hidden } = this.wishes();
    if (this.spec.kind === 'stack' && hidden.size > 0) {
      const seen = this.lines.slice(0, this.lines.indexOf(line) + 1).filter((l) => !hidden.has(l.id));
      return sumOf(seen, store, first, end);
    }
    if (hidden.has(line.id)) return new Float64Array(store.count).fill(NaN);
    const id = this.spec.kind === 'stack' ? stackId(this.spec.lines[0].id, line.id) : null;
    const values = id === null ? columnOf(line, store, first, end) : store.column(id);
    // Rows of the past may have been asked for before this line was here.
    return values ?? new Float64Array(store.count).fill(NaN);
  }

  /** Where rows are buckets: the least and the most of each line, for as far as they are known. */
  private readExtremes(first: number, end: number): void {
    const { store, coarse } = this.plane;
    const { kind, idle } = this.spec;
    const { hidden } = this.wishes();
    const least = idle === undefined || !coarse || hidden.size > 0 ? undefined : store.column(lowId(idle.id));
    this.peak = least?.map((v) => idle!.of - v) ?? null;
    const seen = this.lines.filter((l) => !hidden.has(l.id));
    this.bands = coarse && kind !== 'stack' ? bandsOf(seen, store, first, end) : [];
  }

  /** Where any line has a value; of sparse lines, where there is a row at all. */
  private presence(columns: readonly Float64Array[], first: number, end: number): ArrayLike<number> {
    const { hidden } = this.wishes();
    if (this.spec.sparse === true || this.lines.every((l) => hidden.has(l.id))) return this.plane.store.times();
    const [one, ...others] = columns;
    if (others.length === 0) return one;
    const out = Float64Array.from(one);
    for (let i = first; i < end; i++) {
      for (let c = 0; c < others.length && Number.isNaN(out[i]); c++) out[i] = others[c][i];
    }
    return out;
  }

  /** Areas say how much by their height, so they always begin at 0. */
  private isFitted(): boolean {
    return this.wishes().fitted && this.spec.kind === 'lines' && !this.hasDown();
  }

  private hasDown(): boolean {
    return this.lines.some((line) => line.down);
  }

  private options(): uPlot.Options {
    const axis = {
      stroke: () => theme.colour('muted'),
      font: AXIS_FONT,
      ticks: { show: false },
      grid: { stroke: () => theme.colour('grid'), width: 1 },
    };
    return {
      ...this.size,
      ms: 1,
      padding: [GUTTER.top, GUTTER.right, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      scales: { x: { time: false, auto: false }, y: { auto: false }, down: { auto: false, dir: -1 } },
      axes: [
        {
          ...axis,
          size: GUTTER.bottom,
          gap: 6,
          splits: () => this.xTicks.at,
          values: (u, at) => at.map((t) => this.timeLabel(u, t)),
        },
        {
          ...axis,
          size: GUTTER.left,
          gap: 8,
          splits: () => this.scale.ticks,
          values: (_, at) => formatTicks(this.hasDown() ? at.map(Math.abs) : at, this.spec.unit),
        },
      ],
      series: [{}, ...this.lines.map((line, i) => this.series(line, i))],
      bands: this.spec.kind === 'stack' ? this.layers() : [],
      hooks: {
        drawClear: [(u) => this.hatch(u)],
        drawAxes: [(u) => this.extremes(u)],
        draw: [(u) => this.say(u)],
      },
    };
  }

  private say(u: uPlot): void {
    drawMarks(u.ctx, this.plane.notes(), u.bbox, (t) => u.valToPos(t, 'x', true), uPlot.pxRatio);
    if (this.hasDown()) drawSides(u, this.spec.sides ?? ['', '']);
    if (this.isFitted()) drawWords(u, ['', 'not from 0']);
  }

  /** No label that would hang over the right edge. */
  private timeLabel(u: uPlot, t: number): string {
    const room = this.width() - u.valToPos(t, 'x') + GUTTER.right;
    return room < (this.xTicks.withSeconds ? 28 : 18) ? '' : formatTick(t, this.xTicks.withSeconds);
  }

  private series({ id, ink, dash, down }: Line, i: number): uPlot.Series {
    const { kind } = this.spec;
    const filled = kind === 'area' || (kind === 'stack' && i === 0);
    return {
      label: id,
      scale: down ? 'down' : 'y',
      stroke: () => theme.colour(ink),
      // Areas have no outline: that of an empty layer would hide what it lies on.
      width: kind === 'stack' ? 0 : 1.5,
      dash: dash as number[] | undefined,
      fill: filled ? () => fillOf(ink, kind) : undefined,
      fillTo: 0,
      points: { show: true, size: 3, width: 0, fill: () => theme.colour(ink), filter: lonePoints },
    };
  }

  private layers(): uPlot.Band[] {
    return this.lines.slice(1).map((line, i) => ({
      series: [i + 2, i + 1] as [number, number],
      fill: () => fillOf(line.ink, 'stack'),
    }));
  }

  private hatch(u: uPlot): void {
    hatchGaps(u.ctx, this.gaps, u.bbox, (t) => u.valToPos(t, 'x', true), uPlot.pxRatio);
  }

  /** Behind the lines, for they are drawn after the axes. */
  private extremes(u: uPlot): void {
    if (this.bands.length === 0 && this.peak === null) return;
    const x = (t: number) => u.valToPos(t, 'x', true);
    u.ctx.save();
    u.ctx.beginPath();
    u.ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    u.ctx.clip();
    u.ctx.lineWidth = uPlot.pxRatio;
    for (const band of this.bands) {
      const scale = band.down ? 'down' : 'y';
      drawBand(u.ctx, band, { ...this.rows, x, y: (v) => u.valToPos(v, scale, true) });
    }
    const y = (v: number) => u.valToPos(v, 'y', true);
    if (this.peak !== null) drawEdge(u.ctx, this.peak, theme.colour('others'), { ...this.rows, x, y });
    u.ctx.restore();
  }
}

function fillOf(ink: string, kind: ChartSpec['kind']): string {
  return theme.faint(ink, ink === 'rest' ? FILL_REST : kind === 'area' ? FILL_AREA : FILL);
}
