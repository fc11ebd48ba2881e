import assert from 'node:assert/strict';
import test from 'node:test';
import {
  formatDuration,
  formatInterval,
  formatLag,
  formatMoment,
  formatSkew,
  formatStopwatch,
  formatStretch,
  formatTick,
  formatTicks,
  formatTime,
  formatValue,
  lossText,
  refusedTexts,
  type Unit,
  unitOf,
  zoneAhead,
} from '../../dashboard/web/src/draw/format';

/** Ordinary spaces in the table stand for the ones that do not break. */
const plain = (text: string) => text.replaceAll('\u00a0', ' ');

const CASES: [number | null | undefined, Unit, string][] = [
  [0, 'percent', '0.0 %'],
  [null, 'percent', '—'],
  [undefined, 'bytes', '—'],
  [NaN, 'load', '—'],
  [Infinity, 'per_second', '—'],
  [-Infinity, 'count', '—'],
  [-0, 'percent', '0.0 %'],
  [97.3, 'percent', '97.3 %'],
  [99.94, 'percent', '99.9 %'],
  [99.96, 'percent', '100 %'],
  [100, 'percent', '100 %'],
  [-0.04, 'percent', '0.0 %'],
  [-1.5, 'percent', '−1.5 %'],
  [0, 'bytes', '0 B'],
  [1, 'bytes', '1 B'],
  [1023, 'bytes', '1023 B'],
  [1024, 'bytes', '1.00 KiB'],
  [1536, 'bytes', '1.50 KiB'],
  [1048575, 'bytes', '1.00 MiB'],
  [3.12 * 2 ** 30, 'bytes', '3.12 GiB'],
  [201 * 2 ** 30, 'bytes', '201 GiB'],
  [1e15, 'bytes', '909 TiB'],
  [-2048, 'bytes', '−2.00 KiB'],
  [0.7, 'bytes', '1 B'],
  [0, 'load', '0.00'],
  [0.004, 'load', '0.00'],
  [0.52, 'load', '0.52'],
  [9.996, 'load', '10.0'],
  [41.23, 'load', '41.2'],
  [128.4, 'load', '128'],
  [0, 'count', '0'],
  [999, 'count', '999'],
  [999.9, 'count', '1.00 k'],
  [1e15, 'count', '1.00 P'],
  [1e21, 'count', '1000 E'],
  [0, 'per_second', '0/s'],
  [3.4, 'per_second', '3.40/s'],
  [812, 'per_second', '812/s'],
  [999.9, 'per_second', '1.00 k/s'],
  [16634, 'per_second', '16.6 k/s'],
  [1e-9, 'per_second', '0.00/s'],
  [-1e-9, 'per_second', '0.00/s'],
  [0, 'bits_per_second', '0 b/s'],
  [999.6, 'bits_per_second', '1.00 kb/s'],
  [8.1e9, 'bits_per_second', '8.10 Gb/s'],
  [412 * 2 ** 20, 'bytes_per_second', '412 MiB/s'],
  [1023.4, 'bytes_per_second', '1023 B/s'],
  [null, 'seconds', '—'],
  [0, 'seconds', '0 ms'],
  [3.4e-8, 'seconds', '34.0 ns'],
  [0.00085, 'seconds', '850 µs'],
  [0.0123, 'seconds', '12.3 ms'],
  [0.9996, 'seconds', '1.00 s'],
  [42, 'seconds', '42.0 s'],
  [86_400, 'seconds', '86400 s'],
  [0, 'celsius', '0.0 °C'],
  [67.25, 'celsius', '67.3 °C'],
  [-12.5, 'celsius', '−12.5 °C'],
  [104, 'celsius', '104.0 °C'],
  [2140, 'rpm', '2140 rpm'],
  [0, 'rpm', '0 rpm'],
  [3.2e9, 'hertz', '3.20 GHz'],
  [800e6, 'hertz', '800 MHz'],
];

for (const [value, unit, expected] of CASES) {
  test(`${value} ${unit} reads ${expected}`, () => assert.equal(plain(formatValue(value, unit)), expected));
}

test('a unit that nobody knows is a count', () => {
  assert.equal(unitOf('parsecs'), 'count');
  assert.equal(unitOf('constructor'), 'count');
  assert.equal(unitOf('hertz'), 'hertz');
});

test('no number takes more than four digits', () => {
  for (let e = -6; e < 18; e += 0.37) {
    for (const unit of ['bytes', 'count', 'per_second', 'bits_per_second', 'bytes_per_second', 'hertz'] as const) {
      const digits = formatValue(10 ** e, unit).replace(/[^0-9]/g, '');
      assert.ok(digits.length <= 4, `${10 ** e} ${unit}: ${digits}`);
    }
  }
});

test('ticks share a prefix and have just enough digits to differ', () => {
  assert.deepEqual(formatTicks([0, 2, 4], 'load'), ['0', '2', '4']);
  assert.deepEqual(formatTicks([0, 0.5, 1], 'load'), ['0', '0.5', '1.0']);
  assert.deepEqual(formatTicks([0, 2.5, 5], 'load'), ['0', '2.5', '5.0']);
  assert.deepEqual(formatTicks([0, 10_000, 20_000], 'per_second').map(plain), ['0', '10 k/s', '20 k/s']);
  assert.deepEqual(formatTicks([0, 2 ** 31, 2 ** 32], 'bytes').map(plain), ['0', '2 GiB', '4 GiB']);
  assert.deepEqual(formatTicks([0, 50, 100], 'percent').map(plain), ['0', '50 %', '100 %']);
  assert.deepEqual(formatTicks([-2e6, 0, 2e6], 'bits_per_second').map(plain), ['-2 Mb/s', '0', '2 Mb/s']);
  assert.deepEqual(formatTicks([0, 0.0005, 0.001], 'seconds').map(plain), ['0', '0.5 ms', '1.0 ms']);
  assert.deepEqual(formatTicks([], 'percent'), []);
});

test('a length of time is told in its two largest units', () => {
  const cases: [number | null, string][] = [
    [0, '0 s'],
    [999, '0 s'],
    [12_000, '12 s'],
    [60_000, '1 m'],
    [130_000, '2 m 10 s'],
    [12_000_000, '3 h 20 m'],
    [3_600_000, '1 h'],
    [187_200_000, '2 d 4 h'],
    [-5, '0 s'],
    [NaN, '—'],
    [null, '—'],
  ];
  for (const [ms, expected] of cases) assert.equal(plain(formatDuration(ms)), expected);
});

test('a lag has one decimal and is never below zero', () => {
  assert.equal(plain(formatLag(234)), '0.2 s');
  assert.equal(plain(formatLag(-40)), '0.0 s');
});

test('a clock is ahead or behind by what can be told of it, and right otherwise', () => {
  assert.equal(plain(formatSkew(-7_199_998)), '2 h ahead');
  assert.equal(plain(formatSkew(3000)), '3.0 s behind');
  assert.equal(plain(formatSkew(-50)), '0.1 s ahead');
  assert.equal(formatSkew(49), '');
  assert.equal(formatSkew(null), '');
});

test('what limits refused is told by how much, why, and what most of it is', () => {
  const flood = { limit: 'series', series: 900, samples: 54_000, metric: 'orders_total', label: 'order' };
  const made = { limit: 'new-series', series: 5, samples: 0, metric: null, label: null };
  assert.deepEqual(refusedTexts([flood, made]).map(plain), [
    '54.0 k samples refused: too many series (orders_total by order)',
    '5 series refused: too many new series',
  ]);
  const later = { limit: 'sockets', series: 0, samples: 1, metric: 'a', label: null };
  assert.deepEqual(refusedTexts([later]).map(plain), ['1 sample refused: sockets (a)']);
  assert.deepEqual(refusedTexts([]), []);
});

test('a moment of another day has its date', () => {
  const noon = Date.UTC(2026, 10, 26, 12);
  assert.equal(formatMoment(noon - 60_000, noon, 'UTC'), '11:59:00');
  assert.equal(formatMoment(noon - 86_400_000, noon, 'UTC'), '2026-11-25 12:00:00');
  assert.equal(formatMoment(noon + 43_200_000, noon, 'Asia/Tokyo'), '2026-11-27 09:00:00');
});

test('a stopwatch counts minutes, then hours', () => {
  assert.equal(formatStopwatch(41_000), '00:41');
  assert.equal(formatStopwatch(3_723_000), '1:02:03');
});

test('the day has 24 hours, in any zone', () => {
  const t = Date.UTC(2024, 10, 22, 0, 5, 9);
  assert.equal(formatTime(t, true, 'UTC'), '00:05:09');
  assert.equal(formatTime(t, false, 'Asia/Kolkata'), '05:35');
  assert.equal(formatInterval(t, t + 9000, 'UTC'), '00:05:09–00:05:18');
  assert.equal(formatTime(NaN), '—');
});

test('the hour that a change of the clocks repeats is told twice, the one it skips never', () => {
  const autumn = Date.UTC(2024, 9, 27, 0, 30);
  assert.equal(formatTime(autumn, false, 'Europe/Berlin'), '02:30');
  assert.equal(formatTime(autumn + 3_600_000, false, 'Europe/Berlin'), '02:30');
  const spring = Date.UTC(2024, 2, 31, 0, 59);
  assert.equal(formatTime(spring, false, 'Europe/Berlin'), '01:59');
  assert.equal(formatTime(spring + 60_000, false, 'Europe/Berlin'), '03:00');
});

test('a loss is told in its own words, and nothing as nothing', () => {
  assert.equal(lossText({ dropped: 0, missed: 0 }), '');
  assert.equal(lossText({ dropped: null, missed: null }), '');
  assert.equal(lossText({ dropped: 0, missed: 1 }), '1 tick missed');
  assert.equal(lossText({ dropped: 1, missed: 7 }), '1 sample lost, 7 ticks missed');
});

test('a tick says the day where one begins, in the zone of the page', () => {
  const midnight = Date.UTC(2026, 10, 24, 23, 0); // in Berlin
  assert.equal(formatTick(midnight, false, 'Europe/Berlin'), '11-25');
  assert.equal(formatTick(midnight, false, 'UTC'), '23:00');
  assert.equal(formatTick(midnight, true, 'Europe/Berlin'), '00:00:00');
  assert.equal(zoneAhead(midnight, 'Europe/Berlin'), 3_600_000);
  assert.equal(zoneAhead(Date.UTC(2026, 6, 1), 'Europe/Berlin'), 7_200_000);
  assert.equal(zoneAhead(midnight + 0.5, 'UTC'), 0);
  assert.equal(zoneAhead(midnight, 'America/St_Johns'), -3.5 * 3_600_000);
  assert.equal(zoneAhead(NaN), 0);
});

test('a stretch of another day says which', () => {
  const t = Date.UTC(2026, 10, 25, 14, 2, 10);
  const DAY = 86_400_000;
  assert.equal(formatStretch(t, t + 9000, t + 60_000, 'UTC'), '14:02:10–14:02:19');
  assert.equal(formatStretch(t, t + 9000, t + DAY, 'UTC'), '11-25 14:02:10–14:02:19');
  assert.equal(formatStretch(t, t + 3_600_000, t + DAY, 'UTC'), '11-25 14:02–15:02');
  assert.equal(formatStretch(t - DAY, t, t, 'UTC'), '11-24 14:02–11-25 14:02');
});
