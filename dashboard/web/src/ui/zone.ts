// zone - the time zone in which times of day are said: the browser's, UTC, or one named in the address.

import { signal } from '@preact/signals';
import { setTimeZone } from '../draw/format';

/** As in the address: null is the browser's own, `utc`, or a name such as `Asia/Kolkata`. */
export const zone = signal<string | null>(null);

export function setZone(name: string | null): void {
  setTimeZone(name === 'utc' ? 'UTC' : (name ?? undefined));
  zone.value = name;
}

/** null where the browser knows no such zone. */
export function parseZone(text: string | null): string | null {
  if (text === null || text === '') return null;
  if (text.toLowerCase() === 'utc') return 'utc';
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone === '' ? null : text;
  } catch {
    return null;
  }
}

/** The browser's zone, then UTC, then the browser's again. */
export function toggleZone(): void {
  setZone(zone.peek() === null ? 'utc' : null);
}
