// The sections of a host: what is in them, what is remembered, and a chart for who cannot see one.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { FakeDashboard, HOSTILE_NAMES } from '../support/fake_dashboard.mjs';
import { closeBrowser, openPage, series, shoot, stats, until, untilPill } from './bed.mjs';

const MIB = 2 ** 20;

let fake;
let hostile;

const urlOf = (dashboard) => `${dashboard.url}/h/${dashboard.hosts[0].id}`;
const toggle = (page, key) => page.locator(`#head-${key} button`);
const isOpen = async (page, key) => (await toggle(page, key).getAttribute('aria-expanded')) === 'true';
const hangsOver = (page) => page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);

async function openLive(url, options) {
  const opened = await openPage(url, options);
  await untilPill(opened.page, ['live']);
  return opened;
}

describe('sections', () => {
  before(async () => {
    fake = await new FakeDashboard({ hosts: 1, cores: 4, devices: { disks: 12, apps: 6 } }).open();
    hostile = await new FakeDashboard({ hostile: true, cores: 2 }).open();
  });
  after(async () => {
    await closeBrowser();
    await fake?.close();
    await hostile?.close();
  });

  test('what is opened and closed stays so, and what the host lacks is not there', async (t) => {
    const bare = await new FakeDashboard({ hosts: 1, devices: { sensors: 0, apps: 0 } }).open();
    t.after(bare.close);
    const { page, quiet, close } = await openLive(urlOf(bare));
    assert.equal(await page.locator('#sensors, #apps').count(), 0);
    assert.match(await page.locator('.not-here').innerText(), /Sensors\n.+/);
    assert.equal(await isOpen(page, 'disks'), true);
    assert.equal(await isOpen(page, 'softnet'), false);
    await toggle(page, 'disks').click();
    await toggle(page, 'softnet').click();
    await page.locator('.panel-softnet-dropped').waitFor();
    assert.equal(await page.locator('.panel-disk-busy').count(), 0);
    await page.goto(bare.url);
    await page.locator('tr[data-host] a').first().click();
    await untilPill(page, ['live']);
    assert.equal(await isOpen(page, 'disks'), false);
    assert.equal(await isOpen(page, 'softnet'), true);
    quiet();
    await close();
  });

  test('a jump leads to its section and opens it', async () => {
    const { page, quiet, close } = await openLive(urlOf(fake));
    await page.locator('.jumps a', { hasText: 'Softnet' }).click();
    await until('it is open', () => isOpen(page, 'softnet'));
    const top = async () => (await page.locator('#softnet').boundingBox()).y;
    await until('it is in sight', async () => (await top()) > 40 && (await top()) < 900);
    await page.locator('.panel-softnet canvas').waitFor();
    quiet();
    await close();
  });

  test('of twelve disks eight have a line and the rest are one, as the numbers say', async () => {
    const { page, quiet, close } = await openLive(urlOf(fake));
    const panel = page.locator('.panel-disk-bytes');
    await panel.scrollIntoViewIfNeeded();
    const labels = await panel.locator('.legend-label').allInnerTexts();
    assert.equal(labels.length, 9);
    assert.equal(labels.at(-1), '4 others');
    const inks = await panel.locator('.swatch').evaluateAll((all) => all.map((s) => s.className));
    assert.equal(new Set(inks).size, 9, 'two look the same');
    await page.keyboard.press(' ');
    await untilPill(page, ['paused']);
    const rest = panel.locator('[data-column="rest.disk-bytes"]');
    const drawn = new Set(labels);
    const { columns } = fake.hosts[0];
    const others = columns.filter((c) => c.id.startsWith('disk.read.') && !drawn.has(c.name));
    assert.equal(others.length, 4);
    // What is shown is the newest in view, which a slow machine may have passed by a sample.
    await until('the sum is of the four', async () => {
      const all = await Promise.all(others.map((c) => series(page, c.id)));
      const shown = await rest.innerText();
      const sums = [-1, -2, -3].map((at) => all.reduce((sum, { v }) => sum + v.at(at), 0));
      return sums.some((sum) =>
        shown.includes(sum >= 100 * MIB ? `${Math.round(sum / MIB)}` : (sum / MIB).toPrecision(3)),
      );
    });
    quiet();
    await close();
  });

  test('an application has the colour that it declared, moved only as far as it must be to be seen', async () => {
    for (const colorScheme of ['dark', 'light']) {
      const { page, quiet, close } = await openLive(urlOf(fake), { colorScheme });
      const panel = page.locator('.panel-app-cpu');
      await panel.scrollIntoViewIfNeeded();
      const swatches = await panel
        .locator('li')
        .evaluateAll((all) =>
          all.map((li) => [
            li.querySelector('bdi').textContent,
            getComputedStyle(li.querySelector('.swatch')).backgroundColor,
            /dash-\d/.test(li.querySelector('.swatch').className),
          ]),
        );
      const of = Object.fromEntries(swatches.map(([name, ...look]) => [name, look]));
      assert.deepEqual(of.checkout, ['rgb(255, 99, 71)', false]);
      assert.deepEqual(of.cron, ['rgb(16, 16, 16)', false]);
      assert.deepEqual(of.billing, ['rgb(27, 107, 226)', false]);
      assert.deepEqual(of.search, ['rgb(27, 107, 227)', true], 'nearly the same colour has dashes');
      quiet();
      await close();
    }
  });

  test('a chart is read by keys and is a table too, and both say what is held', async () => {
    const { page, quiet, close } = await openLive(urlOf(fake));
    await page.keyboard.press(' ');
    await untilPill(page, ['paused']);
    const chart = page.locator('.panel-load .chart-box');
    await chart.locator('canvas').waitFor();
    await chart.focus();
    await until('it is told in words', async () =>
      /^Load, \d.*1 m: [\d.]+, between [\d.]+ and [\d.]+/.test(await chart.getAttribute('aria-label')),
    );
    assert.equal(await chart.getAttribute('role'), 'figure');
    const details = await chart.getAttribute('aria-details');
    assert.equal(await page.locator(`#${details} button`).getAttribute('aria-label'), 'Show Load as table');
    const spoken = () => page.locator('[aria-live=polite]').allInnerTexts();
    const readout = /\d\d:\d\d:\d\d: 1 m [\d.]+, 5 m [\d.]+, 15 m [\d.]+/;
    await page.keyboard.press('ArrowLeft');
    await until('the moment is read out', async () => readout.test((await spoken()).join()));
    const first = (await spoken()).join();
    await page.keyboard.press('ArrowLeft');
    await until('another moment is read out', async () => (await spoken()).join() !== first);

    await page.locator(`#${details} button`).click();
    const dialog = page.locator('dialog.data');
    await dialog.waitFor();
    const rows = await dialog
      .locator('tbody tr')
      .evaluateAll((all) =>
        all.map((r) => [r.querySelector('time').dateTime, ...[...r.querySelectorAll('td')].map((c) => c.textContent)]),
      );
    assert.equal(rows.length, 50);
    const ids = ['load.1', 'load.5', 'load.15'];
    const held = Object.fromEntries(await Promise.all(ids.map(async (id) => [id, await series(page, id)])));
    for (const [time, ...cells] of rows) {
      const at = held['load.1'].t.indexOf(Date.parse(time));
      assert.ok(at >= 0, `${time} is no sample`);
      assert.deepEqual(
        cells.map(Number),
        ids.map((id) => Number(held[id].v[at].toPrecision(3))),
        time,
      );
    }
    await dialog.locator('button', { hasText: 'Older' }).click();
    assert.match(await dialog.locator('[role=status]').innerText(), /^51–100 of \d+, newest first$/);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    quiet();
    await close();
  });

  test('charts are made when they come near, and their bitmaps stay below 40 MB', async () => {
    const { page, quiet, close } = await openLive(urlOf(fake), { deviceScaleFactor: 2 });
    const before = (await stats(page)).charts;
    const boxes = await page.locator('.chart-box').count();
    assert.ok(before < boxes, `${before} of ${boxes} are made at once`);
    const height = () => page.evaluate(() => document.documentElement.scrollHeight);
    const was = await height();
    for (let y = 0; y < was; y += 450) {
      await page.mouse.wheel(0, 450);
      await page.waitForTimeout(120);
    }
    await until('what is at the end is drawn', () => page.locator('.panel-fans .drawn').count());
    assert.equal(await height(), was, 'the page changed its height');
    await until('there is room again', async () => (await stats(page)).bitmapBytes <= 40 * MIB);
    assert.equal((await stats(page)).failed, 0);
    quiet();
    await close();
  });

  test('hostile devices, mounts and applications are text, and the page holds', async () => {
    for (const viewport of [
      { width: 1440, height: 900 },
      { width: 360, height: 640 },
    ]) {
      const { page, quiet, close } = await openLive(urlOf(hostile), { viewport });
      const names = await page.locator('.panel-disk-bytes bdi').evaluateAll((all) => all.map((b) => b.textContent));
      assert.ok(names.includes(HOSTILE_NAMES[0]), names.join());
      assert.equal(await page.locator('main img, main script').count(), 0);
      const widths = await page.locator('.panel').evaluateAll((all) => all.map((p) => p.scrollWidth - p.clientWidth));
      assert.equal(Math.max(...widths), 0, 'a panel hangs over');
      assert.ok((await hangsOver(page)) <= 0, 'the page hangs over');
      await shoot(page, `hostile-host-${viewport.width}`, true);
      quiet();
      await close();
    }
  });
});
