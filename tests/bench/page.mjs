// page - what the page costs: bytes, time to the first painted sample, share of the main thread.
//
// node tests/bench/page.mjs URL HOST SECONDS
// Out: one line of NAME=NUMBER: gz_bytes (all that / loads, as served), first_ms (navigation to
//      first painted sample, middle of ten runs with an empty cache), main_share and main_share_all
//      (tasks of the main thread over SECONDS of a visible host page, in percent; the second with
//      every section open).

import { createRequire } from 'node:module';
import { resolve } from 'node:path';

const require = createRequire(resolve('dashboard/web/package.json'));
const { chromium } = require('playwright-core');

const [url, host, seconds] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const RUNS = 10;
const TURNED = 'memory,sockets,softnet'; // the sections that are closed unless opened by hand

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

/** A page in a context of its own: nothing cached. */
async function fresh() {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  return { context, page: await context.newPage() };
}

// Bytes on the wire of everything but the stream, which has no end.
async function bytesOf() {
  const { context, page } = await fresh();
  const cdp = await context.newCDPSession(page);
  const sizes = new Map();
  await cdp.send('Network.enable');
  cdp.on('Network.responseReceived', ({ requestId, response }) => {
    if (new URL(response.url).pathname.startsWith('/api/') === false) sizes.set(requestId, 0);
  });
  cdp.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    if (sizes.has(requestId)) sizes.set(requestId, encodedDataLength);
  });
  await page.goto(`${url}/`, { waitUntil: 'load' });
  await page.waitForFunction(() => window.__ui, null, { timeout: 15_000 });
  await page.waitForTimeout(1000); // what the program itself asks for
  await context.close();
  return [...sizes.values()].reduce((a, b) => a + b, 0);
}

// The page notes when its first samples were drawn, in ms from navigation.
async function firstSample() {
  const { context, page } = await fresh();
  await page.goto(`${url}/h/${host}`, { waitUntil: 'commit' });
  const drawn = await page.waitForFunction(() => window.__ui?.stats.firstPaintMs || null, null,
    { timeout: 15_000, polling: 50 });
  const at = await drawn.jsonValue();
  await context.close();
  return at;
}

async function mainShare(query) {
  const { context, page } = await fresh();
  const cdp = await context.newCDPSession(page);
  const read = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics');
    return Object.fromEntries(metrics.map((m) => [m.name, m.value]));
  };
  await cdp.send('Performance.enable');
  await page.goto(`${url}/h/${host}${query}`);
  await page.waitForFunction(() => window.__ui?.stats?.ticks > 3, null, { timeout: 15_000 });
  const before = await read();
  await page.waitForTimeout(seconds * 1000);
  const after = await read();
  await context.close();
  return 100 * (after.TaskDuration - before.TaskDuration) / (after.Timestamp - before.Timestamp);
}

const runs = [];
for (let i = 0; i < RUNS; i++) runs.push(await firstSample());
runs.sort((a, b) => a - b);
const first = runs[RUNS / 2];
const bytes = await bytesOf();
const share = await mainShare('');
const all = await mainShare(`?o=${TURNED}`);
console.log(`gz_bytes=${bytes} first_ms=${first.toFixed(0)} main_share=${share.toFixed(2)} main_share_all=${all.toFixed(2)}`);
await browser.close();
