// api - questions to the dashboard over HTTP. Each throws on a refusal or after its time limit.

import type { Collector, Hist, HostInfo, Ledger, Note, Refused, Summary, ViewAnswer } from './protocol';

const LIMIT_MS = 8000;

export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

async function get<T>(path: string, abort?: AbortSignal): Promise<T> {
  const stop = new AbortController();
  abort?.addEventListener('abort', () => stop.abort(), { once: true });
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

export function getCollector(): Promise<Collector> {
  return get('/api/v1/collector');
}

export function getRefused(): Promise<Refused[]> {
  return get('/api/v1/refused');
}

/** One, of the host that is named. */
export function getLedger(host: string): Promise<Ledger[]> {
  return get(`/api/v1/ledger?${new URLSearchParams({ h: host })}`);
}

/** All that is known to have happened on the host. */
export function getEvents(host: string): Promise<Note[]> {
  return get(`/api/v1/events?${new URLSearchParams({ h: host })}`);
}

export function getSummary(): Promise<Summary> {
  return get('/api/v1/summary');
}

/** What a stream would have said, asked for by hand. */
export function getView(url: string): Promise<ViewAnswer> {
  return get(url);
}

export interface Range {
  from?: number; // ms
  to?: number;
  points?: number;
}

/** `columns`: ids, or `prefix*`; none named: all that the host has. */
export function getHist(host: string, columns: readonly string[], range: Range, abort?: AbortSignal): Promise<Hist> {
  const q = new URLSearchParams({ h: host });
  if (columns.length > 0) q.set('c', columns.join(','));
  if (range.from !== undefined) q.set('from', String(Math.floor(range.from)));
  if (range.to !== undefined) q.set('to', String(Math.ceil(range.to)));
  if (range.points !== undefined) q.set('pts', String(range.points));
  return get(`/api/v1/hist?${q}`, abort);
}
