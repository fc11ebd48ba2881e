// format - numbers, ages and times of day as text.
//
// Three significant digits; memory and disks in powers of 1024, all else in powers of 1000; percent
// and degrees with one decimal, since that is how they are measured. What is not there is a dash:
// never NaN, -0 or Infinity.

import type { LedgerLimit } from '../net/protocol';

export const NONE = '—';
const NBSP = '\u00a0';
const MINUS = '\u2212';

export type Unit =
  | 'percent'
  | 'bytes'
  | 'bytes_per_second'
  | 'bits_per_second'
  | 'load'
  | 'count'
  | 'per_second'
  | 'seconds'
  | 'celsius'
  | 'rpm'
  | 'hertz';

interface Family {
  base: number;
  prefixes: readonly string[];
  suffix: string; // behind the prefix
  least?: number; // the power of `base` of the first prefix, 0 unless given
}

const IEC = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
const SI = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
const PLAIN = { base: Infinity, prefixes: [''] };

const FAMILIES: Record<Unit, Family> = {
  percent: { ...PLAIN, suffix: '%' },
  load: { ...PLAIN, suffix: '' },
  celsius: { ...PLAIN, suffix: '°C' },
  rpm: { ...PLAIN, suffix: 'rpm' },
  bytes: { base: 1024, prefixes: IEC, suffix: 'B' },
  bytes_per_second: { base: 1024, prefixes: IEC, suffix: 'B/s' },
  bits_per_second: { base: 1000, prefixes: SI, suffix: 'b/s' },
  count: { base: 1000, prefixes: SI, suffix: '' },
  per_second: { base: 1000, prefixes: SI, suffix: '/s' },
  seconds: { base: 1000, prefixes: ['n', 'µ', 'm', ''], suffix: 's', least: -3 },
  hertz: { base: 1000, prefixes: SI, suffix: 'Hz' },
};

/** The unit of a column, by its name on the wire; one that is not known here is a count. */
export function unitOf(name: string): Unit {
  return Object.hasOwn(FAMILIES, name) ? (name as Unit) : 'count';
}

export interface Parts {
  number: string;
  unit: string; // '' where the number has none
}

/** The number and its unit apart, for two styles of type side by side. */
export function formatParts(value: number | null | undefined, unit: Unit): Parts {
  if (value === null || value === undefined || !Number.isFinite(value)) {
    return { number: NONE, unit: '' };
  }
  const { prefixes, suffix } = FAMILIES[unit];
  const size = Math.abs(value);
  const step = stepFor(size, unit);
  const digits = digitsOf(size / scaleOf(unit, step), unit, step);
  const sign = value < 0 && Number(digits) !== 0 ? MINUS : '';
  return { number: sign + digits, unit: prefixes[step] + suffix };
}

/** The unit as it follows the number: a rate stands close, all else apart. */
export function tailOf(unit: string): string {
  return unit === '' || unit.startsWith('/') ? unit : NBSP + unit;
}

export function formatValue(value: number | null | undefined, unit: Unit): string {
  const parts = formatParts(value, unit);
  return parts.number + tailOf(parts.unit);
}

/** What one of the unit with its prefix at `step` is worth. */
function scaleOf(unit: Unit, step: number): number {
  const { base, least = 0 } = FAMILIES[unit];
  return base === Infinity ? 1 : base ** (step + least);
}

/** The prefix with which the number stays below `base` even after it is rounded. */
function stepFor(size: number, unit: Unit): number {
  const { base, prefixes } = FAMILIES[unit];
  if (size === 0 && unit === 'seconds') return 2; // no time at all is told in the usual `ms`
  let step = 0;
  while (step < prefixes.length - 1 && Number(digitsOf(size / scaleOf(unit, step), unit, step)) >= base) step++;
  return step;
}

function digitsOf(size: number, unit: Unit, step: number): string {
  if (unit === 'percent') return size.toFixed(size < 99.95 ? 1 : 0);
  if (unit === 'celsius') return size.toFixed(1);
  if (unit === 'load') return threeDigits(size);
  if (unit === 'rpm' || size === 0) return size.toFixed(0);
  // What is counted in wholes shows wholes until a prefix divides it.
  if (step === 0 && unit !== 'seconds' && (unit !== 'per_second' || Number.isInteger(size))) return size.toFixed(0);
  return threeDigits(size);
}

function threeDigits(size: number): string {
  if (size < 9.995) return size.toFixed(2);
  return size.toFixed(size < 99.95 ? 1 : 0);
}

/** Labels of an axis: one prefix for all, and just enough digits that they differ. */
export function formatTicks(values: readonly number[], unit: Unit): string[] {
  const { prefixes, suffix } = FAMILIES[unit];
  const step = stepFor(Math.max(0, ...values.map(Math.abs)), unit);
  const scaled = values.map((v) => v / scaleOf(unit, step));
  const apart = new Set(scaled.map((v) => v.toPrecision(9))).size;
  const tail = prefixes[step] + suffix;
  for (let digits = 0; ; digits++) {
    const texts = scaled.map((v) => v.toFixed(digits));
    const exact = scaled.every((v, i) => Math.abs(Number(texts[i]) - v) < 1e-9 * Math.max(1, Math.abs(v)));
    if ((exact && new Set(texts).size === apart) || digits === 3) {
      return texts.map((text, i) => (values[i] === 0 ? '0' : text + tailOf(tail)));
    }
  }
}

const SPANS: readonly [number, string][] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [60, 'm'],
  [1, 's'],
];

/** A length of time in its two largest units: `12 s`, `2 m 10 s`, `3 h 20 m`. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return NONE;
  let rest = Math.max(0, Math.floor(ms / 1000));
  const parts: string[] = [];
  for (const [size, name] of SPANS) {
    const n = Math.floor(rest / size);
    rest -= n * size;
    if (n > 0) parts.push(n + NBSP + name);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.length === 0 ? `0${NBSP}s` : parts.join(' ');
}

/** Seconds with one decimal, for a lag. */
export function formatLag(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(1) + NBSP + 's';
}

const SKEW_LEAST_MS = 50; // what is told has a decimal of a second
const SKEW_LONG_MS = 120_000;

/** How wrong a host's clock is, `2 h ahead`; '' where it is right. `offset`: the collector's less its. */
export function formatSkew(offset: number | null): string {
  const off = Math.abs(offset ?? 0);
  if (off < SKEW_LEAST_MS) return '';
  const whole = 1000 * Math.round(off / 1000); // two hours, measured as a millisecond less, are two
  return `${off < SKEW_LONG_MS ? formatLag(off) : formatDuration(whole)} ${(offset ?? 0) < 0 ? 'ahead' : 'behind'}`;
}

/** `00:41`, or `1:02:03` from an hour on. */
export function formatStopwatch(ms: number): string {
  const s = Math.max(0, Math.floor(ms / 1000));
  const pad = (n: number) => String(n).padStart(2, '0');
  const tail = `${pad(Math.floor(s / 60) % 60)}:${pad(s % 60)}`;
  return s < 3600 ? tail : `${Math.floor(s / 3600)}:${tail}`;
}

const formatters = new Map<string, Intl.DateTimeFormat>();

function formatter(zone: string | undefined, withSeconds: boolean): Intl.DateTimeFormat {
  const key = `${zone} ${withSeconds}`;
  let made = formatters.get(key);
  if (made === undefined) {
    const second = withSeconds ? '2-digit' : undefined;
    made = new Intl.DateTimeFormat('en-GB', {
      hourCycle: 'h23',
      hour: '2-digit',
      minute: '2-digit',
      second,
      timeZone: zone,
    });
    formatters.set(key, made);
  }
  return made;
}

/** Days as ISO 8601 writes them, which is how Sweden does. */
function days(zone: string | undefined): Intl.DateTimeFormat {
  const key = `${zone} day`;
  const made = formatters.get(key) ?? new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeZone: zone });
  formatters.set(key, made);
  return made;
}

let pageZone: string | undefined; // undefined: the browser's own

/** The zone in which times of day are said from now on. */
export function setTimeZone(name: string | undefined): void {
  pageZone = name;
}

/** Time of day, 24 hours; of the page's zone unless one is named. */
export function formatTime(ms: number, withSeconds = true, zone = pageZone): string {
  return Number.isFinite(ms) ? formatter(zone, withSeconds).format(ms) : NONE;
}

/** Time of day; of another day than that of `now` with its date, `2026-11-25 14:02:10`. */
export function formatMoment(ms: number, now: number, zone = pageZone): string {
  const day = (t: number) => days(zone).format(t);
  return day(ms) === day(now) ? formatTime(ms, true, zone) : `${day(ms)} ${formatTime(ms, true, zone)}`;
}

/** How far the zone's clocks are ahead of UTC at that time, ms. */
export function zoneAhead(ms: number, zone = pageZone): number {
  if (!Number.isFinite(ms)) return 0;
  return Date.parse(`${days(zone).format(ms)}T${formatTime(ms, true, zone)}Z`) - Math.floor(ms / 1000) * 1000;
}

/** The label of a tick: time of day, or, where a day begins, its month and day: `11-25`. */
export function formatTick(ms: number, withSeconds: boolean, zone = pageZone): string {
  const text = formatTime(ms, withSeconds, zone);
  return text === '00:00' ? days(zone).format(ms).slice(5) : text;
}

/**
 * A stretch of time as one reads it at `now`: `14:02:10–14:02:19`, with the day where that is another
 * one, `11-25 14:02–15:02`; to the second where the minute alone would not tell it.
 */
export function formatStretch(from: number, to: number, now: number, zone = pageZone): string {
  const day = (t: number) => days(zone).format(t);
  const end = day(to);
  if (day(from) === end && end === day(now)) return formatInterval(from, to, zone);
  const exact = to - from < 10 * 60_000;
  const said = (t: number, of: string) => `${of.slice(5)} ${formatTime(t, exact, zone)}`;
  const last = day(from) === end ? formatTime(to, exact, zone) : said(to, end);
  return `${said(from, day(from))}–${last}`;
}

/** `14:02:10–14:02:19` */
export function formatInterval(from: number, to: number, zone?: string): string {
  return `${formatTime(from, true, zone)}–${formatTime(to, true, zone)}`;
}

/** What a host has lost since its agent started, in its own words: "7 ticks missed"; '' for nothing. */
export function lossText(of: { dropped: number | null; missed: number | null }): string {
  const said = [];
  if (of.dropped) said.push(`${formatValue(of.dropped, 'count')} ${of.dropped === 1 ? 'sample' : 'samples'} lost`);
  if (of.missed) said.push(`${formatValue(of.missed, 'count')} ${of.missed === 1 ? 'tick' : 'ticks'} missed`);
  return said.join(', ');
}

const LIMIT_WORDS: Record<string, string> = {
  series: 'too many series',
  'new-series': 'too many new series',
  samples: 'too many samples',
  'label-bytes': 'labels too long',
  'frame-bytes': 'messages too large',
  room: 'no room for them',
};

/** What limits refused of a host, one for a line: how much, why, and what most of it is. */
export function refusedTexts(limits: readonly LedgerLimit[]): string[] {
  return limits.map(({ limit, series, samples, metric, label }) => {
    const [n, of] = samples > 0 ? [samples, samples === 1 ? 'sample' : 'samples'] : [series, 'series'];
    const what = `${formatValue(n, 'count')} ${of}`;
    const most = metric === null ? '' : ` (${metric}${label === null ? '' : ` by ${label}`})`;
    return `${what} refused: ${LIMIT_WORDS[limit] ?? limit}${most}`;
  });
}
