// meter - the parts of now as one bar.
//
// Each part is as wide as the bar and moved and squeezed by a transform: no component renders for it,
// and no layout is made.

import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Board } from '../ui/board';
import type { Group } from '../ui/readouts';
import type { PanelSpec } from './resolve';

export function Meter({ board, spec, group }: { board: Board; spec: PanelSpec; group: Group }) {
  const root = useRef<HTMLDivElement>(null);
  const drawn = spec.lines.filter((line) => line.ink !== 'rest');
  const { max } = spec;
  useLayoutEffect(() => {
    const parts = [...root.current!.children] as HTMLElement[];
    const shares = drawn.map(() => 0);
    const entries = drawn.map(({ id }, i) => {
      const share = (v: (id: string) => number) => (typeof max === 'string' ? (100 * v(id)) / v(max) : v(id));
      const entry = board.readouts.take('percent', 'edge', share, group);
      entry.watch = (percent) => {
        shares[i] = percent > 0 ? percent : 0;
        if (i === shares.length - 1) place(parts, shares);
      };
      return entry;
    });
    return () => entries.forEach((e) => board.readouts.drop(e));
  }, [drawn.map((l) => l.id).join()]);
  return (
    <div class="meter" ref={root} aria-hidden="true">
      {drawn.map((line) => (
        <i class={`c-${line.ink}`} key={line.id} />
      ))}
    </div>
  );
}

function place(parts: readonly HTMLElement[], shares: readonly number[]): void {
  let left = 0;
  shares.forEach((share, i) => {
    parts[i].style.transform = `translateX(${left}%) scaleX(${share / 100})`;
    left += share;
  });
}
