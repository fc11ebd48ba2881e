// notes - what happened on the host: each once, by time, whether it was asked for or told.
//
// Those from before the stream, and those that came late, are asked for; what happens then is told.

import { signal } from '@preact/signals';
import type { Note } from '../net/protocol';
import type { Gap } from './gaps';

const MOST = 1000; // kept; the oldest make room
const AGAIN_MS = 5000;

export interface NotesEnv {
  ask(): Promise<Note[]>;
  after(ms: number, callback: () => void): number;
  cancel(timer: number): void;
}

export class Notes {
  readonly all = signal<readonly Note[]>([]); // oldest first
  private timer = 0;
  private round = 0; // of asking; an answer to an earlier one is not heard

  constructor(private readonly env: NotesEnv) {}

  take(notes: readonly Note[]): void {
    const merged = mergeNotes(this.all.peek(), notes);
    if (merged.length !== this.all.peek().length) this.all.value = merged.slice(-MOST);
  }

  /** Asks for all there are, until it is answered. */
  async refresh(): Promise<void> {
    const round = ++this.round;
    this.env.cancel(this.timer);
    try {
      const notes = await this.env.ask();
      if (round === this.round) this.take(notes);
    } catch {
      // Not reached, or it does not know the host yet: the pill already says so.
      if (round === this.round) this.timer = this.env.after(AGAIN_MS, () => void this.refresh());
    }
  }

  end(): void {
    this.round++;
    this.env.cancel(this.timer);
  }
}

/** Both, each id once, by time. */
export function mergeNotes(known: readonly Note[], more: readonly Note[]): Note[] {
  const ids = new Set(known.map((n) => n.id));
  const fresh = more.filter((n) => !ids.has(n.id) && ids.add(n.id));
  return [...known, ...fresh].sort((a, b) => a.t - b.t);
}

export function notesWithin(notes: readonly Note[], from: number, to: number): Note[] {
  return notes.filter((n) => n.t >= from && n.t <= to);
}

/** What a step of the clock skipped has no samples: why there is a gap, or ''. */
export function noteCause(gap: Gap, notes: readonly Note[]): string {
  for (const { kind, fields, text } of notes) {
    const [from, to] = [Number(fields.from), Number(fields.to)];
    const overlap = Math.min(to, gap.to) - Math.max(from, gap.from);
    if (kind === 'clock-step' && overlap > (gap.to - gap.from) / 2) return text;
  }
  return '';
}
