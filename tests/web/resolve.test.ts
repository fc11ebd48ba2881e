import assert from 'node:assert/strict';
import test from 'node:test';
import { things, wholes } from '../../dashboard/web/src/data/columns';
import type { Column } from '../../dashboard/web/src/net/protocol';
import { choose } from '../../dashboard/web/src/views/picked';
import { sectionsOf, specOf } from '../../dashboard/web/src/views/resolve';
import type { EachTemplate, MountsTemplate, Template } from '../../dashboard/web/src/views/template';

const each = (stem: string, names: readonly string[], unit = 'count'): Column[] =>
  names.map((name) => ({ id: `${stem}.${name}`, unit, name }));

const disks = (names: readonly string[]): Column[] =>
  ['read', 'write'].flatMap((what) => each(`disk.${what}`, names, 'bytes_per_second'));

const keysOf = (columns: readonly Column[]) => sectionsOf(columns).here.map((s) => s.key);

function panel(columns: readonly Column[], key: string): Exclude<Template, MountsTemplate> {
  const all = sectionsOf(columns).here.flatMap((s) => s.panels.map((p) => p.template));
  return all.find((t) => t.key === key) as Exclude<Template, MountsTemplate>;
}

test('things are in the order that people count in', () => {
  const names = things(each('disk.read', ['sda10', 'sdb', 'sda2', 'sda1']), 'disk.read.').map((t) => t.name);
  assert.deepEqual(names, ['sda1', 'sda2', 'sda10', 'sdb']);
});

test('a prefix ends at its dot: reads are no read', () => {
  const columns = [...each('disk.reads', ['sda']), ...each('disk.read_wait', ['sda'])];
  assert.deepEqual(things(columns, 'disk.read.'), []);
});

test('two things of one name are told apart by their place', () => {
  const columns: Column[] = [
    { id: 'temp.nvme0/temp1', unit: 'celsius', name: 'Composite' },
    { id: 'temp.nvme1/temp1', unit: 'celsius', name: 'Composite' },
    { id: 'zone.acpitz-0', unit: 'celsius', name: 'acpitz-0' },
  ];
  assert.deepEqual(
    things(columns, 'temp.', 'zone.').map((t) => t.name),
    ['acpitz-0', 'Composite (nvme0/temp1)', 'Composite (nvme1/temp1)'],
  );
});

test('a name of ten thousand letters becomes a label of two hundred', () => {
  const [thing] = things([{ id: 'fs.use.x', unit: 'percent', name: 'a'.repeat(10_000) }], 'fs.use.');
  assert.equal(thing.name.length, 200);
});

test('a sum of devices leaves out what is made of others, unless there is nothing else', () => {
  const of = (...names: string[]) => wholes(things(each('net.rx', names), 'net.rx.')).map((t) => t.name);
  assert.deepEqual(of('eth0', 'lo', 'docker0', 'veth12ab', 'eth0.100', 'wlan0'), ['eth0', 'wlan0']);
  assert.deepEqual(of('lo'), ['lo']);
});

test('a host without columns has the overview only where it has something of it', () => {
  assert.deepEqual(keysOf([]), []);
  assert.deepEqual(keysOf([{ id: 'load.1', unit: 'load' }]), ['overview']);
});

test('a section is there as soon as one of its columns is, and said to be absent before', () => {
  const columns = [{ id: 'load.1', unit: 'load' }, ...disks(['sda'])];
  assert.deepEqual(keysOf(columns), ['overview', 'disks']);
  assert.ok(sectionsOf(columns).absent.some((s) => s.key === 'sensors' && s.absent !== ''));
});

test('panels fill their rows', () => {
  const everything = sectionsOf([
    { id: 'load.1', unit: 'load' },
    ...disks(['sda']),
    ...each('disk.busy', ['sda']),
    ...each('disk.queue', ['sda']),
    ...each('temp', ['a']),
    { id: 'procs.running', unit: 'count' },
    { id: 'psi.cpu.some', unit: 'percent' },
    { id: 'psi.io.some', unit: 'percent' },
  ]).here;
  for (const { key, panels } of everything) {
    let left = 0;
    for (const { width } of panels) left = (left + width) % 12;
    assert.equal(left, 0, `${key}: ${panels.map((p) => p.width)}`);
  }
});

test('a device has a line on each side of the axis, in one colour', () => {
  const columns = disks(['sda', 'sdb']);
  const spec = specOf(panel(columns, 'disk-bytes'), columns);
  assert.deepEqual(
    spec.lines.map((l) => [l.id, l.ink, l.down === true]),
    [
      ['disk.read.sda', 'series-1', false],
      ['disk.write.sda', 'series-1', true],
      ['disk.read.sdb', 'series-2', false],
      ['disk.write.sdb', 'series-2', true],
    ],
  );
  assert.equal(spec.rows.length, 2);
});

test('of more than eight, eight are drawn, each in the colour of its name, and the rest are one', () => {
  const names = Array.from({ length: 12 }, (_, i) => `sd${String.fromCharCode(97 + i)}`);
  const columns = disks(names);
  const picked = new Set(names.slice(4));
  const spec = specOf(panel(columns, 'disk-bytes'), columns, picked);
  assert.equal(spec.rows.length, 9);
  assert.equal(spec.rows[0].label, 'sde');
  assert.equal(spec.rows[0].ink, 'series-5');
  assert.deepEqual(spec.rows[4].dash, [6, 3], 'the ninth name is dashed');
  const rest = spec.lines.filter((l) => l.ink === 'others');
  assert.deepEqual(rest[0].fold, { of: names.slice(0, 4).map((n) => `disk.read.${n}`), by: 'sum' });
  assert.deepEqual(
    rest[1].fold?.of,
    names.slice(0, 4).map((n) => `disk.write.${n}`),
  );
});

test('what cannot be added up shows its greatest', () => {
  const columns = each('disk.busy', ['a', 'b', 'c'], 'percent');
  const t = panel(columns, 'disk-busy') as EachTemplate;
  const [figure] = specOf(t, columns).figures;
  const now: Record<string, number> = { 'disk.busy.a': 5, 'disk.busy.b': 60, 'disk.busy.c': NaN };
  assert.equal(
    figure.source((id) => now[id]),
    60,
  );
});

test('each number of an application has a panel, with the unit that it came with', () => {
  const columns: Column[] = [
    { id: 'app.other.heap_bytes.a', unit: 'bytes', name: 'a', metric: 'heap_bytes' },
    { id: 'app.other.heap_bytes.b', unit: 'bytes', name: 'b', metric: 'heap_bytes' },
    { id: 'app.other.jobs.a', unit: 'count', name: 'a', metric: 'jobs' },
    { id: 'app.value.a', unit: 'parsec', name: 'a' },
  ];
  const { panels } = sectionsOf(columns).here.find((s) => s.key === 'apps')!;
  assert.deepEqual(
    panels.map((p) => [p.template.title, (p.template as EachTemplate).unit]),
    [
      ['heap', 'bytes'],
      ['jobs', 'count'],
      ['Value', 'count'],
    ],
  );
});

test('who is drawn makes room only for clearly more', () => {
  const all = (weights: Record<string, number>) => Object.entries(weights).map(([key, weight]) => ({ key, weight }));
  const first = choose(all({ a: 10, b: 9, c: 8 }), undefined, 2);
  assert.deepEqual([...first].sort(), ['a', 'b']);
  assert.deepEqual([...choose(all({ a: 10, b: 9, c: 11 }), first, 2)].sort(), ['a', 'b']);
  assert.deepEqual([...choose(all({ a: 10, b: 9, c: 12 }), first, 2)].sort(), ['a', 'c']);
  assert.deepEqual([...choose(all({ a: 0, b: 0, c: 0 }), first, 2)].sort(), ['a', 'b']);
});
