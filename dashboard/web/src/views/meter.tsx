// meter - the parts of now as one bar.
//
// Each part is as wide as the bar and moved and squeezed by a transform: no component renders for it,
// and no layout is made.

import { useLayoutEffect, useRef } from 'preact/hooks';
import { COLOUR_OF } from '../draw/theme';
import type { Board } from '../ui/board';
import type { PanelSpec } from './panels';

export function Meter({ board, spec, ids }: { board: Board; spec: PanelSpec; ids: readonly string[] }) {
  const root = useRef<HTMLDivElement>(null);
  const drawn = ids.filter((id) => COLOUR_OF[id] !== 'rest');
  useLayoutEffect(() => {
    const parts = [...root.current!.children] as HTMLElement[];
    const shares = drawn.map(() => 0);
    drawn.forEach((id, i) => {
      const entry = board.readouts.take(`share.${id}`, 'percent', 'edge', (value) =>
        typeof spec.max === 'string' ? (100 * value(id)) / value(spec.max) : value(id),
      );
      entry.watch = (percent) => {
        shares[i] = percent > 0 ? percent : 0;
        if (i === shares.length - 1) place(parts, shares);
      };
    });
  }, []);
  return (
    <div class="meter" ref={root} aria-hidden="true">
      {drawn.map((id) => (
        <i class={`c-${COLOUR_OF[id]}`} key={id} />
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
