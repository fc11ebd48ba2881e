// Everything by keys alone, and none of them in the way.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { FakeDashboard } from '../support/fake_dashboard.mjs';
import { closeBrowser, openPage, shoot, until, untilPill } from './bed.mjs';

const DEVICES = { disks: 1, mounts: 1, nets: 1, sensors: 1, apps: 0 }; // little to draw

let fake;
before(async () => (fake = await new FakeDashboard({ hosts: 3, cores: 2, devices: DEVICES, history: 3_600_000 }).open()));
after(async () => {
  await closeBrowser();
  await fake?.close();
});

const hostUrl = () => `${fake.url}/h/${fake.hosts[0].id}`;
const span = (page) => page.evaluate(() => Math.round(window.__ui.range()[1] - window.__ui.range()[0]));
const kind = (page) => page.locator('.pill').getAttribute('data-kind');

/** What has the focus, and whether it can be seen that it has. */
const focus = (page) =>
  page.evaluate(() => {
    const e = document.activeElement;
    const style = getComputedStyle(e);
    const knob = getComputedStyle(e, '::after');
    const box = e.getBoundingClientRect();
    return {
      is: `${e.tagName}.${e.className}`,
      text: e.textContent.slice(0, 40),
      seen:
        (style.outlineStyle !== 'none' || style.boxShadow !== 'none' || knob.outlineStyle !== 'none') &&
        box.bottom > 0 &&
        box.top < innerHeight,
      inChart: e.matches('.chart-box'),
    };
  });

// They mostly wait, so they wait side by side.
describe('keys', { concurrency: 3 }, () => {
  test('from the list to a host, along a chart, to its table and back, with keys alone', async () => {
    const { page, quiet, close } = await openPage(fake.url);
    const press = async (key) => {
      await page.keyboard.press(key);
      let now;
      await until(`after ${key} it is seen where the focus is`, async () => (now = await focus(page)).seen);
      return now;
    };
    await page.locator('tr[data-host]').first().waitFor();
    await press('j');
    await press('j');
    assert.match((await press('k')).text, /web-017/);
    await page.keyboard.press('Enter');
    await untilPill(page, ['live']);
    assert.match((await focus(page)).is, /^MAIN/, 'a new page starts at its content');
    assert.ok((await focus(page)).seen);

    assert.ok((await press('j')).inChart);
    await press('ArrowLeft');
    await press('Shift+ArrowLeft');
    const tag = page.locator('.panel-cpu .chart-box .xtag');
    await until('the moment is marked', () => tag.isVisible());
    const said = page.locator('[aria-live=polite]');
    await until('it is said', async () => /\d\d:\d\d:\d\d/.test(await said.innerText()));
    await press('Enter');
    await until('it is pinned', async () => (await page.evaluate(() => window.__ui.pinned())) > 0);

    // The button for the table is the last stop before the chart.
    await press('Shift+Tab');
    assert.match(await page.evaluate(() => document.activeElement.ariaLabel), /CPU as table/);
    await page.keyboard.press('Enter');
    const table = page.locator('dialog.data table');
    await table.waitFor();
    assert.match(await table.innerText(), /\d\d:\d\d:\d\d/);
    await page.keyboard.press('Escape');
    await until('the table is gone', async () => (await table.count()) === 0 || !(await table.isVisible()));
    assert.ok((await focus(page)).seen);

    await press('Escape'); // the pin
    assert.equal(await page.evaluate(() => window.__ui.pinned()), null);
    for (let i = 0; i < 3 && new URL(page.url()).pathname !== '/'; i++) await page.keyboard.press('Escape');
    await until('the list', () => new URL(page.url()).pathname === '/');
    await until('the focus is on the host that was left', async () => /web-017/.test((await focus(page)).text));
    assert.ok((await focus(page)).seen);
    quiet();
    await close();
  });

  test('Tab goes through the whole page and out of it again', async () => {
    const { page, quiet, close } = await openPage(hostUrl());
    await untilPill(page, ['live']);
    const seen = new Map();
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press('Tab');
      const now = await focus(page);
      if (now.is.startsWith('BODY')) break;
      assert.ok(now.seen, `${now.is} has the focus and it cannot be seen`);
      seen.set(`${now.is} ${now.text}`, (seen.get(`${now.is} ${now.text}`) ?? 0) + 1);
      assert.ok(i < 119, 'no way out');
    }
    const all = [...seen.keys()].join('\n');
    for (const wanted of ['brush-end', 'chart-box', 'zone', 'pill']) assert.match(all, new RegExp(wanted));
    quiet();
    await close();
  });

  test('time is moved with keys', async () => {
    const { page, quiet, close } = await openPage(hostUrl());
    await untilPill(page, ['live']);
    const press = (key) => page.keyboard.press(key);
    await press('+');
    assert.equal(await span(page), 150_000);
    await press('-');
    assert.equal(await span(page), 300_000);
    await press('[');
    await untilPill(page, ['fixed']);
    await press('[');
    await press('+');
    assert.equal(await span(page), 150_000);
    await press('l');
    await untilPill(page, ['live']);
    await press(' ');
    await untilPill(page, ['paused']);
    await press(' ');
    await untilPill(page, ['live']);
    await press('-');
    await press('0');
    assert.equal(await span(page), 300_000);

    await press('j');
    await press('ArrowLeft');
    await press('Shift+ArrowLeft');
    await press('Shift+Space');
    for (let i = 0; i < 3; i++) await press('Shift+ArrowLeft');
    await shoot(page, 'host-1440-range-by-keys');
    await press('Enter');
    await untilPill(page, ['fixed']);
    assert.equal(await span(page), 30_000);
    quiet();
    await close();
  });

  test('the ends of the strip are sliders', async () => {
    const { page, quiet, close } = await openPage(hostUrl());
    await untilPill(page, ['live']);
    const from = page.locator('.brush-from');
    await until('the strip is there', () => from.isVisible());
    await until('it covers the hour', async () => Number(await from.getAttribute('aria-valuenow')) > 85);
    await from.focus();
    const before = await span(page);
    await page.keyboard.press('Shift+ArrowLeft');
    assert.ok((await span(page)) > before + 300_000, 'ten hundredths of an hour');
    assert.equal(await kind(page), 'live');
    await page.locator('.brush-to').focus();
    await page.keyboard.press('ArrowLeft');
    await untilPill(page, ['fixed']);
    assert.match(await from.getAttribute('aria-valuetext'), /^(\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d$/);
    quiet();
    await close();
  });

  test('a chart can be large, fitted, without a line, and a file', async () => {
    const { page, quiet, close } = await openPage(hostUrl());
    await untilPill(page, ['live']);
    const box = page.locator('.panel-load .chart-box');
    await box.focus();
    const { height } = await box.boundingBox();
    await page.keyboard.press('e');
    await until('it is large', async () => (await box.boundingBox()).height > height + 150);
    await page.keyboard.press('Escape');
    await until('it is small again', async () => (await box.boundingBox()).height === height);
    const pixels = () => box.locator('canvas').evaluate((c) => c.toDataURL());
    await page.keyboard.press(' ');
    await untilPill(page, ['paused']);
    const plain = await pixels();
    await page.keyboard.press('1');
    await until('a line is gone', async () => (await pixels()) !== plain);
    assert.equal(await page.locator('.panel-load .left-out').count(), 1);
    const without = await pixels();
    await page.keyboard.press('1');
    await until('it is back', async () => (await pixels()) !== without);
    assert.equal(await page.locator('.panel-load .left-out').count(), 0);
    const before = await pixels();
    await page.keyboard.press('y');
    await until('the scale is another', async () => (await pixels()) !== before);
    const file = page.waitForEvent('download');
    await page.keyboard.press('x');
    const text = readFileSync(await (await file).path(), 'utf8').split('\r\n');
    assert.equal(text[0].split(',')[0], 'time');
    assert.ok(text[0].includes('load.1'));
    assert.ok(text.length > 250);
    const { t, v } = await page.evaluate(() => window.__ui.shown('load.1'));
    const column = text[0].split(',').indexOf('load.1');
    const row = text[200].split(',');
    assert.equal(Number(row[column]), v[t.indexOf(Date.parse(row[0]))]);
    quiet();
    await close();
  });

  test('a link is copied over plain HTTP, and what is said of it is true', async () => {
    const { page, context, quiet, close } = await openPage(`${hostUrl()}?t=-15m`);
    await untilPill(page, ['live']);
    await page.keyboard.press('Shift+Y');
    await until('it is said', async () => /Link copied/.test(await page.locator('.toast').innerText()));
    await context.grantPermissions(['clipboard-read']);
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), page.url());
    await page.evaluate(() => (document.execCommand = () => false));
    await page.keyboard.press('Shift+Y');
    await until('the failure is said', async () => /does not allow/.test(await page.locator('.toast').innerText()));
    quiet();
    await close();
  });

  test('keys are listed, can be switched off, and are never taken from a field or the browser', async () => {
    const { page, quiet, close } = await openPage(hostUrl());
    await untilPill(page, ['live']);
    await page.keyboard.press('?');
    const dialog = page.locator('dialog.help');
    await dialog.waitFor();
    for (const word of ['Space', 'Esc', 'g f', 'Ctrl + wheel', 'Two fingers', '1 – 8']) {
      assert.ok((await dialog.innerText()).includes(word), word);
    }
    await page.keyboard.press('[');
    await dialog.getByRole('checkbox').uncheck();
    await page.keyboard.press('Escape');
    await until('the list is gone', async () => (await dialog.count()) === 0);
    await page.keyboard.press('[');
    await page.keyboard.press('?');
    assert.equal(await dialog.count(), 0);
    assert.equal(await kind(page), 'live');
    await page.reload();
    await untilPill(page, ['live']);
    await page.keyboard.press('[');
    assert.equal(await kind(page), 'live', 'the choice is kept');
    await page.getByRole('button', { name: 'Keys and gestures' }).click();
    await dialog.getByRole('checkbox').check();
    await page.keyboard.press('Escape');

    await page.evaluate(() => {
      const field = document.createElement('input');
      field.id = 'field';
      document.querySelector('main').prepend(field);
    });
    await page.focus('#field');
    await page.keyboard.type('l[ d0');
    assert.equal(await page.inputValue('#field'), 'l[ d0');
    assert.equal(await kind(page), 'live');
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme ?? 'auto');
    await page.evaluate(() => document.activeElement.blur());
    await page.keyboard.press('Control+d');
    await page.keyboard.press('Alt+d');
    assert.equal(await theme(), 'auto');
    await page.keyboard.press('d');
    assert.equal(await theme(), 'dark');
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    await until('the list', () => new URL(page.url()).pathname === '/');
    await page.keyboard.press('g');
    await page.keyboard.press('h');
    await untilPill(page, ['live']);
    assert.equal(new URL(page.url()).pathname, new URL(hostUrl()).pathname);
    quiet();
    await close();
  });
});
