// The address holds the state of a page: loaded anew it shows the same and asks the same.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FakeDashboard } from '../support/fake_dashboard.mjs';
import { closeBrowser, openPage, until, untilPill } from './bed.mjs';

const STATES = 20;
const PAGES = 4;
const ORDER = ['t', 'z', 'x', 'o'];
const ZONES = [null, 'utc', 'Asia/Kolkata', 'America/New_York'];
const SECTIONS = ['disks', 'network', 'memory', 'sensors', 'pressure'];

let fake;
before(async () => {
  const devices = { disks: 1, mounts: 1, nets: 1, sensors: 1, apps: 0 }; // little to draw: it is drawn forty times
  fake = await new FakeDashboard({ hosts: 1, cores: 1, devices, history: 3_600_000 }).open();
});
after(async () => {
  await closeBrowser();
  await fake?.close();
});

/** Numbers that are random and the same in each run. */
function dice(seed) {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

/** A query as the page itself would write it. */
function randomQuery(roll, now) {
  const start = now - 60_000 * (5 + roll(50)) - roll(1000);
  const length = 10_000 + roll(300_000);
  const grain = length >= 300_000 ? 100 : 10;
  const round = (t) => Math.round(t / grain) * grain;
  const held = `${round(start) / 1000}..${(round(start) + round(length)) / 1000}`;
  const t = [null, '-1m', '-15m', '-1h', '-90s', held, held, held][roll(8)];
  const z = ZONES[roll(ZONES.length)];
  const x = roll(2) === 0 ? null : String(Math.round((start + length / 2) / 1000));
  const picks = SECTIONS.filter(() => roll(3) === 0).sort();
  const values = { t, z, x, o: picks.length === 0 ? null : picks.join(',') };
  const parts = ORDER.filter((k) => values[k] != null).map((k) => `${k}=${values[k]}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** What the page shows, as far as the address has to bring it back. */
const shownBy = (page) =>
  page.evaluate(() => {
    const [from, to] = window.__ui.range();
    return {
      span: Math.round(to - from),
      held: document.querySelector('.pill').dataset.kind === 'fixed' ? [from, to] : null,
      zone: document.querySelector('.time-bar .zone').textContent,
      pressed: document.querySelector('.spans [aria-pressed=true]')?.textContent ?? null,
      pinned: window.__ui.pinned(),
      open: [...document.querySelectorAll('.section-head [aria-expanded=true]')].map((b) => b.textContent),
    };
  });

/**
 * Questions that were asked, without what follows from the time at which they were. Where charts come
 * onto the screen slowly, history is asked for those that are there, and again: the last one counts.
 * A stream that nobody answers soon is asked for again. What a limit refused is asked for a while after the rest.
 */
function questions(asked, live) {
  const ofCharts = (path) => path.startsWith('/api/v1/hist') && !/c=cpu\.idle&/.test(path);
  const last = asked.findLastIndex(ofCharts);
  const all = asked
    .filter((path, i) => path.startsWith('/api/') && !(ofCharts(path) && i < last))
    .filter((path) => !/^\/api\/v1\/(hosts|ledger)/.test(path))
    .map((path) => (live || /c=cpu\.idle&/.test(path) ? path.replace(/(from|to)=\d+/g, '$1=') : path))
    .map((path) => path.replace(/pts=\d+/, 'pts='))
    .map((path) => path.replace(/c=([^&]+)/, (_, c) => `c=${c.split('%2C').sort()}`)); // in whatever order
  return [...new Set(all)].sort();
}

/** Loads it, and waits until nothing more is asked for a while. */
async function load(page, go, live) {
  const asked = [];
  const note = (r) => asked.push(r.url().slice(fake.url.length));
  page.on('request', note);
  await go();
  await untilPill(page, live ? ['live'] : ['fixed']);
  await until('the strip has asked', () => questions(asked, live).some((q) => /c=cpu.idle&/.test(q)));
  let seen = -1;
  const rests = async () => (await page.evaluate(() => window.__ui.stats.resting)) && seen === (seen = asked.length);
  await until('nothing more is asked', rests, 250);
  page.off('request', note);
  return { shown: await shownBy(page), asked: questions(asked, live) };
}

async function comesBack(page, query) {
  const live = !query.includes('..');
  const first = await load(page, () => page.goto(`${fake.url}/h/${fake.hosts[0].id}${query}`), live);
  assert.equal(new URL(page.url()).search, query, 'the page wrote its state another way');
  const again = await load(page, () => page.reload(), live);
  assert.equal(new URL(page.url()).search, query);
  assert.deepEqual(again, first, query);
  const params = new URLSearchParams(query);
  const ends = params.get('t')?.split('..');
  if (!live)
    assert.deepEqual(
      first.shown.held,
      ends.map((s) => Math.round(s * 1000)),
    );
  if (params.has('x')) assert.equal(first.shown.pinned, params.get('x') * 1000);
}

test('of twenty random states each is the same when it is loaded anew, and asks the same', async () => {
  const roll = dice(7);
  const states = Array.from({ length: STATES }, () => randomQuery(roll, Date.now()));
  assert.ok(new Set(states).size > STATES / 2);
  const viewport = { width: 900, height: 500 };
  // Each waits more than it works, so a few go side by side.
  await Promise.all(
    Array.from({ length: PAGES }, async (_, i) => {
      const { page, quiet, close } = await openPage(`${fake.url}/favicon.ico`, { allow: [/404/], viewport });
      for (let n = i; n < STATES; n += PAGES) await comesBack(page, states[n]);
      quiet();
      await close();
    }),
  );
});

test('what is done with hands comes into the address, and defaults do not', async () => {
  const { page, quiet, close } = await openPage(`${fake.url}/h/${fake.hosts[0].id}`);
  await untilPill(page, ['live']);
  const query = (what, probe) => until(what, () => probe(new URL(page.url()).searchParams));
  assert.equal(new URL(page.url()).search, '');
  const steps = await page.evaluate(() => history.length);

  await page.click('.spans button:nth-child(3)');
  await query('the span', (q) => q.get('t') === '-15m');
  await page.keyboard.press('u');
  await query('the zone', (q) => q.get('z') === 'utc');
  const box = await page.locator('.panel-memory .u-over').boundingBox();
  await page.mouse.click(box.x + box.width / 2, box.y + 20);
  await query('the pinned moment', (q) => Number(q.get('x')) > 1e9);
  await page.mouse.move(box.x + 100, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + 300, box.y + 20, { steps: 4 });
  await page.mouse.up();
  await query('the range', (q) => /^\d+(\.\d+)?\.\.\d+(\.\d+)?$/.test(q.get('t')) && !q.has('x'));
  await untilPill(page, ['fixed']);
  assert.match(new URL(page.url()).search, /^\?t=[^&]+&z=utc$/);

  await page.keyboard.press('u');
  await page.keyboard.press('0');
  await until('nothing is left', () => new URL(page.url()).search === '');
  assert.equal(await page.evaluate(() => history.length), steps, 'a zoom is worth no step back');
  quiet();
  await close();
});

test('the zone goes along to other pages, and a step back brings the state of before', async () => {
  const { page, quiet, close } = await openPage(`${fake.url}/?z=utc`);
  await page.locator('tr[data-host] a').click();
  await untilPill(page, ['live']);
  assert.equal(new URL(page.url()).search, '?z=utc');
  await page.click('.spans button:nth-child(1)');
  await until('the span', () => page.url().endsWith('?t=-1m&z=utc'));
  await page.click('.brand');
  await page.locator('tr[data-host]').waitFor();
  assert.equal(new URL(page.url()).search, '?z=utc');
  await page.goBack();
  await untilPill(page, ['live']);
  await until('one minute again', async () => (await shownBy(page)).span === 60_000);
  quiet();
  await close();
});

test('an address that makes no sense is as one without', async () => {
  const { page, quiet, close } = await openPage(
    `${fake.url}/h/${fake.hosts[0].id}?t=9..1&z=Mars%2FBase&x=-5&o=%3Cimg%20src%3Dx%3E`,
  );
  await untilPill(page, ['live']);
  assert.equal((await shownBy(page)).span, 300_000);
  await until('it is cleared', () => new URL(page.url()).search === '');
  quiet();
  await close();
});
