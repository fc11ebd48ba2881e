import assert from 'node:assert/strict';
import test from 'node:test';
import {
  parseRange,
  parseTime,
  printQuery,
  printRange,
  printTime,
  withQuery,
} from '../../dashboard/web/src/ui/address';
import { parseTurned, printTurned } from '../../dashboard/web/src/ui/sections';
import { parseZone } from '../../dashboard/web/src/ui/zone';

test('a range survives the way through an address', () => {
  for (const text of ['-5m', '-90s', '-1h', '-36m', '-48h', '1732250000..1732251800', '1732250000.25..1732250010.5']) {
    assert.equal(printRange(parseRange(text)!), text);
  }
  assert.deepEqual(parseRange('1732250000.25..1732250010.5'), { from: 1732250000250, to: 1732250010500 });
  assert.equal(printRange(parseRange('-60m')!), '-1h');
});

test('what is no range is none, not a guess', () => {
  for (const text of [null, '', '5m', '-m', '-5x', '-999999m', '5..4', '5..5', 'a..b', '1..', '1.2345..7']) {
    assert.equal(parseRange(text), null, String(text));
  }
});

test('a time has as many decimals as it needs', () => {
  assert.equal(printTime(1732250000000), '1732250000');
  assert.equal(printTime(1732250000070), '1732250000.07');
  assert.equal(parseTime('1732250000.07'), 1732250000070);
  for (const text of [null, '', '-1', '1e3', ' 5', '0x10']) assert.equal(parseTime(text), null, String(text));
});

test('keys stand in one order, whatever the order in which they were set', () => {
  const state = { o: 'a,b', kiosk: '1', t: '-5m', v: 'map', x: '5', z: 'utc', s: '-cpu', other: '1' };
  const values: Record<string, string> = state;
  let query = '';
  for (const name of Object.keys(values)) query = withQuery(query, name, values[name]);
  assert.equal(query, '?v=map&s=-cpu&t=-5m&z=utc&x=5&o=a,b&kiosk=1&other=1');
  for (const name of Object.keys(values)) query = withQuery(query, name, null);
  assert.equal(query, '');
});

test('a query that comes from anywhere is escaped again', () => {
  const hostile = 'a&b=c#d <x>%2F/,:';
  const query = printQuery(new Map([['f', hostile]]));
  assert.equal(new URLSearchParams(query).get('f'), hostile);
  assert.doesNotMatch(query, /[#<> ]/);
});

test('sections are named once, in order, and nothing else is taken for one', () => {
  assert.deepEqual(parseTurned('net,disks,net,,<b>,' + 'x'.repeat(99)), ['disks', 'net']);
  assert.deepEqual(parseTurned(null), []);
  assert.equal(printTurned([]), null);
});

test('a zone is utc or one that the browser knows', () => {
  assert.equal(parseZone('UTC'), 'utc');
  assert.equal(parseZone('Asia/Kolkata'), 'Asia/Kolkata');
  for (const text of [null, '', 'Mars/Base', '<b>']) assert.equal(parseZone(text), null, String(text));
});
