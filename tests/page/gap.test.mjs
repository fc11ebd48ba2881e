// Where nothing was sampled, nothing is drawn, and nothing old looks alive.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FakeDashboard } from '../support/fake_dashboard.mjs';
import {
  closeBrowser,
  holdsHistory,
  openPage,
  pillOf,
  pillText,
  series,
  shoot,
  sleep,
  Stage,
  stats,
  until,
  untilPill,
} from './bed.mjs';

let stage;

const hostOf = (name) => stage.hosts.find((h) => h.name === name);
const urlOf = (name) => `${stage.url}/h/${hostOf(name).id}`;

/** Largest distance of two neighbouring samples, and where it is. */
async function widest(page) {
  const { t, v } = await series(page, 'mem.used');
  const at = t.filter((_, i) => v[i] !== null);
  return at
    .slice(1)
    .map((x, i) => ({ ms: x - at[i], from: at[i], to: x }))
    .sort((a, b) => b.ms - a.ms)[0];
}

/** The middle of the last two samples up to `to` that have no gap between or before them. */
async function unbroken(page, to) {
  const { t } = await series(page, 'mem.used');
  for (let i = t.length - 1; i >= 2; i--)
    if (t[i] <= to && t[i] - t[i - 1] <= 1500 && t[i - 1] - t[i - 2] <= 1500) return (t[i] + t[i - 1]) / 2;
  throw new Error(`no two neighbours without a gap before ${to}`);
}

/** The colours of the column of pixels at `share` of a chart's width that are none of grid and hatch. */
function inkAt(page, canvas, share) {
  return page
    .locator(canvas)
    .first()
    .evaluate((c, at) => {
      const ratio = c.width / c.clientWidth;
      const [left, right] = [68 * ratio, c.width - 12 * ratio];
      const x = Math.round(left + at * (right - left));
      const { data } = c.getContext('2d').getImageData(x, 0, 1, c.height);
      const seen = new Set();
      for (let i = 0; i < data.length; i += 4) {
        const [r, g, b, a] = data.slice(i, i + 4);
        // Grid and hatch are greys with little colour in them, and nowhere solid.
        if (a > 100 && Math.max(r, g, b) - Math.min(r, g, b) > 40) seen.add(`${r},${g},${b}`);
      }
      return [...seen];
    }, share);
}

// They mostly wait, so they wait side by side.
describe('gaps and ends', { concurrency: 3 }, () => {
  before(async () => (stage = await Stage.open({ agents: [{ name: 'stopped-and-on' }, { name: 'ends' }] })));
  after(async () => {
    await closeBrowser();
    await stage?.close();
  });

  test('an agent that stood still for seconds leaves a hole that is drawn and named', async () => {
    const { page, quiet, close } = await openPage(urlOf('stopped-and-on'), { colorScheme: 'light' });
    await untilPill(page, ['live']);
    await until('samples without a gap', () => unbroken(page, Infinity));
    const agent = stage.agents[0];
    agent.signal('SIGSTOP');
    await untilPill(page, ['stale']);
    assert.match(await pillText(page), /STALE\s+\d+\ss/);
    await until('the numbers are grey', () => page.locator('.host.stale').count());
    assert.match(await page.locator('.host-age').innerText(), /\d+\ss ago/);
    await until('the host is told as silent', async () =>
      /silent|late/.test(await page.locator('.host-head .state').innerText()),
    );
    await shoot(page, 'host-1440-stale');
    await sleep(2000);
    agent.signal('SIGCONT');
    await untilPill(page, ['live']);
    await until('the numbers are alive', async () => (await page.locator('.host.stale').count()) === 0);
    await until(
      'samples on both sides',
      async () => (await series(page, 'mem.used')).t.at(-1) > (await widest(page)).to + 2000,
    );

    const hole = await widest(page);
    assert.ok(hole.ms >= 6000, `the hole is ${hole.ms} ms`);
    await page.keyboard.press('Space');
    await untilPill(page, ['paused']);
    const shown = await page.evaluate(() => window.__ui.range());
    const share = ((hole.from + hole.to) / 2 - shown[0]) / (shown[1] - shown[0]);
    const beside = ((await unbroken(page, hole.from)) - shown[0]) / (shown[1] - shown[0]);
    // The range stands still; what is drawn follows within a few frames.
    for (const canvas of ['.panel-memory canvas', '.panel-cpu .chart-box canvas', '.core-box canvas']) {
      const ink = async (at) => (await inkAt(page, canvas, at)).length;
      await until(`${canvas} has no ink in the hole`, async () => (await ink(share)) === 0);
      await until(`${canvas} has ink beside it`, async () => (await ink(beside)) > 0);
    }
    const box = await page.locator('.panel-memory .u-over').boundingBox();
    await page.mouse.move(box.x + box.width * share, box.y + 30);
    await until('the hole is named', async () =>
      /^no data \d\d:\d\d:\d\d–\d\d:\d\d:\d\d · (the agent came too late|nothing was heard of the host)$/.test(await page.locator('.panel-memory .xtag').innerText()),
    );
    assert.equal(await page.locator('[data-column="mem.used"]').innerText(), '—');
    await shoot(page, 'host-1440-gap');
    quiet();
    await close();
  });

  test('an agent that ends is told at once, and its last numbers turn grey', async () => {
    const { page, quiet, close } = await openPage(urlOf('ends'));
    await untilPill(page, ['live']);
    const list = await openPage(stage.url);
    await stage.agents[1].end();
    await until('its state is stopped', async () =>
      /stopped/.test(await page.locator('.host-head .state').innerText()),
    );
    await untilPill(page, ['stale']);
    const last = await series(page, 'mem.used');
    await until(
      'its age grows',
      async () => Number(/(\d+)/.exec(await page.locator('.host-age').innerText())[1]) >= 6,
    );
    assert.deepEqual(await series(page, 'mem.used'), last, 'a value came from nowhere');
    assert.equal(await page.locator('.host.stale').count(), 1);

    const row = list.page.locator(`tr[data-host="${hostOf('ends').id}"]`);
    await until('its row is grey', async () => (await row.getAttribute('class')) === 'stale');
    assert.match(await row.innerText(), /stopped/);
    assert.match(await row.locator('.cpu-cell').innerText(), /—/);
    await shoot(list.page, 'fleet-1440-stopped');
    list.quiet();
    quiet();
    await list.close();
    await close();
  });

  test('one lost sample is a gap', async (t) => {
    const fake = await new FakeDashboard({ hosts: 1, cores: 4 }).open();
    t.after(fake.close);
    const { page, quiet, close } = await openPage(`${fake.url}/h/${fake.hosts[0].id}`);
    await untilPill(page, ['live']);
    fake.pause();
    fake.skip(1);
    fake.feed(3);
    const [host] = fake.hosts;
    await until('what came is there', async () => (await series(page, 'mem.used')).t.at(-1) === host.last);
    const hole = await widest(page);
    assert.equal(hole.ms, 2000);
    await page.keyboard.press('Space');
    await page.click('.spans button:first-child');
    await page.keyboard.press('Space');
    await until('one minute is drawn', async () => {
      const [from, to] = await page.evaluate(() => window.__ui.range());
      return to - from === 60_000;
    });
    const [from, to] = await page.evaluate(() => window.__ui.range());
    const share = ((hole.from + hole.to) / 2 - from) / (to - from);
    assert.deepEqual(await inkAt(page, '.panel-memory canvas', share), []);
    quiet();
    await close();
  });

  test('what comes late fills its hole, and a hole that stays says why', async (t) => {
    const fake = await new FakeDashboard({ hosts: 1, cores: 2 }).open();
    t.after(fake.close);
    const [host] = fake.hosts;
    const { page, quiet, close } = await openPage(`${fake.url}/h/${host.id}`);
    await untilPill(page, ['live']);
    fake.pause();
    const from = host.last;
    await sleep(3500);
    fake.gaps = [{ what: 'missed', cause: 'suspended', from, to: Date.now(), count: 3 }];
    fake.pause(false);
    await until('there is a hole', async () => (await widest(page)).ms >= 3000);

    await page.keyboard.press('Space');
    await untilPill(page, ['paused']);
    const hole = await widest(page);
    const shown = await page.evaluate(() => window.__ui.range());
    const box = await page.locator('.panel-memory .u-over').boundingBox();
    const share = ((hole.from + hole.to) / 2 - shown[0]) / (shown[1] - shown[0]);
    const asked = () => fake.asked.filter((path) => path.startsWith('/api/v1/ledger')).length;
    const before = asked();
    await page.mouse.move(box.x + box.width * share, box.y + 30);
    await until('the hole says why', async () =>
      /^no data .* · the host slept$/.test(await page.locator('.panel-memory .xtag').innerText()),
    );
    for (let step = 1; step <= 10; step++) await page.mouse.move(box.x + box.width * share, box.y + 30 + step);
    assert.ok(asked() - before <= 2, 'once for the hole, and the page looks each 30 s for itself');

    fake.fill();
    await until('the hole is filled', async () => (await widest(page)).ms < 1500);
    await until('the page holds what history has', () => holdsHistory(page, fake.url, host.id));
    quiet();
    await close();
  });

  test('a stream that is refused is asked for again, and no hole stays', async (t) => {
    const fake = await new FakeDashboard({ hosts: 1, cores: 2 }).open();
    t.after(fake.close);
    const { page, close } = await openPage(`${fake.url}/h/${fake.hosts[0].id}`);
    await untilPill(page, ['live']);
    fake.refuse(Infinity);
    fake.cut();
    await untilPill(page, ['reconnecting']);
    fake.refuse(2);
    await untilPill(page, ['live']);
    await until('the page holds what history has', () => holdsHistory(page, fake.url, fake.hosts[0].id));
    assert.ok((await stats(page)).reconnects >= 1);
    await close();
  });
});
