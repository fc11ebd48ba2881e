// toast - one short sentence about what was just done, for a few seconds.

import { signal } from '@preact/signals';

const SHOWN_MS = 4000;

export const toast = signal('');
let timer = 0;

export function say(text: string): void {
  toast.value = text;
  window.clearTimeout(timer);
  timer = window.setTimeout(() => (toast.value = ''), SHOWN_MS);
}
