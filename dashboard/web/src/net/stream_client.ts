// stream_client - one stream of events that is kept open.
//
// The browser reconnects by itself after a broken connection, every `retry` ms, but never after an
// answer other than 200. So: CONNECTING is left to it; on CLOSED a new source follows after 1, 2, 4,
// 8, 15 s (give or take a fifth), or at once on online, on becoming visible, on a click.
// A connection can die without a word; if no event comes for max(3 ticks, 15 s) a new one is made.
// A tab hidden for 10 s holds no stream: browsers allow six connections to a server, in all tabs.

import type { Hello, HostEvent, Snap, Tick } from './protocol';
import type { Link } from '../ui/pill';

const BACKOFF_MS = [1000, 2000, 4000, 8000, 15_000];
const SILENCE_MS = 15_000;
const QUIET_HOST_FACTOR = 4; // a host that is not up sends no ticks
const HIDDEN_MS = 10_000;

export interface Handlers {
  hello(data: Hello): void;
  snap(data: Snap): void;
  tick(data: Tick): void;
  host(data: HostEvent): void;
  /** Events between the last one and this were lost. */
  hole(): void;
  link(state: Link): void;
}

/** What is needed of EventSource, so that a test can stand in for it. */
export interface Source {
  readonly readyState: number;
  addEventListener(type: string, listener: (event: { data?: string; lastEventId?: string }) => void): void;
  close(): void;
}

export interface Surroundings {
  open(url: string): Source;
  random(): number;
  after(ms: number, callback: () => void): number;
  cancel(timer: number): void;
}

const CLOSED = 2;

export class StreamClient {
  reconnects = 0;
  missedSeq = 0;
  bytes = 0;
  ticks = 0;
  /** Whether ticks are to be expected; without them silence is given more time. */
  hostIsUp = true;
  private source: Source | null = null;
  private lastId = '';
  private lastSeq = NaN;
  private tickMs = 1000;
  private attempts = 0;
  private retryTimer = 0;
  private watchTimer = 0;
  private hiddenTimer = 0;
  private wanted = false;
  private everOpen = false;

  constructor(
    private readonly url: string,
    private readonly handlers: Handlers,
    private readonly env: Surroundings,
  ) {}

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
    if (!this.wanted || this.source?.readyState === 1) return;
    this.attempts = 0;
    this.connect();
  }

  setHidden(hidden: boolean): void {
    this.env.cancel(this.hiddenTimer);
    if (!this.wanted) return;
    if (hidden) this.hiddenTimer = this.env.after(HIDDEN_MS, () => this.drop());
    else if (this.source === null) this.nudge();
  }

  private connect(): void {
    this.drop();
    this.handlers.link('connecting');
    const join = this.url.includes('?') ? '&' : '?';
    const resume = this.lastId === '' ? '' : `${join}last_event_id=${encodeURIComponent(this.lastId)}`;
    const source = this.env.open(this.url + resume);
    this.source = source;
    const on = <T>(type: string, take: (data: T) => void) => {
      source.addEventListener(type, (event) => {
        if (source !== this.source || event.data === undefined) return;
        this.heard(event.data.length, event.lastEventId);
        take(JSON.parse(event.data) as T);
      });
    };
    on<Hello>('hello', (d) => this.onHello(d));
    on<Snap>('snap', (d) => {
      this.lastSeq = d.s;
      this.handlers.snap(d);
    });
    on<Tick>('tick', (d) => {
      this.inOrder(d.s);
      this.ticks++;
      this.handlers.tick(d);
    });
    on<HostEvent>('host', (d) => {
      this.inOrder(d.s);
      this.handlers.host(d);
    });
    on<{ n: number }>('skip', (d) => {
      this.missedSeq += d.n;
      this.lastSeq = NaN;
    });
    source.addEventListener('open', () => source === this.source && this.heard(0));
    source.addEventListener('error', () => source === this.source && this.onError(source));
    this.watch();
  }

  private onHello(d: Hello): void {
    if (this.everOpen) this.reconnects++;
    this.everOpen = true;
    this.attempts = 0;
    this.tickMs = d.tick;
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
  }

  private inOrder(seq: number): void {
    if (seq > this.lastSeq + 1) {
      this.missedSeq += seq - this.lastSeq - 1;
      this.handlers.hole();
    }
    this.lastSeq = seq;
  }

  private heard(bytes: number, id?: string): void {
    this.bytes += bytes;
    if (id) this.lastId = id;
    this.watch();
  }

  private watch(): void {
    this.env.cancel(this.watchTimer);
    const patience = Math.max(3 * this.tickMs, SILENCE_MS) * (this.hostIsUp ? 1 : QUIET_HOST_FACTOR);
    this.watchTimer = this.env.after(patience, () => this.wanted && this.connect());
  }

  private drop(): void {
    this.env.cancel(this.retryTimer);
    this.env.cancel(this.watchTimer);
    this.source?.close();
    this.source = null;
  }
}

export const browserSurroundings: Surroundings = {
  open: (url) => new EventSource(url) as unknown as Source,
  random: Math.random,
  after: (ms, callback) => window.setTimeout(callback, ms),
  cancel: (timer) => window.clearTimeout(timer),
};
