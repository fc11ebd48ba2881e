// A page that somebody wrote for a feed of colours, unmodified, in place of ours and on another origin.

import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { closeBrowser, freePorts, openPage, Program, root, Stage, until } from './bed.mjs';

const charts = join(root, 'tests/data/web/charts.html');
const servers = [];
const programs = [];
let stage;
let folder;
let ports; // for applications, two other origins, and a dashboard without options

/** An origin that is not the dashboard's: it has the same page. */
function serve(port) {
  const server = createServer((_, answer) => {
    answer.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
    answer.end(readFileSync(charts));
  });
  servers.push(server);
  return new Promise((done) => server.listen(port, '127.0.0.1', done));
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'zpulse-book-'));
  cpSync(charts, join(folder, 'index.html'));
  ports = await freePorts(4);
  const allowed = `http://127.0.0.1:${ports + 1}`;
  const endpoint = `tcp://127.0.0.1:${ports}`;
  stage = await Stage.open({
    agents: [{ name: 'book-host', inputs: ['--app-sub', `@${endpoint}`] }],
    dashboard: ['--web-root', folder, '--feed-origin', allowed],
  });
  await serve(ports + 1);
  await serve(ports + 2);
  // One leaks, or its line of memory would be under the other's.
  for (const [color, leak] of [
    ['red', 0],
    ['blue', 300_000],
  ])
    programs.push(
      new Program('../tests/support/demo_app', ['--color', color, '--leak', leak, '--endpoint', endpoint]),
    );
});

after(async () => {
  await closeBrowser();
  await Promise.all(programs.map((p) => p.end()));
  servers.forEach((s) => s.close());
  await stage?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** How many pixels of a canvas are of this colour. */
const painted = (page, id, rgb) =>
  page.evaluate(
    ([name, [r, g, b]]) => {
      const canvas = document.getElementById(name);
      const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      let n = 0;
      for (let i = 0; i < data.length; i += 4) n += data[i] === r && data[i + 1] === g && data[i + 2] === b;
      return n;
    },
    [id, rgb],
  );

const samples = (page) => page.evaluate(() => samples);
const refused = (page) => page.evaluate(() => refused);

test('the page stands at / and its lines move, one for each colour', async () => {
  // The browser asks for an icon, which the folder does not have.
  const { page, quiet, close } = await openPage(`${stage.url}/`, { allow: [/status of 404/] });
  assert.equal(await page.title(), 'Server Performance');
  const grown = async (id, rgb, least) =>
    until(`${id} has a line of ${rgb}`, async () => {
      const n = await painted(page, id, rgb);
      return n > least && n;
    });
  for (const rgb of [
    [255, 0, 0],
    [0, 0, 255],
  ]) {
    const first = await grown('mem', rgb, 20);
    await grown('mem', rgb, first + 40);
  }
  assert.deepEqual(await page.evaluate(() => Object.keys(lines).sort()), ['blue', 'red']);
  // Each sample is a time of its own, in order, and young.
  const times = await page.evaluate(() => lines.red.cpu.map(([at]) => at));
  assert.ok(times.length >= 2 && times.every((t, i) => i === 0 || t > times[i - 1]), String(times));
  assert.ok(Math.abs(Date.now() - times.at(-1)) < 60_000);
  quiet();
  await close();
});

test('another origin reads the feed if it was named', async () => {
  const url = `http://127.0.0.1:${ports + 1}/?feed=${encodeURIComponent(`${stage.url}/feed`)}`;
  const { page, quiet, close } = await openPage(url, { allow: [/^request: .*\/feed$/] });
  await until('samples come', async () => (await samples(page)) >= 3);
  assert.equal(await refused(page), false);
  quiet();
  await close();
});

test('an origin that was not named is refused by its own browser', async () => {
  const url = `http://127.0.0.1:${ports + 2}/?feed=${encodeURIComponent(`${stage.url}/feed`)}`;
  const { page, faults, close } = await openPage(url);
  await until('it is refused', () => refused(page));
  assert.equal(await samples(page), 0);
  assert.ok(faults.some((f) => /CORS/.test(f)), faults.join('\n'));
  await close();
});

test('without the option no other origin reads it', async () => {
  const listen = `127.0.0.1:${ports + 3}`;
  const plain = new Program('zpulse-dashboard', [
    '--data',
    stage.folder('plain'),
    '--listen',
    listen,
    '--collector',
    stage.endpoint,
    '--keys',
    stage.keys.shared,
  ]);
  programs.push(plain);
  await until('it is ready', async () => (await fetch(`http://${listen}/-/ready`)).ok);
  const url = `http://127.0.0.1:${ports + 1}/?feed=${encodeURIComponent(`http://${listen}/feed`)}`;
  const { page, faults, close } = await openPage(url);
  await until('it is refused', () => refused(page));
  assert.equal(await samples(page), 0);
  assert.ok(faults.some((f) => /CORS/.test(f)), faults.join('\n'));
  await close();
});
