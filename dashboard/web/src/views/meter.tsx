// meter - the parts of now as one bar. Widths are set on the elements, no component renders for it.

import { useEffect, useRef } from 'preact/hooks';
import { COLOUR_OF } from '../draw/theme';
import type { Board } from '../ui/board';
import type { PanelSpec } from './panels';

export function Meter({ board, spec, ids }: { board: Board; spec: PanelSpec; ids: readonly string[] }) {
  const root = useRef<HTMLDivElement>(null);
  const drawn = ids.filter((id) => COLOUR_OF[id] !== 'rest');
  useEffect(() => {
    const segments = [...root.current!.children] as HTMLElement[];
    drawn.forEach((id, i) => {
      const share = board.readouts.take(`share.${id}`, 'percent', 'edge', (value) =>
        typeof spec.max === 'string' ? (100 * value(id)) / value(spec.max) : value(id),
      );
      share.watch = (percent) => (segments[i].style.width = `${percent > 0 ? percent : 0}%`);
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
