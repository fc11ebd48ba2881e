// The past: what is asked for, what is drawn until it comes, and that it joins with what is live.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FakeDashboard } from '../support/fake_dashboard.mjs';
import { closeBrowser, openPage, series, Stage, until, untilPill } from './bed.mjs';

const HOUR = 3_600_000;
const DEVICES = { disks: 1, mounts: 1, nets: 1, sensors: 1, apps: 0 }; // little to draw

let fake;
before(async () => (fake = await new FakeDashboard({ hosts: 1, cores: 2, devices: DEVICES, history: HOUR }).open()));
after(async () => {
  await closeBrowser();
  await fake?.close();
});

const hostUrl = (query = '') => `${fake.url}/h/${fake.hosts[0].id}${query}`;
const shown = (page, id) => page.evaluate((name) => window.__ui.shown(name), id);
const range = (page) => page.evaluate(() => window.__ui.range());

/** Questions to history for the charts, not those of the strip. */
const asks = (page) => {
  const all = [];
  page.on('request', (r) => /\/hist\?/.test(r.url()) && !/c=cpu\.idle&/.test(r.url()) && all.push(new URL(r.url())));
  return all;
};

async function hist(url, host, id, from, to, points = 11_000) {
  const answer = await fetch(`${url}/api/v1/hist?h=${host}&c=${id}&from=${from}&to=${to}&pts=${points}`);
  const h = await answer.json();
  return { ...h, times: h.t.map((t) => t + h.t0) };
}

// They mostly wait, so they wait side by side.
describe('the past', { concurrency: 3 }, () => {
  test('an hour is asked for by pixels, and a closer look asks for finer rows while the old are drawn', async () => {
    const { page, quiet, close } = await openPage(hostUrl());
    await untilPill(page, ['live']);
    const all = asks(page);
    await page.getByRole('button', { name: '1 h' }).click();
    await until('an hour is drawn', async () => (await shown(page, 'cpu.user')).coarse);
    const width = await page.locator('.panel-cpu .u-over').evaluate((e) => e.clientWidth);
    const points = Number(all[0].searchParams.get('pts'));
    assert.ok(points >= width && points <= 4 * width, `${points} points on ${width} pixels`);
    const hour = await shown(page, 'cpu.user');
    assert.ok(hour.step >= 3000 && hour.t.at(-1) - hour.t[0] >= HOUR - 10_000);

    // Every bucket's least and most are those of its samples, so no spike is lost.
    const [first, last] = [Math.floor(hour.t[0] - 10_000), Math.ceil(hour.t.at(-2))];
    const raw = await hist(fake.url, fake.hosts[0].id, 'cpu.user', first, last);
    const half = (hour.step - 1000) / 2;
    for (let i = 1; i < hour.t.length - 2; i++) {
      const inside = raw.avg[0].filter((_, r) => Math.abs(raw.times[r] - hour.t[i]) <= half);
      assert.equal(hour.low[i], Math.min(...inside), `bucket ${i}`);
      assert.equal(hour.high[i], Math.max(...inside), `bucket ${i}`);
    }

    // A quarter of an hour back, ten seconds.
    const before = all.length;
    await page.locator('.panel-cpu .u-over').evaluate((over) => {
      const { left, top, width } = over.getBoundingClientRect();
      const at = { clientX: left + width / 2, clientY: top + 30, ctrlKey: true, cancelable: true, bubbles: true };
      for (let i = 0; i < 12; i++) over.dispatchEvent(new WheelEvent('wheel', { ...at, deltaY: -250 }));
    });
    await until('the range is short', async () => (await range(page))[1] - (await range(page))[0] <= 11_000);
    const old = await shown(page, 'cpu.user');
    assert.ok(old.coarse || old.step === 1000);
    await until('finer rows are there', async () => {
      const now = await shown(page, 'cpu.user');
      return now.step === 1000 && !now.coarse;
    });
    // Beside it the hour may be asked for anew, where the machine took that long.
    const closer = all.slice(before).filter(({ searchParams: p }) => p.get('to') - p.get('from') < HOUR / 2);
    assert.equal(closer.length, 1, 'one question, once the wheel rests');
    const [from, to] = await range(page);
    const fine = await shown(page, 'cpu.user');
    const inside = fine.t.flatMap((t, i) => (t >= from && t <= to ? [[t, fine.v[i]]] : []));
    const same = await hist(fake.url, fake.hosts[0].id, 'cpu.user', Math.ceil(from), Math.floor(to));
    assert.deepEqual(
      inside,
      same.times.map((t, i) => [t, same.avg[0][i]]),
    );
    quiet();
    await close();
  });

  test('only columns of open sections are asked for, those of another once it is opened', async () => {
    const { page, quiet, close } = await openPage(hostUrl());
    await untilPill(page, ['live']);
    const all = asks(page);
    await page.getByRole('button', { name: '1 h' }).click();
    await until('it is asked', () => all.length > 0);
    assert.match(all[0].searchParams.get('c'), /cpu\.user/);
    assert.doesNotMatch(all[0].searchParams.get('c'), /softnet\.squeezed/);
    await until('an hour is drawn', async () => (await shown(page, 'cpu.user')).coarse);
    await page.locator('.section-softnet .section-head button').click();
    await until('it is drawn too', async () =>
      (await shown(page, 'softnet.squeezed')).v.slice(0, -2).some((v) => v !== null),
    );
    assert.match(all.at(-1).searchParams.get('c'), /softnet\.squeezed/);
    quiet();
    await close();
  });

  test('while time goes on an hour needs no further question, and stays what history says', async () => {
    const { page, quiet, close } = await openPage(hostUrl('?t=-1h'));
    await until('an hour is drawn', async () => (await shown(page, 'mem.used')).coarse);
    const all = asks(page);
    const { t, step } = await shown(page, 'mem.used');
    await until('a bucket more', async () => (await shown(page, 'mem.used')).t.at(-1) > t.at(-1));
    const now = await shown(page, 'mem.used');
    assert.equal(all.length, 0);
    assert.equal(new Set(now.t).size, now.t.length, 'a bucket is there twice');
    // The newest but one is whole: what the page made of it is what the server makes.
    const middle = now.t.at(-2);
    const start = middle - (step - 1000) / 2;
    const raw = await hist(fake.url, fake.hosts[0].id, 'mem.used', start, start + step - 1);
    const mean = raw.avg[0].reduce((a, b) => a + b, 0) / raw.n;
    assert.ok(Math.abs(now.v.at(-2) - mean) < 1);
    assert.equal(now.low.at(-2), Math.min(...raw.avg[0]));
    quiet();
    await close();
  });

  test('the strip shows an hour; its window is dragged, and dragged to the end it is live', async () => {
    const { page, quiet, close } = await openPage(hostUrl());
    await untilPill(page, ['live']);
    const strip = await page.locator('.brush').boundingBox();
    const win = page.locator('.brush-window');
    // Five minutes of an hour are a twelfth.
    await until('the window has its width', async () => {
      const w = (await win.boundingBox())?.width ?? 0;
      return Math.abs(w / strip.width - 1 / 12) < 0.01;
    });
    const y = strip.y + 15;
    const drag = async (from, to) => {
      await page.mouse.move(from, y);
      await page.mouse.down();
      await page.mouse.move((from + to) / 2, y);
      await page.mouse.move(to, y);
      await page.mouse.up();
    };
    const length = async () => (await range(page))[1] - (await range(page))[0];
    const at = await win.boundingBox();
    await drag(at.x + at.width / 2, at.x + at.width / 2 - strip.width / 2);
    await untilPill(page, ['fixed']);
    assert.ok(Math.abs((await length()) - 300_000) < 1000, 'it is as long as it was');
    const [from] = await range(page);
    assert.ok(Math.abs(Date.now() - from - 300_000 - HOUR / 2) < 60_000, 'half an hour back');

    const moved = await win.boundingBox();
    await drag(moved.x + moved.width + 5, moved.x + moved.width + 5 + strip.width / 12);
    assert.ok(Math.abs((await length()) - 600_000) < 20_000, 'its end was dragged by five minutes');
    const wide = await win.boundingBox();
    await drag(wide.x + wide.width / 2, strip.x + strip.width + 300);
    await untilPill(page, ['live']);
    assert.ok(Math.abs((await length()) - 600_000) < 20_000);

    await drag(strip.x + strip.width * 0.2, strip.x + strip.width * 0.3);
    await untilPill(page, ['fixed']);
    assert.ok(Math.abs((await length()) - HOUR / 10) < 20_000, 'beside the window another begins');
    const [begin] = await range(page);
    await until('its rows are there', async () => (await shown(page, 'cpu.user')).t[0] <= begin + 2000);
    quiet();
    await close();
  });

  test('time is moved and zoomed with the mouse on a chart', async () => {
    const { page, quiet, close } = await openPage(hostUrl());
    await untilPill(page, ['live']);
    const box = await page.locator('.panel-memory .u-over').boundingBox();
    const y = box.y + 40;
    await page.keyboard.press(' '); // or it would move under the mouse
    await untilPill(page, ['paused']);
    const [before] = await range(page);
    await page.keyboard.down('Shift');
    await page.mouse.move(box.x + 100, y);
    await page.mouse.down();
    await page.mouse.move(box.x + 100 + box.width / 2, y, { steps: 5 });
    await page.mouse.up();
    await page.keyboard.up('Shift');
    await untilPill(page, ['fixed']);
    assert.ok(Math.abs(before - (await range(page))[0] - 150_000) < 2000, 'half a window earlier');
    await page.mouse.dblclick(box.x + 300, y);
    await untilPill(page, ['live']);
    assert.equal(await page.evaluate(() => window.__ui.pinned()), null);
    quiet();
    await close();
  });
});

describe('the real programs', () => {
  let stage;
  before(async () => (stage = await Stage.open()));
  after(() => stage?.close());

  test('live and past are the same numbers, without a doubled stamp', async () => {
    const { page, quiet, close } = await openPage(stage.hostUrl());
    await untilPill(page, ['live']);
    await until('some samples', async () => (await series(page, 'mem.used')).t.length >= 4);
    await page.getByRole('button', { name: '1 h' }).click();
    await page.keyboard.press('[');
    await page.keyboard.press('0');
    const [host] = stage.hosts;
    for (const id of ['cpu.user', 'mem.used', 'load.1', 'sys.context_switches']) {
      const mine = await shown(page, id);
      assert.equal(new Set(mine.t).size, mine.t.length);
      const theirs = await hist(stage.url, host.id, id, mine.t[0], mine.t.at(-1));
      assert.deepEqual(mine.t, theirs.times, id);
      assert.deepEqual(mine.v, theirs.avg[0], id);
    }
    quiet();
    await close();
  });
});
