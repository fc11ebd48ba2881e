// cores - the strip of the cores under the chart of the CPU: who of them was busy when.

import { useLayoutEffect, useRef } from 'preact/hooks';
import { things, type Thing } from '../data/columns';
import { CoreStrip, rowHeight } from '../draw/core_strip';
import { formatValue } from '../draw/format';
import type { Column } from '../net/protocol';
import type { Board } from '../ui/board';

export function CoreBox({ board, columns }: { board: Board; columns: readonly Column[] }) {
  const cores = things(columns, 'core.');
  if (cores.length === 0) return null;
  return (
    <div class="cores">
      <div class="cores-head">
        <h4>
          {cores.length}&nbsp;{cores.length === 1 ? 'core' : 'cores'}, busy share
        </h4>
        <Ramp />
      </div>
      <Strip board={board} cores={cores} key={cores.map((c) => c.id).join()} />
    </div>
  );
}

function Strip({ board, cores }: { board: Board; cores: readonly Thing[] }) {
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const ids = cores.map((c) => c.id);
    // Known before it is drawn, so that nothing moves.
    root.current!.style.height = `${rowHeight(ids.length) * ids.length}px`;
    let strip: CoreStrip;
    const busy = (at: number, row: number) => {
      const value = row < 0 ? null : (board.plane.store.column(ids[at])?.[row] ?? null);
      return `core ${cores[at].name} ${formatValue(value, 'percent')}`;
    };
    return board.mount(root.current!, () => (strip = new CoreStrip(root.current!, ids, board.plane)), {
      describe: (y, row) => busy(strip.coreAt(y), row),
      say: (row) =>
        cores
          .slice(0, 16)
          .map((_, i) => busy(i, row))
          .join(', '),
    });
  }, []);
  return (
    <div
      ref={root}
      class="core-box"
      role="figure"
      tabIndex={0}
      aria-label={`Busy share of each of ${cores.length} cores over time`}
    />
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
