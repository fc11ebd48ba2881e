// brush - the strip of all that is known of a host, and the window of what is shown.

import { useLayoutEffect, useRef } from 'preact/hooks';
import type { Board } from '../ui/board';
import { Brush } from '../ui/brush';

export function BrushStrip({ board }: { board: Board }) {
  const root = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const brush = new Brush(root.current!, board);
    return () => brush.end();
  }, [board]);
  return (
    <div class="brush" ref={root} role="group" aria-label="All that is known, and the range shown">
      <canvas aria-hidden="true" />
      <div class="brush-shade">
        <div class="brush-window" />
      </div>
      <End which="from" label="Begin of the range shown" />
      <End which="to" label="End of the range shown" />
    </div>
  );
}

function End({ which, label }: { which: 'from' | 'to'; label: string }) {
  return (
    <div
      class={`brush-end brush-${which}`}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
    />
  );
}
