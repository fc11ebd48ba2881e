// stream_client - one stream of events that is kept open, or what stands in for it.
//
// The browser reconnects by itself after a broken connection, every `retry` ms, but never after an
// answer other than 200. So: CONNECTING is left to it; on CLOSED a new source follows after 1, 2, 4,
// 8, 15 s (give or take a fifth), or at once on online, on becoming visible, on a click.
// A connection can die without a word; if no event comes for max(3 ticks, 15 s) a new one is made.
// The browser may take one for it that died as well, so the first answer has less time: 2, 4, 8, 15 s.
// A tab hidden for 10 s holds no stream: browsers allow six connections to a server, in all tabs.
//
// Polling asks each 2 s for the same events in short questions: where too many windows hold streams,
// where the server has none left (it answers 204, which closes a source for good), and where streams
// open but nothing comes through. The last two are tried again as streams after a while.

import type { Hello, ViewAnswer } from './protocol';
import type { Link } from '../ui/pill';
import { getView } from './api';
import { EVENTS, Inbox, type Takers } from './inbox';

const BACKOFF_MS = [1000, 2000, 4000, 8000, 15_000];
const SILENCE_MS = 15_000;
const ANSWER_MS = 2000; // doubled with each connection in a row that nobody answered
const QUIET_HOST_FACTOR = 4; // a host that is not up sends no ticks
const HIDDEN_MS = 10_000;
const POLL_MS = 2000;
const STREAM_AGAIN_MS = 30_000;
const SILENT_OPENS = 2; // streams in a row that brought nothing

/** Why there is no stream: other windows, the server, or what is between. */
export type PollReason = 'windows' | 'full' | 'blocked';

export interface Handlers extends Takers {
  link(state: Link): void;
  /** null: by stream. */
  polling(reason: PollReason | null): void;
}

/** What is needed of EventSource, so that a test can stand in for it. */
export interface Source {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: { data?: string; lastEventId?: string }) => void): void;
  close(): void;
}

export interface Surroundings {
  open(url: string): Source;
  ask(url: string): Promise<ViewAnswer>;
  random(): number;
  after(ms: number, callback: () => void): number;
  cancel(timer: number): void;
}

const CLOSED = 2;

export class StreamClient {
  reconnects = 0;
  bytes = 0;
  readonly inbox: Inbox;
  /** Whether ticks are to be expected; without them silence is given more time. */
  hostIsUp = true;
  private source: Source | null = null;
  private lastId = '';
  private tickMs = 1000;
  private attempts = 0;
  private silentOpens = 0;
  private unanswered = 0;
  private retryTimer = 0;
  private watchTimer = 0;
  private pollTimer = 0;
  private hiddenTimer = 0;
  private wanted = false;
  private asleep = false;
  private crowded = false;
  private everOpen = false;
  private polling = false;
  private reason: PollReason | null = null; // why it polls, or last did
  private round = 0; // of asking; an answer of an earlier one is not heard

  constructor(
    private readonly url: string,
    private readonly handlers: Handlers,
    private readonly env: Surroundings,
  ) {
    this.inbox = new Inbox({ ...handlers, hello: (d) => this.onHello(d) });
  }

  /** Events can come: by stream, or asked for. */
  get awake(): boolean {
    return this.wanted && !this.asleep;
  }

  start(): void {
    this.wanted = true;
    this.connect();
  }

  stop(): void {
    this.wanted = false;
    this.drop();
    this.env.cancel(this.hiddenTimer);
  }

  /** Connects now if it is not connected. */
  nudge(): void {
    if (!this.awake || this.source?.readyState === 1) return;
    this.attempts = 0;
    this.connect();
  }

  setHidden(hidden: boolean): void {
    this.env.cancel(this.hiddenTimer);
    if (!this.wanted) return;
    if (hidden) this.hiddenTimer = this.env.after(HIDDEN_MS, () => this.sleep());
    else if (this.asleep) {
      this.asleep = false;
      this.nudge();
    }
  }

  /** Gives the stream back until the tab is seen again. */
  sleep(): void {
    this.asleep = true;
    this.drop();
  }

  /** Other windows hold as many streams as a browser should. */
  setCrowded(crowded: boolean): void {
    if (crowded === this.crowded) return;
    this.crowded = crowded;
    if (this.awake) this.connect();
  }

  private connect(): void {
    this.drop();
    if (this.crowded) return this.poll('windows');
    this.handlers.link('connecting');
    const source = this.env.open(this.withLast(this.url, 'last_event_id'));
    this.source = source;
    for (const type of EVENTS) {
      source.addEventListener(type, (event) => {
        if (source !== this.source || event.data === undefined) return;
        this.silentOpens = 0;
        this.heard(event.data.length, event.lastEventId);
        this.inbox.take(type, JSON.parse(event.data));
      });
    }
    source.addEventListener('open', () => source === this.source && this.heard(0));
    source.addEventListener('error', () => source === this.source && this.onError(source));
    this.watch(Math.min(SILENCE_MS, ANSWER_MS * 2 ** this.unanswered));
  }

  private withLast(url: string, name: string): string {
    const join = url.includes('?') ? '&' : '?';
    return this.lastId === '' ? url : `${url}${join}${name}=${encodeURIComponent(this.lastId)}`;
  }

  private onHello(d: Hello): void {
    if (this.everOpen) this.reconnects++;
    this.everOpen = true;
    this.attempts = 0;
    this.tickMs = d.tick;
    if (this.source !== null) this.streams();
    this.handlers.hello(d);
    this.handlers.link('open');
  }

  private onError(source: Source): void {
    this.handlers.link('down');
    // The browser tries again by itself and tells of each failure here; only its silence is a fault.
    if (source.readyState !== CLOSED) return this.watch();
    this.drop();
    const wait = BACKOFF_MS[Math.min(this.attempts++, BACKOFF_MS.length - 1)];
    this.retryTimer = this.env.after(wait * (0.8 + 0.4 * this.env.random()), () => this.connect());
    void this.ask('full');
  }

  private heard(bytes: number, id?: string): void {
    this.bytes += bytes;
    if (id) this.lastId = id;
    this.unanswered = 0;
    this.watch();
  }

  private watch(patience = this.patience()): void {
    this.env.cancel(this.watchTimer);
    this.watchTimer = this.env.after(patience, () => this.onSilence());
  }

  private patience(): number {
    return Math.max(3 * this.tickMs, SILENCE_MS) * (this.hostIsUp ? 1 : QUIET_HOST_FACTOR);
  }

  private onSilence(): void {
    if (!this.awake) return;
    if (this.source?.readyState === 0) this.unanswered++;
    else this.silentOpens++;
    const blocked = this.silentOpens > SILENT_OPENS;
    this.connect();
    if (blocked) void this.ask('blocked');
  }

  /** The stream brings events: what was asked for beside it is not needed. */
  private streams(): void {
    this.round++;
    this.setReason(null);
  }

  private poll(reason: PollReason): void {
    this.drop();
    this.polling = true;
    this.setReason(reason);
    void this.ask(reason);
  }

  /** Asks for what has happened; once it is answered, asking goes on in place of the stream. */
  private async ask(reason: PollReason): Promise<void> {
    const round = ++this.round;
    try {
      const answer = await this.env.ask(this.withLast(this.url.replace('/stream?', '/view?'), 'last'));
      if (round !== this.round) return;
      this.answered(answer, reason);
    } catch {
      if (round !== this.round || !this.polling) return; // the waits of the stream go on
      this.handlers.link('down');
      this.pollTimer = this.env.after(BACKOFF_MS[Math.min(this.attempts++, 4)], () => void this.ask(reason));
    }
  }

  private answered(answer: ViewAnswer, reason: PollReason): void {
    if (!this.polling) this.pollInstead(reason);
    this.attempts = 0;
    this.lastId = answer.id;
    for (const { event, data } of answer.events) this.inbox.take(event, data);
    this.handlers.link('open');
    this.pollTimer = this.env.after(POLL_MS, () => void this.ask(reason));
  }

  private pollInstead(reason: PollReason): void {
    this.drop();
    this.polling = true;
    this.setReason(reason);
    this.retryTimer = this.env.after(STREAM_AGAIN_MS, () => this.connect());
  }

  private setReason(reason: PollReason | null): void {
    if (reason === this.reason) return;
    this.reason = reason;
    this.handlers.polling(reason);
  }

  private drop(): void {
    this.round++;
    for (const timer of [this.retryTimer, this.watchTimer, this.pollTimer]) this.env.cancel(timer);
    this.source?.close();
    this.source = null;
    this.polling = false;
  }
}

export const browserSurroundings: Surroundings = {
  open: (url) => new EventSource(url) as unknown as Source,
  ask: getView,
  random: Math.random,
  after: (ms, callback) => window.setTimeout(callback, ms),
  cancel: (timer) => window.clearTimeout(timer),
};
