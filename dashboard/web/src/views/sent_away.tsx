// sent_away - agents that the collector refused within a day: who, why, and how long ago.

import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { formatDuration } from '../draw/format';
import { getRefused } from '../net/api';
import type { Refused } from '../net/protocol';
import { outOfSight } from '../ui/kiosk';

const FIRST_MS = 2000; // hosts are asked for first
const AGAIN_MS = 30_000;

/** Nothing, as long as none is known, or the collector is of before. */
export function SentAway() {
  const all = useSignal<Refused[]>([]);
  useEffect(() => {
    let timer = window.setTimeout(function look() {
      (outOfSight() ? Promise.resolve(all.peek()) : getRefused())
        .then((refused) => (all.value = refused))
        .catch(() => undefined) // the pill says already what is not reached
        .finally(() => (timer = timer === 0 ? 0 : window.setTimeout(look, AGAIN_MS)));
    }, FIRST_MS);
    return () => {
      window.clearTimeout(timer);
      timer = 0;
    };
  }, []);
  if (all.value.length === 0) return null;
  const now = Date.now();
  return (
    <section class="sent-away">
      <h2>Sent away</h2>
      <ul>
        {all.value.map((r) => (
          <li key={`${r.reason} ${r.id} ${r.name}`}>
            <b dir="auto">{r.name.slice(0, 200) || r.id}</b> {r.why}
            {r.reason === 'key' && ` (${r.key})`}
            {r.address !== '' && `; from ${r.address}`}; {formatDuration(Math.max(0, now - r.last_ms))} ago
          </li>
        ))}
      </ul>
    </section>
  );
}
