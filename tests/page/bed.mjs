// bed - what every test of the page stands on: the real programs, a real browser, and its complaints.
//
// BUILD_DIR names the tree whose programs are run (build). Each program gets a folder and ports of
// its own, and is ended by the process that was started, in `close`.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeKeys } from './keys.mjs';

export const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');
const build = resolve(root, process.env.BUILD_DIR ?? 'build');
const shots = join(root, 'build/shots');
const require = createRequire(join(root, 'dashboard/web/package.json'));
const { chromium, devices } = require('playwright-core');

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

export const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

// How long anything may take on a machine that is busy with other tests. No claim is made of it: what a
// test says of times it finds by a clock that it moves itself, or by what a server was asked.
const WAIT_MS = 60_000;

/** Waits until `probe` gives something true, and gives that; fails when it takes too long, saying `what`. */
export async function until(what, probe, every = 40) {
  const end = Date.now() + WAIT_MS;
  for (let last; ; await sleep(every)) {
    try {
      last = await probe();
      if (last) return last;
    } catch (error) {
      last = error;
    }
    if (Date.now() > end) assert.fail(`${what}: not within ${WAIT_MS} ms (${last?.message ?? last})`);
  }
}

const PORTS_FIRST = 12_000; // below those of the flow tests, which may run beside these
const PORTS_BLOCK = 10;
const PORTS_BLOCKS = 700;

const listening = (server, where) =>
  new Promise((done, fail) => {
    server.once('error', fail);
    server.listen(where, () => done(server));
  });

/** The first of `n` (at most ten) ports in a row that are free, and are no other test's while this one runs. */
export async function freePorts(n) {
  assert.ok(n <= PORTS_BLOCK);
  for (;;) {
    const block = Math.floor(Math.random() * PORTS_BLOCKS);
    const first = PORTS_FIRST + block * PORTS_BLOCK;
    const held = [];
    try {
      // A name in the kernel's abstract space is ours until this process ends, however it ends.
      (await listening(createServer(), { path: `\0zpulse-page-ports-${block}` })).unref();
      for (let i = 0; i < n; i++) held.push(await listening(createServer(), { port: first + i, host: '127.0.0.1' }));
      return first;
    } catch {
      // One is taken: another row.
    } finally {
      await Promise.all(held.map((s) => new Promise((done) => s.close(done))));
    }
  }
}

/** A program that was started; its log is kept for what a failed test wants to know. */
export class Program {
  constructor(name, args) {
    this.log = '';
    this.child = spawn(join(build, 'bin', name), args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stdout.on('data', (d) => (this.log += d));
    this.child.stderr.on('data', (d) => (this.log += d));
    this.ended = new Promise((done) => this.child.once('close', (code, signal) => done(code ?? signal)));
    this.child.once('error', (error) => (this.log += error));
  }

  signal(name) {
    this.child.kill(name);
  }

  async end(name = 'SIGTERM') {
    this.child.kill('SIGCONT');
    this.child.kill(name);
    const late = setTimeout(() => this.child.kill('SIGKILL'), 5000);
    const how = await this.ended;
    clearTimeout(late);
    return how;
  }
}

/** Collector, dashboard and agents, each on its own so that a test can stop one of them. */
export class Stage {
  /** `later`: names of agents that are started when the collector runs. */
  static async open({ agents = [{ name: 'page-host' }], dashboard = [], later = [] } = {}) {
    const stage = new Stage();
    stage.dashboardWords = dashboard;
    stage.dir = mkdtempSync(join(tmpdir(), 'zpulse-page-'));
    stage.base = await freePorts(6);
    stage.url = `http://127.0.0.1:${stage.base + 5}`;
    stage.endpoint = `tcp://127.0.0.1:${stage.base}`;
    stage.keys = makeKeys(stage.dir, [...agents.map((a) => a.name), ...later]);
    stage.collector = new Program('zpulse-collector', [
      '--data',
      stage.folder('collector'),
      '--port-base',
      stage.base,
      '--keys',
      stage.keys.shared,
    ]);
    stage.startDashboard();
    stage.agents = agents.map((a, i) => stage.startAgent(a, i));
    try {
      await stage.ready(agents.length);
    } catch (error) {
      error.message += `\n${stage.logs()}`;
      await stage.close();
      throw error;
    }
    return stage;
  }

  folder(name) {
    const path = join(this.dir, name);
    mkdirSync(path, { recursive: true });
    return path;
  }

  startDashboard() {
    const listen = `127.0.0.1:${this.base + 5}`;
    this.dashboard = new Program('zpulse-dashboard', [
      '--data',
      this.folder('dashboard'),
      '--listen',
      listen,
      '--collector',
      this.endpoint,
      '--keys',
      this.keys.shared,
      ...this.dashboardWords,
    ]);
  }

  /**
   * `inputs`: words for the inputs of applications, which are off otherwise; `words`: other ones;
   * `prepare` is given its folder before it starts.
   */
  startAgent({ name, interval = '1s', inputs = [], words = [], prepare = () => {} }, i = 0) {
    const none = ['--app-sub', '', '--app-pull', '', '--statsd', '', ...inputs, ...words];
    prepare(this.folder(`agent-${i}`));
    return new Program('zpulse-agent', [
      '--data',
      this.folder(`agent-${i}`),
      '--collector',
      this.endpoint,
      '--name',
      name,
      '--interval',
      interval,
      '--keys',
      this.keys.agents.get(name),
      ...none,
    ]);
  }

  async ready(agents) {
    await until('the dashboard has every host', async () => {
      const hosts = await this.get('/api/v1/hosts');
      return hosts.length === agents && hosts.every((h) => h.last_ms > 0);
    });
    this.hosts = await this.get('/api/v1/hosts');
  }

  async get(path) {
    const answer = await fetch(this.url + path);
    assert.equal(answer.status, 200, `${path}: ${answer.status}`);
    return answer.json();
  }

  hostUrl(i = 0) {
    return `${this.url}/h/${this.hosts[i].id}`;
  }

  logs() {
    return [this.collector, this.dashboard, ...(this.agents ?? [])].map((p) => p.log).join('');
  }

  async close() {
    await Promise.all([...(this.agents ?? []), this.dashboard, this.collector].map((p) => p.end()));
    rmSync(this.dir, { recursive: true, force: true });
  }
}

let browser; // the promise of one, for tests that start side by side share it

function openBrowser() {
  browser ??= chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    headless: true,
    args: FLAGS,
  });
  return browser;
}

export async function closeBrowser() {
  await (await browser)?.close();
  browser = undefined;
}

/**
 * A page in a context of its own, unless one is given, and all that it complains of. `clock`: its time
 * can be moved on by page.clock. `init` runs in it before its own scripts.
 */
export async function openPage(url, options = {}) {
  const { allow = [], clock = false, init, context: shared, ...rest } = options;
  const context =
    shared ?? (await (await openBrowser()).newContext({ viewport: { width: 1440, height: 900 }, ...rest }));
  const page = await context.newPage();
  if (clock) await page.clock.install();
  const faults = [];
  const origin = new URL(url).origin;
  page.on('console', (m) => m.type() === 'error' && faults.push(`console: ${m.text()}`));
  page.on('pageerror', (e) => faults.push(`error: ${e.message}`));
  page.on(
    'request',
    (r) => /^(data|blob):/.test(r.url()) || new URL(r.url()).origin === origin || faults.push(`request: ${r.url()}`),
  );
  await page.exposeFunction('__violation', (text) => faults.push(`policy: ${text}`));
  await page.addInitScript(() => {
    addEventListener('securitypolicyviolation', (e) =>
      window.__violation(`${e.violatedDirective} ${e.blockedURI} ${e.sourceFile}`),
    );
    let hidden = false;
    Object.defineProperty(document, 'hidden', { get: () => hidden });
    window.__hide = (out) => {
      hidden = out;
      document.dispatchEvent(new Event('visibilitychange'));
    };
    window.__shift = 0;
    new PerformanceObserver((list) => {
      for (const e of list.getEntries()) if (!e.hadRecentInput) window.__shift += e.value;
    }).observe({ type: 'layout-shift', buffered: true });
  });
  if (init !== undefined) await page.addInitScript(init);
  await page.goto(url);
  const quiet = () =>
    assert.deepEqual(
      faults.filter((f) => !allow.some((a) => a.test(f))),
      [],
      'the page complains',
    );
  return { page, context, faults, quiet, close: () => context.close() };
}

/** The page goes out of sight, or comes into it again; a browser without a screen shows all of its pages. */
export const hide = (page, out = true) => page.evaluate((h) => window.__hide(h), out);

/** From now on the clock of a page, opened with `clock`, goes on only as it is told to: page.clock.runFor. */
export async function holdClock(page) {
  for (;;) {
    try {
      return await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 100);
    } catch (error) {
      // On a slow way there that moment has passed; now the clock stands, and the next try finds it so.
      if (!/to the past/.test(error.message)) throw error;
    }
  }
}

export const pillOf = (page) => page.locator('.pill').getAttribute('data-kind');
export const pillText = (page) => page.locator('.pill-body').innerText();

/** Waits until the pill is of one of the kinds given. */
export function untilPill(page, kinds) {
  return until(`the pill says ${kinds}`, async () => kinds.includes(await pillOf(page)));
}

export const stats = (page) => page.evaluate(() => ({ ...window.__ui.stats }));
export const series = (page, id) => page.evaluate((name) => window.__ui.series(name), id);

/** Whether the page has each sample that history has between its first and its last, and no other. */
export async function holdsHistory(page, url, host) {
  const { t } = await series(page, 'mem.used');
  const answer = await fetch(`${url}/api/v1/hist?h=${host}&c=mem.used&from=${t[0]}&to=${t.at(-1)}`);
  const theirs = await answer.json();
  return JSON.stringify(t) === JSON.stringify(theirs.t.map((x) => x + theirs.t0));
}

/** The pixels of a panel's chart, as a text to compare. */
export const pixels = (page, panel) =>
  page
    .locator(`.panel-${panel} canvas`)
    .first()
    .evaluate((c) => c.toDataURL());

export async function shoot(page, name, full = false) {
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: join(shots, `${name}.png`), fullPage: full });
}

export { devices };
