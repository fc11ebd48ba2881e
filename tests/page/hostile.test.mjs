// Names that want to be something else, and a fleet that is not there yet.

import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { FakeDashboard, HOSTILE_NAMES } from '../support/fake_dashboard.mjs';
import { closeBrowser, openPage, shoot, Stage, until, untilPill } from './bed.mjs';

const folded = (text) => text.replace(/\s+/g, ' ').trim();

// They mostly wait, so they wait side by side.
describe('names and no hosts', { concurrency: 3 }, () => {
  after(closeBrowser);

  test('hostile names are text, in the list and on their page, at both widths', async (t) => {
    const fake = await new FakeDashboard({ hostile: true, cores: 2 }).open();
    t.after(fake.close);
    for (const viewport of [
      { width: 1440, height: 900 },
      { width: 360, height: 640 },
    ]) {
      const { page, quiet, close } = await openPage(fake.url, { viewport });
      await page.locator('tr[data-host]').first().waitFor();
      await untilPill(page, ['live']);
      const names = await page.locator('.host-cell a').evaluateAll((all) => all.map((a) => a.textContent));
      assert.deepEqual(names.map(folded), HOSTILE_NAMES.map(folded));
      const heights = await page
        .locator('tbody tr')
        .evaluateAll((all) => [...new Set(all.map((r) => Math.round(r.getBoundingClientRect().height)))]);
      assert.ok(
        Math.max(...heights) < 160 && Math.max(...heights) - Math.min(...heights) <= 2,
        `rows of ${heights} px`,
      );
      assert.equal(await page.locator('img, tbody script').count(), 0);
      assert.ok((await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth)) <= 0, 'hangs over');
      await shoot(page, `hostile-${viewport.width}`);
      quiet();
      await close();
    }
    for (const host of fake.hosts) {
      const { page, quiet, close } = await openPage(`${fake.url}/h/${host.id}`, {
        viewport: { width: 390, height: 844 },
      });
      await untilPill(page, ['live']);
      assert.equal(folded(await page.locator('h1').evaluate((h) => h.textContent)), folded(host.name));
      const box = await page.locator('h1').boundingBox();
      assert.ok(box.height <= 30 && box.x + box.width <= 390, `the title is ${box.width} x ${box.height}`);
      assert.ok((await page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth)) <= 0, 'hangs over');
      assert.equal(await page.locator('img, main script').count(), 0);
      quiet();
      await close();
    }
  });

  test('who was sent away is below the list, with the reason, and its name is text', async (t) => {
    const fake = await new FakeDashboard({ hosts: 1, cores: 2 }).open();
    t.after(fake.close);
    const name = '<img src=x onerror=alert(1)>';
    const why = 'another agent that lives has its host id: a copied data folder';
    // By a clock that is two hours ahead of the browser's.
    const last_ms = Date.now() + 7_195_000;
    const times = { first_ms: last_ms - 60_000, last_ms, times: 9, start: null, ago_ms: 65_000 };
    fake.refused = [{ id: '00000000000000a1', name, state: 'refused', reason: 'clone', why, key: '', address: '10.0.0.7', ...times }];
    const { page, quiet, close } = await openPage(fake.url);
    const item = page.locator('.sent-away li');
    await item.waitFor();
    const text = folded(await item.evaluate((li) => li.textContent));
    assert.ok(text.startsWith(`${name} ${why}; from 10.0.0.7; 1 m 5 s ago`), text);
    assert.equal(await page.locator('img').count(), 0);
    quiet();
    await close();
  });

  test('a real agent with a hostile name is a host like any other', async () => {
    const name = '<img/src=x/onerror=alert(1)>'; // a key's name has no spaces
    const stage = await Stage.open({ agents: [{ name }] });
    try {
      const { page, quiet, close } = await openPage(`${stage.url}/h/${encodeURIComponent(name)}`);
      await untilPill(page, ['live']);
      assert.equal(await page.locator('h1').innerText(), name);
      quiet();
      await close();
    } finally {
      await stage.close();
    }
  });

  test('without a host the page says how to bring one, and shows it by itself', async () => {
    const stage = await Stage.open({ agents: [], later: ['first'] });
    try {
      const { page, quiet, close } = await openPage(stage.url);
      await page.locator('.waiting').waitFor();
      const commands = page.locator('.command input');
      assert.equal(await commands.nth(0).inputValue(), `zpulse enrol --new --collector ${stage.endpoint}`);
      assert.equal(await commands.nth(1).inputValue(), `zpulse-agent --data ./agent --collector ${stage.endpoint}`);
      assert.equal(await page.locator('.pill').getAttribute('data-kind'), 'nodata');
      await shoot(page, 'waiting-1440');
      stage.agents.push(stage.startAgent({ name: 'first' }));
      await until('the host is listed', () => page.locator('tr[data-host]').count());
      assert.equal(await page.locator('.waiting').count(), 0);
      quiet();
      await close();
    } finally {
      await stage.close();
    }
  });

  test('without keys the page asks for no enrolment', async (t) => {
    const collector = { endpoint: 'tcp://127.0.0.1:21560', insecure: true };
    const fake = await new FakeDashboard({ hosts: 0, collector }).open();
    t.after(fake.close);
    const { page, close } = await openPage(fake.url);
    const commands = page.locator('.command input');
    await until('the commands are there', () => commands.count());
    assert.equal(await commands.count(), 1);
    const start = `zpulse-agent --insecure --data ./agent --collector ${collector.endpoint}`;
    assert.equal(await commands.nth(0).inputValue(), start);
    await close();
  });

  test('who waits while the collector does not answer reads that, and the commands once it does', async (t) => {
    const fake = await new FakeDashboard({ hosts: 0, collector: 'away' }).open();
    t.after(fake.close);
    const { page, close } = await openPage(fake.url);
    await until('it is said', async () => (await page.locator('.waiting').innerText()).includes('Nothing reports to'));
    assert.equal(await page.locator('.command').count(), 0);
    fake.collector = { endpoint: 'tcp://127.0.0.1:21560', insecure: false };
    await until('the commands are there', async () => (await page.locator('.command').count()) === 2);
    await close();
  });

  test('a host that nobody knows is said to be unknown', async (t) => {
    const fake = await new FakeDashboard({ hosts: 1 }).open();
    t.after(fake.close);
    const { page, close } = await openPage(`${fake.url}/h/nobody`);
    await until('it is said', async () => (await page.locator('h1').innerText()) === 'No such host');
    await close();
  });
});
