import assert from 'node:assert/strict';
import test from 'node:test';
import { rampStep, rowHeight } from '../../dashboard/web/src/draw/core_strip';

test('the ramp has nine steps, and its ends hold', () => {
  assert.deepEqual([0, 11.1, 11.2, 50, 99.9, 100].map(rampStep), [0, 0, 1, 4, 8, 8]);
  assert.deepEqual([-5, 140].map(rampStep), [0, 8]);
});

test('rows are never lower than a pixel, and few cores get no towers', () => {
  assert.equal(rowHeight(1), 14);
  assert.equal(rowHeight(48), 3);
  assert.equal(rowHeight(1024), 1);
  assert.equal(rowHeight(0), 14);
});
