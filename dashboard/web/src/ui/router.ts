// router - which page the address names: `/` and `/h/HOST`. Its query is address.ts' part.

import { signal } from '@preact/signals';
import { printQuery, withQuery } from './address';

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

export const route = signal<Route>({ view: 'fleet' });

const LASTING = ['z', 'kiosk']; // go along from page to page

export function go(path: string): void {
  const [pathname, query = ''] = path.split('?');
  const all = new Map(new URLSearchParams(query));
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (LASTING.includes(name) && !all.has(name)) all.set(name, value);
  }
  history.pushState(null, '', pathname + printQuery(all));
  follow();
  scrollTo(0, 0);
  document.getElementById('main')?.focus({ preventScroll: true });
}

/** Changes the query of the present entry, for what is not worth a step back. */
export function setQuery(name: string, value: string | null): void {
  const query = withQuery(location.search, name, value);
  if (query !== location.search) history.replaceState(null, '', location.pathname + query + location.hash);
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
