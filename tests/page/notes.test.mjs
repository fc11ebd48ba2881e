// What happened on a host is marked in every chart, said at the cursor and listed, live and after a reload.
// A moment of another day is said with its date: the tests may begin before midnight and end behind it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FakeDashboard } from '../support/fake_dashboard.mjs';
import { closeBrowser, openPage, series, shoot, until, untilPill } from './bed.mjs';

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const STEP = {
  kind: 'clock-step',
  severity: 'warning',
  text: 'clock stepped back by 90.0 s',
  fields: { from: '90000', step: '-90000', to: '0' },
};

let fake;

const urlOf = (host) => `${fake.url}/h/${host.id}`;
const rowsOf = (page) => page.locator('.events tbody tr');

/** How much of a chart's height at time `t` is of the colour of marks, 0 to 1. */
function markAt(page, canvas, t) {
  return page
    .locator(canvas)
    .first()
    .evaluate((c, time) => {
      const [from, to] = window.__ui.range();
      const ratio = c.width / c.clientWidth;
      const [left, right] = [68 * ratio, c.width - 12 * ratio];
      const x = Math.round(left + ((time - from) / (to - from)) * (right - left));
      const probe = document.body.appendChild(document.createElement('i'));
      probe.style.color = 'var(--muted)';
      const want = getComputedStyle(probe).color.match(/\d+/g).map(Number);
      probe.remove();
      const { data } = c.getContext('2d').getImageData(x - 1, 0, 3, c.height);
      let most = 0;
      for (let column = 0; column < 3; column++) {
        let n = 0;
        for (let y = 0; y < c.height; y++) {
          const at = 4 * (3 * y + column);
          if (data[at + 3] > 200 && want.every((v, i) => Math.abs(v - data[at + i]) < 12)) n++;
        }
        most = Math.max(most, n / c.height);
      }
      return most;
    }, t);
}

async function hold(page) {
  await page.keyboard.press('Space');
  await untilPill(page, ['paused']);
}

/** The pointer over the memory chart, at time `t`. */
async function pointAt(page, t) {
  const [from, to] = await page.evaluate(() => window.__ui.range());
  const box = await page.locator('.panel-memory .u-over').boundingBox();
  await page.mouse.move(box.x + box.width * ((t - from) / (to - from)), box.y + 30);
}

const tag = (page) => page.locator('.panel-memory .xtag').innerText();

describe('what happened', () => {
  before(async () => (fake = await new FakeDashboard({ hosts: 6, cores: 4 }).open()));
  after(async () => {
    await closeBrowser();
    await fake?.close();
  });

  test('an event that comes is marked in every chart, said at the cursor, and listed', async () => {
    const [host] = fake.hosts;
    const { page, quiet, close } = await openPage(urlOf(host));
    await untilPill(page, ['live']);
    await until('charts are drawn', () => page.locator('.panel-memory .chart-box.drawn').count());
    assert.equal(await page.locator('#events').count(), 0, 'a list of nothing');
    const { t } = fake.happen({ ...STEP, t: host.last - 60_000 }, { host });
    await until('it is listed', async () => (await rowsOf(page).count()) === 1);
    assert.match(await rowsOf(page).innerText(), /^(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d\s+clock stepped back by 90\.0 s\s*warning$/);
    assert.equal(await page.locator('.jumps a[href="#events"]').count(), 1);
    await hold(page);
    for (const canvas of ['.panel-memory canvas', '.panel-cpu .chart-box canvas', '.core-box canvas']) {
      await until(`${canvas} is marked`, async () => (await markAt(page, canvas, t)) > 0.3);
      assert.ok((await markAt(page, canvas, t - 20_000)) < 0.2, `${canvas} is marked where nothing happened`);
    }
    await pointAt(page, t);
    await until('it is said', async () => /^(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d · .*clock stepped back by 90\.0 s$/s.test(await tag(page)));
    await pointAt(page, t - 30_000);
    await until('it is not said elsewhere', async () => !/clock/.test(await tag(page)));
    quiet();
    await close();
  });

  test('what happened before is there after a reload, also where the charts are zoomed and moved', async () => {
    const host = fake.hosts[1];
    const { t } = fake.happen({ ...STEP, t: host.last - 200_000 }, { host, told: false });
    const { page, quiet, close } = await openPage(urlOf(host));
    await until('it is listed', async () => (await rowsOf(page).count()) === 1);
    await hold(page);
    for (const range of [[t - 10_000, t + 20_000], [t - 120_000, t + 5000]]) {
      await page.goto(`${urlOf(host)}?from=${range[0]}&to=${range[1]}`);
      await until('it is listed', async () => (await rowsOf(page).count()) === 1);
      await until('it is marked', async () => (await markAt(page, '.panel-memory canvas', t)) > 0.3);
    }
    quiet();
    await close();
  });

  test('what was not told while the stream was away is asked for when it is back', async () => {
    const host = fake.hosts[2];
    const { page, close } = await openPage(urlOf(host));
    await untilPill(page, ['live']);
    await until('charts are drawn', () => page.locator('.panel-memory .chart-box.drawn').count());
    const was = fake.boot;
    fake.boot += 'x'; // nothing can be resumed from another boot
    fake.happen({ ...STEP, t: host.last - 1000 }, { host, told: false });
    fake.cut();
    await until('it is listed', async () => (await rowsOf(page).count()) === 1);
    fake.boot = was;
    await close();
  });

  test('an event is reached and read by keys alone', async () => {
    const host = fake.hosts[3];
    const { t } = fake.happen({ ...STEP, t: host.last - 30_300 }, { host, told: false });
    const { page, quiet, close } = await openPage(urlOf(host));
    await until('it is listed', async () => (await rowsOf(page).count()) === 1);
    await hold(page);
    // From the list into the charts: the moment is pinned in them all.
    await page.locator('.events .event-time').focus();
    await page.keyboard.press('Enter');
    await until('it is pinned', () => page.locator('.panel-memory .xpin:not([hidden])').count());
    await page.keyboard.press('Escape');
    // In a chart, sample by sample: the one nearest to it tells of it.
    await page.locator('.panel-memory .chart-box').focus();
    const { t: times } = await series(page, 'mem.used');
    const [, to] = await page.evaluate(() => window.__ui.range());
    const last = times.filter((x) => x <= to).length - 1;
    const nearest = times.reduce((best, x, i) => (Math.abs(x - t) < Math.abs(times[best] - t) ? i : best), 0);
    for (let i = last; i > nearest; i--) await page.keyboard.press('ArrowLeft');
    await until('it is spoken', async () =>
      /clock stepped back by 90\.0 s/.test(await page.locator('.host > .sr-only').innerText()),
    );
    quiet();
    await close();
  });

  test('a moment outside of what is shown is gone to', async () => {
    const host = fake.hosts[4];
    const { t } = fake.happen({ ...STEP, t: host.last - 700_000 }, { host, told: false });
    const { page, quiet, close } = await openPage(urlOf(host));
    await until('it is listed', async () => (await rowsOf(page).count()) === 1);
    await page.locator('.events .event-time').click();
    await until('it is in sight', async () => {
      const [from, to] = await page.evaluate(() => window.__ui.range());
      return from < t && t < to;
    });
    await page.evaluate(() => scrollTo(0, 0)); // what is out of sight is not drawn
    await until('it is marked', async () => (await markAt(page, '.panel-memory canvas', t)) > 0.3);
    quiet();
    await close();
  });

  test('what it says is text, however long and whatever it would like to be', async () => {
    const host = fake.hosts[5];
    fake.happen({ text: '<img src=x onerror=alert(1)>', t: host.last - 50_000 }, { host, told: false });
    fake.happen({ text: 'x'.repeat(1024), kind: 'long', severity: 'critical', t: host.last - 60_000 }, { host, told: false });
    fake.happen({ kind: 'only-a-kind', t: host.last - 70_000 }, { host, told: false });
    const { page, quiet, close } = await openPage(urlOf(host), PHONE);
    await until('they are listed', async () => (await rowsOf(page).count()) === 3);
    const said = await rowsOf(page).allInnerTexts();
    assert.match(said[0], /<img src=x onerror=alert\(1\)>/);
    assert.match(said[1], /critical$/);
    assert.match(said[2], /only-a-kind/);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `the page is ${wide} px wider than the screen`);
    quiet();
    await close();
  });

  test('a clock so far ahead that nothing is kept is said in the pill and beside the name', async () => {
    const host = fake.hosts[5];
    host.offset = -7_199_998;
    const { page, quiet, close } = await openPage(urlOf(host));
    await until('facts are told', () => page.locator('.facts .lost').count());
    assert.equal(
      (await page.locator('.facts .lost').innerText()).replaceAll('\u00a0', ' '),
      'clock 2 h ahead: its samples are refused',
    );
    fake.pause(true, host);
    await untilPill(page, ['stale']);
    await until('the pill says why', async () => /clock\s2\sh ahead/.test(await page.locator('.pill').innerText()));
    await shoot(page, 'notes-1440-ahead');
    fake.pause(false, host);
    host.offset = 0;
    quiet();
    await close();
  });

  test('what a limit refused is said beside the name, and which metric and label it is', async (t) => {
    const own = await new FakeDashboard({ hosts: 1, cores: 2 }).open();
    t.after(own.close);
    own.limits = [{ limit: 'series', series: 900, samples: 54_000, metric: 'orders_total', label: 'order' }];
    const { page, quiet, close } = await openPage(`${own.url}/h/${own.hosts[0].id}`);
    await until('it is told', () => page.locator('.facts .lost').count());
    assert.equal(
      (await page.locator('.facts .lost').innerText()).replaceAll('\u00a0', ' '),
      '54.0 k samples refused: too many series (orders_total by order)',
    );
    quiet();
    await close();
  });

  for (const colorScheme of ['dark', 'light']) {
    test(`${colorScheme}: pictures`, async () => {
      const [host] = fake.hosts;
      for (const [name, how] of [['1440', {}], ['390', PHONE]]) {
        const { page, quiet, close } = await openPage(urlOf(host), { colorScheme, ...how });
        await until('it is listed', async () => (await rowsOf(page).count()) >= 1);
        await hold(page);
        await page.locator('.events .event-time').click();
        await page.evaluate(() => scrollTo(0, 0));
        const tags = page.locator('.xtag:not([hidden])');
        await until('it is said', async () => /clock/.test(await tags.innerText()));
        await shoot(page, `notes-${name}-${colorScheme}`);
        await page.keyboard.press('Escape');
        await until('nothing is pinned', async () => (await tags.count()) === 0);
        await shoot(page, `notes-${name}-${colorScheme}-mark`);
        await page.locator('#events').scrollIntoViewIfNeeded();
        await shoot(page, `notes-${name}-${colorScheme}-list`);
        quiet();
        await close();
      }
    });
  }
});
