// sections - which sections of a page are open, as the address says it (`o`).
//
// Only what was turned by hand is kept: a section named here is open where it is closed by itself,
// and closed where it is open by itself. So an untouched page has nothing in its address, and a
// section that comes later (another kernel, another agent) is as its page wants it.

import { signal } from '@preact/signals';

const KEY = 'zpulse.sections';

/** Keys of the sections that were turned, sorted. */
export const turned = signal<readonly string[]>(parseTurned(remembered()));

/** Reading it in a component or an effect follows it. */
export function isOpen(key: string, byItself: boolean): boolean {
  return turned.value.includes(key) !== byItself;
}

export function turn(key: string): void {
  const now = turned.peek();
  turned.value = now.includes(key) ? now.filter((k) => k !== key) : [...now, key].sort();
  try {
    localStorage.setItem(KEY, printTurned(turned.value) ?? '');
  } catch {
    // Storage is forbidden here: it is remembered for as long as the page, and in its address.
  }
}

/** What was turned by hand in this browser, for an address that does not say. */
export function remembered(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

export function printTurned(keys: readonly string[]): string | null {
  return keys.length === 0 ? null : keys.join(',');
}

export function parseTurned(text: string | null): readonly string[] {
  const keys = (text ?? '').split(',').filter((k) => /^[\w.-]{1,64}$/.test(k));
  return [...new Set(keys)].sort();
}
