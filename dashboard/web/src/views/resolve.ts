// resolve - of what the catalogue wants, what this host has: sections, panels, lines.

import { things, wholes, type Thing } from '../data/columns';
import type { ChartSpec } from '../draw/chart';
import type { Unit } from '../draw/format';
import { lookOf, valueOf, type Fold, type Line } from '../draw/line';
import type { Column } from '../net/protocol';
import type { Source } from '../ui/readouts';
import { appLooks, type AppLook } from './apps';
import { SECTIONS } from './catalog';
import type {
  EachTemplate,
  Figure,
  FixedTemplate,
  Gist,
  MountsTemplate,
  SectionTemplate,
  Template,
  TotalTemplate,
} from './template';

export const DRAWN_MOST = 8; // lines of like things in one chart

/** A chart with all that stands around it. */
export interface PanelSpec extends ChartSpec {
  title: string;
  figures: readonly Figure[];
  rows: readonly LegendRow[];
}

export interface LegendRow {
  key: string;
  label: string;
  ink?: string; // none: not drawn
  declared?: string; // the colour of the swatch, where an application chose it
  dash?: readonly number[];
  values: readonly { id: string; unit: Unit; source: Source }[]; // above the axis, below
}

export interface Section {
  key: string;
  title: string;
  open: boolean;
  gist: readonly Figure[];
  panels: readonly Placed[];
}

export interface Placed {
  template: Template;
  width: 4 | 6 | 12; // of twelve columns
  odd: boolean; // the last of an odd number of narrow ones
}

export const isMounts = (t: Template): t is MountsTemplate => 'mounts' in t;
export const isFixed = (t: Template): t is FixedTemplate => 'lines' in t;

/** Sections that the host has something for; and what it has nothing for, with the reason. */
export function sectionsOf(columns: readonly Column[]): { here: Section[]; absent: SectionTemplate[] } {
  const here: Section[] = [];
  const absent: SectionTemplate[] = [];
  for (const s of SECTIONS) {
    const wanted = typeof s.panels === 'function' ? s.panels(columns) : s.panels;
    const some = wanted.some((t) => isHere(t, columns));
    const shown = wanted.filter((t) => isHere(t, columns) || ('absent' in t && t.absent !== undefined));
    if (!some) absent.push(s);
    else
      here.push({
        key: s.key,
        title: s.title,
        open: s.open,
        gist: (s.gist ?? []).flatMap((g) => gistOf(s.key, g, columns)),
        panels: place(shown),
      });
  }
  return { here, absent };
}

export function isHere(t: Template, columns: readonly Column[]): boolean {
  const begins = (prefixes: readonly string[]) => columns.some((c) => prefixes.some((p) => c.id.startsWith(p)));
  if (isMounts(t)) return begins(['fs.use.']);
  if (isFixed(t)) return t.lines.some((l) => columns.some((c) => c.id === l.id));
  return begins('each' in t ? t.each : t.total);
}

/** Rows of two, then of three, so that no row has a hole. */
function place(templates: readonly Template[]): Placed[] {
  const n = templates.length;
  const wide = n === 1 ? 0 : [0, 4, 2][n % 3];
  const narrow = n - wide;
  return templates.map((template, i) => ({
    template,
    width: n === 1 ? 12 : i < wide ? 6 : 4,
    odd: i === n - 1 && narrow % 2 === 1,
  }));
}

function gistOf(section: string, g: Gist, columns: readonly Column[]): Figure[] {
  const all = things(columns, ...(g.each ?? []));
  const of = (g.by === 'sum' && section === 'network' ? wholes(all) : all).map((t) => t.id);
  if (g.id === undefined ? of.length === 0 : !columns.some((c) => c.id === g.id)) return [];
  const line = g.id === undefined ? { id: '', fold: { of, by: g.by ?? 'max' } as Fold } : { id: g.id };
  return [{ unit: g.unit, word: g.word, source: (v) => valueOf(line, v) }];
}

/** The chart of a template; of more than DRAWN_MOST things those in `picked` have lines of their own. */
export function specOf(
  t: Exclude<Template, MountsTemplate>,
  columns: readonly Column[],
  picked?: ReadonlySet<string>,
): PanelSpec {
  if (isFixed(t)) return fixedSpec(t, columns);
  return 'each' in t ? eachSpec(t, columns, picked) : totalSpec(t, columns);
}

function fixedSpec(t: FixedTemplate, columns: readonly Column[]): PanelSpec {
  const ids = new Set(columns.map((c) => c.id));
  const lines: Line[] = t.lines.filter((l) => ids.has(l.id));
  const rows: LegendRow[] = lines.map((l) => rowOf(l, [l], t.unit));
  const { extra } = t;
  if (extra !== undefined && ids.has(extra.id)) {
    const { id, label, unit, most = Infinity } = extra;
    const source: Source = (v) => (v(id) <= most ? v(id) : NaN);
    rows.push({ key: id, label, values: [{ id, unit, source }] });
  }
  return {
    ...chartOf(t),
    kind: t.kind ?? 'lines',
    idle: t.idle,
    lines,
    rows,
    figures: t.figure === undefined ? [] : [t.figure],
  };
}

function totalSpec(t: TotalTemplate, columns: readonly Column[]): PanelSpec {
  const lines = t.total.map((prefix, i): Line => {
    const of = wholes(things(columns, prefix)).map((x) => x.id);
    const label = t.sides?.[i] ?? '';
    return { id: `total.${prefix}`, label, ink: `series-${i === 0 ? 1 : 5}`, down: i === 1, fold: { of, by: 'sum' } };
  });
  return { ...chartOf(t), kind: 'area', lines, rows: lines.map((l) => rowOf(l, [l], t.unit)), figures: [] };
}

function eachSpec(t: EachTemplate, columns: readonly Column[], picked?: ReadonlySet<string>): PanelSpec {
  const all = things(columns, ...t.each);
  const ids = new Set(columns.map((c) => c.id));
  const looks: AppLook[] = t.apps === true ? appLooks(all) : all.map((_, i) => lookOf(i));
  const few = all.length <= DRAWN_MOST;
  const drawn = all.flatMap((thing, i) => (few || picked?.has(thing.key) ? [{ thing, look: looks[i] }] : []));
  const downOf = (thing: Thing) =>
    t.down !== undefined && ids.has(t.down + thing.key) ? t.down + thing.key : undefined;
  const lines: Line[] = [];
  const rows: LegendRow[] = [];
  for (const { thing, look } of drawn) {
    const up: Line = { id: thing.id, label: thing.name, ink: look.ink, dash: look.dash, side: t.sides?.[0] };
    const below = downOf(thing);
    const pair = below === undefined ? [up] : [up, { ...up, id: below, down: true, side: t.sides?.[1] }];
    lines.push(...pair);
    rows.push({ ...rowOf(up, pair, t.unit), declared: look.declared });
  }
  const rest = few ? [] : all.filter((thing) => !picked?.has(thing.key));
  if (rest.length > 0) {
    const label = t.by === 'sum' ? `${rest.length} others` : `most of ${rest.length} others`;
    const up: Line = {
      id: `rest.${t.key}`,
      label,
      ink: 'others',
      side: t.sides?.[0],
      fold: { of: rest.map((x) => x.id), by: t.by },
    };
    const of = rest.flatMap((x) => downOf(x) ?? []);
    const pair =
      of.length === 0
        ? [up]
        : [up, { ...up, id: `rest.down.${t.key}`, down: true, side: t.sides?.[1], fold: { of, by: t.by } }];
    lines.push(...pair);
    rows.push(rowOf(up, pair, t.unit));
  }
  return {
    ...chartOf(t),
    kind: drawn.length === 1 && rest.length === 0 ? 'area' : 'lines',
    lines,
    rows,
    figures: figuresOf(t, all),
  };
}

/** All things as one number, where there is more than one and no more than one direction. */
function figuresOf(t: EachTemplate, all: readonly Thing[]): Figure[] {
  if (all.length < 2 || t.down !== undefined || t.key.startsWith('app-other') || t.key === 'app-value') return [];
  const line = { id: '', fold: { of: all.map((x) => x.id), by: t.by } };
  const word = t.by === 'sum' ? 'all' : 'most';
  return [{ unit: t.unit, word, source: (v) => valueOf(line, v) }];
}

function chartOf(
  t: FixedTemplate | EachTemplate | TotalTemplate,
): Omit<ChartSpec, 'kind' | 'lines'> & { title: string } {
  const { key, title, unit, max, sparse, sides } = t;
  return { key, title, unit, max, sparse, sides };
}

function rowOf(line: Line, pair: readonly Line[], unit: Unit): LegendRow {
  const { id, label, ink, dash } = line;
  const values = pair.map((l) => ({ id: l.id, unit, source: (v: (id: string) => number) => valueOf(l, v) }));
  return { key: id, label, ink, dash, values };
}
