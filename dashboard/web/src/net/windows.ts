// windows - how many windows of this browser hold a stream, and whether this one may.
//
// Browsers open six connections to a server, for all of its windows together; streams that took them
// all would leave none for questions. So four may hold a stream: those seen longest first, then
// those out of sight, the last seen first. The others ask instead. Each window says on a
// BroadcastChannel what it does: when that changes, when another asks, and every few seconds.

const MOST_STREAMS = 4;
const REPEAT_MS = 5000;
const FORGET_MS = 16_000;

export interface Word {
  id: string;
  visible: boolean;
  since: number; // ms since the epoch, when it came into sight or went out of it
  wants: boolean; // a stream, or holds one
  ask?: boolean; // the others are to say the same of themselves
}

export interface WindowsEnv {
  id: string;
  now(): number;
  say(word: Word): void;
  after(ms: number, callback: () => void): number;
  cancel(timer: number): void;
}

export class Windows {
  private others = new Map<string, { word: Word; heard: number }>();
  private timer = 0;
  private word: Word;

  /** `decide`: whether others come before this window in such number that it must not stream. */
  constructor(
    private readonly env: WindowsEnv,
    private readonly decide: (crowded: boolean) => void,
  ) {
    this.word = { id: env.id, visible: true, since: env.now(), wants: false };
  }

  /** Tells the others of a change. */
  set(visible: boolean, wants: boolean): void {
    const since = visible === this.word.visible && this.word.wants ? this.word.since : this.env.now();
    this.word = { ...this.word, visible, wants, since };
    this.env.say({ ...this.word, ask: true });
    this.judge();
    this.repeat();
  }

  hear(word: Word): void {
    if (word.id === this.env.id) return;
    const { ask, ...kept } = word;
    if (word.wants) this.others.set(word.id, { word: kept, heard: this.env.now() });
    else this.others.delete(word.id);
    if (ask && this.word.wants) this.env.say(this.word);
    this.judge();
  }

  private repeat(): void {
    this.env.cancel(this.timer);
    if (!this.word.wants) return;
    this.timer = this.env.after(REPEAT_MS, () => {
      this.env.say(this.word);
      this.judge();
      this.repeat();
    });
  }

  private judge(): void {
    const now = this.env.now();
    for (const [id, { heard }] of this.others) if (now - heard > FORGET_MS) this.others.delete(id);
    const before = [...this.others.values()].filter(({ word }) => comesFirst(word, this.word)).length;
    this.decide(before >= MOST_STREAMS);
  }
}

function comesFirst(a: Word, b: Word): boolean {
  if (a.visible !== b.visible) return a.visible;
  if (a.since === b.since) return a.id < b.id;
  return a.visible ? a.since < b.since : a.since > b.since;
}

/** The windows of this browser; one that has no BroadcastChannel is alone. */
export function browserWindows(decide: (crowded: boolean) => void): Windows {
  const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel('zpulse.windows') : null;
  const windows = new Windows(
    {
      id: Math.random().toString(36).slice(2),
      now: Date.now,
      say: (word) => channel?.postMessage(word),
      after: (ms, callback) => window.setTimeout(callback, ms),
      cancel: (timer) => window.clearTimeout(timer),
    },
    decide,
  );
  channel?.addEventListener('message', (e: MessageEvent<Word>) => windows.hear(e.data));
  return windows;
}
