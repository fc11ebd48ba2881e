// causes - why there is no data: what the ledger knows of a stretch of time, and the host's states.
//
// A gap is seen long before anybody asks why, so the ledger is asked for only when a gap that has no
// cause yet is pointed at, and not again for a while.

import type { HostState, Ledger, LedgerGap } from '../net/protocol';
import type { Gap } from './gaps';

const AGAIN_MS = 5000;
const MOST_STATES = 64;

const WORDS: Record<string, string> = {
  'missed down': 'the agent did not run',
  'missed hung': 'the agent came too late',
  'missed suspended': 'the host slept',
  'lost queue': 'lost: the agent had no room for it',
  'lost spool-bytes': 'lost: the spool was full',
  'lost spool-age': 'lost: it was too old for the spool',
  'lost disk-full': "lost: the agent's disk was full",
  'lost power-cut': 'lost: the power was cut',
  'lost collector-lost': 'lost: by the collector',
  'lost damage': 'lost: the spool was damaged',
};

/** A state other than up, and how long it lasted. */
export interface Spell {
  state: HostState;
  from: number; // ms
  to: number; // Infinity: it lasts
}

export interface CausesEnv {
  ask(): Promise<Ledger[]>;
  now(): number;
  /** More is known than before. */
  changed(): void;
}

export class Causes {
  private gaps: readonly LedgerGap[] = [];
  private spells: Spell[] = [];
  private askedAt = -Infinity;

  constructor(private readonly env: CausesEnv) {}

  /** The host is in this state since `t`. */
  note(state: HostState, t: number): void {
    const last = this.spells.at(-1);
    if (last !== undefined && last.to === Infinity) last.to = t;
    if (state !== 'up') this.spells = [...this.spells, { state, from: t, to: Infinity }].slice(-MOST_STATES);
  }

  /** Why, in a few words; empty as long as nobody knows. */
  of(gap: Gap): string {
    const found = ledgerCause(gap, this.gaps);
    if (found === '') void this.refresh();
    return found === '' ? stateCause(gap, this.spells) : found;
  }

  private async refresh(): Promise<void> {
    const now = this.env.now();
    if (now - this.askedAt < AGAIN_MS) return;
    this.askedAt = now;
    try {
      const [mine] = await this.env.ask();
      this.gaps = mine?.gaps ?? [];
      if (this.gaps.length > 0) this.env.changed();
    } catch {
      // Not reached: the pill already says so.
    }
  }
}

/** What the ledger has for most of the gap. */
export function ledgerCause(gap: Gap, known: readonly LedgerGap[]): string {
  const best = most(gap, known);
  return best === undefined ? '' : (WORDS[`${best.what} ${best.cause}`] ?? `${best.what}: ${best.cause}`);
}

/** What the host's state was for most of the gap. */
export function stateCause(gap: Gap, spells: readonly Spell[]): string {
  const state = most(gap, spells)?.state;
  if (state === 'stopped') return 'the agent was stopped';
  return state === undefined ? '' : 'nothing was heard of the host';
}

function most<T extends { from: number; to: number }>(gap: Gap, all: readonly T[]): T | undefined {
  let best: T | undefined;
  let longest = 0;
  for (const one of all) {
    const overlap = Math.min(one.to, gap.to) - Math.max(one.from, gap.from);
    if (overlap > longest) [best, longest] = [one, overlap];
  }
  return best;
}
