// sent_away - agents that the collector refused within a day: who, why, and how long ago.

import { useSignal } from '@preact/signals';
import { formatDuration } from '../draw/format';
import { getRefused } from '../net/api';
import type { Refused } from '../net/protocol';
import { useLook } from '../ui/look';

const FIRST_MS = 2000; // hosts are asked for first

/** Nothing, as long as none is known, or the collector is of before. */
export function SentAway() {
  const all = useSignal<Refused[]>([]);
  useLook(FIRST_MS, getRefused, (refused) => (all.value = refused), '');
  if (all.value.length === 0) return null;
  return (
    <section class="sent-away">
      <h2>Sent away</h2>
      <ul>
        {all.value.map((r) => (
          <li key={`${r.reason} ${r.id} ${r.name}`}>
            <b dir="auto">{r.name.slice(0, 200) || r.id}</b> {r.why}
            {r.reason === 'key' && ` (${r.key})`}
            {r.address !== '' && `; from ${r.address}`}; {formatDuration(r.ago_ms)} ago
          </li>
        ))}
      </ul>
    </section>
  );
}
