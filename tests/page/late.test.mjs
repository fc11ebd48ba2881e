// What an agent could not deliver for an hour comes while the page is open, and stands in its charts
// when it has come. How late what is now may be meanwhile, tests/flow/flow_backlog claims.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { closeBrowser, openPage, root, shoot, Stage, until, untilPill } from './bed.mjs';

const ROWS = 3000; // fifty minutes
const SERIES = 20;
const STEP = 1000;
const AGO = 60_000;
// A quarter of a minute for all of it: the page is open before the last of it comes.
const RATE = '16KiB';

let stage, past;

/** Writes what an agent leaves behind that reached nobody; its first row and its last, ms. */
function makePast(folder) {
  const maker = resolve(root, process.env.BUILD_DIR ?? 'build', 'tests/backlog/backlog_maker');
  const said = execFileSync(maker, [folder, 'cut-off', ROWS, SERIES, STEP, AGO], { encoding: 'utf8' });
  const [, from, to] = /^from_ms=(\d+) to_ms=(\d+) /.exec(said);
  return { from: Number(from), to: Number(to) };
}

before(async () => {
  stage = await Stage.open({
    agents: [
      {
        name: 'cut-off',
        words: ['--backlog-rate', RATE],
        prepare: (folder) => (past = makePast(folder)),
      },
    ],
  });
});
after(async () => {
  await closeBrowser();
  await stage?.close();
});

const shown = (page) => page.evaluate(() => window.__ui.shown('mem.used'));

test('an hour that comes late stands in the charts without a reload', async () => {
  const { page, quiet, close } = await openPage(`${stage.hostUrl()}?t=-1h`, { colorScheme: 'light' });
  await untilPill(page, ['live']);
  await page.evaluate(() => (window.__loaded = 'once'));
  const strip = [];
  page.on('request', (r) => /hist\?.*c=cpu\.idle&/.test(r.url()) && strip.push(new URL(r.url())));
  const before = (await shown(page)).t.filter((x) => x <= past.to);
  assert.ok(!(before.at(-1) > past.to - 60_000), 'all of it is there before the page is');
  await shoot(page, 'host-1440-before-late');

  await until('the hour is drawn', async () => {
    const late = (await shown(page)).t.filter((x) => x <= past.to);
    return late[0] <= past.from + 30_000 && late.at(-1) >= past.to - 30_000;
  });
  await untilPill(page, ['live']);
  assert.equal(await page.evaluate(() => window.__loaded), 'once');

  // No bucket of it is missing, and the strip on top has it too.
  const { t, step } = await shown(page);
  const late = t.filter((x) => x <= past.to);
  assert.ok(late.length >= ((past.to - past.from) / step) * 0.98, `${late.length} buckets of ${step} ms`);
  assert.ok(late.slice(1).every((x, i) => x - late[i] <= 1.5 * step));
  await until('the strip on top is asked for from there', () =>
    strip.some((url) => Number(url.searchParams.get('from')) <= past.from),
  );
  await shoot(page, 'host-1440-after-late');
  quiet();
  await close();
});
