// What a checker of accessibility finds: the list, and a host with every section open, a table and the
// help in front, with names that want to be something else. Nothing of serious or critical weight.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { FakeDashboard } from '../support/fake_dashboard.mjs';
import { closeBrowser, openPage, until, untilPill } from './bed.mjs';

const axe = readFileSync(new URL('../../dashboard/web/node_modules/axe-core/axe.min.js', import.meta.url), 'utf8');
const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };

let fake;

async function faultsOf(page) {
  return page.evaluate(() =>
    window.axe
      .run()
      .then((r) =>
        r.violations
          .filter((v) => ['serious', 'critical'].includes(v.impact))
          .map((v) => `${v.id}: ${v.nodes.map((n) => n.target).slice(0, 3)}`),
      ),
  );
}

async function openHost(options) {
  const opened = await openPage(`${fake.url}/h/${fake.hosts[0].id}`, { bypassCSP: true, ...options });
  await untilPill(opened.page, ['live']);
  await opened.page.evaluate(() => {
    for (const b of document.querySelectorAll('.section-head button[aria-expanded=false]')) b.click();
  });
  await until(
    'all are open',
    async () => (await opened.page.locator('.section-head [aria-expanded=false]').count()) === 0,
  );
  await opened.page.locator('.events').waitFor();
  await opened.page.evaluate(axe);
  return opened;
}

describe('accessibility', () => {
  before(async () => {
    const devices = { disks: 10, mounts: 6, nets: 4, sensors: 5, apps: 6 };
    fake = await new FakeDashboard({ hostile: true, cores: 4, devices }).open();
    for (const severity of ['info', 'warning', 'critical'])
      fake.happen({ severity, text: `${severity}: something happened`, t: fake.hosts[0].last - 60_000 }, { told: false });
  });
  after(async () => {
    await closeBrowser();
    await fake?.close();
  });

  for (const colorScheme of ['dark', 'light']) {
    test(`${colorScheme}: the list of hosts`, async () => {
      const { page, close } = await openPage(fake.url, { colorScheme, bypassCSP: true });
      await page.locator('tr[data-host]').first().waitFor();
      await page.evaluate(axe);
      assert.deepEqual(await faultsOf(page), []);
      await close();
    });

    test(`${colorScheme}: a host with every section open`, async () => {
      const { page, close } = await openHost({ colorScheme });
      assert.deepEqual(await faultsOf(page), []);
      await close();
    });

    test(`${colorScheme}: a chart as a table, and the help`, async () => {
      const { page, close } = await openHost({ colorScheme });
      await page.locator('.panel-disk-bytes .details .tool').click();
      await page.locator('dialog.data[open]').waitFor();
      assert.deepEqual(await faultsOf(page), []);
      await page.keyboard.press('Escape');
      await page.locator('dialog').waitFor({ state: 'detached' });
      await page.keyboard.press('?');
      await page.locator('dialog[open]').waitFor();
      assert.deepEqual(await faultsOf(page), []);
      await close();
    });
  }

  test('a host on a phone', async () => {
    const { page, close } = await openHost({ colorScheme: 'light', ...PHONE });
    assert.deepEqual(await faultsOf(page), []);
    await close();
  });
});
