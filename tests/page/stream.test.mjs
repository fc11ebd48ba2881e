// The stream and what stands in for it: cut, swallowed, refused, out of sight, and in many windows.

import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { after, describe, test } from 'node:test';
import { FakeDashboard } from '../support/fake_dashboard.mjs';
import {
  closeBrowser,
  hide,
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

// What a browser says by itself of a connection that ends.
const GONE = /Failed to load resource|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;

// Pages that stand side by side are small, and have little to draw.
const viewport = { width: 900, height: 500 };
const devices = { disks: 1, mounts: 1, nets: 1, sensors: 1, apps: 0 };

async function fakeFor(t, options = {}) {
  const fake = await new FakeDashboard({ hosts: 1, cores: 1, devices, ...options }).open();
  t.after(fake.close);
  return { fake, path: `/h/${fake.hosts[0].id}`, host: fake.hosts[0] };
}

/** Passes bytes on to a server, until it swallows those of the connections that it has. */
class Proxy {
  static async to(url) {
    const proxy = new Proxy();
    proxy.pairs = new Set();
    proxy.server = createServer((near) => {
      const far = connect(Number(new URL(url).port), '127.0.0.1');
      const pair = { near, far, swallows: false };
      proxy.pairs.add(pair);
      const pass = (from, to) => {
        from.on('data', (bytes) => pair.swallows || to.write(bytes));
        from.on('error', () => to.destroy());
        from.on('close', () => (pair.swallows ? from.destroy() : to.destroy()));
      };
      pass(near, far);
      pass(far, near);
    });
    await new Promise((ready) => proxy.server.listen(0, '127.0.0.1', ready));
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }

  /** From now on nothing comes through what is open, and nobody is told. */
  swallow() {
    for (const pair of this.pairs) pair.swallows = true;
  }

  /** Everything open is cut off, as a network does that goes away for a moment. */
  cut() {
    for (const { near, far } of this.pairs) for (const socket of [near, far]) socket.destroy();
    this.pairs.clear();
  }

  async close() {
    this.cut();
    await new Promise((done) => this.server.close(done));
  }
}

/** Notes the types of the events that streams of the page bring. */
function spyOnStreams() {
  window.__events = [];
  const add = EventSource.prototype.addEventListener;
  EventSource.prototype.addEventListener = function (type, listener, ...more) {
    const spy = (e) => {
      window.__events.push({ type, s: e.data === undefined ? null : JSON.parse(e.data).s });
      listener.call(this, e);
    };
    return add.call(this, type, spy, ...more);
  };
}

after(closeBrowser);

// These two measure times, so they are alone.
test('a page out of sight gives its stream back, asks once a minute, and is whole again at once', async (t) => {
  const { fake, path, host } = await fakeFor(t, { hosts: 2 });
  const { page, quiet, close } = await openPage(fake.url + path, { clock: true, viewport });
  await untilPill(page, ['live'], 15_000);
  const pass = async (ms) => {
    await page.clock.fastForward(ms);
    fake.advance(ms);
  };
  await hide(page);
  fake.setState('silent', fake.hosts[1]);
  await pass(9000);
  assert.equal(fake.streams.size, 1);
  fake.asked.length = 0;
  await pass(2000);
  await until('the stream is given back', 3000, () => fake.streams.size === 0);
  await until('the title tells of it', 3000, async () => (await page.title()).startsWith('(1) web-017'));
  assert.match(await page.locator('link[rel=icon]').getAttribute('href'), /^data:image/);
  for (let i = 0; i < 10; i++) await pass(5000);
  await sleep(300);
  assert.deepEqual(fake.asked, ['/api/v1/summary']);
  await pass(11_000);
  await until('a minute later it asks again', 3000, () => fake.asked.length === 2);

  const { t: stamps } = await series(page, 'mem.used');
  const shown = Date.now();
  await hide(page, false);
  const rows = async () => (await series(page, 'mem.used')).t.length;
  await until('the charts are whole', 1500, async () => (await rows()) > stamps.length + 60, 10);
  const ms = Date.now() - shown;
  console.log(`whole again ${ms} ms after it came into sight`);
  assert.ok(ms <= 500, `${ms} ms`);
  assert.ok(await holdsHistory(page, fake.url, host.id));
  assert.equal(await page.title(), 'web-017 · ZPulse');
  assert.doesNotMatch(await page.locator('link[rel=icon]').getAttribute('href'), /^data:/);
  await untilPill(page, ['live'], 3000);
  quiet();
  await close();
});

test('of eight windows with three in sight each shows its numbers, and five streams are enough', async (t) => {
  const { fake, path } = await fakeFor(t);
  const first = await openPage(fake.url + path, { viewport });
  const pages = [first];
  const { context } = first;
  for (let i = 1; i < 8; i++) {
    pages.push(await openPage(fake.url + path, { context }));
    if (i >= 3) await hide(pages[i - 3].page);
    await untilPill(pages[i].page, ['live', 'polling'], 2000);
    assert.ok(fake.streams.size <= 5, `${fake.streams.size} streams`);
  }
  for (const { page } of pages.slice(0, 3)) {
    await hide(page, false);
    const shown = Date.now();
    const newest = fake.hosts[0].last;
    await until('it shows what is new', 2000, async () => (await series(page, 'mem.used')).t.at(-1) >= newest);
    assert.ok(Date.now() - shown <= 2000);
    assert.ok(fake.streams.size <= 5, `${fake.streams.size} streams`);
  }
  // Six are in sight now: the two that came last ask.
  await until('four stream', 3000, () => fake.streams.size === 4);
  const kindsNow = () => Promise.all(pages.map(({ page }) => pillOf(page)));
  await until('two ask', 3000, async () => (await kindsNow()).filter((k) => k === 'polling').length === 2);
  const kinds = await kindsNow();
  const asking = pages[kinds.indexOf('polling')].page;
  assert.match(await pillText(asking), /POLLING\s+many windows/);
  const asked = asking.evaluate(() => fetch('/api/v1/hosts').then((r) => r.status));
  assert.equal(await Promise.race([asked, sleep(2000)]), 200, 'a question waits for a connection');
  for (const p of pages) p.quiet();
  await context.close();
});

// They mostly wait, so they wait side by side.
describe('the stream', { concurrency: true }, () => {
  test('a network that goes away without a word is noticed within twenty seconds', async (t) => {
    const { fake, path, host } = await fakeFor(t);
    const proxy = await Proxy.to(fake.url);
    t.after(() => proxy.close());
    const { page, quiet, close } = await openPage(proxy.url + path, { allow: [GONE], clock: true, viewport });
    await untilPill(page, ['live'], 15_000);
    proxy.swallow();
    const gone = Date.now();
    await page.clock.fastForward(6000);
    fake.advance(6000);
    await untilPill(page, ['stale'], 2000);
    await page.clock.fastForward(6000);
    fake.advance(6000);
    await untilPill(page, ['live'], 8000);
    const ms = Date.now() - gone + 12_000;
    console.log(`live again ${ms} ms after the network went away`);
    assert.ok(ms <= 20_000);
    await until('the page holds what history has', 3000, () => holdsHistory(page, fake.url, host.id));
    quiet();
    await close();
  });

  test('a stream that is taken up again brings what was missed at once, and nothing twice', async (t) => {
    const { fake, path, host } = await fakeFor(t);
    const { page, quiet, close } = await openPage(fake.url + path, { allow: [GONE], init: spyOnStreams, viewport });
    await untilPill(page, ['live'], 15_000);
    const before = (await series(page, 'mem.used')).t.at(-1);
    await page.evaluate(() => (window.__events.length = 0));
    fake.cut();
    await until('it is there again', 8000, async () => (await stats(page)).reconnects === 1);
    const events = () => page.evaluate(() => window.__events.filter((e) => e.s !== null));
    await until('two ticks more', 5000, async () => (await events()).slice(-2).every((e) => e.type === 'tick'));
    const all = await events();
    const seen = all.slice(all.findIndex((e) => e.type === 'hello')); // a tick may have come before the cut
    assert.deepEqual(
      seen.slice(0, 3).map((e) => e.type),
      ['hello', 'fill', 'tick'],
    );
    assert.equal(seen.filter((e) => e.type === 'fill').length, 1);
    assert.equal(seen.filter((e) => e.type === 'snap').length, 0);
    const { t: stamps } = await series(page, 'mem.used');
    assert.ok(stamps.at(-1) > before + 2000);
    assert.ok(await holdsHistory(page, fake.url, host.id));
    assert.equal((await stats(page)).missedSeq, 0);
    quiet();
    await close();
  });

  test('a page in sight that has not the focus goes on painting', async (t) => {
    const { fake, path, host } = await fakeFor(t);
    const { page, context, quiet, close } = await openPage(fake.url + path, { clock: true, viewport });
    await untilPill(page, ['live'], 15_000);
    const other = await context.newPage();
    await other.bringToFront();
    await page.evaluate(() => dispatchEvent(new Event('blur')));
    for (let i = 0; i < 6; i++) {
      await page.clock.fastForward(10_000);
      fake.advance(10_000);
      const newest = host.last;
      await until('what came is painted', 2000, async () => (await series(page, 'mem.used')).t.at(-1) >= newest);
    }
    const before = (await stats(page)).paintLagMs.length;
    const paints = async () => (await stats(page)).paintLagMs.length - before;
    await until('three seconds more are painted', 6000, async () => (await paints()) >= 3);
    assert.equal(fake.streams.size, 1);
    quiet();
    await close();
  });

  test('a wall of screens never sleeps', async (t) => {
    const { fake, path } = await fakeFor(t);
    const { page, quiet, close } = await openPage(`${fake.url}${path}?kiosk=1`, { clock: true, viewport });
    await untilPill(page, ['live'], 15_000);
    await hide(page);
    await page.clock.fastForward(60_000);
    await sleep(1500);
    assert.equal(fake.streams.size, 1);
    quiet();
    await close();
  });

  test('a server that has no stream left is asked every two seconds, and the pill says so', async (t) => {
    const { fake, path, host } = await fakeFor(t, { limit: 0 });
    const { page, quiet, close } = await openPage(fake.url + path, { clock: true, viewport });
    await untilPill(page, ['polling']);
    // From here on the page's clock and the host's samples go on only as they are told to, so what
    // is found does not depend on how busy the machine is.
    const now = () => page.evaluate(() => Date.now());
    await page.clock.pauseAt((await now()) + 3000);
    fake.pause();
    const samplesUntil = (ms) => fake.feed(Math.max(1, Math.floor((ms - host.last) / 1000)));
    const shows = async () => (await series(page, 'mem.used')).t.at(-1) === host.last;
    const polls = () => fake.asked.filter((path) => path.startsWith('/api/v1/view')).length;
    samplesUntil(await now());
    await until('the page shows what there is', 20_000, async () => (await page.clock.runFor(50), shows()));
    for (let i = 0; i < 4; i++) {
      const asked = polls();
      samplesUntil((await now()) + 2000);
      await page.clock.runFor(1900);
      await sleep(100);
      assert.equal(polls(), asked, 'it asks again before two seconds are over');
      assert.match(await pillText(page), /POLLING\s+server full/);
      assert.match(await page.locator('.pill').getAttribute('title'), /no stream left/);
      await page.clock.runFor(100);
      await until('it shows what the poll brought', 20_000, shows);
      assert.equal(polls(), asked + 1);
    }
    assert.ok(await holdsHistory(page, fake.url, host.id));
    await page.clock.resume();
    await shoot(page, 'host-1440-polling');
    quiet();
    await close();
  });

  test('the real dashboard fills what a cut left out at once, and is asked where it has no stream', async (t) => {
    const stage = await Stage.open({ dashboard: ['--max-streams', '2'] });
    t.after(() => stage.close());
    const proxy = await Proxy.to(stage.url);
    t.after(() => proxy.close());
    const [host] = stage.hosts;
    const { page, quiet, close } = await openPage(`${proxy.url}/h/${host.id}`, {
      allow: [GONE],
      init: spyOnStreams,
      viewport,
    });
    await untilPill(page, ['live'], 15_000);
    await until('a few ticks', 8000, async () => (await stats(page)).ticks >= 3);
    await page.evaluate(() => (window.__events.length = 0));
    proxy.cut();
    await until('it is there again', 10_000, async () => (await stats(page)).reconnects === 1);
    await until('it goes on', 5000, async () => (await page.evaluate(() => window.__events.at(-1).type)) === 'tick');
    const types = (await page.evaluate(() => window.__events)).map((e) => e.type);
    assert.ok(!types.includes('snap'), types.join());
    assert.ok(types.filter((x) => x === 'fill').length <= 1);
    assert.ok(await holdsHistory(page, stage.url, host.id));
    assert.equal((await stats(page)).missedSeq, 0);

    const held = new AbortController();
    t.after(() => held.abort());
    await fetch(`${stage.url}/api/v1/stream?view=host&h=${host.id}`, { signal: held.signal });
    const second = await openPage(stage.hostUrl(), { viewport });
    await untilPill(second.page, ['polling'], 15_000);
    const { length } = (await series(second.page, 'mem.used')).t;
    const more = async () => (await series(second.page, 'mem.used')).t.length >= length + 3;
    await until('it is painted by asking', 8000, more);
    assert.ok(await holdsHistory(second.page, stage.url, host.id));
    second.quiet();
    quiet();
    await second.close();
    await close();
  });
});
