// pill - what the live pill says, given what is known. It must never look more alive than the data.
//
// First that applies: no connection, a view that is held still, no sample ever, a sample too old.

import type { PollReason } from '../net/stream_client';
import { formatDuration, formatStretch, formatLag, formatSkew, formatStopwatch } from '../draw/format';

export type Link = 'connecting' | 'open' | 'down';

export interface Facts {
  now: number; // ms, the collector's clock
  link: Link;
  downFor: number; // ms since the connection was last good, or since it was first asked for
  newest: number; // ms, stamp of the newest sample painted, NaN: none
  lag: number; // ms from that stamp until it was painted
  step: number; // ms between samples
  stale: number; // ms of age from which nothing looks alive
  pausedFor: number | null; // ms, null: not paused
  fixed: { from: number; to: number } | null; // a range chosen by hand
  polling?: PollReason | null; // why there is no stream
  skew?: number | null; // ms, the collector's clock less the host's
}

export type PillKind = 'live' | 'paused' | 'fixed' | 'polling' | 'reconnecting' | 'stale' | 'nodata';

export interface Pill {
  kind: PillKind;
  word: string;
  detail: string;
  action: string; // what a click does
}

// A blink of the network is not worth a change of the pill.
const GRACE_MS = 700;

const POLLING: Record<PollReason, [string, string]> = {
  windows: ['many windows', 'four other windows hold a stream, and a browser has few connections'],
  full: ['server full', 'the dashboard has no stream left'],
  blocked: ['no stream', 'streams open but nothing comes through, as with a proxy that buffers'],
};

export function pillOf(f: Facts): Pill {
  const age = f.now - f.newest;
  if (f.link !== 'open' && f.downFor > GRACE_MS) {
    const action = 'Try to connect now';
    return { kind: 'reconnecting', word: 'RECONNECTING', detail: formatDuration(f.downFor), action };
  }
  if (f.fixed !== null) {
    const detail = formatStretch(f.fixed.from, f.fixed.to, f.now);
    return { kind: 'fixed', word: 'RANGE', detail, action: 'Back to live' };
  }
  if (f.pausedFor !== null) {
    const detail = formatStopwatch(f.pausedFor);
    return { kind: 'paused', word: 'PAUSED', detail, action: 'Back to live' };
  }
  if (Number.isNaN(f.newest)) {
    return { kind: 'nodata', word: 'NO DATA', detail: skewed(f), action: 'Pause' };
  }
  if (age >= f.stale) {
    return { kind: 'stale', word: 'STALE', detail: skewed(f) || formatDuration(age), action: 'Pause' };
  }
  if (f.polling) {
    const [detail, why] = POLLING[f.polling];
    return { kind: 'polling', word: 'POLLING', detail, action: `Asks every 2 seconds: ${why}. Pause` };
  }
  const late = age > 1.5 * f.step;
  return { kind: 'live', word: 'LIVE', detail: formatLag(late ? age : f.lag), action: 'Pause' };
}

/** A clock so wrong that this is why nothing looks alive. */
function skewed(f: Facts): string {
  return Math.abs(f.skew ?? 0) >= f.stale ? `clock ${formatSkew(f.skew ?? 0)}` : '';
}
