import assert from 'node:assert/strict';
import test from 'node:test';
import { runningSums } from '../../dashboard/web/src/data/stack';

test('each height is the sum of what lies below and the layer itself', () => {
  assert.deepEqual(runningSums([1, 2, 3]), [1, 3, 6]);
  assert.deepEqual(runningSums([]), []);
});

test('from a missing layer on the height is unknown, never guessed', () => {
  assert.deepEqual(runningSums([1, NaN, 3]), [1, NaN, NaN]);
});
