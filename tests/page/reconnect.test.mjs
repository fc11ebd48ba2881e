// The dashboard dies and comes back under an open page.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { closeBrowser, holdsHistory, openPage, series, shoot, sleep, Stage, stats, until, untilPill } from './bed.mjs';

let stage;
before(async () => (stage = await Stage.open()));
after(async () => {
  await closeBrowser();
  await stage?.close();
});

// What a browser says by itself of a server that is not there.
const GONE =
  /Failed to load resource|ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET/;

test('without a reload the page is live again, with each stamp once and the hole filled', async () => {
  const { page, quiet, close } = await openPage(stage.hostUrl(), { allow: [GONE] });
  const list = await openPage(stage.url, { allow: [GONE] });
  await untilPill(page, ['live']);
  await untilPill(list.page, ['live']);
  await page.evaluate(() => (window.__same = true));

  await stage.dashboard.end('SIGKILL');
  const died = Date.now();
  await untilPill(page, ['reconnecting']);
  await untilPill(list.page, ['reconnecting']);
  await shoot(page, 'host-1440-reconnecting');
  await sleep(Math.max(0, died + 6000 - Date.now()));
  assert.equal(await page.locator('.pill').getAttribute('data-kind'), 'reconnecting');

  stage.startDashboard();
  await until('the dashboard answers', async () => (await fetch(`${stage.url}/-/ready`)).ok);
  const back = Date.now();
  await untilPill(page, ['live']);
  console.log(`live again after ${Date.now() - back} ms`);
  await untilPill(list.page, ['live']);
  assert.equal(await page.evaluate(() => window.__same), true, 'the page was loaded anew');
  assert.ok((await stats(page)).reconnects >= 1);

  const [host] = stage.hosts;
  await until('the page holds what history has', () => holdsHistory(page, stage.url, host.id));
  const { t } = await series(page, 'mem.used');
  assert.equal(new Set(t).size, t.length, 'a stamp is there twice');
  assert.ok(
    t.every((x, i) => i === 0 || x > t[i - 1]),
    'stamps do not rise',
  );
  const meanwhile = t.filter((x) => x > died + 500 && x < back - 500).length;
  assert.ok(meanwhile >= 3, `${meanwhile} samples of the ${back - died} ms without a dashboard`);
  quiet();
  list.quiet();
  await close();
  await list.close();
});
