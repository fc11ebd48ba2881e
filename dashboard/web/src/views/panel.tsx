// panel - one chart in its box: title, the number of now, the legend, the drawing, the same as a table.

import { useSignal, useSignalEffect, type Signal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { Chart, type Wishes } from '../draw/chart';
import { idsOf } from '../draw/line';
import { sayRow, summarise } from '../draw/summary';
import { theme } from '../draw/theme';
import { scheduler, type Board } from '../ui/board';
import { AS_IT_IS, wished, type Wish } from './wishes';
import type { Group } from '../ui/readouts';
import { CoreBox } from './cores';
import { TableButton } from './data_table';
import { FigureView } from './figure';
import { Legend } from './legend';
import { Meter } from './meter';
import { usePicked } from './picked';
import { isFixed, isHere, specOf, type PanelSpec, type Placed } from './resolve';
import type { FixedTemplate, MountsTemplate, Template } from './template';

const SUMMARY_EVERY_MS = 15_000;

type ChartTemplate = Exclude<Template, MountsTemplate>;

export function Panel({ board, placed, template: t }: { board: Board; placed: Placed; template: ChartTemplate }) {
  const root = useRef<HTMLElement>(null);
  const group = useMemo((): Group => ({ awake: false }), []);
  const columns = board.session.columns.value;
  const picked = usePicked(board, t, columns);
  // Colours that were moved to be seen differ from theme to theme, and with them who looks like whom.
  const spec = useMemo(() => specOf(t, columns, picked), [t, columns, picked, theme.version.value]);
  const wishes = useSignal<Wishes>(AS_IT_IS);
  const some = useNeeded(board, isFixed(t) ? t : undefined) && isHere(t, columns);
  useSeen(root, (seen) => board.wake(group, seen));
  const tall = isFixed(t) && t.meter === true;
  return (
    <section
      ref={root}
      class={`panel w-${placed.width} panel-${t.key}${placed.odd ? ' odd' : ''}${tall ? ' tall' : ''}`}
      aria-labelledby={`title-${t.key}`}
    >
      <header class="panel-head">
        <h3 id={`title-${t.key}`}>{t.title}</h3>
        {some && spec.figures.map((f, i) => <FigureView board={board} figure={f} group={group} key={i} />)}
        {some && <TableButton board={board} spec={spec} />}
      </header>
      {some && <Legend board={board} spec={spec} group={group} wishes={wishes} />}
      {some && tall && <Meter board={board} spec={spec} group={group} />}
      {some ? (
        <ChartBox board={board} spec={spec} group={group} wishes={wishes} key={shapeOf(spec)} />
      ) : (
        <p class="chart-box absent">{t.absent}</p>
      )}
      {isFixed(t) && t.cores === true && <CoreBox board={board} columns={columns} />}
    </section>
  );
}

/** Two specs of one shape are one chart. */
function shapeOf({ lines }: PanelSpec): string {
  return lines.map((l) => [l.ink, l.dash, idsOf(l)].join()).join(';');
}

/** False once the column that the panel needs is known to be 0. */
function useNeeded(board: Board, t: FixedTemplate | undefined): boolean {
  const some = useSignal(true);
  useEffect(() => {
    const { needs } = t ?? {};
    if (needs === undefined) return;
    const entry = board.readouts.take('count', 'edge', (v) => v(needs));
    entry.watch = (value) => {
      if (!Number.isNaN(value)) some.value = value > 0;
    };
    return () => board.readouts.drop(entry);
  }, []);
  return some.value;
}

const seenBy = new WeakMap<Element, (seen: boolean) => void>();
let watcher: IntersectionObserver | undefined;

/** Calls back a little before the element comes into sight, and after it went. */
export function useSeen(ref: { current: Element | null }, tell: (seen: boolean) => void): void {
  useLayoutEffect(() => {
    watcher ??= new IntersectionObserver((all) => all.forEach((e) => seenBy.get(e.target)?.(e.isIntersecting)), {
      rootMargin: '40% 0px',
    });
    const element = ref.current!;
    seenBy.set(element, tell);
    watcher.observe(element);
    return () => watcher!.unobserve(element);
  }, []);
}

interface BoxProps {
  board: Board;
  spec: PanelSpec;
  group: Group;
  wishes: Signal<Wishes>;
}

function ChartBox({ board, spec, group, wishes }: BoxProps) {
  const root = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const words = useSignal(`${spec.title} over time`);
  useLayoutEffect(() => {
    const say = (row: number) => sayRow(spec.lines, spec.unit, board.plane.store, row);
    return board.mount(root.current!, () => (chart.current = makeChart()), { say });
  }, []);
  const makeChart = () => new Chart(root.current!, spec, board.plane, () => wishes.peek());
  useSignalEffect(() => {
    void wishes.value;
    if (chart.current !== null && group.awake) scheduler.mark(chart.current);
  });
  useEffect(() => {
    const wish = (e: Event) => (wishes.value = wished(wishes.peek(), spec, (e as CustomEvent<Wish>).detail));
    root.current!.addEventListener('chart:wish', wish);
  }, []);
  useEffect(() => {
    const tell = () => {
      if (!group.awake && document.activeElement !== root.current) return;
      words.value = summarise(spec.title, spec.lines, spec.unit, board.plane.store, board.view.range());
    };
    const first = window.setTimeout(tell, 1500);
    const timer = window.setInterval(tell, SUMMARY_EVERY_MS);
    root.current!.addEventListener('focus', tell);
    return () => {
      window.clearTimeout(first);
      window.clearInterval(timer);
    };
  }, []);
  return (
    <div
      ref={root}
      class="chart-box"
      role="figure"
      tabIndex={0}
      aria-label={words}
      aria-details={`details-${spec.key}`}
      aria-roledescription="chart, left and right arrow keys read it"
    />
  );
}
