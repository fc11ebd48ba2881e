// The page on a phone: nothing hangs over, everything can be hit, fingers do what they should.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { closeBrowser, openPage, shoot, Stage, until, untilPill } from './bed.mjs';

let stage;

const phone = (width, height) => ({
  viewport: { width, height },
  isMobile: true,
  hasTouch: true,
  deviceScaleFactor: 2,
});

// They mostly wait, so they wait side by side.
describe('a phone', { concurrency: 3 }, () => {
  before(async () => (stage = await Stage.open()));
  after(async () => {
    await closeBrowser();
    await stage?.close();
  });

  for (const [width, height] of [
    [360, 640],
    [390, 844],
  ]) {
    test(`at ${width} x ${height} nothing hangs over and all targets are 44 px`, async () => {
      for (const [name, path] of [
        ['fleet', '/'],
        ['host', `/h/${stage.hosts[0].id}`],
      ]) {
        const { page, quiet, close } = await openPage(stage.url + path, phone(width, height));
        await untilPill(page, ['live']);
        const over = await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
        assert.ok(over <= 0, `${name} hangs over by ${over} px`);
        const small = await page.locator('button, a:not(.skip), input').evaluateAll((all) =>
          all
            .map((e) => ({ e: e.className || e.textContent, r: e.getBoundingClientRect() }))
            .filter(({ r }) => r.width > 0 && (r.height < 44 || r.width < 44))
            .map(({ e, r }) => `${e} ${r.width}x${r.height}`),
        );
        assert.deepEqual(small, [], name);
        await shoot(page, `${name}-${width}`, true);
        quiet();
        await close();
      }
    });
  }

  test('the page itself may be zoomed', async () => {
    const { page, close } = await openPage(stage.url, phone(390, 844));
    const content = await page.locator('meta[name=viewport]').getAttribute('content');
    assert.doesNotMatch(content, /maximum-scale|user-scalable|minimum-scale/);
    await close();
  });

  test('a finger that moves down scrolls, sideways marks, two zoom time', async () => {
    const { page, context, quiet, close } = await openPage(stage.hostUrl(), phone(390, 844));
    await untilPill(page, ['live']);
    await page.locator('.panel-memory .u-over').scrollIntoViewIfNeeded();
    const cdp = await context.newCDPSession(page);
    const touch = (type, ...points) =>
      cdp.send('Input.dispatchTouchEvent', { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
    const box = async () => page.locator('.panel-memory .u-over').boundingBox();

    let b = await box();
    const scrolled = await page.evaluate(() => scrollY);
    await touch('touchStart', [b.x + 60, b.y + 120]);
    for (let i = 1; i <= 10; i++) await touch('touchMove', [b.x + 60, b.y + 120 - 12 * i]);
    await touch('touchEnd');
    await until('the page scrolled', async () => (await page.evaluate(() => scrollY)) > scrolled + 40);

    // A touch while the page still glides stops it, and marks nothing. How far it glides is the machine's
    // affair: the chart may be out of sight, or behind the head.
    let last = NaN;
    await until('the page rests', async () => last === (last = await page.evaluate(() => scrollY)), 200);
    await page.locator('.panel-memory').evaluate((e) => e.scrollIntoView({ block: 'center' }));
    await page.locator('.panel-memory .u-over').waitFor();
    b = await box();
    const y = b.y + b.height / 2;
    const mark = page.locator('.panel-memory .xhair');
    await touch('touchStart', [b.x + 60, y]);
    await touch('touchMove', [b.x + 80, y]);
    await touch('touchMove', [b.x + 200, y]);
    await touch('touchEnd');
    await until('the mark is where the finger was', async () => {
      const at = await mark.boundingBox();
      return at !== null && Math.abs(at.x - (b.x + 200)) < 12;
    });

    const span = () => page.evaluate(() => window.__ui.range()[1] - window.__ui.range()[0]);
    const before = await span();
    await touch('touchStart', [b.x + 120, y], [b.x + 160, y]);
    for (let i = 1; i <= 5; i++) await touch('touchMove', [b.x + 120 - 12 * i, y], [b.x + 160 + 12 * i, y]);
    await touch('touchEnd');
    await until('the span is shorter', async () => (await span()) < before * 0.6);
    quiet();
    await close();
  });
});
