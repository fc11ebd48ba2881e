// The stream and what stands in for it: cut, swallowed, refused, out of sight, and in many windows.

import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { after, describe, test } from 'node:test';
import { FakeDashboard } from '../support/fake_dashboard.mjs';
import {
  closeBrowser,
  hide,
  holdClock,
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
    proxy.lost = 0; // requests for a stream that were swallowed
    proxy.server = createServer((near) => {
      const far = connect(Number(new URL(url).port), '127.0.0.1');
      const pair = { near, far, swallows: false };
      proxy.pairs.add(pair);
      const pass = (from, to) => {
        from.on('data', (bytes) => {
          if (!pair.swallows) to.write(bytes);
          else if (bytes.includes('GET /api/v1/stream')) proxy.lost++;
        });
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

// These two hide windows and count streams, so they are alone.
test('a page out of sight gives its stream back, asks once a minute, and is whole again at once', async (t) => {
  const { fake, path, host } = await fakeFor(t, { hosts: 2 });
  const { page, quiet, close } = await openPage(fake.url + path, { clock: true, viewport });
  await untilPill(page, ['live']);
  // The page's clock goes on only as it is told to; the server's with it, and by itself.
  await holdClock(page);
  const pass = async (ms) => {
    await page.clock.runFor(ms);
    fake.advance(ms);
  };
  await hide(page);
  fake.setState('silent', fake.hosts[1]);
  await pass(9000);
  assert.equal(fake.streams.size, 1);
  fake.asked.length = 0;
  await pass(2000);
  await until('the stream is given back', () => fake.streams.size === 0);
  await until('the title tells of it', async () => (await page.title()).startsWith('(1) web-017'));
  assert.match(await page.locator('link[rel=icon]').getAttribute('href'), /^data:image/);
  for (let i = 0; i < 10; i++) await pass(5000);
  await sleep(300);
  assert.deepEqual(fake.asked, ['/api/v1/summary']);
  await pass(11_000);
  await until('a minute later it asks again', () => fake.asked.length === 2);

  // At once: it waits for nothing but the answer, so its clock need not go on.
  const { t: stamps } = await series(page, 'mem.used');
  const shown = Date.now();
  await hide(page, false);
  const rows = async () => (await series(page, 'mem.used')).t.length;
  await until('the charts are whole', async () => (await rows()) > stamps.length + 60, 10);
  console.log(`whole again ${Date.now() - shown} ms after it came into sight`);
  await page.clock.resume();
  assert.ok(await holdsHistory(page, fake.url, host.id));
  assert.equal(await page.title(), 'web-017 · ZPulse');
  assert.doesNotMatch(await page.locator('link[rel=icon]').getAttribute('href'), /^data:/);
  await untilPill(page, ['live']);
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
    await untilPill(pages[i].page, ['live', 'polling']);
    await until('five streams at most', () => fake.streams.size <= 5);
  }
  for (const { page } of pages.slice(0, 3)) {
    await hide(page, false);
    const newest = fake.hosts[0].last;
    await until('it shows what is new', async () => (await series(page, 'mem.used')).t.at(-1) >= newest);
    await until('five streams at most', () => fake.streams.size <= 5);
  }
  // Six are in sight now: the two that came last ask.
  await until('four stream', () => fake.streams.size === 4);
  const kindsNow = () => Promise.all(pages.map(({ page }) => pillOf(page)));
  await until('two ask', async () => (await kindsNow()).filter((k) => k === 'polling').length === 2);
  const kinds = await kindsNow();
  const asking = pages[kinds.indexOf('polling')].page;
  assert.match(await pillText(asking), /POLLING\s+many windows/);
  // A question that waits for a connection would wait for ever.
  const ask = () => fetch('/api/v1/hosts', { signal: AbortSignal.timeout(20_000) }).then((r) => r.status);
  assert.equal(await asking.evaluate(ask), 200);
  for (const p of pages) p.quiet();
  await context.close();
});

// They mostly wait, so they wait side by side.
describe('the stream', { concurrency: 3 }, () => {
  test('a network that goes away without a word is noticed within twenty seconds', async (t) => {
    const { fake, path, host } = await fakeFor(t);
    const proxy = await Proxy.to(fake.url);
    t.after(() => proxy.close());
    const { page, quiet, close } = await openPage(proxy.url + path, { allow: [GONE], clock: true, viewport });
    await untilPill(page, ['live']);
    // The page's clock goes on only as it is told to; the server's with it, and by itself.
    await holdClock(page);
    let passed = 0;
    const pass = async (ms) => {
      passed += ms;
      await page.clock.runFor(ms);
      fake.advance(ms);
    };
    const streams = () => fake.asked.filter((path) => path.startsWith('/api/v1/stream')).length;
    const before = streams();
    const shows = async (t) => (await series(page, 'mem.used')).t.at(-1) >= t;
    fake.pause();
    await until('nothing is on its way', () => shows(host.last));
    proxy.swallow();
    fake.pause(false);
    await pass(6000);
    assert.equal(await pillOf(page), 'stale');
    await pass(9100);
    for (let dead = 0; ; dead++) {
      await until('a stream is asked for', () => streams() > before || proxy.lost > dead);
      assert.ok(dead > 0 || passed <= 20_000, `asked for ${passed} ms after the network went away`);
      if (streams() > before) break;
      // The browser took a connection for it that had died as well; it may have several of them.
      await pass(Math.min(2000 * 2 ** dead, 15_000));
    }
    const newest = host.last;
    await until('numbers come', () => shows(newest));
    await pass(300);
    assert.equal(await pillOf(page), 'live');
    await page.clock.resume();
    await until('the page holds what history has', () => holdsHistory(page, fake.url, host.id));
    quiet();
    await close();
  });

  test('a stream that is taken up again brings what was missed at once, and nothing twice', async (t) => {
    const { fake, path, host } = await fakeFor(t);
    const { page, quiet, close } = await openPage(fake.url + path, { allow: [GONE], init: spyOnStreams, viewport });
    await untilPill(page, ['live']);
    const before = (await series(page, 'mem.used')).t.at(-1);
    await page.evaluate(() => (window.__events.length = 0));
    fake.cut();
    await until('it is there again', async () => (await stats(page)).reconnects === 1);
    const events = () => page.evaluate(() => window.__events.filter((e) => e.s !== null));
    await until('two ticks more', async () => (await events()).slice(-2).every((e) => e.type === 'tick'));
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
    await untilPill(page, ['live']);
    const other = await context.newPage();
    await other.bringToFront();
    await page.evaluate(() => dispatchEvent(new Event('blur')));
    for (let i = 0; i < 6; i++) {
      await page.clock.fastForward(10_000);
      fake.advance(10_000);
      const newest = host.last;
      await until('what came is painted', async () => (await series(page, 'mem.used')).t.at(-1) >= newest);
    }
    const before = (await stats(page)).paintLagMs.length;
    const paints = async () => (await stats(page)).paintLagMs.length - before;
    await until('three seconds more are painted', async () => (await paints()) >= 3);
    assert.equal(fake.streams.size, 1);
    quiet();
    await close();
  });

  test('a wall of screens never sleeps', async (t) => {
    const { fake, path, host } = await fakeFor(t);
    const { page, quiet, close } = await openPage(`${fake.url}${path}?kiosk=1`, { clock: true, viewport });
    await untilPill(page, ['live']);
    await hide(page);
    const { length } = fake.asked;
    for (let i = 0; i < 12; i++) {
      await page.clock.fastForward(5000);
      fake.advance(5000);
      const newest = host.last;
      await until('what came is there', async () => (await series(page, 'mem.used')).t.at(-1) >= newest);
      assert.equal(fake.streams.size, 1);
    }
    const asked = fake.asked.slice(length).filter((path) => /stream|summary/.test(path));
    assert.deepEqual(asked, []);
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
    await holdClock(page);
    fake.pause();
    const samplesUntil = (ms) => fake.feed(Math.max(1, Math.floor((ms - host.last) / 1000)));
    const shows = async () => (await series(page, 'mem.used')).t.at(-1) === host.last;
    const polls = () => fake.asked.filter((path) => path.startsWith('/api/v1/view')).length;
    samplesUntil(await now());
    await until('the page shows what there is', async () => (await page.clock.runFor(50), shows()));
    for (let i = 0; i < 4; i++) {
      const asked = polls();
      samplesUntil((await now()) + 2000);
      await page.clock.runFor(1900);
      await sleep(100); // the page's clock stands: a question that was asked has come by then
      assert.equal(polls(), asked, 'it asks again before two seconds are over');
      assert.match(await pillText(page), /POLLING\s+server full/);
      assert.match(await page.locator('.pill').getAttribute('title'), /no stream left/);
      await page.clock.runFor(100);
      await until('it shows what the poll brought', shows);
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
    await untilPill(page, ['live']);
    await until('a few ticks', async () => (await stats(page)).ticks >= 3);
    await page.evaluate(() => (window.__events.length = 0));
    proxy.cut();
    await until('it is there again', async () => (await stats(page)).reconnects === 1);
    await until('it goes on', async () => (await page.evaluate(() => window.__events.at(-1).type)) === 'tick');
    const types = (await page.evaluate(() => window.__events)).map((e) => e.type);
    assert.ok(!types.includes('snap'), types.join());
    assert.ok(types.filter((x) => x === 'fill').length <= 1);
    assert.ok(await holdsHistory(page, stage.url, host.id));
    assert.equal((await stats(page)).missedSeq, 0);

    const held = new AbortController();
    t.after(() => held.abort());
    await fetch(`${stage.url}/api/v1/stream?view=host&h=${host.id}`, { signal: held.signal });
    const second = await openPage(stage.hostUrl(), { viewport });
    await untilPill(second.page, ['polling']);
    const { length } = (await series(second.page, 'mem.used')).t;
    const more = async () => (await series(second.page, 'mem.used')).t.length >= length + 3;
    await until('it is painted by asking', more);
    assert.ok(await holdsHistory(second.page, stage.url, host.id));
    second.quiet();
    quiet();
    await second.close();
    await close();
  });
});
