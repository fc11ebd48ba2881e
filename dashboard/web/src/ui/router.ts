// router - the address as state: `/` and `/h/HOST`, and `?t=-1m` for the span.

import { signal } from '@preact/signals';

export type Route = { view: 'fleet' } | { view: 'host'; host: string } | { view: 'lost' };

export function parsePath(path: string): Route {
  if (path === '/') return { view: 'fleet' };
  const match = /^\/h\/([^/]+)\/?$/.exec(path);
  if (match === null) return { view: 'lost' };
  try {
    return { view: 'host', host: decodeURIComponent(match[1]) };
  } catch {
    return { view: 'lost' };
  }
}

export function hostPath(id: string): string {
  return `/h/${encodeURIComponent(id)}`;
}

/** `-5m` to milliseconds; null where it is none. */
export function parseSpan(text: string | null): number | null {
  const match = /^-(\d{1,4})([sm])$/.exec(text ?? '');
  return match === null ? null : Number(match[1]) * (match[2] === 'm' ? 60_000 : 1000);
}

export function printSpan(ms: number): string {
  return ms % 60_000 === 0 ? `-${ms / 60_000}m` : `-${Math.round(ms / 1000)}s`;
}

export const route = signal<Route>({ view: 'fleet' });

export function go(path: string): void {
  history.pushState(null, '', path);
  follow();
  scrollTo(0, 0);
  document.getElementById('main')?.focus({ preventScroll: true });
}

/** Changes the query of the present entry, for what is not worth a step back. */
export function setQuery(name: string, value: string | null): void {
  const url = new URL(location.href);
  if (value === null) url.searchParams.delete(name);
  else url.searchParams.set(name, value);
  if (url.href !== location.href) history.replaceState(null, '', url);
}

export function follow(): void {
  route.value = parsePath(location.pathname);
}

/** Follows the history, and links of ours without loading the page anew. */
export function startRouter(): void {
  addEventListener('popstate', follow);
  document.addEventListener('click', (e) => {
    if (e.defaultPrevented || e.button !== 0 || e.ctrlKey || e.metaKey || e.shiftKey || e.altKey) return;
    const link = e.target instanceof Element ? e.target.closest('a') : null;
    if (link === null || link.origin !== location.origin || link.target !== '') return;
    if (parsePath(link.pathname).view === 'lost' || link.hash !== '') return;
    e.preventDefault();
    go(link.pathname + link.search);
  });
  follow();
}
