// fake_dashboard - speaks dashboard/API.md with made-up numbers, for tests of what the real programs
// cannot be brought to do on demand: stalls, holes, hostile names, many cores, refused streams.
//
// node fake_dashboard.mjs [--port N] [--web DIR] [--hosts N] [--cores N] [--empty] [--hostile]
// As a module: startFake(options) -> {url, hosts, pause, resume, drop, close, ...}.

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; " +
  "font-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; " +
  "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";

const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
const HIST_MS = 300_000;
const GIB = 2 ** 30;

export const HOSTILE_NAMES = [
  '<img src=x onerror=alert(1)>',
  'a'.repeat(10_000),
  '\u202emoc.live\u2066\u05d0\u05d1\u05d2',
  'line one\nline two\ttab',
  '\u{1f525}\u{1f468}\u200d\u{1f469}\u200d\u{1f467} db',
  '"><script>alert(1)</script>',
];

/** Smooth noise in [0, 1), the same for the same time: history and stream agree. */
function wave(t, period, seed) {
  const s = Math.sin((t / 1000 / period) * 2 * Math.PI + seed) * 0.5 + Math.sin((t / 1000 / period) * 5.3 + seed * 7) * 0.3;
  const h = Math.sin(Math.floor(t / 1000) * 12.9898 + seed * 78.233) * 43758.5453;
  return Math.min(0.999, Math.max(0, 0.5 + s * 0.4 + (h - Math.floor(h) - 0.5) * 0.25));
}

const round1 = (v) => Math.round(v * 10) / 10;

function columnsOf(cores) {
  const modes = ['user', 'nice', 'system', 'iowait', 'irq', 'softirq', 'steal', 'idle'];
  const list = modes.map((m) => [`cpu.${m}`, 'percent']);
  for (let i = 0; i < cores; i++) list.push([`core.${i}`, 'percent']);
  for (const m of ['mem.total', 'mem.used', 'mem.cached', 'mem.buffers', 'mem.free', 'mem.available', 'swap.total', 'swap.used']) {
    list.push([m, 'bytes']);
  }
  for (const l of ['load.1', 'load.5', 'load.15']) list.push([l, 'load']);
  list.push(['procs.running', 'count'], ['procs.blocked', 'count']);
  for (const s of ['sys.context_switches', 'sys.interrupts', 'sys.forks']) list.push([s, 'per_second']);
  return list.map(([id, unit]) => ({ id, unit }));
}

/** The row of a host at time t, in the order of its columns. */
function rowOf(host, t) {
  const burst = wave(t, 97, host.seed) > 0.72 ? 38 : 0;
  const user = round1(6 + 22 * wave(t, 60, host.seed) + burst);
  const system = round1(2 + 9 * wave(t, 45, host.seed + 1) + burst / 6);
  const iowait = round1(Math.max(0, 9 * wave(t, 130, host.seed + 2) - 4));
  const nice = round1(1.5 * wave(t, 80, host.seed + 3));
  const irq = round1(0.8 * wave(t, 20, host.seed + 4));
  const softirq = round1(2 * wave(t, 33, host.seed + 5));
  const steal = round1(Math.max(0, 3 * wave(t, 200, host.seed + 6) - 1.2));
  const idle = round1(Math.max(0, 100 - user - system - iowait - nice - irq - softirq - steal));
  const total = host.memory;
  const used = Math.round(total * (0.36 + 0.08 * wave(t, 300, host.seed + 8)));
  const cached = Math.round(total * (0.3 + 0.05 * wave(t, 500, host.seed + 9)));
  const buffers = Math.round(total * 0.04);
  const core = (i) => round1(Math.min(100, Math.max(0, 100 * wave(t, 40 + i * 7, host.seed + i) ** 2 + burst * (i % 3 === 0 ? 1.4 : 0.2))));
  const load = (s) => Math.round(100 * (host.cores * 0.45 * wave(t, s, host.seed + 11))) / 100;
  return [
    user, nice, system, iowait, irq, softirq, steal, idle,
    ...Array.from({ length: host.cores }, (_, i) => core(i)),
    total, used, cached, buffers, total - used - cached - buffers, total - used, 4 * GIB, Math.round(0.7 * GIB * wave(t, 600, host.seed + 10)),
    load(120), load(300), load(900),
    1 + Math.floor(5 * wave(t, 25, host.seed + 12)), Math.floor(2.4 * wave(t, 70, host.seed + 13)),
    Math.round(9000 + 14_000 * wave(t, 50, host.seed + 14)), Math.round(4000 + 5000 * wave(t, 65, host.seed + 15)), round1(12 * wave(t, 40, host.seed + 16)),
  ];
}

export async function startFake(options = {}) {
  const o = { port: 0, web: resolve(fileURLToPath(import.meta.url), '../../../build/web'), hosts: 3, cores: 8, hostile: false, history: 900_000, ...options };
  const started = Date.now();
  const boot = started.toString(36);
  const streams = new Set();
  const asked = [];
  const names = o.hostile ? HOSTILE_NAMES : Array.from({ length: o.hosts }, (_, i) => ['web-017', 'db-003', 'cache-01', 'build-2'][i] ?? `node-${i}`);
  const hosts = names.map((name, i) => ({
    id: (0x00f3c2a1b4d5e6f7n + BigInt(i)).toString(16).padStart(16, '0'),
    name, seed: i * 3.7, cores: o.cores, memory: (i + 1) * 16 * GIB,
    state: 'up', since: started, seq: 0, silent: false, holes: [], columns: columnsOf(o.cores), recent: [], last: 0,
  }));
  let refusing = 0;

  const stamps = (host, from, to) => {
    const out = [];
    const first = Math.max(from, started - o.history);
    for (let t = Math.ceil((first - host.phase) / 1000) * 1000 + host.phase; t <= Math.min(to, host.last); t += 1000) {
      if (!host.holes.some((h) => t > h.from && t < h.to)) out.push(t);
    }
    return out;
  };
  hosts.forEach((h, i) => (h.phase = (i * 137) % 1000));
  hosts.forEach((h) => (h.last = Math.floor((started - h.phase) / 1000) * 1000 + h.phase));

  const send = (stream, event, data, id) => {
    if (stream.stalled) return;
    stream.response.write(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  };
  const broadcast = (host, event, data) => {
    host.recent.push({ seq: host.seq, event, data });
    if (host.recent.length > 120) host.recent.shift();
    for (const s of streams) if (s.host === host) send(s, event, data, `${boot}-${host.seq}`);
  };
  const snapOf = (host) => {
    const t = stamps(host, host.last - HIST_MS + 1, host.last);
    const rows = t.map((at) => rowOf(host, at));
    return {
      s: host.seq, t: host.last, cols: host.columns, hosts: [[0, host.id, host.name, host.state, {}]],
      d: rowOf(host, host.last).map((v) => [v]),
      hist: { t0: t[0] ?? host.last, step: 1000, n: t.length, t: t.map((at) => at - (t[0] ?? 0)), d: host.columns.map((_, c) => rows.map((r) => r[c])) },
    };
  };
  const timer = setInterval(() => {
    const now = Date.now();
    for (const host of hosts) {
      const due = Math.floor((now - host.phase) / 1000) * 1000 + host.phase;
      if (due <= host.last) continue;
      if (host.silent) continue;
      if (due - host.last > 1000) host.holes.push({ from: host.last, to: due });
      host.last = due;
      if (host.skips > 0) {
        host.skips--;
        host.holes.push({ from: due - 1, to: due + 1 });
        host.last = due;
        continue;
      }
      host.seq++;
      broadcast(host, 'tick', { s: host.seq, t: due, d: rowOf(host, due).map((v) => [v]) });
    }
  }, 20);
  const heart = setInterval(() => {
    for (const s of streams) if (!s.stalled) s.response.write(':\n\n');
  }, 10_000);

  const find = (h) => hosts.find((x) => x.id === h) ?? hosts.find((x) => x.name === h);
  const json = (res, status, body) => {
    res.writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' });
    res.end(JSON.stringify(body));
  };
  const hist = (res, q) => {
    const host = find(q.get('h'));
    if (host === undefined) return json(res, 404, { status: 'error', errorType: 'not_found', error: 'no such host' });
    const to = Number(q.get('to') ?? Date.now());
    const from = Number(q.get('from') ?? to - HIST_MS);
    const ids = q.get('c')?.split(',') ?? host.columns.map((c) => c.id);
    const at = ids.map((id) => host.columns.findIndex((c) => c.id === id));
    if (at.includes(-1)) return json(res, 400, { status: 'error', errorType: 'bad_data', error: 'no such column' });
    const t = stamps(host, from, to);
    const rows = t.map((x) => rowOf(host, x));
    json(res, 200, {
      h: host.id, t0: t[0] ?? from, step: 1000, n: t.length, tier: 'raw', c: ids, units: at.map((i) => host.columns[i].unit),
      t: t.map((x) => x - (t[0] ?? 0)), avg: at.map((i) => rows.map((r) => r[i])),
    });
  };
  const stream = (req, res, q) => {
    if (refusing > 0) {
      refusing--;
      res.writeHead(503).end();
      return;
    }
    const host = find(q.get('h'));
    if (host === undefined) return json(res, 404, { status: 'error', errorType: 'not_found', error: 'no such host' });
    res.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' });
    res.write('retry: 2000\n\n');
    const s = { response: res, host, stalled: false };
    streams.add(s);
    req.on('close', () => streams.delete(s));
    send(s, 'hello', { v: 1, srv: 'zpulse-dashboard', build: '0.1.0', boot, now: Date.now(), tick: 1000, stale: 5000, ring: 120, lim: { sse: 200 }, user: null, ro: true });
    const last = /^(\w+)-(\d+)$/.exec(req.headers['last-event-id'] ?? q.get('last_event_id') ?? '');
    const missed = last?.[1] === boot ? host.recent.filter((e) => e.seq > Number(last[2])) : null;
    if (missed !== null && (missed.length === 0 || missed[0].seq === Number(last[2]) + 1)) {
      for (const e of missed) send(s, e.event, e.data, `${boot}-${e.seq}`);
    } else send(s, 'snap', snapOf(host), `${boot}-${host.seq}`);
  };
  const file = async (res, path) => {
    const name = join(o.web, normalize(path));
    try {
      if (!(await stat(name)).isFile()) throw new Error('no file');
    } catch {
      return json(res, 404, { status: 'error', errorType: 'not_found', error: 'no such path' });
    }
    const cache = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
    res.writeHead(200, {
      'Content-Type': TYPES[extname(name)] ?? 'application/octet-stream', 'Cache-Control': cache, 'Content-Security-Policy': CSP,
      'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer', 'Cross-Origin-Opener-Policy': 'same-origin',
    });
    createReadStream(name).pipe(res);
  };
  const server = createServer((req, res) => {
    const url = new URL(req.url, 'http://x');
    asked.push(req.url);
    if (url.pathname === '/api/v1/hosts') {
      return json(res, 200, hosts.map((h) => ({
        id: h.id, name: h.name, state: h.state, since_ms: h.since, first_ms: started - o.history, last_ms: h.last,
        interval_ms: 1000, version: '0.1.0', offset_ms: 0, rtt_ms: 0.21, dropped: 0, missed: 0,
      })));
    }
    if (url.pathname === '/api/v1/hist') return hist(res, url.searchParams);
    if (url.pathname === '/api/v1/stream') return stream(req, res, url.searchParams);
    return file(res, url.pathname === '/' || url.pathname.startsWith('/h/') ? '/index.html' : url.pathname);
  });
  await new Promise((ready) => server.listen(o.port, '127.0.0.1', ready));
  const { port } = server.address();

  const api = {
    url: `http://127.0.0.1:${port}`,
    hosts,
    asked,
    /** The host stops sampling; resume leaves a hole. */
    pause: (host = hosts[0]) => (host.silent = true),
    resume: (host = hosts[0]) => (host.silent = false),
    /** The next n samples of the host are lost. */
    skip: (n, host = hosts[0]) => (host.skips = n),
    setState: (state, host = hosts[0]) => {
      host.state = state;
      host.seq++;
      broadcast(host, 'host', { s: host.seq, op: state, ix: 0, id: host.id, name: host.name, t: Date.now() });
    },
    /** Every open stream goes mute without being closed. */
    stall: () => streams.forEach((s) => (s.stalled = true)),
    /** Every open stream is cut. */
    cut: () => streams.forEach((s) => s.response.destroy()),
    /** The next n requests for a stream get 503. */
    refuse: (n) => (refusing = n),
    takeHosts: () => hosts.splice(0),
    giveHosts: (list) => hosts.push(...list),
    streams: () => streams.size,
    close: async () => {
      clearInterval(timer);
      clearInterval(heart);
      for (const s of streams) s.response.destroy();
      server.closeAllConnections?.();
      await new Promise((done) => server.close(done));
    },
  };
  return api;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const flag = (name, fallback) => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? fallback : process.argv[at + 1];
  };
  const fake = await startFake({
    port: Number(flag('port', 8088)),
    hosts: process.argv.includes('--empty') ? 0 : Number(flag('hosts', 3)),
    cores: Number(flag('cores', 8)),
    hostile: process.argv.includes('--hostile'),
    ...(flag('web') && { web: resolve(flag('web')) }),
  });
  console.log(fake.url);
}
