// current - the board of the page that is shown, for the header and the keys.

import { signal } from '@preact/signals';
import type { Board } from './board';
import type { Pill } from './pill';

export const current = signal<Board | null>(null);

/** What the pill says where no board is: the list of hosts tells of its own connection. */
export const listPill = signal<Pill>({ kind: 'nodata', word: 'NO DATA', detail: '', action: 'Ask again' });
