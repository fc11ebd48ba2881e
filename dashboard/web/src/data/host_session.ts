// host_session - one host, watched: its stream into its store, and holes filled from history.
//
// Thread of it: hello sets the clock; snap brings the columns and the last minutes; ticks follow.
// What the snap does not reach (up to 15 minutes, or what a break left out) is asked for by HTTP and
// merged by time stamp, so that live and past join without a seam.

import { signal } from '@preact/signals';
import { getHist, getHosts, Refusal } from '../net/api';
import type { Block, Column, Hello, HostEvent, HostInfo, HostState, Snap, Tick } from '../net/protocol';
import { browserSurroundings, StreamClient } from '../net/stream_client';
import type { Link } from '../ui/pill';
import { Clock } from './clock';
import { Store } from './store';

const CAPACITY = 2048; // rows: 15 minutes at a second and twice as much again
const MEMORY_MS = 900_000;
const INFO_EVERY_MS = 10_000;

export class HostSession {
  readonly store = new Store(CAPACITY);
  readonly clock = new Clock();
  readonly client: StreamClient;
  readonly columns = signal<readonly Column[]>([]);
  readonly name = signal('');
  readonly state = signal<HostState | null>(null);
  readonly info = signal<HostInfo | null>(null);
  readonly unknown = signal(false); // there is no such host
  readonly link = signal<Link>('connecting');
  linkSince = Date.now(); // ms of the browser, when it last was open or was first asked for
  step = 1000;
  stale = 5000;
  /** Rows came whose stamps are `since` or later, -Infinity: any. */
  onData: (since: number) => void = () => {};
  private ids: string[] = [];
  private infoTimer = 0;
  private over = false;

  constructor(
    readonly host: string,
    private readonly stacks: readonly (readonly string[])[],
  ) {
    const url = `/api/v1/stream?${new URLSearchParams({ view: 'host', h: host })}`;
    this.client = new StreamClient(url, this.handlers(), browserSurroundings);
  }

  start(): void {
    this.client.start();
    this.infoTimer = window.setInterval(() => void this.refreshInfo(), INFO_EVERY_MS);
  }

  stop(): void {
    this.over = true;
    this.client.stop();
    window.clearInterval(this.infoTimer);
  }

  /** The first picture is on the screen: time to ask for what it did not need. */
  complete(): void {
    void this.refreshInfo();
    void this.fill(this.store.newest - MEMORY_MS, this.store.oldest);
  }

  /** The collector's time now, in ms. */
  now(): number {
    return this.clock.collector(Date.now());
  }

  private handlers() {
    return {
      hello: (d: Hello) => this.onHello(d),
      snap: (d: Snap) => this.onSnap(d),
      tick: (d: Tick) => this.onTick(d),
      host: (d: HostEvent) => this.onHost(d),
      hole: () => void this.fill(this.store.newest),
      link: (state: Link) => this.onLink(state),
    };
  }

  private onLink(state: Link): void {
    if (this.link.peek() === 'open' && state !== 'open') this.linkSince = Date.now();
    this.link.value = state;
    if (state === 'down') void this.refreshInfo();
  }

  private onHello(d: Hello): void {
    this.clock.note(d.now, Date.now());
    this.stale = d.stale;
    noteBuild(d.build);
    this.unknown.value = false;
  }

  private onSnap(d: Snap): void {
    const before = this.store.newest;
    this.ids = d.cols.map((c) => c.id);
    this.store.setColumns(this.ids);
    for (const parts of this.stacks) this.store.addStack(parts);
    const [host] = d.hosts;
    if (host !== undefined) this.setHost(host[2], host[3]);
    if (d.hist !== undefined) this.takeBlock(this.ids, d.hist);
    if (d.t > 0 && d.d.length === this.ids.length) {
      this.store.append(
        this.ids,
        d.t,
        d.d.map((v) => v[0]),
      );
    }
    if (!sameColumns(this.columns.peek(), d.cols)) this.columns.value = d.cols;
    this.onData(-Infinity);
    const reached = d.hist?.t0 ?? d.t;
    if (before < reached) void this.fill(before, reached);
  }

  private onTick(d: Tick): void {
    this.clock.note(d.t, Date.now());
    this.store.append(
      this.ids,
      d.t,
      d.d.map((v) => v[0]),
    );
    this.onData(d.t);
  }

  private onHost(d: HostEvent): void {
    this.setHost(d.name, d.op);
    void this.refreshInfo();
    this.onData(-Infinity);
  }

  private setHost(name: string, state: HostState): void {
    this.name.value = name;
    this.state.value = state;
    this.client.hostIsUp = state === 'up' || state === 'late';
  }

  private takeBlock(ids: readonly string[], block: Block): void {
    this.step = block.step > 0 ? block.step : this.step;
    this.store.merge({ ids, times: block.t.map((t) => block.t0 + t), columns: block.d });
  }

  /** Asks history for (from, to) and merges what comes. Failing is no harm: the hole is shown. */
  private async fill(from: number, to = this.now()): Promise<void> {
    try {
      const h = await getHist(this.host, [], { from, to, points: CAPACITY });
      // Where history was thinned its rows are no samples of ours.
      if (this.over || h.step > this.step || h.n === 0) return;
      this.store.merge({ ids: h.c, times: h.t.map((t) => h.t0 + t), columns: h.avg });
      this.onData(-Infinity);
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof TypeError || error instanceof DOMException)) throw error;
    }
  }

  private async refreshInfo(): Promise<void> {
    try {
      const all = await getHosts();
      if (this.over) return;
      const mine = all.find((h) => h.id === this.host) ?? all.find((h) => h.name === this.host);
      this.unknown.value = mine === undefined && this.store.count === 0;
      if (mine === undefined) return;
      this.info.value = mine;
      if (this.name.peek() === '') this.name.value = mine.name;
      if (this.link.peek() !== 'open' || this.state.peek() === null) this.setHost(mine.name, mine.state);
    } catch {
      // Not reached: the pill already says so.
    }
  }
}

let firstBuild = '';

/** A program of another build answers than the one that this page came from. */
export const upgraded = signal(false);

function noteBuild(build: string): void {
  firstBuild ||= build;
  upgraded.value = build !== firstBuild;
}

function sameColumns(a: readonly Column[], b: readonly Column[]): boolean {
  return a.length === b.length && a.every((c, i) => c.id === b[i].id);
}
