import assert from 'node:assert/strict';
import test from 'node:test';
import { stackId, Store } from '../../dashboard/web/src/data/store';

function filled(capacity: number, rows: [number, number][]): Store {
  const store = new Store(capacity);
  store.setColumns(['a']);
  for (const [t, v] of rows) store.append(['a'], t, [v]);
  return store;
}

const times = (s: Store) => [...s.times()];
const values = (s: Store, id = 'a') => [...(s.column(id) ?? [])].map((v) => (Number.isNaN(v) ? null : v));

test('rows come back in the order of their time', () => {
  const s = filled(8, [
    [1000, 1],
    [2000, 2],
    [3000, 3],
  ]);
  assert.deepEqual(times(s), [1000, 2000, 3000]);
  assert.deepEqual(values(s), [1, 2, 3]);
  assert.equal(s.newest, 3000);
});

test('an empty store has no newest row', () => {
  const s = new Store(4);
  assert.equal(s.count, 0);
  assert.ok(Number.isNaN(s.newest));
  assert.equal(s.column('a'), undefined);
});

test('a full ring keeps the newest rows, in one run of memory', () => {
  const s = filled(3, [
    [1, 1],
    [2, 2],
    [3, 3],
    [4, 4],
    [5, 5],
  ]);
  assert.deepEqual(times(s), [3, 4, 5]);
  assert.deepEqual(values(s), [3, 4, 5]);
  for (let t = 6; t < 40; t++) {
    s.append(['a'], t, [t]);
    assert.deepEqual(times(s), [t - 2, t - 1, t]);
    assert.deepEqual(values(s), [t - 2, t - 1, t]);
  }
});

test('a time that is here already is dropped, and the first value stands', () => {
  const s = filled(8, [
    [1000, 1],
    [2000, 2],
  ]);
  assert.equal(s.append(['a'], 2000, [9]), false);
  assert.equal(s.append(['a'], 1000, [9]), false);
  assert.deepEqual(times(s), [1000, 2000]);
  assert.deepEqual(values(s), [1, 2]);
});

test('a value that was missing is filled by a later copy of its row', () => {
  const s = filled(8, [[1000, 1]]);
  s.append(['a'], 2000, [null]);
  assert.deepEqual(values(s), [1, null]);
  s.merge({ ids: ['a'], times: [1000, 2000], columns: [[7, 8]] });
  assert.deepEqual(values(s), [1, 8]);
});

test('a late row goes where its time belongs', () => {
  const s = filled(8, [
    [1000, 1],
    [3000, 3],
  ]);
  assert.equal(s.append(['a'], 2000, [2]), true);
  assert.deepEqual(times(s), [1000, 2000, 3000]);
  assert.deepEqual(values(s), [1, 2, 3]);
});

test('history and live rows overlap without a double or a seam', () => {
  const s = filled(16, [
    [5, 5],
    [6, 6],
    [7, 7],
  ]);
  s.merge({ ids: ['a'], times: [1, 2, 3, 4, 5, 6], columns: [[1, 2, 3, 4, 50, 60]] });
  assert.deepEqual(times(s), [1, 2, 3, 4, 5, 6, 7]);
  assert.deepEqual(values(s), [1, 2, 3, 4, 5, 6, 7]);
});

test('a merge beyond the capacity keeps the newest rows', () => {
  const s = filled(4, [
    [8, 8],
    [9, 9],
  ]);
  s.merge({ ids: ['a'], times: [1, 2, 3, 4, 5], columns: [[1, 2, 3, 4, 5]] });
  assert.deepEqual(times(s), [4, 5, 8, 9]);
  s.append(['a'], 10, [10]);
  assert.deepEqual(times(s), [5, 8, 9, 10]);
});

test('a merge with nothing changes nothing', () => {
  const s = filled(4, [[1, 1]]);
  s.merge({ ids: ['a'], times: [], columns: [[]] });
  assert.deepEqual(times(s), [1]);
});

test('random merges agree with a map of first values', () => {
  let seed = 42;
  const random = (n: number) => (seed = (seed * 1103515245 + 12345) % 2 ** 31) % n;
  const s = filled(64, []);
  const model = new Map<number, number>();
  for (let round = 0; round < 300; round++) {
    const block = [...new Set(Array.from({ length: 1 + random(6) }, () => random(60)))].sort((a, b) => a - b);
    s.merge({ ids: ['a'], times: block, columns: [block.map((t) => t * 1000 + round)] });
    for (const t of block) if (!model.has(t)) model.set(t, t * 1000 + round);
  }
  const expected = [...model].sort((a, b) => a[0] - b[0]);
  assert.deepEqual(
    times(s),
    expected.map(([t]) => t),
  );
  assert.deepEqual(
    values(s),
    expected.map(([, v]) => v),
  );
});

test('a column that joins later is empty before, one that goes is gone', () => {
  const s = filled(8, [
    [1, 1],
    [2, 2],
  ]);
  s.setColumns(['a', 'b']);
  s.append(['a', 'b'], 3, [3, 30]);
  assert.deepEqual(values(s, 'b'), [null, null, 30]);
  s.setColumns(['b']);
  assert.equal(s.column('a'), undefined);
  assert.deepEqual(values(s, 'b'), [null, null, 30]);
});

test('a row that names only some columns leaves the others without a value', () => {
  const s = new Store(4);
  s.setColumns(['a', 'b']);
  s.append(['b'], 1, [2]);
  assert.deepEqual(values(s, 'a'), [null]);
  assert.deepEqual(values(s, 'b'), [2]);
});

test('running sums follow appends, merges and the wrap of the ring', () => {
  const s = new Store(3);
  s.setColumns(['x', 'y', 'z']);
  s.addStack(['x', 'y', 'z']);
  for (let t = 1; t <= 5; t++) s.append(['x', 'y', 'z'], t, [1, t, 10]);
  assert.deepEqual(values(s, stackId('x', 'x')), [1, 1, 1]);
  assert.deepEqual(values(s, stackId('x', 'y')), [4, 5, 6]);
  assert.deepEqual(values(s, stackId('x', 'z')), [14, 15, 16]);
  s.merge({ ids: ['x', 'y', 'z'], times: [6], columns: [[2], [2], [null]] });
  assert.deepEqual(values(s, stackId('x', 'z')), [15, 16, null]);
  assert.deepEqual(s.ids(), ['x', 'y', 'z']);
});

test('a stack leaves out parts that the host does not have', () => {
  const s = new Store(4);
  s.setColumns(['y']);
  s.addStack(['x', 'y']);
  s.append(['y'], 1, [5]);
  assert.deepEqual(values(s, stackId('x', 'y')), [5]);
  assert.equal(s.column(stackId('x', 'x')), undefined);
});

test('room grows with the rows, and a view stays one run of memory', () => {
  const s = new Store(1000);
  s.setColumns(['a']);
  for (let t = 1; t <= 5000; t++) {
    s.append(['a'], t, [t]);
    if (t % 250 !== 0) continue;
    const first = Math.max(1, t - 999);
    assert.equal(s.count, t - first + 1);
    assert.equal(s.times()[0], first);
    assert.deepEqual(s.column('a'), s.times());
    assert.ok(s.times().buffer.byteLength <= 8 * 1251, `${s.times().buffer.byteLength} bytes`);
  }
  s.merge({ ids: ['a'], times: [1, 2, 3], columns: [[1, 2, 3]] });
  assert.equal(s.oldest, 4001);
  s.append(['a'], 5001, [5001]);
  assert.deepEqual([s.oldest, s.newest, s.count], [4002, 5001, 1000]);
});
