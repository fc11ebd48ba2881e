// api - questions to the dashboard over HTTP. Each throws on a refusal or after its time limit.

import type { Hist, HostInfo } from './protocol';

const LIMIT_MS = 8000;

export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function get<T>(path: string): Promise<T> {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), LIMIT_MS);
  try {
    const answer = await fetch(path, { signal: stop.signal, cache: 'no-store' });
    if (!answer.ok) throw new Refusal(answer.status, `${path} answered ${answer.status}`);
    return (await answer.json()) as T;
  } finally {
    clearTimeout(timer);
  }
}

export function getHosts(): Promise<HostInfo[]> {
  return get('/api/v1/hosts');
}

export interface Range {
  from?: number; // ms
  to?: number;
  points?: number;
}

/** No columns named: all that the host has. */
export function getHist(host: string, columns: readonly string[], range: Range): Promise<Hist> {
  const q = new URLSearchParams({ h: host });
  if (columns.length > 0) q.set('c', columns.join(','));
  if (range.from !== undefined) q.set('from', String(Math.floor(range.from)));
  if (range.to !== undefined) q.set('to', String(Math.ceil(range.to)));
  if (range.points !== undefined) q.set('pts', String(range.points));
  return get(`/api/v1/hist?${q}`);
}
