// apps - the panels of what applications send: CPU, memory, and whatever other numbers they have.

import { DASHES, lookOf, type Line } from '../draw/line';
import { difference, toLab, type Triple } from '../draw/colour';
import { unitOf } from '../draw/format';
import { theme } from '../draw/theme';
import type { Thing } from '../data/columns';
import { inOrder } from '../data/columns';
import type { Column } from '../net/protocol';
import type { EachTemplate } from './template';

const OTHER = 'app.other.';
const VALUE = 'app.value.';

const COMMON = { apps: true, sparse: true } as const;

const USUAL: readonly EachTemplate[] = [
  { key: 'app-cpu', title: 'CPU, % of one core', unit: 'percent', each: ['app.cpu.'], by: 'sum', ...COMMON },
  { key: 'app-memory', title: 'Memory', unit: 'bytes', each: ['app.mem.'], by: 'sum', ...COMMON },
];

/** A panel for each number that any application sends. */
export function appPanels(columns: readonly Column[]): EachTemplate[] {
  const metrics = new Map<string, EachTemplate>();
  for (const { id, metric, unit } of columns) {
    if (metric === undefined || !id.startsWith(OTHER) || metrics.has(metric)) continue;
    const each = [`${OTHER}${metric}.`];
    const title = metric
      .replace(/^app_(?=.)|_(bytes|seconds|ratio|total)$/g, '')
      .replace(/_/g, ' ')
      .slice(0, 60);
    metrics.set(metric, { key: `app-other-${metric}`, title, unit: unitOf(unit), each, by: 'max', ...COMMON });
  }
  const value = columns.find((c) => c.id.startsWith(VALUE));
  const bare: EachTemplate[] =
    value === undefined
      ? []
      : [{ key: 'app-value', title: 'Value', unit: unitOf(value.unit), each: [VALUE], by: 'max', ...COMMON }];
  return [...USUAL, ...[...metrics.values()].sort((a, b) => inOrder(a.title, b.title)), ...bare];
}

const ALIKE = 8; // CIEDE2000: nearer than this, two lines are told apart by their dashes
const COMPARED = 64; // applications; more are not told apart anyway

export interface AppLook extends Pick<Line, 'ink' | 'dash'> {
  declared?: string; // a colour of the style sheets' language, as it was sent
}

/** The look of each application, in the order given: its own colour where it declared one. */
export function appLooks(apps: readonly Thing[]): AppLook[] {
  const taken: { lab: Triple; dash: number }[] = [];
  return apps.map(({ color }, i) => {
    const own = color === undefined ? undefined : theme.declare(color);
    const { ink } = own === undefined ? lookOf(i) : { ink: own };
    const lab = toLab(theme.triple(ink));
    const like = taken.slice(0, COMPARED).filter((t) => difference(t.lab, lab) < ALIKE);
    const free = DASHES.findIndex((_, d) => like.every((t) => t.dash !== d));
    const dash = free < 0 ? like.length % DASHES.length : free;
    taken.push({ lab, dash });
    return {
      ink,
      ...(dash > 0 ? { dash: DASHES[dash] } : {}),
      ...(own === undefined ? {} : { declared: color }),
    };
  });
}
