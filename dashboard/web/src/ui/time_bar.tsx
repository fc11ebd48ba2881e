// time_bar - the spans to choose from, the way back to live, and the zone.

import { formatDuration } from '../draw/format';
import type { Board } from './board';
import { SPANS_MS } from './time_view';
import { toggleZone, zone } from './zone';

const NBSP = '\u00a0';

export function TimeBar({ board }: { board: Board }) {
  const { held, span } = board.view;
  const shown = held.value?.byHand ? NaN : span.value;
  const pick = (ms: number) => {
    board.view.live();
    board.view.setSpan(ms);
  };
  return (
    <div class="time-bar">
      {held.value !== null && (
        <button type="button" class="to-live" onClick={() => board.view.live()} title="Back to live (l)">
          Back to live
        </button>
      )}
      <div class="spans" role="group" aria-label="Time shown">
        {SPANS_MS.map((ms) => (
          <button type="button" key={ms} aria-pressed={shown === ms} onClick={() => pick(ms)}>
            {ms < 3_600_000 ? `${ms / 60_000}${NBSP}min` : formatDuration(ms)}
          </button>
        ))}
      </div>
      <button type="button" class="zone" onClick={toggleZone} title="Zone of all times: local or UTC (u)">
        {zoneWord(zone.value)}
      </button>
    </div>
  );
}

function zoneWord(name: string | null): string {
  if (name === null) return 'Local';
  return name === 'utc' ? 'UTC' : name.slice(name.lastIndexOf('/') + 1).replace(/_/g, ' ');
}
