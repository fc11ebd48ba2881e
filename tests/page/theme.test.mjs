// Dark, light, and as the system wants it; and the keys that every page has.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { closeBrowser, openPage, pixels, shoot, Stage, stats, until, untilPill } from './bed.mjs';

let stage;

const DARK = 'rgb(13, 17, 23)';
const LIGHT = 'rgb(246, 248, 250)';

const ground = (page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

// They mostly wait, so they wait side by side.
describe('themes and keys', { concurrency: 3 }, () => {
  before(async () => (stage = await Stage.open()));
  after(async () => {
    await closeBrowser();
    await stage?.close();
  });

  test('a forced theme is there from the first frame on', async () => {
    const { page, quiet, close } = await openPage(stage.hostUrl(), { colorScheme: 'light' });
    await page.evaluate(() => localStorage.setItem('zpulse.theme', 'dark'));
    await page.addInitScript(() => {
      window.__grounds = [];
      const look = () => {
        if (document.body !== null && document.styleSheets.length > 0) {
          window.__grounds.push(getComputedStyle(document.body).backgroundColor);
        }
        if (window.__grounds.length < 30) requestAnimationFrame(look);
      };
      look();
    });
    await page.reload();
    await until('thirty frames', async () => (await page.evaluate(() => window.__grounds.length)) >= 30);
    assert.deepEqual(await page.evaluate(() => [...new Set(window.__grounds)]), [DARK]);
    quiet();
    await close();
  });

  test('the system is followed, a choice is kept, and charts change with it', async () => {
    const { page, quiet, close } = await openPage(stage.hostUrl(), { colorScheme: 'light' });
    await untilPill(page, ['live']);
    await until('something is drawn', async () => (await stats(page)).ticks >= 2);
    await page.keyboard.press('Space');
    await untilPill(page, ['paused']);
    assert.equal(await ground(page), LIGHT);

    let before = await pixels(page, 'cpu');
    await page.emulateMedia({ colorScheme: 'dark' });
    await until('the charts are dark', async () => (await pixels(page, 'cpu')) !== before);
    assert.equal(await ground(page), DARK);

    before = await pixels(page, 'cpu');
    await page.keyboard.press('d'); // auto to dark: the same colours
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), 'dark');
    const took = await page.evaluate(
      () =>
        new Promise((done) => {
          const canvas = document.querySelector('.panel-cpu canvas');
          const was = canvas.toDataURL();
          const start = performance.now();
          const look = () =>
            canvas.toDataURL() === was ? requestAnimationFrame(look) : done(performance.now() - start);
          document.dispatchEvent(new KeyboardEvent('keydown', { key: 'd', bubbles: true }));
          look();
        }),
    );
    console.log(`charts in the other theme after ${Math.round(took)} ms`);
    assert.equal(await ground(page), LIGHT);
    await page.reload();
    await untilPill(page, ['live', 'fixed']);
    assert.equal(await ground(page), LIGHT, 'the choice is kept');
    quiet();
    await close();
  });

  test('less motion, more contrast and forced colours are heard', async () => {
    const { page, quiet, close } = await openPage(stage.hostUrl(), {
      reducedMotion: 'reduce',
      contrast: 'more',
      colorScheme: 'dark',
    });
    await untilPill(page, ['live']);
    assert.equal(await ground(page), 'rgb(0, 0, 0)');
    const moving = await page.evaluate(() => document.getAnimations().length);
    assert.equal(moving, 0);
    await page.emulateMedia({ forcedColors: 'active' });
    await until('drawn again', async () => (await stats(page)).ticks >= 2);
    await shoot(page, 'host-1440-forced');
    quiet();
    await close();
  });

  test('keys do what the help says, and nothing in a field', async () => {
    const { page, quiet, close } = await openPage(stage.hostUrl());
    await untilPill(page, ['live']);
    await page.keyboard.press('?');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.press('Escape');
    await until('the help is closed', async () => (await page.locator('dialog').count()) === 0);
    await page.keyboard.press(' ');
    await untilPill(page, ['paused']);
    await page.keyboard.press('l');
    await untilPill(page, ['live']);
    await page.keyboard.press('[');
    await untilPill(page, ['fixed']);
    await page.keyboard.press('0');
    await untilPill(page, ['live']);

    await until('samples to step over', async () => (await stats(page)).paintLagMs.length >= 4);
    const chart = page.locator('.panel-cpu .chart-box');
    await chart.focus();
    await page.keyboard.press('ArrowLeft');
    await page.locator('.panel-cpu .chart-box .xtag').waitFor();
    const first = await page.locator('.panel-cpu .chart-box .xtag').innerText();
    // Two, for stamps that are a millisecond less than a second apart can say the same second.
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    await until(
      'the cursor is earlier',
      async () => (await page.locator('.panel-cpu .chart-box .xtag').innerText()) !== first,
    );
    await page.keyboard.press('Escape');
    await until(
      'the cursor is gone',
      async () => !(await page.locator('.panel-cpu .chart-box .xtag').isVisible()),
    );
    await page.keyboard.press('g');
    await page.keyboard.press('f');
    await page.locator('tr[data-host]').waitFor();
    const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.className);
    await until('the list starts at the host that one came from', () =>
      page.evaluate(() => document.activeElement.closest('[data-host]') !== null),
    );
    await page.reload();
    await page.locator('tr[data-host]').waitFor();
    await page.keyboard.press('Tab');
    assert.equal(await focused(), 'skip');
    quiet();
    await close();
  });
});
