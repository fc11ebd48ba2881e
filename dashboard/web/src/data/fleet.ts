// fleet - every host, asked for once a second, and a little of the past of the first few.
//
// One row of signals a host: what changes with each answer is bound to text, and the list is only
// rendered anew when a host comes, goes or changes its state.

import { batch, signal, type Signal } from '@preact/signals';
import { getHist, getHosts } from '../net/api';
import type { HostInfo } from '../net/protocol';
import { outOfSight } from '../ui/kiosk';
import { Clock } from './clock';

const EVERY_MS = 1000;
const MINI_EVERY_MS = 5000;
const MINI_SPAN_MS = 120_000;
const MINI_HOSTS = 32; // the least that fills a screen; the past of more would cost too many questions
const DEAD_MS = 5000;

export interface Mini {
  times: number[];
  busy: number[]; // percent, NaN: none
  step: number;
}

export interface FleetRow {
  id: string;
  name: string;
  state: Signal<HostInfo['state']>;
  info: Signal<HostInfo>;
  age: Signal<number>; // ms, NaN: no sample yet
  cpu: Signal<number>; // percent, NaN: unknown
  memory: Signal<number>; // share of total in percent
  mini: Signal<Mini | null>;
}

export class Fleet {
  readonly rows = signal<readonly FleetRow[]>([]);
  readonly answered = signal(false); // at least once
  failedSince: number | null = null; // ms of the browser
  readonly clock = new Clock();
  private byId = new Map<string, FleetRow>();
  private timers: number[] = [];
  private busy = false;

  constructor(private readonly onAnswer: () => void) {}

  start(): void {
    void this.ask();
    this.timers.push(window.setInterval(() => void this.ask(), EVERY_MS));
    this.timers.push(window.setInterval(() => void this.askMinis(), MINI_EVERY_MS));
  }

  stop(): void {
    for (const timer of this.timers) window.clearInterval(timer);
  }

  /** Stamp of the newest sample of any host, NaN: none. */
  newest(): number {
    const stamps = this.rows
      .peek()
      .map((r) => r.info.peek().last_ms)
      .filter((t) => t > 0);
    return stamps.length === 0 ? NaN : Math.max(...stamps);
  }

  async ask(): Promise<void> {
    if (this.busy || outOfSight()) return;
    this.busy = true;
    try {
      const hosts = await getHosts();
      const first = !this.answered.peek();
      this.failedSince = null;
      this.take(hosts);
      this.answered.value = true;
      if (first) void this.askMinis();
    } catch {
      this.failedSince ??= Date.now();
    } finally {
      this.busy = false;
      this.onAnswer();
    }
  }

  private take(hosts: readonly HostInfo[]): void {
    const arrival = Date.now();
    for (const h of hosts) if (h.state === 'up' && h.last_ms > 0) this.clock.note(h.last_ms, arrival);
    const now = this.clock.collector(arrival);
    batch(() => {
      const rows = hosts.map((h) => this.rowFor(h));
      for (const [i, h] of hosts.entries()) {
        const row = rows[i];
        row.info.value = h;
        row.state.value = h.state;
        row.age.value = h.last_ms > 0 ? Math.max(0, now - h.last_ms) : NaN;
        if (!(row.age.value < DEAD_MS)) row.cpu.value = row.memory.value = NaN;
      }
      const before = this.rows.peek();
      if (rows.length !== before.length || rows.some((r, i) => r !== before[i])) this.rows.value = rows;
    });
    const known = new Set(hosts.map((h) => h.id));
    for (const id of this.byId.keys()) if (!known.has(id)) this.byId.delete(id);
  }

  private rowFor(h: HostInfo): FleetRow {
    let row = this.byId.get(h.id);
    if (row === undefined || row.name !== h.name) {
      row = {
        id: h.id,
        name: h.name,
        state: signal(h.state),
        info: signal(h),
        age: signal(NaN),
        cpu: signal(NaN),
        memory: signal(NaN),
        mini: signal(null),
      };
      this.byId.set(h.id, row);
    }
    return row;
  }

  /** One after the other: a browser has six connections to a server, and they are for streams. */
  private async askMinis(): Promise<void> {
    for (const row of this.rows.peek().slice(0, MINI_HOSTS)) {
      const { last_ms: last } = row.info.peek();
      if (outOfSight() || last === 0 || !(row.age.peek() < DEAD_MS)) continue;
      try {
        const range = { from: last - MINI_SPAN_MS, points: 120 };
        const h = await getHist(row.id, ['cpu.idle', 'mem.used', 'mem.total'], range);
        // It may have died while it was asked about.
        if (row.age.peek() < DEAD_MS) batch(() => takeMini(row, h));
      } catch {
        return; // the next turn asks again
      }
    }
  }
}

function takeMini(row: FleetRow, h: Awaited<ReturnType<typeof getHist>>): void {
  const column = (id: string) => h.avg[h.c.indexOf(id)] ?? [];
  const newest = (id: string) => column(id).at(-1) ?? NaN;
  row.cpu.value = 100 - newest('cpu.idle');
  row.memory.value = (100 * newest('mem.used')) / newest('mem.total');
  row.mini.value = {
    times: h.t.map((t) => h.t0 + t),
    busy: column('cpu.idle').map((v) => (v === null ? NaN : 100 - v)),
    step: h.step,
  };
}
