// legend - what the lines are, and their numbers: at the cursor, else the newest.

import { useComputed, type Signal } from '@preact/signals';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Wishes } from '../draw/chart';
import { tailOf } from '../draw/format';
import { DASHES } from '../draw/line';
import type { Board } from '../ui/board';
import type { Group } from '../ui/readouts';
import { useReadout } from '../ui/use_readout';
import type { LegendRow, PanelSpec } from './resolve';
import { isHidden, toggled } from './wishes';

interface LegendProps {
  board: Board;
  spec: PanelSpec;
  group: Group;
  wishes: Signal<Wishes>;
}

/** A click on a row leaves its line out; for the keyboard that is the number of the row. */
export function Legend({ board, spec, group, wishes }: LegendProps) {
  const toggle = (row: LegendRow) => {
    if (row.ink !== undefined) wishes.value = toggled(wishes.peek(), spec, row);
  };
  const two = spec.rows.some((r) => r.values.length > 1);
  const longest = Math.max(...spec.rows.map((r) => r.label.length));
  const room = two ? 'two' : longest <= 4 ? 'short' : longest <= 10 ? 'middle' : 'long';
  return (
    <ul class={`legend ${room}`}>
      {spec.rows.map((row) => (
        <li
          key={row.key}
          class={row.ink === undefined ? '' : isHidden(wishes.value, spec, row) ? 'drawn left-out' : 'drawn'}
          onClick={() => toggle(row)}
        >
          <Swatch row={row} kind={spec.kind} />
          <bdi class="legend-label" title={row.label}>
            {row.label}
          </bdi>
          {row.values.map((value, i) => (
            <LegendNumber
              board={board}
              value={value}
              group={group}
              key={value.id}
              side={two ? spec.sides?.[i] : undefined}
              second={i > 0}
            />
          ))}
        </li>
      ))}
    </ul>
  );
}

function Swatch({ row, kind }: { row: LegendRow; kind: PanelSpec['kind'] }) {
  const root = useRef<HTMLSpanElement>(null);
  const { ink, declared, dash } = row;
  // No style attribute is allowed, but a script of ours may set a property, and it takes colours only.
  useLayoutEffect(() => {
    if (root.current !== null) root.current.style.backgroundColor = declared ?? '';
  }, [declared]);
  if (ink === undefined) return null;
  const dashed = dash === undefined ? '' : ` dash-${DASHES.indexOf(dash)}`;
  return <span ref={root} class={`swatch swatch-${kind}${dashed}${declared === undefined ? ` c-${ink}` : ' own'}`} />;
}

interface NumberProps {
  board: Board;
  value: LegendRow['values'][number];
  group: Group;
  side?: string; // above the axis, or below it
  second: boolean;
}

function LegendNumber({ board, value, group, side, second }: NumberProps) {
  const { unit, source, id } = value;
  const entry = useReadout(board, id, { unit, source, follows: 'cursor' }, group);
  const suffix = useComputed(() => tailOf(entry.suffix.value));
  return (
    <span class={`legend-value unit-${unit}`} data-column={id} title={side}>
      {side !== undefined && (
        <>
          <span class="sr-only">{side} </span>
          <span class="legend-side" aria-hidden="true">
            {second ? '▼' : '▲'}
          </span>
        </>
      )}
      {entry.number}
      <span class="legend-unit">{suffix}</span>
    </span>
  );
}
