import assert from 'node:assert/strict';
import test from 'node:test';
import { StickyMax, ticksUpTo, timeTicks, valueScale } from '../../dashboard/web/src/draw/ticks';

const GIB = 2 ** 30;

test('a scale holds its largest value and starts at zero', () => {
  for (const max of [0, 0.3, 1, 1.01, 7, 99, 100, 101, 1e6, 3.3e9]) {
    for (const unit of ['load', 'count', 'per_second', 'bytes', 'percent'] as const) {
      const scale = valueScale(max, unit, 4);
      assert.ok(scale.max >= max, `${unit} ${max}`);
      assert.equal(scale.ticks[0], 0);
      assert.ok(Math.abs(scale.ticks.at(-1)! - scale.max) < 1e-6 * scale.max);
      assert.ok(scale.ticks.length >= 2 && scale.ticks.length <= 6, `${unit} ${max}: ${scale.ticks}`);
    }
  }
});

test('what is counted in wholes has ticks at wholes', () => {
  for (let max = 0; max < 40; max++) {
    for (const tick of valueScale(max, 'count', 3).ticks) assert.ok(Number.isInteger(tick), `${max}: ${tick}`);
  }
});

test('bytes step by powers of two', () => {
  assert.deepEqual(
    valueScale(7 * GIB, 'bytes', 4).ticks.map((t) => t / GIB),
    [0, 2, 4, 6, 8],
  );
});

test('a given end need not be round', () => {
  assert.deepEqual(
    ticksUpTo(7.7 * GIB, 'bytes', 4).map((t) => t / GIB),
    [0, 2, 4, 6],
  );
  assert.deepEqual(ticksUpTo(100, 'percent', 4), [0, 25, 50, 75, 100]);
  assert.deepEqual(ticksUpTo(0, 'bytes', 4), [0]);
});

test('hostile numbers give a scale all the same', () => {
  for (const max of [NaN, Infinity, -5]) assert.ok(Number.isFinite(valueScale(max, 'load', 4).max));
});

test('time ticks are round and far enough apart', () => {
  const five = timeTicks(1_000, 301_000, 700, 72);
  assert.deepEqual(
    five.at.map((t) => t % 60_000),
    [0, 0, 0, 0, 0],
  );
  assert.equal(five.withSeconds, false);
  const ten = timeTicks(0, 10_000, 700, 72);
  assert.equal(ten.withSeconds, true);
  for (const width of [100, 300, 1200]) {
    const { at } = timeTicks(0, 900_000, width, 72);
    assert.ok(at.length < 2 || ((at[1] - at[0]) / 900_000) * width >= 72);
  }
});

test('over days ticks stand at hours and midnights of the clocks that are shown', () => {
  const HOUR = 3_600_000;
  for (const hours of [5, 30, 24 * 3, 24 * 40, 24 * 400]) {
    for (const width of [300, 1400]) {
      for (const ahead of [0, 2 * HOUR, -9.5 * HOUR]) {
        const from = 1_795_000_000_000;
        const { at, withSeconds } = timeTicks(from, from + hours * HOUR, width, 84, ahead);
        assert.equal(withSeconds, false);
        assert.ok(at.length <= width / 84 + 1, `${hours} h on ${width}: ${at.length}`);
        assert.ok(at.length >= 1 || width === 300, `${hours} h on ${width}`);
        for (const t of at) assert.equal((t + ahead) % (at.length > 1 ? Math.min(at[1] - at[0], 24 * HOUR) : 60_000), 0);
      }
    }
  }
});

test('an axis grows at once and shrinks after five seconds', () => {
  const sticky = new StickyMax();
  const to = (max: number, now: number) => sticky.update(max, now);
  assert.equal(to(10, 0), 10);
  assert.equal(to(40, 1000), 40);
  assert.equal(to(10, 2000), 40);
  assert.equal(to(10, 6900), 40);
  assert.equal(to(10, 7000), 10);
});

test('a second peak keeps the axis up', () => {
  const sticky = new StickyMax();
  const to = (max: number, now: number) => sticky.update(max, now);
  to(40, 0);
  to(10, 1000);
  assert.equal(to(40, 4000), 40);
  assert.equal(to(10, 7000), 40);
});
