import assert from 'node:assert/strict';
import test from 'node:test';
import { gapless } from '../../dashboard/web/src/data/gaps';
import { Store } from '../../dashboard/web/src/data/store';
import { columnOf, foldValues, type Line } from '../../dashboard/web/src/draw/line';
import { sayRow, summarise } from '../../dashboard/web/src/draw/summary';
import { twoSidedScale } from '../../dashboard/web/src/draw/ticks';

const plain = (text: string) => text.replaceAll('\u00a0', ' ');
const table = () => Object.assign(new Store(16));

function filled(): Store {
  const s = table();
  s.setColumns(['a', 'b']);
  for (let t = 1; t <= 5; t++) s.append(['a', 'b'], t * 1000, [t, t === 3 ? null : 10 * t]);
  return s;
}

test('a fold takes what is there, and nothing of nothing', () => {
  assert.equal(foldValues([1, NaN, 2], 'sum'), 3);
  assert.equal(foldValues([1, NaN, 2], 'max'), 2);
  assert.equal(foldValues([-3, -2], 'max'), -2);
  assert.ok(Number.isNaN(foldValues([NaN, NaN], 'sum')));
  assert.ok(Number.isNaN(foldValues([], 'max')));
});

test('a folded column is right within the rows asked for', () => {
  const line: Line = { id: 'x', label: 'x', ink: 'others', fold: { of: ['a', 'b', 'gone'], by: 'sum' } };
  assert.deepEqual([...columnOf(line, filled(), 1, 4)!].slice(1, 4), [22, 3, 44]);
  assert.equal(columnOf({ id: 'gone' }, filled()), undefined);
});

test('stretches without a gap end at a missing value and at a missing row', () => {
  const times = [0, 1000, 2000, 3000, 6000, 7000];
  assert.deepEqual(gapless(times, [1, 1, NaN, 1, 1, 1], 1000, 0, 6), [
    [0, 2],
    [3, 4],
    [4, 6],
  ]);
  assert.deepEqual(gapless(times, [NaN, NaN, NaN, NaN, NaN, NaN], 1000, 0, 6), []);
  assert.deepEqual(gapless([], [], 1000, 0, 0), []);
});

test('both sides of an axis share a step, and each ends at a tick', () => {
  for (const [up, down] of [
    [0, 0],
    [1, 0],
    [5e6, 100],
    [3, 4e9],
    [812, 811],
  ]) {
    for (const unit of ['bits_per_second', 'bytes_per_second', 'per_second', 'seconds'] as const) {
      const { min, max, ticks } = twoSidedScale(up, down, unit, 4);
      assert.ok(max >= up && -min >= down, `${unit} ${up} ${down}`);
      assert.ok(
        ticks.some((t) => Math.abs(t) < 1e-9 * max),
        `${ticks} has no zero`,
      );
      assert.ok(ticks.length >= 3 && ticks.length <= 8, `${unit} ${up} ${down}: ${ticks}`);
      assert.ok(Math.abs(ticks[0] - min) < 1e-9 * (max - min));
    }
  }
});

test('a chart in words: now, between which, and where to', () => {
  const lines: Line[] = [
    { id: 'a', label: 'one', ink: 'series-1' },
    { id: 'b', label: 'two', ink: 'series-2', side: 'sent' },
  ];
  assert.equal(
    plain(summarise('Load', lines, 'count', filled(), [1000, 5000])),
    'Load, 4 s. one: 5, between 1 and 5, rising. two sent: 50, between 10 and 50, rising.',
  );
  assert.equal(summarise('Load', lines, 'count', table(), [NaN, NaN]), 'Load, no data yet.');
  assert.equal(plain(sayRow(lines, 'count', filled(), 2)), 'one 3, two sent —');
});
