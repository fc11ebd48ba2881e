import assert from 'node:assert/strict';
import test from 'node:test';
import { findGaps, gapAt, lowerBound, nearestRow, plotRows, rowsWithin } from '../../dashboard/web/src/data/gaps';

const ones = (times: number[]) => times.map(() => 1);

test('neighbours one step apart have no gap, nor at one and a half', () => {
  const t = [0, 1000, 2500, 3500];
  assert.deepEqual(findGaps(t, ones(t), 1000, 0, 3500), []);
});

test('a single lost sample is a gap', () => {
  const t = [0, 1000, 3000, 4000];
  assert.deepEqual(findGaps(t, ones(t), 1000, 0, 4000), [{ from: 1000, to: 3000, open: false }]);
});

test('a row without a value is a gap as a missing row is', () => {
  const t = [0, 1000, 2000, 3000];
  assert.deepEqual(findGaps(t, [1, 1, NaN, 1], 1000, 0, 3000), [{ from: 1000, to: 3000, open: false }]);
});

test('nothing since the last sample is a gap that still lasts', () => {
  const t = [0, 1000];
  assert.deepEqual(findGaps(t, ones(t), 1000, 0, 9000), [{ from: 1000, to: 9000, open: true }]);
});

test('ahead of the first sample there is no gap', () => {
  const t = [50_000, 51_000];
  assert.deepEqual(findGaps(t, ones(t), 1000, 0, 51_000), []);
});

test('a gap that reaches over the right edge ends at its sample', () => {
  const t = [0, 1000, 9000];
  assert.deepEqual(findGaps(t, ones(t), 1000, 0, 5000), [{ from: 1000, to: 9000, open: false }]);
});

test('a gap that ended before the left edge is left out', () => {
  const t = [0, 5000, 6000, 7000];
  assert.deepEqual(findGaps(t, ones(t), 1000, 5500, 7000), []);
});

test('a moment inside a gap finds it, its ends do not', () => {
  const gaps = [{ from: 1000, to: 3000, open: false }];
  assert.equal(gapAt(gaps, 2000), gaps[0]);
  assert.equal(gapAt(gaps, 1000), undefined);
  assert.equal(gapAt(gaps, 3000), undefined);
});

test('the nearest row is the nearer neighbour, the ends included', () => {
  const t = [0, 1000, 2000];
  assert.deepEqual(
    [-9, 400, 600, 1500, 9000].map((x) => nearestRow(t, x)),
    [0, 0, 1, 1, 2],
  );
  assert.equal(nearestRow([], 5), -1);
});

test('rows within a range take one more on each side', () => {
  const t = [0, 1, 2, 3, 4, 5];
  assert.deepEqual(rowsWithin(t, 2, 3), [1, 5]);
  assert.deepEqual(rowsWithin(t, -9, 99), [0, 6]);
  assert.equal(lowerBound(t, 2.5), 3);
});

test('rows without a hole are passed on without a copy', () => {
  const t = Float64Array.of(0, 1000, 2000);
  const v = Float64Array.of(1, 2, 3);
  const plot = plotRows(t, [v], 0, 3, 1000);
  assert.equal((plot[1] as Float64Array).buffer, v.buffer);
});

test('a hole in time becomes a row of nulls, for a line would bridge it', () => {
  const t = Float64Array.of(0, 1000, 9000);
  const v = Float64Array.of(1, 2, 3);
  assert.deepEqual(plotRows(t, [v, v], 0, 3, 1000), [
    [0, 1000, 5000, 9000],
    [1, 2, null, 3],
    [1, 2, null, 3],
  ]);
});

test('NaN becomes null, for uPlot takes nothing else for a gap', () => {
  const t = Float64Array.of(0, 1000, 2000);
  assert.deepEqual(plotRows(t, [Float64Array.of(1, NaN, 3)], 0, 3, 1000)[1], [1, null, 3]);
});
