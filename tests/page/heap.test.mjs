// Half an hour of samples leaves nothing behind: no memory, no elements, no listeners.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FakeDashboard } from '../support/fake_dashboard.mjs';
import { closeBrowser, openPage, series, until, untilPill } from './bed.mjs';

const TICKS = 1800;
const AT_ONCE = 6; // a frame draws them together, as it would after a busy moment
const PAUSE_MS = 20;
const WARM = 2048; // ticks until the page holds as many rows as it ever will

let fake;
before(async () => {
  const behind = (TICKS + WARM + 400) * 1000;
  fake = await new FakeDashboard({ hosts: 1, cores: 4, behind, history: 3 * behind }).open();
});
after(async () => {
  await closeBrowser();
  await fake?.close();
});

async function feed(page, ticks) {
  for (let fed = 0; fed < ticks; fed += AT_ONCE) {
    fake.feed(AT_ONCE);
    await page.waitForTimeout(PAUSE_MS);
  }
  const newest = fake.hosts[0].last;
  await until('all is drawn', async () => (await series(page, 'mem.used')).t.at(-1) === newest);
}

test('1800 samples grow the heap by at most 2 MB, and neither elements nor listeners', async () => {
  const { page, context, quiet, close } = await openPage(`${fake.url}/h/${fake.hosts[0].id}`);
  await untilPill(page, ['live', 'stale']);
  const cdp = await context.newCDPSession(page);
  await cdp.send('Performance.enable');
  const measure = async () => {
    for (let i = 0; i < 2; i++) await cdp.send('HeapProfiler.collectGarbage');
    const { metrics } = await cdp.send('Performance.getMetrics');
    const of = (name) => metrics.find((m) => m.name === name).value;
    return { heap: of('JSHeapUsedSize'), nodes: of('Nodes'), listeners: of('JSEventListeners') };
  };
  fake.feed(WARM); // in one piece: rows fill up, little is drawn
  await feed(page, 120);
  const before = await measure();
  await feed(page, TICKS);
  const now = await measure();
  const mb = (now.heap - before.heap) / 2 ** 20;
  const { nodes, listeners } = now;
  const absolute = now.heap / 2 ** 20;
  console.log(`heap ${absolute.toFixed(1)} MB, grew ${mb.toFixed(2)} MB; ${nodes} nodes, ${listeners} listeners`);
  assert.ok(mb <= 2, `${mb} MB`);
  assert.ok(Math.abs(nodes - before.nodes) <= 20, `${before.nodes} nodes became ${nodes}`);
  assert.equal(listeners, before.listeners);
  assert.ok(absolute <= 30, `${absolute} MB`);
  quiet();
  await close();
});
