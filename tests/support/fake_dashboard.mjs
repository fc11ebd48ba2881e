// fake_dashboard - speaks dashboard/API.md with made-up numbers, for tests of what the real programs
// cannot be brought to do on demand: lost samples, cut and refused streams, hostile names, many cores.
//
// node fake_dashboard.mjs [--port N] [--web DIR] [--hosts N] [--cores N] [--hostile]
//      [--disks N] [--mounts N] [--nets N] [--sensors N] [--apps N]
// As a module: new FakeDashboard(options).open(), then skip, pause, cut, refuse, close.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { columnsOf, DEVICES, factsOf, fakeHost, rowOf } from './fake_numbers.mjs';

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
  "font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; " +
  "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

export const HOSTILE_NAMES = [
  '<img src=x onerror=alert(1)>',
  'a'.repeat(10_000),
  '\u202emoc.live\u2066\u05d0\u05d1\u05d2',
  'line one\nline two\ttab',
  '\u{1f525}\u{1f468}\u200d\u{1f469}\u200d\u{1f467} db',
  '"><script>alert(1)</script>',
];

const NAMES = ['web-017', 'db-003', 'cache-01', 'build-2'];
const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};
const STEP = 1000;
const RING = 120; // events that a stream can be resumed from
const SNAP_MS = 300_000; // of the past in a snap
const HISTORY_MS = 900_000; // that a host had when it started
const POINTS = 600; // of history, where no number is asked for

export class FakeDashboard {
  constructor(options = {}) {
    const { hosts = 3, cores = 8, hostile = false } = options;
    this.port = options.port ?? 0;
    this.web = options.web ?? resolve(fileURLToPath(import.meta.url), '../../../build/web');
    this.started = Date.now();
    this.boot = this.started.toString(36);
    this.streams = new Set();
    this.refusing = 0;
    this.limit = options.limit ?? Infinity;
    this.historyMs = options.history ?? HISTORY_MS;
    this.behind = options.behind ?? 0; // the newest sample is so old; more come by feed
    this.ahead = 0; // ms that its clock is ahead of this machine's
    this.asked = [];
    this.gaps = []; // of the ledger of each host
    this.limits = []; // likewise
    this.collector = options.collector ?? { endpoint: 'tcp://127.0.0.1:5560', insecure: false };
    this.refused = []; // agents that were sent away
    const names = hostile ? HOSTILE_NAMES : Array.from({ length: hosts }, (_, i) => NAMES[i] ?? `node-${i}`);
    const devices = { ...DEVICES, ...options.devices };
    const called = hostile ? HOSTILE_NAMES.map((n) => n.slice(0, 200)) : [];
    this.hosts = names.map((name, i) => this.#host(fakeHost(i, name, cores, devices, called), (i * 137) % STEP));
    this.close = this.close.bind(this);
  }

  async open() {
    this.server = createServer((req, res) => this.#answer(req, res, new URL(req.url, 'http://fake')));
    await new Promise((ready) => this.server.listen(this.port, '127.0.0.1', ready));
    this.url = `http://127.0.0.1:${this.server.address().port}`;
    this.timers = [setInterval(() => this.#tick(), 20), setInterval(() => this.#heartbeat(), 10_000)];
    return this;
  }

  async close() {
    this.timers.forEach(clearInterval);
    this.cut();
    this.server.closeAllConnections?.();
    await new Promise((done) => this.server.close(done));
  }

  /** The next n samples of a host are lost. */
  skip(n, host = this.hosts[0]) {
    host.skips = n;
  }

  /** A host stops sampling, or goes on; what is between is a hole. */
  pause(paused = true, host = this.hosts[0]) {
    host.paused = paused;
    if (!paused && this.#due(host) > host.last) this.#sample(host, this.#due(host));
  }

  /** n samples of a host at once, each a step later than the one before. */
  feed(n, host = this.hosts[0]) {
    for (let i = 0; i < n; i++) this.#sample(host, host.last + STEP);
  }

  /** Time goes on at once, with a sample of each host at each of its steps. */
  advance(ms) {
    this.ahead += ms;
    this.#tick();
  }

  /** What was missing of a host comes late, and its stream says so. */
  fill(host = this.hosts[0]) {
    const [from, to] = [host.holes[0].from + 1, host.holes.at(-1).to - 1];
    host.holes = [];
    this.#publish(host, 'filled', (s) => ({ s, host: host.id, from, to }));
  }

  setState(state, host = this.hosts[0]) {
    host.state = state;
    this.#publish(host, 'host', (s) => ({ s, op: state, ix: 0, id: host.id, name: host.name, t: this.#now() }));
  }

  /** Something happens on a host; untold, it is only in the answer to who asks. */
  happen(note, { host = this.hosts[0], told = true } = {}) {
    const n = host.notes.length;
    const whole = {
      id: `${host.id}-${n}`,
      t: this.#now(),
      host: host.id,
      kind: 'test',
      severity: 'info',
      text: '',
      fields: {},
      ...note,
    };
    host.notes.push(whole);
    if (told) this.#publish(host, 'note', (s) => ({ s, ...whole }));
    return whole;
  }

  /** Every open stream is cut. */
  cut() {
    for (const s of this.streams) s.response.destroy();
  }

  /** The next n requests for live numbers get 503. */
  refuse(n) {
    this.refusing = n;
  }

  #host(what, phase) {
    const last = Math.floor((this.started - this.behind - phase) / STEP) * STEP + phase;
    return {
      ...what,
      phase,
      last,
      columns: columnsOf(what),
      state: 'up',
      seq: 0,
      skips: 0,
      paused: this.behind > 0,
      holes: [],
      ring: [],
      notes: [],
    };
  }

  #now() {
    return Date.now() + this.ahead;
  }

  /** The stamp of the newest sample that a host should have. */
  #due(host) {
    return Math.floor((this.#now() - host.phase) / STEP) * STEP + host.phase;
  }

  /** On a machine that is out of breath samples come late, but none is lost. */
  #tick() {
    for (const host of this.hosts) {
      while (!host.paused && host.last + STEP <= this.#due(host)) this.#sample(host, host.last + STEP);
    }
  }

  #sample(host, t) {
    if (t - host.last > STEP) host.holes.push({ from: host.last, to: t });
    host.last = t;
    if (host.skips > 0) {
      host.skips--;
      host.holes.push({ from: t - 1, to: t + 1 });
      return;
    }
    this.#publish(host, 'tick', (s) => ({ s, t, d: rowOf(host, host.columns, t).map((v) => [v]) }));
  }

  #heartbeat() {
    for (const s of this.streams) s.response.write(':\n\n');
  }

  #publish(host, event, dataOf) {
    const entry = { seq: ++host.seq, event, data: dataOf(host.seq) };
    host.ring = [...host.ring, entry].slice(-RING);
    for (const s of this.streams) if (s.host === host) this.#send(s, event, entry.data, entry.seq);
  }

  #send(stream, event, data, seq) {
    const id = seq === undefined ? '' : `id: ${this.boot}-${seq}\n`;
    stream.response.write(`${id}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  }

  /** Stamps of the samples that the host has within [from, to]. */
  #stamps(host, from, to) {
    const first = Math.max(from, this.started - this.historyMs);
    const end = Math.min(to, host.last);
    const out = [];
    for (let t = Math.ceil((first - host.phase) / STEP) * STEP + host.phase; t <= end; t += STEP) {
      if (!host.holes.some((h) => t > h.from && t < h.to)) out.push(t);
    }
    return out;
  }

  #block(host, columns, from, to) {
    const stamps = this.#stamps(host, from, to);
    const rows = stamps.map((t) => rowOf(host, columns, t));
    const t0 = stamps[0] ?? from;
    return {
      t0,
      step: STEP,
      n: rows.length,
      t: stamps.map((t) => t - t0),
      d: columns.map((_, c) => rows.map((r) => r[c])),
    };
  }

  #answer(req, res, url) {
    const { pathname, searchParams } = url;
    this.asked.push(pathname + url.search);
    if (pathname === '/api/v1/hosts')
      return json(
        res,
        200,
        this.hosts.map((h) => this.#hostInfo(h)),
      );
    if (pathname === '/api/v1/ledger') return this.#ledger(res, searchParams);
    if (pathname === '/api/v1/collector' && this.collector !== 'away') return json(res, 200, this.collector);
    if (pathname === '/api/v1/refused') return json(res, 200, this.refused);
    if (pathname === '/api/v1/events') return this.#events(res, searchParams);
    if (pathname === '/api/v1/hist') return this.#hist(res, searchParams);
    if (pathname === '/api/v1/summary') return json(res, 200, this.#summary());
    if (pathname === '/api/v1/view') return this.#view(res, searchParams);
    if (pathname === '/api/v1/stream') return this.#stream(req, res, searchParams);
    return this.#file(res, pathname === '/' || pathname.startsWith('/h/') ? '/index.html' : pathname);
  }

  #hostInfo(h) {
    const { id, name, state, last: last_ms } = h;
    const times = { since_ms: this.started, first_ms: this.started - this.historyMs, last_ms, interval_ms: STEP };
    const facts = factsOf(h, this.started);
    return { id, name, state, ...times, facts, version: '0.1.0', offset_ms: h.offset ?? 0, rtt_ms: 0.21, dropped: 0, missed: 0 };
  }

  #find(h) {
    return this.hosts.find((x) => x.id === h) ?? this.hosts.find((x) => x.name === h);
  }

  /** Of a ledger, what the page reads. */
  #ledger(res, q) {
    const host = this.#find(q.get('h'));
    if (host === undefined) return refuse(res, 404, 'not_found', 'no such host');
    return json(res, 200, [{ id: host.id, name: host.name, ok: true, why: null, gaps: this.gaps, limits: this.limits }]);
  }

  #events(res, q) {
    const host = this.#find(q.get('h'));
    if (host === undefined) return refuse(res, 404, 'not_found', 'no such host');
    const [from, to] = [Number(q.get('from') ?? 0), Number(q.get('to') ?? Infinity)];
    return json(
      res,
      200,
      host.notes.filter((n) => n.t >= from && n.t <= to).sort((a, b) => a.t - b.t),
    );
  }

  #hist(res, q) {
    const host = this.#find(q.get('h'));
    if (host === undefined) return refuse(res, 404, 'not_found', 'no such host');
    const to = Number(q.get('to') ?? this.#now());
    const from = Number(q.get('from') ?? to - SNAP_MS);
    const wanted = q.get('c')?.split(',') ?? ['*'];
    const picks = (item, { id }) => (item.endsWith('*') ? id.startsWith(item.slice(0, -1)) : id === item);
    if (wanted.some((item) => !host.columns.some((c) => picks(item, c))))
      return refuse(res, 400, 'bad_data', 'no such column');
    const columns = host.columns.filter((c) => wanted.some((item) => picks(item, c)));
    const { d, ...block } = this.#block(host, columns, from, to);
    const names = { c: columns.map((c) => c.id), units: columns.map((c) => c.unit), cols: columns };
    const rows = buckets({ ...block, avg: d }, Number(q.get('pts') ?? POINTS), to - from + 1);
    return json(res, 200, { h: host.id, tier: 'raw', ...names, ...rows });
  }

  #hello() {
    const { boot } = this;
    return { v: 1, build: '0.1.0', boot, now: this.#now() - this.behind, tick: STEP, stale: 5000, ring: RING };
  }

  #summary() {
    const of = (state) => this.hosts.filter((h) => h.state === state).length;
    const states = { up: of('up'), late: of('late'), stopped: of('stopped'), silent: of('silent') };
    return { now: this.#now(), hosts: this.hosts.length, ...states };
  }

  /** Answers what does not depend on what was seen before; undefined where it has. */
  #known(res, q) {
    const host = this.#find(q.get('h'));
    if (host === undefined) return void refuse(res, 404, 'not_found', 'no such host');
    if (this.refusing === 0) return host;
    this.refusing--;
    return void refuse(res, 503, 'unavailable', 'the collector does not answer');
  }

  #view(res, q) {
    const host = this.#known(res, q);
    if (host === undefined) return;
    const missed = this.#missed(host, q.get('last'));
    const first = () => [
      { event: 'hello', data: this.#hello() },
      { event: 'snap', data: this.#snap(host) },
    ];
    const events = missed?.map(({ event, data }) => ({ event, data })) ?? first();
    return json(res, 200, { id: `${this.boot}-${host.seq}`, events });
  }

  #stream(req, res, q) {
    const host = this.#known(res, q);
    if (host === undefined) return;
    if (this.streams.size >= this.limit) {
      res.writeHead(204);
      return res.end();
    }
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
    res.write('retry: 2000\n\n');
    const stream = { response: res, host };
    this.streams.add(stream);
    req.on('close', () => this.streams.delete(stream));
    this.#send(stream, 'hello', this.#hello());
    const missed = this.#missed(host, req.headers['last-event-id'] ?? q.get('last_event_id'));
    if (missed === null) this.#send(stream, 'snap', this.#snap(host), host.seq);
    else this.#resume(stream, missed);
  }

  /** Ticks that were missed come as one, then the changes of state. */
  #resume(stream, missed) {
    const ticks = missed.filter((e) => e.event === 'tick');
    if (ticks.length > 0) {
      const { seq } = ticks.at(-1);
      const [from, to] = [ticks[0].data.t, ticks.at(-1).data.t];
      this.#send(stream, 'fill', { s: seq, from, to, ticks: ticks.map((e) => e.data) }, seq);
    }
    for (const e of missed) if (e.event !== 'tick') this.#send(stream, e.event, e.data, e.seq);
  }

  /** Events after the one named, null where they cannot be known. */
  #missed(host, id) {
    const [, boot, seq] = /^(\w+)-(\d+)$/.exec(id ?? '') ?? [];
    if (boot !== this.boot) return null;
    const after = host.ring.filter((e) => e.seq > Number(seq));
    return after.length === host.seq - Number(seq) ? after : null;
  }

  #snap(host) {
    const { columns, last, seq, id, name, state } = host;
    const now = rowOf(host, columns, last).map((v) => [v]);
    const hist = this.#block(host, columns, last - SNAP_MS + 1, last);
    return { s: seq, t: last, cols: columns, hosts: [[0, id, name, state, factsOf(host, this.started)]], d: now, hist };
  }

  async #file(res, path) {
    try {
      const bytes = await readFile(join(this.web, normalize(path)));
      res.writeHead(200, {
        'Content-Type': TYPES[extname(path)],
        'Content-Security-Policy': CSP,
        'Cache-Control': 'no-cache',
      });
      res.end(bytes);
    } catch {
      refuse(res, 404, 'not_found', 'no such path');
    }
  }
}

/** Rows put together where there are more than wanted, as dashboard/api_hist.c does. */
function buckets(rows, points, span) {
  if (rows.n <= points) return rows;
  const least = Math.ceil(span / Math.max(1, points - 1));
  const step = Math.ceil(least / STEP) * STEP;
  const at = new Map();
  rows.t.forEach((t, i) => {
    const start = rows.t0 + t - ((rows.t0 + t) % step);
    at.set(start, [...(at.get(start) ?? []), i]);
  });
  const starts = [...at.keys()];
  const fold = (how) =>
    rows.avg.map((values) =>
      starts.map((s) => {
        const there = at
          .get(s)
          .map((i) => values[i])
          .filter((v) => v !== null);
        return there.length === 0 ? null : how(there);
      }),
    );
  const [t0] = starts;
  return {
    t0,
    step,
    n: starts.length,
    t: starts.map((s) => s - t0),
    avg: fold((v) => v.reduce((a, b) => a + b, 0) / v.length),
    min: fold((v) => Math.min(...v)),
    max: fold((v) => Math.max(...v)),
  };
}

function json(res, status, body) {
  res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' });
  res.end(JSON.stringify(body));
}

function refuse(res, status, errorType, error) {
  json(res, status, { status: 'error', errorType, error });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const value = (name, fallback) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? fallback : process.argv[at + 1];
  };
  const fake = await new FakeDashboard({
    port: Number(value('port', 8088)),
    web: value('web'),
    hosts: Number(value('hosts', 3)),
    cores: Number(value('cores', 8)),
    history: Number(value('history', HISTORY_MS)),
    hostile: process.argv.includes('--hostile'),
    devices: Object.fromEntries(Object.entries(DEVICES).map(([k, n]) => [k, Number(value(k, n))])),
  }).open();
  console.log(fake.url);
}
