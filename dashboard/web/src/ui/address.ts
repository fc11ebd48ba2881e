// address - the state of a page as the query of its address, and back.
//
// Short keys, always in one order, defaults left out: so equal states have equal addresses, and an
// address that is copied, kept or loaded anew shows the same. Times are seconds since the epoch with
// up to three decimals.

/** The order of all keys that any page has; what is not here follows as it came. */
export const KEYS = ['v', 'm', 'g', 'f', 's', 't', 'z', 'x', 'o', 'kiosk'] as const;

/** What `t` says: a span that ends now, or a stretch that stands still. Both in ms. */
export type Range = { span: number } | { from: number; to: number };

const SECOND = String.raw`(\d{1,10}(?:\.\d{1,3})?)`;
const UNITS_MS: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `-5m`, `-90s`, `-1h`, `-2d`, or `FROM..TO`; null where it is none. */
export function parseRange(text: string | null): Range | null {
  const span = /^-(\d{1,5})([smhd])$/.exec(text ?? '');
  if (span !== null) return { span: Number(span[1]) * UNITS_MS[span[2]] };
  const ends = new RegExp(`^${SECOND}\\.\\.${SECOND}$`).exec(text ?? '');
  if (ends === null) return null;
  const [from, to] = [toMs(ends[1]), toMs(ends[2])];
  return from < to ? { from, to } : null;
}

export function printRange(range: Range): string {
  if (!('span' in range)) return `${printTime(range.from)}..${printTime(range.to)}`;
  const unit = range.span % UNITS_MS.h === 0 ? 'h' : range.span % UNITS_MS.m === 0 ? 'm' : 's';
  return `-${Math.round(range.span / UNITS_MS[unit])}${unit}`;
}

export function parseTime(text: string | null): number | null {
  return new RegExp(`^${SECOND}$`).test(text ?? '') ? toMs(text!) : null;
}

export function printTime(ms: number): string {
  return (Math.round(ms) / 1000).toFixed(3).replace(/\.?0+$/, '');
}

function toMs(seconds: string): number {
  return Math.round(Number(seconds) * 1000);
}

/** The query with one value changed (null: none), keys in their order. With its `?`, or ''. */
export function withQuery(query: string, name: string, value: string | null): string {
  const all = new Map(new URLSearchParams(query));
  if (value === null) all.delete(name);
  else all.set(name, value);
  return printQuery(all);
}

export function printQuery(all: ReadonlyMap<string, string>): string {
  const place = (key: string) => {
    const at = (KEYS as readonly string[]).indexOf(key);
    return at < 0 ? KEYS.length : at;
  };
  const parts = [...all].sort((a, b) => place(a[0]) - place(b[0])).map(([k, v]) => `${escape(k)}=${escape(v)}`);
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}

/** Escapes what a query must not hold, and leaves readable what it may. */
function escape(text: string): string {
  return encodeURIComponent(text).replace(/%(2F|2C|3A)/g, decodeURIComponent);
}
