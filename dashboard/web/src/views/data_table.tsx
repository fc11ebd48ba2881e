// data_table - a chart as what it is made of: a row a sample, the newest first, fifty to a page.
//
// It is a picture of the moment in which it was opened: rows that move cannot be read.

import { useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { rowsWithin } from '../data/gaps';
import { formatTime, formatValue, NONE } from '../draw/format';
import { columnOf } from '../draw/line';
import { nameOf } from '../draw/summary';
import type { Board } from '../ui/board';
import { icons } from '../ui/icons';
import type { PanelSpec } from './resolve';

export const PAGE_ROWS = 50;

export function TableButton({ board, spec }: { board: Board; spec: PanelSpec }) {
  const shown = useSignal<Rows | null>(null);
  return (
    <div class="details" id={`details-${spec.key}`}>
      <button
        type="button"
        class="tool"
        title="Show as table"
        aria-label={`Show ${spec.title} as table`}
        aria-haspopup="dialog"
        onClick={() => (shown.value = rowsOf(board, spec))}
      >
        {icons.table}
      </button>
      {shown.value !== null && <TableDialog spec={spec} rows={shown.value} close={() => (shown.value = null)} />}
    </div>
  );
}

interface Rows {
  times: readonly number[]; // newest first
  values: readonly (readonly number[])[]; // a list a line, beside times
}

/** A copy of what the chart shows now. */
function rowsOf(board: Board, spec: PanelSpec): Rows {
  const { store } = board.plane;
  const [from, to] = board.view.range();
  const times = store.times();
  const [first, end] = Number.isFinite(from) ? rowsWithin(times, from, to) : [0, 0];
  const copy = (column: Float64Array | undefined) => [...(column ?? []).slice(first, end)].reverse();
  return { times: copy(times), values: spec.lines.map((line) => copy(columnOf(line, store, first, end))) };
}

function TableDialog({ spec, rows, close }: { spec: PanelSpec; rows: Rows; close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const page = useSignal(0);
  useEffect(() => dialog.current!.showModal(), []);
  const pages = Math.max(1, Math.ceil(rows.times.length / PAGE_ROWS));
  const first = page.value * PAGE_ROWS;
  const turn = (by: number) => {
    page.value = Math.max(0, Math.min(pages - 1, page.value + by));
    scroller.current!.scrollTop = 0;
  };
  const end = Math.min(first + PAGE_ROWS, rows.times.length);
  const heading = `table-${spec.key}`;
  return (
    <dialog
      ref={dialog}
      class="data"
      aria-labelledby={heading}
      onClose={close}
      // Keys of the page are not for who reads a table; Escape closes it.
      onKeyDown={(e) => e.stopPropagation()}
      onClick={(e) => e.target === e.currentTarget && dialog.current!.close()}
    >
      <div class="data-body">
        <header class="data-head">
          <h2 id={heading}>{spec.title}</h2>
          <p role="status">
            {rows.times.length === 0 ? 'no samples' : `${first + 1}–${end} of ${rows.times.length}, newest first`}
          </p>
          <button type="button" onClick={() => turn(-1)} disabled={page.value === 0}>
            Newer
          </button>
          <button type="button" onClick={() => turn(1)} disabled={page.value >= pages - 1}>
            Older
          </button>
          <button type="button" onClick={() => dialog.current!.close()}>
            Close
          </button>
        </header>
        <div class="data-rows" ref={scroller} tabIndex={0} role="region" aria-labelledby={heading}>
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {spec.lines.map((line) => (
                  <th scope="col" class="num" key={line.id}>
                    <bdi>{nameOf(line)}</bdi>
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.times.slice(first, end).map((t, i) => (
                <tr key={t}>
                  <th scope="row">
                    <time dateTime={new Date(t).toISOString()}>{formatTime(t)}</time>
                  </th>
                  {rows.values.map((column, c) => (
                    <td class="num" key={spec.lines[c].id}>
                      {column.length === 0 ? NONE : formatValue(column[first + i], spec.unit)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </div>
    </dialog>
  );
}
