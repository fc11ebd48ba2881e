// The page while all is well: what it loads, how soon, and that what it draws is what the API says.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { CSP, FakeDashboard } from '../support/fake_dashboard.mjs';
import { closeBrowser, holdClock, openPage, pixels, pillText, series, shoot, Stage, stats, until, untilPill } from './bed.mjs';

let stage;
before(async () => (stage = await Stage.open()));
after(async () => {
  await closeBrowser();
  await stage?.close();
});

const head = (path, headers = {}) => fetch(stage.url + path, { headers });

test('the page carries its policy, and its HTML no inline script or style', async () => {
  const answer = await head('/');
  assert.equal(answer.headers.get('content-security-policy'), CSP);
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff');
  const html = await answer.text();
  assert.doesNotMatch(html, /<style|\sstyle=|\son\w+=|<script(?![^>]*\ssrc=)/i);
});

test('all that is loaded is at most 90 KB compressed', async () => {
  const html = await (await head('/')).text();
  const paths = [...html.matchAll(/(?:src|href)="(\/assets\/[^"]+)"/g)].map((m) => m[1]);
  assert.equal(paths.length, 4);
  let bytes = gzipSync(html, { level: 9 }).length;
  for (const path of paths) bytes += gzipSync(Buffer.from(await (await head(path)).arrayBuffer()), { level: 9 }).length;
  assert.ok(bytes <= 90 * 1024, `${bytes} bytes`);
});

test('named files are kept for ever, the page is asked for again, and gzip is only for who wants it', async () => {
  const first = await head('/');
  const again = await head('/', { 'if-none-match': first.headers.get('etag') });
  assert.equal(again.status, 304);
  const path = /src="(\/assets\/app[^"]+)"/.exec(await first.text())[1];
  const packed = await head(path, { 'accept-encoding': 'gzip' });
  assert.equal(packed.headers.get('content-encoding'), 'gzip');
  assert.match(packed.headers.get('cache-control'), /immutable/);
  const plain = await head(path, { 'accept-encoding': 'identity' });
  assert.equal(plain.headers.get('content-encoding'), null);
  assert.equal(await packed.text(), await plain.text());
});

test('the first number is painted soon, from few questions, and nothing jumps', async () => {
  const times = [];
  for (let i = 0; i < 3; i++) {
    const { page, quiet, close } = await openPage(stage.hostUrl());
    await until('a sample is painted', async () => (await stats(page)).firstPaintMs > 0, 20);
    times.push((await stats(page)).firstPaintMs);
    const asked = await page.evaluate(() =>
      performance
        .getEntriesByType('resource')
        .filter((r) => r.startTime < window.__ui.stats.firstPaintMs - 1)
        .map((r) => r.name),
    );
    // The page itself and the stream, which has not ended, are not among the resources.
    assert.ok(asked.length + 2 <= 6, asked.join());
    if (i === 2) {
      await until('three ticks', async () => (await stats(page)).ticks >= 3);
      const shift = await page.evaluate(() => window.__shift);
      assert.ok(shift <= 0.01, `layout shift ${shift}`);
    }
    quiet();
    await close();
  }
  console.log(`first painted sample, ms: ${times.map(Math.round).join(' ')}`);
});

// They mostly wait, so they wait side by side.
describe('a live page', { concurrency: 3 }, () => {
  test('the charts move, and hold what the API answers', async () => {
    const { page, quiet, close } = await openPage(stage.hostUrl());
    await untilPill(page, ['live']);
    const seen = { cpu: new Set(), memory: new Set(), load: new Set() };
    await until(
      'three charts change three times',
      async () => {
        for (const panel of Object.keys(seen)) seen[panel].add(await pixels(page, panel));
        return Object.values(seen).every((s) => s.size >= 3);
      },
      250,
    );

    const [host] = stage.hosts;
    for (const id of [
      'cpu.user',
      'cpu.idle',
      'core.0',
      'mem.used',
      'load.1',
      'sys.context_switches',
      'procs.running',
    ]) {
      const mine = await series(page, id);
      const theirs = await stage.get(`/api/v1/hist?h=${host.id}&c=${id}&from=${mine.t[0]}&to=${mine.t.at(-1)}`);
      assert.deepEqual(
        mine.t,
        theirs.t.map((t) => t + theirs.t0),
        id,
      );
      assert.deepEqual(mine.v, theirs.avg[0], id);
    }
    await shoot(page, 'host-1440-live');
    quiet();
    await close();
  });

  test('the legend says the newest sample, and the cursor another, without drawing anything', async () => {
    const { page, quiet, close } = await openPage(stage.hostUrl());
    await untilPill(page, ['live']);
    await until('there is something to point at', async () => (await stats(page)).ticks >= 4);
    await page.keyboard.press('Space');
    await untilPill(page, ['paused']);
    const legend = async () => (await page.locator('[data-column="cpu.idle"]').innerText()).replace(/\s/g, ' ');
    const idle = await series(page, 'cpu.idle');
    const shown = await legend();
    const known = idle.v
      .filter((v) => v !== null)
      .slice(-3)
      .map((v) => `${v >= 99.95 ? v.toFixed(0) : v.toFixed(1)} %`);
    assert.ok(known.includes(shown), `${shown} is none of ${known}`);

    let before = -1;
    const rests = async () => before === (before = (await stats(page)).redraws);
    await until('what is held still is drawn', rests, 300);
    const box = await page.locator('.panel-memory .u-over').boundingBox();
    // In one go: on a busy machine twenty calls take twenty seconds, in which the strip moves on.
    await page.mouse.move(box.x + box.width * 0.05, box.y + 40);
    await page.mouse.move(box.x + box.width * 0.9, box.y + 40, { steps: 20 });
    await page.locator('.panel-memory .xtag').waitFor({ state: 'visible' });
    // The strip of all that is known moves on by itself, a pixel now and then; twenty hovers would be more.
    const drawn = (await stats(page)).redraws - before;
    assert.ok(drawn < 10, `hovering drew ${drawn} times`);
    const marks = await page.locator('.xhair').evaluateAll((all) => all.filter((x) => !x.hidden).length);
    assert.equal(marks, await page.locator('.xhair').count(), 'a chart has no mark');
    quiet();
    await close();
  });

  test('a sample is on the screen a tenth of a second after it came, and the pill says how old it is', async (t) => {
    const fake = await new FakeDashboard({ hosts: 1, cores: 2 }).open();
    t.after(fake.close);
    const [host] = fake.hosts;
    const { page, quiet, close } = await openPage(`${fake.url}/h/${host.id}`, { clock: true });
    await untilPill(page, ['live']);
    fake.pause();
    await holdClock(page);
    const came = async () => (await series(page, 'mem.used')).t.at(-1) === host.last;
    const painted = async () => (await stats(page)).paintLagMs.length;
    await until('nothing is on its way', came);
    await page.clock.runFor(1000);
    for (let i = 0; i < 5; i++) {
      const before = await painted();
      fake.feed(1);
      await until('it came', came);
      await page.clock.runFor(100);
      assert.equal(await painted(), before + 1);
      await page.clock.runFor(900);
    }
    assert.match(await pillText(page), /LIVE\s+\d\.\d\ss/);
    quiet();
    await close();
  });

  test('the list shows the host, alive, and leads to its page', async () => {
    const { page, quiet, close } = await openPage(stage.url);
    const row = page.locator('tr[data-host]');
    await row.waitFor();
    assert.equal(await row.count(), 1);
    await until('its CPU is told', async () => /\d+(\.\d)?\s%/.test(await row.locator('.cpu-cell').innerText()));
    assert.match(await row.innerText(), /page-host/);
    // On a machine that is out of breath a heartbeat may be late; then it comes.
    await until('it is up', async () => /up/.test(await row.locator('.state-cell').innerText()));
    await until('its newest sample is of now', async () =>
      /now/.test(await row.locator('.age-cell').innerText()),
    );
    await shoot(page, 'fleet-1440');
    await page.click('.host-cell a');
    await untilPill(page, ['live']);
    assert.equal(new URL(page.url()).pathname, `/h/${stage.hosts[0].id}`);
    await page.goBack();
    await row.waitFor();
    quiet();
    await close();
  });

  test('a host is found by its name too', async () => {
    const { page, quiet, close } = await openPage(`${stage.url}/h/page-host`);
    await untilPill(page, ['live']);
    assert.equal(await page.locator('h1').innerText(), 'page-host');
    quiet();
    await close();
  });
});
