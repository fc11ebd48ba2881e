import assert from 'node:assert/strict';
import test from 'node:test';
import { Clock } from '../../dashboard/web/src/data/clock';

test('the quickest message sets the difference of the clocks', () => {
  const c = new Clock();
  c.note(1000, 1500);
  c.note(2000, 2120);
  c.note(3000, 3900);
  assert.equal(c.offset, 120);
  assert.equal(c.collector(5120), 5000);
});

test('before the first message the clocks are taken as equal', () => {
  assert.equal(new Clock().offset, 0);
});

test('a browser that is behind has a negative difference', () => {
  const c = new Clock();
  c.note(10_000, 4000);
  assert.equal(c.offset, -6000);
});

test('a slow drift is followed within two periods', () => {
  const c = new Clock();
  for (let s = 0; s < 1200; s++) c.note(s * 1000, s * 1000 + 20 + s);
  assert.ok(c.offset > 20 + 1200 - 310, String(c.offset));
});
