// chart - lines or stacked areas over time, drawn by uPlot.
//
// uPlot draws axes and paths. Not its own: the range (the page has one), the scale (sticky, round),
// stacking (the store has sums), the cursor (an element moved by a transform, see crosshair.ts).

import uPlot from 'uplot';
import { findGaps, plotRows, rowsWithin, type Gap } from '../data/gaps';
import type { Table } from '../data/past';
import { stackId } from '../data/store';
import type { TimeView } from '../ui/time_view';
import { formatTicks, formatTime, type Unit } from './format';
import { hatchGaps } from './hatch';
import type { Drawable } from './scheduler';
import { COLOUR_OF, theme } from './theme';
import { StickyMax, ticksUpTo, timeTicks, valueScale } from './ticks';

export interface ChartSpec {
  key: string;
  kind: 'stack' | 'lines' | 'area';
  unit: Unit;
  ids: readonly string[]; // columns, the lowest of a stack first
  max?: number | string; // top of the scale, or the column that says it
}

export interface Plane {
  readonly store: Table; // the rows that hold the range, live or of the past
  readonly coarse: boolean; // they are buckets, with lowId and highId of each column
  view: TimeView;
  step(): number;
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

export const GUTTER = { left: 56, right: 12, top: 14, bottom: 24 };
const AXIS_FONT = '12px system-ui, sans-serif';
const FILL = 0.66;
const FILL_REST = 0.3;

export class Chart implements Drawable, Surface {
  gaps: Gap[] = [];
  private readonly plot: uPlot;
  private readonly sticky = new StickyMax();
  readonly ids: readonly string[];
  private yTicks: number[] = [];
  private xTicks = { at: [] as number[], withSeconds: false };
  private size = { width: 0, height: 0 };

  constructor(
    readonly root: HTMLElement,
    private readonly spec: ChartSpec,
    private readonly plane: Plane,
  ) {
    this.ids = spec.ids.filter((id) => plane.store.has(id));
    this.size = { width: Math.max(120, root.clientWidth), height: Math.max(80, root.clientHeight) };
    this.plot = new uPlot(this.options(), [[], ...this.ids.map(() => [])] as uPlot.AlignedData, root);
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
    if (!Number.isFinite(from) || this.ids.length === 0) return;
    const times = store.times();
    const [first, end] = rowsWithin(times, from, to);
    const columns = this.drawnIds().map((id) => store.column(id)!);
    const max = this.scaleMax(columns, first, end);
    this.gaps = findGaps(times, store.column(this.ids[0])!, this.plane.step(), from, to);
    this.xTicks = timeTicks(from, to, this.width(), 72);
    this.plot.batch(() => {
      const rows = plotRows(times, columns, first, end, this.plane.step());
      this.plot.setData(rows as uPlot.AlignedData, false);
      this.plot.setScale('x', { min: from, max: to });
      this.plot.setScale('y', { min: 0, max });
    });
    this.root.classList.add('drawn');
    if (end > first) this.plane.drawn();
  }

  private drawnIds(): readonly string[] {
    return this.spec.kind === 'stack' ? this.ids.map((id) => stackId(this.spec.ids[0], id)) : this.ids;
  }

  /** Sets the ticks of y too. */
  private scaleMax(columns: readonly Float64Array[], first: number, end: number): number {
    const { max, unit } = this.spec;
    const lines = Math.max(2, Math.floor(this.size.height / 60));
    const fixed = typeof max === 'string' ? this.lastOf(max) : max;
    if (fixed !== undefined && fixed > 0) {
      this.yTicks = ticksUpTo(fixed, unit, lines);
      return fixed;
    }
    let most = 0;
    for (const c of columns) for (let i = first; i < end; i++) if (c[i] > most) most = c[i];
    const top = this.sticky.update(valueScale(most, unit, lines), performance.now());
    this.yTicks = valueScale(top, unit, lines).ticks;
    return top;
  }

  private lastOf(id: string): number | undefined {
    const column = this.plane.store.column(id);
    for (let i = (column?.length ?? 0) - 1; i >= 0; i--) if (!Number.isNaN(column![i])) return column![i];
    return undefined;
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
      scales: { x: { time: false, auto: false }, y: { auto: false } },
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
          splits: () => this.yTicks,
          values: (_, at) => formatTicks(at, this.spec.unit),
        },
      ],
      series: [{}, ...this.ids.map((id, i) => this.series(id, i))],
      bands: this.spec.kind === 'stack' ? this.bands() : [],
      hooks: { drawClear: [(u) => this.hatch(u)] },
    };
  }

  /** No label that would hang over the right edge. */
  private timeLabel(u: uPlot, t: number): string {
    const room = this.width() - u.valToPos(t, 'x') + GUTTER.right;
    return room < (this.xTicks.withSeconds ? 28 : 18) ? '' : formatTime(t, this.xTicks.withSeconds);
  }

  private series(id: string, i: number): uPlot.Series {
    const token = COLOUR_OF[id];
    const filled = this.spec.kind === 'area' || (this.spec.kind === 'stack' && i === 0);
    return {
      label: id,
      stroke: () => theme.colour(token),
      // Areas have no outline: that of an empty layer would hide what it lies on.
      width: this.spec.kind === 'stack' ? 0 : 1.5,
      fill: filled ? () => fillOf(token, this.spec.kind) : undefined,
      points: { show: true, size: 3, width: 0, fill: () => theme.colour(token), filter: lonePoints },
    };
  }

  private bands(): uPlot.Band[] {
    return this.ids.slice(1).map((id, i) => ({
      series: [i + 2, i + 1] as [number, number],
      fill: () => fillOf(COLOUR_OF[id], 'stack'),
    }));
  }

  private hatch(u: uPlot): void {
    const box = u.bbox;
    hatchGaps(u.ctx, this.gaps, box, (t) => u.valToPos(t, 'x', true), uPlot.pxRatio);
  }
}

function fillOf(token: string, kind: ChartSpec['kind']): string {
  const alpha = token === 'rest' ? FILL_REST : kind === 'area' ? FILL / 2 : FILL;
  return theme.faint(token, alpha);
}

/** Samples with a gap on both sides: a line cannot show them, so they get a point. */
function lonePoints(u: uPlot, at: number): number[] | null {
  const values = u.data[at];
  const lone: number[] = [];
  const [from, to] = u.series[0].idxs ?? [0, values.length - 1];
  for (let i = from; i <= to; i++) {
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) lone.push(i);
  }
  return lone;
}
