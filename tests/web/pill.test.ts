import assert from 'node:assert/strict';
import test from 'node:test';
import { pillOf, type Facts } from '../../dashboard/web/src/ui/pill';

const ALIVE: Facts = {
  now: 100_000,
  link: 'open',
  downFor: 0,
  newest: 99_900,
  lag: 200,
  step: 1000,
  stale: 5000,
  pausedFor: null,
  fixed: null,
};

const pill = (facts: Partial<Facts>) => {
  const p = pillOf({ ...ALIVE, ...facts });
  return `${p.word} ${p.detail}`.replaceAll('\u00a0', ' ').trim();
};

test('live tells the lag of what was painted', () => assert.equal(pill({}), 'LIVE 0.2 s'));

test('a sample that is overdue shows its growing age instead', () => {
  assert.equal(pill({ newest: 96_500 }), 'LIVE 3.5 s');
});

test('from the stale age on nothing looks alive', () => {
  assert.equal(pill({ newest: 95_001 }), 'LIVE 5.0 s');
  assert.equal(pill({ newest: 95_000 }), 'STALE 5 s');
  assert.equal(pill({ newest: 40_000 }), 'STALE 1 m');
});

test('without any sample there is no data, whatever the connection', () => {
  assert.equal(pill({ newest: NaN }), 'NO DATA');
});

test('where a clock is so wrong that nothing looks alive, that is said', () => {
  assert.equal(pill({ newest: NaN, skew: -7_200_000 }), 'NO DATA clock 2 h ahead');
  assert.equal(pill({ newest: 40_000, skew: 60_000 }), 'STALE clock 60.0 s behind');
  assert.equal(pill({ newest: 40_000, skew: 4999 }), 'STALE 1 m');
  assert.equal(pill({ skew: -60_000 }), 'LIVE 0.2 s');
});

test('a lost connection is told within a second, with its length', () => {
  assert.equal(pill({ link: 'down', downFor: 200 }), 'LIVE 0.2 s');
  assert.equal(pill({ link: 'down', downFor: 3000 }), 'RECONNECTING 3 s');
  assert.equal(pill({ link: 'connecting', downFor: 3000, newest: NaN }), 'RECONNECTING 3 s');
});

test('a lost connection is told even while paused', () => {
  assert.equal(pill({ link: 'down', downFor: 3000, pausedFor: 9000 }), 'RECONNECTING 3 s');
});

test('a paused view counts since when', () => assert.equal(pill({ pausedFor: 41_000 }), 'PAUSED 00:41'));

test('a paused view of a silent host does not say live', () => {
  assert.equal(pill({ pausedFor: 1000, newest: 10_000 }), 'PAUSED 00:01');
});

test('a chosen range is named', () => {
  assert.match(pill({ fixed: { from: 0, to: 60_000 } }), /^RANGE \d\d:\d\d:00–\d\d:\d\d:00$/);
  assert.match(pill({ now: 9e8, newest: 9e8, fixed: { from: 0, to: 3_600_000 } }), /^RANGE (01-01|12-31) \d\d:\d\d–/);
});

test('a click reconnects, resumes or pauses, as the pill says', () => {
  assert.equal(pillOf({ ...ALIVE, link: 'down', downFor: 9000 }).action, 'Try to connect now');
  assert.equal(pillOf({ ...ALIVE, pausedFor: 9000 }).action, 'Back to live');
  assert.equal(pillOf(ALIVE).action, 'Pause');
});
