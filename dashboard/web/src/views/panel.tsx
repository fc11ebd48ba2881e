// panel - one chart in its box: title, the number of now, the legend, the drawing.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { Chart } from '../draw/chart';
import { CoreStrip } from '../draw/core_strip';
import { formatValue } from '../draw/format';
import { COLOUR_OF } from '../draw/theme';
import type { Board } from '../ui/board';
import { idsOf } from '../ui/readouts';
import { Meter } from './meter';
import type { PanelSpec } from './panels';

export function Panel({ board, spec }: { board: Board; spec: PanelSpec }) {
  const columns = board.session.columns.value.map((c) => c.id);
  const some = useNeeded(board, spec);
  const here = some ? spec.ids.filter((id) => columns.includes(id)) : [];
  const cores = spec.key === 'cpu' ? columns.filter(isCore) : [];
  useEffect(() => board.need(numbersOf(spec)), [spec]);
  return (
    <section class={`panel panel-${spec.size} panel-${spec.key}`} aria-labelledby={`title-${spec.key}`}>
      <header class="panel-head">
        <h2 id={`title-${spec.key}`}>{spec.title}</h2>
        {here.length > 0 && <FigureView board={board} spec={spec} cores={columns.filter(isCore).length} />}
      </header>
      {here.length > 0 && <Legend board={board} spec={spec} ids={here} />}
      {here.length > 0 && spec.meter === true && <Meter board={board} spec={spec} ids={here} />}
      {here.length > 0 ? (
        <ChartBox board={board} spec={spec} key={here.join()} />
      ) : (
        <p class="chart-box absent">{spec.absent}</p>
      )}
      {cores.length > 0 && <CoreBox board={board} ids={cores} key={cores.join()} />}
    </section>
  );
}

/** Columns that a panel tells of without drawing them. */
function numbersOf({ figure, extra, max, needs }: PanelSpec): string[] {
  const of = typeof figure.of === 'object' ? figure.of.id : undefined;
  const all = [...idsOf(figure.source), of, extra?.id, typeof max === 'string' ? max : undefined, needs];
  return all.filter((id) => id !== undefined);
}

/** False once the column that the panel needs is known to be 0. */
function useNeeded(board: Board, spec: PanelSpec): boolean {
  const some = useSignal(true);
  useEffect(() => {
    if (spec.needs === undefined) return;
    const entry = board.readouts.take(spec.needs, spec.unit, 'edge');
    entry.watch = (value) => {
      if (!Number.isNaN(value)) some.value = value > 0;
    };
  }, []);
  return some.value;
}

function isCore(id: string): boolean {
  return id.startsWith('core.');
}

function FigureView({ board, spec, cores }: { board: Board; spec: PanelSpec; cores: number }) {
  const { figure } = spec;
  const now = useMemo(() => board.readouts.take(figure.name, figure.unit, 'edge', figure.source), []);
  const of = useMemo(
    () => (typeof figure.of === 'object' ? board.readouts.take(figure.of.id, figure.of.unit, 'edge') : undefined),
    [],
  );
  return (
    <p class="figure">
      <span class="figure-number">{now.number}</span> <span class="figure-unit">{now.suffix}</span>
      {of !== undefined && (
        <span class="figure-of">
          {' of '}
          {of.number} {of.suffix}
        </span>
      )}
      {figure.of === 'cores' && cores > 0 && (
        <span class="figure-of">
          {' of '}
          {cores}&nbsp;{cores === 1 ? 'core' : 'cores'}
        </span>
      )}
    </p>
  );
}

function Legend({ board, spec, ids }: { board: Board; spec: PanelSpec; ids: readonly string[] }) {
  const order = spec.kind === 'lines' ? [...ids].reverse() : ids;
  const { extra } = spec;
  return (
    <ul class="legend">
      {order.map((id) => (
        <li key={id}>
          <span class={`swatch swatch-${spec.kind} c-${COLOUR_OF[id]}`} />
          <span class="legend-label">{spec.labels[id]}</span>
          <LegendNumber board={board} id={id} unit={spec.unit} />
        </li>
      ))}
      {extra !== undefined && (
        <li key={extra.id}>
          <span class="legend-label">{extra.label}</span>
          <LegendNumber board={board} id={extra.id} unit={extra.unit} />
        </li>
      )}
    </ul>
  );
}

function LegendNumber({ board, id, unit }: { board: Board; id: string; unit: PanelSpec['unit'] }) {
  const entry = useMemo(() => board.readouts.take(id, unit, 'cursor'), [id]);
  const suffix = useComputed(() => (entry.suffix.value === '' ? '' : `\u00a0${entry.suffix.value}`));
  return (
    <span class={`legend-value unit-${unit}`} data-column={id}>
      {entry.number}
      <span class="legend-unit">{suffix}</span>
    </span>
  );
}

function ChartBox({ board, spec }: { board: Board; spec: PanelSpec }) {
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const chart = new Chart(root.current!, spec, board.plane);
    return board.add(chart, root.current!);
  }, []);
  return (
    <div
      ref={root}
      class="chart-box"
      role="figure"
      tabIndex={0}
      aria-label={`${spec.title} over time. Left and right arrow keys move the cursor.`}
    />
  );
}

function CoreBox({ board, ids }: { board: Board; ids: readonly string[] }) {
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const strip = new CoreStrip(root.current!, ids, board.plane);
    const { store } = board.session;
    return board.add(strip, root.current!, (y, row) => {
      const id = ids[strip.coreAt(y)];
      const value = row < 0 ? null : (store.column(id)?.[row] ?? null);
      return `core ${id.slice('core.'.length)} ${formatValue(value, 'percent')}`;
    });
  }, []);
  return (
    <div class="cores">
      <div class="cores-head">
        <h3>
          {ids.length}&nbsp;{ids.length === 1 ? 'core' : 'cores'}, busy share
        </h3>
        <Ramp />
      </div>
      <div
        ref={root}
        class="core-box"
        role="figure"
        tabIndex={0}
        aria-label={`Busy share of each of ${ids.length} cores over time`}
      />
    </div>
  );
}

function Ramp() {
  return (
    <span class="ramp" aria-hidden="true">
      0 %
      {Array.from({ length: 9 }, (_, i) => (
        <i class={`r-${i + 1}`} key={i} />
      ))}
      100 %
    </span>
  );
}
