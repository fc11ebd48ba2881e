// host_session - one host, watched: its stream into its store, and holes filled from history.
//
// Thread of it: hello sets the clock; snap brings the columns and the last minutes; ticks follow.
// What a break left out is asked for by HTTP, for the columns on the screen, and merged by time stamp;
// a column that comes onto the screen later has the same holes filled then.

import { signal } from '@preact/signals';
import { getEvents, getHist, getHosts, getLedger, Refusal } from '../net/api';
import type { Block, Column, Fill, Filled, Hello, HostEvent, HostFacts, HostInfo, HostState, Note, Snap, Tick } from '../net/protocol';
import { browserSurroundings, StreamClient, type PollReason } from '../net/stream_client';
import type { Link } from '../ui/pill';
import { outOfSight } from '../ui/kiosk';
import { Causes } from './causes';
import { Clock } from './clock';
import { Notes } from './notes';
import { pickItems } from './pick';
import { Store } from './store';

const CAPACITY = 2048; // rows: half an hour at a second
const MOST_HOLES = 8; // that are kept in mind
const INFO_EVERY_MS = 10_000;

export class HostSession {
  readonly store = new Store(CAPACITY);
  readonly clock = new Clock();
  readonly client: StreamClient;
  readonly columns = signal<readonly Column[]>([]);
  readonly name = signal('');
  readonly state = signal<HostState | null>(null);
  readonly info = signal<HostInfo | null>(null);
  readonly facts = signal<HostFacts>({});
  readonly unknown = signal(false); // there is no such host
  readonly link = signal<Link>('connecting');
  readonly polling = signal<PollReason | null>(null);
  linkSince = Date.now(); // ms of the browser, when it last was open or was first asked for
  step = 1000;
  stale = 5000;
  /** Rows came whose stamps are `since` or later, -Infinity: any. */
  onData: (since: number) => void = () => {};
  /** A hole was filled, or history has rows that came late; none of them is before `from`. */
  onFilled: (from: number) => void = () => {};
  /** The second of these alone: it may be much, and long ago. */
  onLate: (from: number) => void = () => {};
  /** A cause of a gap has become known. */
  onCause: () => void = () => {};
  readonly causes = new Causes({
    ask: () => getLedger(this.host),
    now: () => Date.now(),
    changed: () => this.onCause(),
  });
  readonly notes = new Notes({
    ask: () => getEvents(this.host),
    after: (ms, callback) => window.setTimeout(callback, ms),
    cancel: (timer) => window.clearTimeout(timer),
  });
  /** The columns on the screen. */
  needed: () => readonly string[] = () => this.ids;
  private ids: string[] = [];
  private holes: Hole[] = [];
  private infoTimer = 0;
  private over = false;
  private whole = false; // asked for all that the first picture did not need

  constructor(
    readonly host: string,
    readonly stacks: readonly (readonly string[])[],
  ) {
    const url = `/api/v1/stream?${new URLSearchParams({ view: 'host', h: host })}`;
    this.client = new StreamClient(url, this.handlers(), browserSurroundings);
  }

  start(): void {
    this.client.start();
    this.infoTimer = window.setInterval(() => {
      if (!outOfSight()) void this.refreshInfo();
    }, INFO_EVERY_MS);
  }

  stop(): void {
    this.over = true;
    this.client.stop();
    this.notes.end();
    window.clearInterval(this.infoTimer);
  }

  /** The first picture is on the screen: time to ask for what it did not need. */
  complete(): void {
    this.whole = true;
    void this.notes.refresh();
    void this.refreshInfo();
  }

  /** Other columns are on the screen than before. */
  needsChanged(): void {
    for (const hole of this.holes) void this.fillHole(hole);
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
      fill: (d: Fill) => this.onFill(d),
      filled: (d: Filled) => this.onPast(d),
      host: (d: HostEvent) => this.onHost(d),
      note: (d: Note) => this.notes.take([d]),
      hole: () => this.fill(this.store.newest, this.now()),
      link: (state: Link) => this.onLink(state),
      polling: (reason: PollReason | null) => (this.polling.value = reason),
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
    this.needsChanged();
  }

  private onSnap(d: Snap): void {
    const before = this.store.newest;
    this.ids = d.cols.map((c) => c.id);
    this.store.setColumns(this.ids);
    for (const parts of this.stacks) this.store.addStack(parts);
    const [host] = d.hosts;
    if (host !== undefined) {
      this.setHost(host[2], host[3]);
      this.facts.value = host[4] ?? {};
    }
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
    // What happened since the last one may not have been told.
    if (this.whole) void this.notes.refresh();
    const reached = d.hist?.t0 ?? d.t;
    if (before < reached) this.fill(before, reached);
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

  private onFill(d: Fill): void {
    for (const { t, d: values } of d.ticks) {
      this.store.append(
        this.ids,
        t,
        values.map((v) => v[0]),
      );
    }
    this.clock.note(d.to, Date.now());
    this.onData(d.from);
  }

  /** Rows came late, and stand in history: those that we could hold are asked for again. */
  private onPast(d: Filled): void {
    const reach = this.store.oldest - this.step;
    // Of the row after them, what is a difference to the row before is known only now.
    if (d.to >= reach) this.fill(Math.max(d.from, reach) - 1, d.to + 2 * this.step);
    void this.notes.refresh();
    this.onFilled(d.from);
    this.onLate(d.from);
  }

  private onHost(d: HostEvent): void {
    this.causes.note(d.op, d.t);
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

  /** There are no rows within (from, to), but there may be. */
  private fill(from: number, to: number): void {
    const hole = { from, to, asked: new Set<string>() };
    this.holes = [...this.holes.filter((h) => h.to > this.store.oldest), hole].slice(-MOST_HOLES);
    void this.fillHole(hole);
  }

  /** Asks history for what is not known of a hole. Failing is no harm: it is shown, and asked again. */
  private async fillHole(hole: Hole): Promise<void> {
    const ids = this.needed().filter((id) => this.store.has(id) && !hole.asked.has(id));
    if (ids.length === 0 || hole.from >= hole.to) return;
    for (const id of ids) hole.asked.add(id);
    try {
      const range = { from: hole.from, to: hole.to, points: CAPACITY };
      const h = await getHist(this.host, pickItems(ids, this.ids), range);
      // Where history was thinned its rows are no samples of ours.
      if (this.over || h.min !== undefined || h.n === 0) return;
      this.store.merge({ ids: h.c, times: h.t.map((t) => h.t0 + t), columns: h.avg });
      this.onFilled(hole.from);
    } catch (error) {
      if (!(error instanceof Refusal || error instanceof TypeError || error instanceof DOMException)) throw error;
      for (const id of ids) hole.asked.delete(id);
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

/** A stretch without rows that may be filled from history. */
interface Hole {
  from: number; // ms, the row before
  to: number; // the row after
  asked: Set<string>; // columns
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
