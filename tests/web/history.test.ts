import assert from 'node:assert/strict';
import test from 'node:test';
import { History, type Look } from '../../dashboard/web/src/data/history';
import { highId, lowId } from '../../dashboard/web/src/data/past';
import { stackId, Store } from '../../dashboard/web/src/data/store';
import type { Hist } from '../../dashboard/web/src/net/protocol';

const IDS = ['a', 'b'];
const valueAt = (id: string, t: number) => Math.round(100 * Math.abs(Math.sin(t / 7919 + (id === 'a' ? 0 : 1))));

/** What dashboard/api_hist.c answers, of a host that has a sample each second since `since`. */
function answerOf(ids: readonly string[], from: number, to: number, points: number, since: number, last: number): Hist {
  const stamps: number[] = [];
  for (let t = Math.ceil(Math.max(from, since) / 1000) * 1000; t <= Math.min(to, last); t += 1000) stamps.push(t);
  if (stamps.length <= points) {
    const avg = ids.map((id) => stamps.map((t) => valueAt(id, t)));
    return blockOf(ids, 1000, stamps, { avg });
  }
  const step = Math.ceil((to - from + 1) / Math.max(1, points - 1) / 1000) * 1000;
  const buckets = new Map<number, number[]>();
  for (const t of stamps) buckets.set(t - (t % step), [...(buckets.get(t - (t % step)) ?? []), t]);
  const starts = [...buckets.keys()];
  const valuesOf = (id: string, start: number) => buckets.get(start)!.map((t) => valueAt(id, t));
  const fold = (f: (v: number[]) => number) => ids.map((id) => starts.map((s) => f(valuesOf(id, s))));
  return blockOf(ids, step, starts, {
    avg: fold((v) => v.reduce((x, y) => x + y, 0) / v.length),
    min: fold((v) => Math.min(...v)),
    max: fold((v) => Math.max(...v)),
  });
}

function blockOf(ids: readonly string[], step: number, times: number[], folds: Pick<Hist, 'avg' | 'min' | 'max'>): Hist {
  const t0 = times[0] ?? 0;
  const block = { h: '', t0, step, n: times.length, tier: 'raw', c: [...ids], units: [] };
  return { ...block, t: times.map((t) => t - t0), ...folds };
}

const HOUR = 3_600_000;
const NOW = 1_700_000_000_000;

function bench({ since = NOW - HOUR, liveFrom = NOW - 300_000 } = {}) {
  const live = new Store(2048);
  live.setColumns(IDS);
  live.addStack(IDS);
  const rowAt = (t: number) => IDS.map((id) => valueAt(id, t));
  const put = (t: number) => live.append(IDS, t, rowAt(t));
  for (let t = liveFrom; t <= NOW; t += 1000) put(t);
  const timers = new Map<number, { at: number; run: () => void }>();
  const asks: { ids: readonly string[]; from: number; to: number; points: number }[] = [];
  let now = 0;
  let next = 1;
  let fails = 0;
  const history = new History({
    live,
    stacks: () => [IDS],
    step: () => 1000,
    ask: (ids, range) => {
      asks.push({ ids, ...range });
      if (fails-- > 0) return Promise.reject(new TypeError('not reached'));
      return Promise.resolve(answerOf(ids, range.from, range.to, range.points, since, live.newest));
    },
    changed: () => {},
    after: (ms, run) => {
      timers.set(next, { at: now + ms, run });
      return next++;
    },
    cancel: (timer) => void timers.delete(timer),
  });
  const advance = async (ms: number) => {
    now += ms;
    for (const [id, t] of [...timers]) {
      if (t.at > now) continue;
      timers.delete(id);
      t.run();
    }
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  const look = (from: number, to: number, more: Partial<Look> = {}): Look => {
    return { from, to, pixels: 600, ids: IDS, ...more };
  };
  const lateSince = (t: number) => (since = t);
  return { live, history, asks, advance, look, put, lateSince, failNext: (n: number) => (fails = n) };
}

test('what the live rows reach is asked of nobody', async () => {
  const b = bench();
  b.history.see(b.look(NOW - 300_000, NOW), true);
  await b.advance(1000);
  assert.equal(b.asks.length, 0);
  assert.equal(b.history.table(), b.live);
});

test('a longer range is asked for once it has rested, by pixels, and only columns on the screen', async () => {
  const b = bench();
  for (let i = 1; i <= 5; i++) {
    b.history.see(b.look(NOW - 300_000 - i * 600_000, NOW, { ids: ['a'] }), true);
    await b.advance(100);
  }
  assert.equal(b.asks.length, 0);
  await b.advance(120);
  assert.equal(b.asks.length, 1);
  assert.deepEqual(b.asks[0].ids, ['a']);
  assert.equal(b.asks[0].points, 1800);
  const table = b.history.table();
  assert.notEqual(table, b.live);
  assert.ok(b.history.isCoarse(table));
  assert.ok(table.oldest <= NOW - 3_300_000 + 5000);
});

test('a small move of what was asked for asks nothing, a closer look asks for finer rows', async () => {
  const b = bench();
  b.history.see(b.look(NOW - 3_000_000, NOW - 1_200_000), true);
  await b.advance(200);
  b.history.see(b.look(NOW - 3_100_000, NOW - 1_300_000), true);
  await b.advance(200);
  assert.equal(b.asks.length, 1);
  const coarse = b.history.stepOf(b.history.table());
  b.history.see(b.look(NOW - 2_000_000, NOW - 1_940_000), true);
  assert.equal(b.history.stepOf(b.history.table()), coarse, 'the old rows are drawn on until then');
  await b.advance(200);
  assert.equal(b.asks.length, 2);
  assert.equal(b.history.stepOf(b.history.table()), 1000);
  assert.ok(!b.history.isCoarse(b.history.table()));
});

test('the least and the most of a bucket hold every sample of it', async () => {
  const b = bench();
  b.history.see(b.look(NOW - HOUR, NOW - 600_000), true);
  await b.advance(200);
  const table = b.history.table();
  const step = b.history.stepOf(table);
  const [times, low, high] = [table.times(), table.column(lowId('a'))!, table.column(highId('a'))!];
  times.forEach((middle, i) => {
    const start = middle - (step - 1000) / 2;
    const raw = [];
    for (let t = start; t < start + step; t += 1000) if (t >= NOW - HOUR) raw.push(valueAt('a', t));
    assert.equal(low[i], Math.min(...raw));
    assert.equal(high[i], Math.max(...raw));
  });
});

test('as time goes on the rows of a live hour are those that history would answer', async () => {
  const b = bench();
  b.history.see(b.look(NOW - HOUR, NOW), true);
  await b.advance(200);
  for (let i = 1; i <= 100; i++) {
    b.put(NOW + i * 1000);
    b.history.see(b.look(NOW - HOUR + i * 1000, NOW + i * 1000), false);
    await b.advance(1000);
  }
  assert.equal(b.asks.length, 1);
  const table = b.history.table();
  const [asked] = b.asks;
  const theirs = answerOf(IDS, asked.from, asked.to, asked.points, NOW - HOUR, NOW + 100_000);
  assert.deepEqual([...table.times()], theirs.t.map((t) => theirs.t0 + t + (theirs.step - 1000) / 2));
  for (const [i, id] of IDS.entries()) {
    assert.deepEqual([...table.column(id)!], theirs.avg[i]);
    assert.deepEqual([...table.column(lowId(id))!], theirs.min![i]);
    assert.deepEqual([...table.column(highId(id))!], theirs.max![i]);
  }
  assert.deepEqual(
    [...table.column(stackId('a', 'b'))!],
    theirs.avg[0].map((v, i) => v! + theirs.avg[1][i]!),
  );
});

test('raw rows of the past go on with the live ones, each stamp once', async () => {
  const b = bench();
  b.history.see(b.look(NOW - 900_000, NOW), true);
  await b.advance(200);
  for (let i = 1; i <= 10; i++) {
    b.put(NOW + i * 1000);
    b.history.see(b.look(NOW - 900_000 + i * 1000, NOW + i * 1000), false);
  }
  const times = [...b.history.table().times()];
  assert.equal(b.asks.length, 1);
  assert.ok(times.every((t, i) => i === 0 || t === times[i - 1] + 1000));
  assert.equal(times.at(-1), NOW + 10_000);
});

test('a young host is asked about once, for before its first sample there is nothing', async () => {
  const b = bench({ since: NOW - 30_000, liveFrom: NOW - 30_000 });
  b.history.see(b.look(NOW - 300_000, NOW), true);
  await b.advance(200);
  assert.equal(b.asks.length, 1);
  for (let i = 1; i < 20; i++) {
    b.put(NOW + i * 1000);
    b.history.see(b.look(NOW - 300_000 + i * 1000, NOW + i * 1000), false);
    await b.advance(1000);
  }
  b.history.see(b.look(NOW - HOUR, NOW), true);
  await b.advance(200);
  assert.equal(b.asks.length, 1);
  assert.equal(b.history.table(), b.live);
});

test('a column that comes onto the screen is asked for', async () => {
  const b = bench();
  b.history.see(b.look(NOW - HOUR, NOW, { ids: ['a'] }), true);
  await b.advance(200);
  assert.ok(b.history.table().column('b')!.every(Number.isNaN));
  b.history.see(b.look(NOW - HOUR, NOW), true);
  await b.advance(200);
  assert.equal(b.asks.length, 2);
  assert.ok(!b.history.table().column('b')!.some(Number.isNaN));
});

test('after a hole among the live rows the past is asked for again, and drawn on until then', async () => {
  const b = bench();
  b.history.see(b.look(NOW - HOUR, NOW), true);
  await b.advance(200);
  const before = b.history.table();
  b.history.spoil(NOW - 60_000);
  assert.equal(b.history.table(), before);
  await b.advance(200);
  assert.equal(b.asks.length, 2);
  assert.notEqual(b.history.table(), before);
});

test('where nothing was before the live rows, what comes late is asked for', async () => {
  const b = bench({ since: NOW - 300_000 });
  b.history.see(b.look(NOW - HOUR, NOW), true);
  await b.advance(200);
  assert.equal(b.history.table(), b.live, 'the live rows are all there is');
  b.history.spoil(NOW - 60_000);
  await b.advance(200);
  assert.equal(b.asks.length, 1, 'a hole among them says nothing of what was before');
  b.lateSince(NOW - HOUR);
  b.history.spoil(NOW - HOUR);
  await b.advance(200);
  assert.equal(b.asks.length, 2);
  assert.ok(b.history.table().times()[0] <= NOW - HOUR + 5000);
});

test('a question that fails is asked again after two seconds, not at each sample', async () => {
  const b = bench();
  b.failNext(1);
  b.history.see(b.look(NOW - HOUR, NOW), true);
  await b.advance(200);
  for (let i = 1; i <= 9; i++) {
    b.history.see(b.look(NOW - HOUR + i, NOW + i), false);
    await b.advance(200);
  }
  assert.equal(b.asks.length, 1);
  await b.advance(300);
  assert.equal(b.asks.length, 2);
  assert.notEqual(b.history.table(), b.live);
});
