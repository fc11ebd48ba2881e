import assert from 'node:assert/strict';
import test from 'node:test';
import { pickItems } from '../../dashboard/web/src/data/pick';

const CORES = Array.from({ length: 64 }, (_, i) => `core.${i}`);
const DISKS = ['sda', 'sdb', 'nvme0n1'].flatMap((d) => [`disk.read.${d}`, `disk.write.${d}`]);
const ALL = ['cpu.user', 'cpu.idle', ...CORES, ...DISKS];

test('all of many are one prefix, what is not is named', () => {
  assert.deepEqual(pickItems(['cpu.user', ...CORES], ALL), ['cpu.user', 'core.*']);
  assert.deepEqual(pickItems(DISKS, ALL), ['disk.read.*', 'disk.write.*']);
});

test('a part of many is named, for a prefix would bring the others', () => {
  assert.deepEqual(pickItems(CORES.slice(1), ALL), CORES.slice(1));
  assert.deepEqual(pickItems(['core.1', 'core.1'], ALL), ['core.1']);
});

test('the picks are what was wanted', () => {
  for (let seed = 1; seed < 50; seed++) {
    const wanted = ALL.filter((_, i) => (i * 7919 + seed * 104_729) % 5 < seed % 5);
    const items = pickItems(wanted, ALL);
    const picked = ALL.filter((id) => items.some((i) => (i.endsWith('*') ? id.startsWith(i.slice(0, -1)) : id === i)));
    assert.deepEqual(picked, wanted);
  }
});
