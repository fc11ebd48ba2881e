// protocol - the shapes that the dashboard answers with. dashboard/API.md is the contract.

/** `up`, `late` (two heartbeats missed), `stopped` (the agent said so), `silent` (nothing, cause unknown). */
export type HostState = 'up' | 'late' | 'stopped' | 'silent';

export interface HostInfo {
  id: string;
  name: string;
  state: HostState;
  since_ms: number;
  first_ms: number;
  last_ms: number; // 0: no sample yet
  interval_ms: number;
  version: string;
  offset_ms: number | null;
  rtt_ms: number | null;
  dropped: number | null;
  missed: number | null;
}

export interface Column {
  id: string;
  unit: string;
  name?: string; // of what there are several: the device, mount point, core, sensor or application
  metric?: string; // of app.other only
  color?: string; // of applications: what they declared, any text
}

/** What a machine is; what is not known is left out. */
export interface HostFacts {
  os?: string;
  kernel?: string;
  arch?: string;
  cpus?: number;
  mem?: number; // bytes
  boot?: number; // ms
}

export interface Hello {
  v: number;
  build: string;
  boot: string;
  now: number; // ms, the collector's clock
  tick: number; // ms
  stale: number; // ms of age from which a number must not look alive
}

/** Rows of the past: times are offsets from t0, one array a column; a null or a row left out is a gap. */
export interface Block {
  t0: number;
  step: number;
  t: number[];
  d: (number | null)[][];
}

export interface Snap {
  s: number;
  t: number;
  cols: Column[];
  hosts: [number, string, string, HostState, HostFacts][];
  d: (number | null)[][];
  hist?: Block;
}

export interface Tick {
  s: number;
  t: number;
  d: (number | null)[][];
}

export interface HostEvent {
  s: number;
  op: HostState;
  ix: number;
  id: string;
  name: string;
  t: number;
}

export interface Hist {
  h: string;
  t0: number;
  step: number;
  n: number;
  tier: string;
  c: string[];
  units: string[];
  t: number[];
  avg: (number | null)[][];
  min?: (number | null)[][];
  max?: (number | null)[][];
}

/** The ticks that a stream taken up again would have brought, at once. */
export interface Fill {
  s: number;
  from: number;
  to: number;
  ticks: Tick[];
}

/** What came late of a host is in history now. */
export interface Filled {
  s: number;
  host: string;
  from: number; // ms, of the oldest row
  to: number; // of the newest
}

/** A stretch of time of which something is missing. */
export interface LedgerGap {
  what: 'lost' | 'missed';
  cause: string;
  from: number; // ms
  to: number;
  count: number; // samples that were lost, ticks that were missed
}

/** What a limit of the host's agent refused since the collector's start. */
export interface LedgerLimit {
  limit: string;
  series: number;
  samples: number;
  metric: string | null; // that has most of it
  label: string | null; // that made so many series of it
}

/** Which collector the dashboard asks, and how. */
export interface Collector {
  endpoint: string; // of its data port
  insecure: boolean; // without keys
}

/** An agent that was sent away lately. */
export interface Refused {
  id: string | null;
  name: string; // that it says: anybody's words
  reason: string;
  why: string;
  key: string;
  address: string;
  ago_ms: number; // by the dashboard's clock: a browser's may be anything
}

/** What became of all samples of a host; of it, what a page shows. */
export interface Ledger {
  id: string;
  gaps: LedgerGap[];
  limits?: LedgerLimit[]; // a collector of before has none
}

/** Something that happened on a host. */
export interface Note {
  id: string; // the same however often it is told
  t: number; // ms
  host: string;
  kind: string; // a word for programs
  severity: 'info' | 'warning' | 'critical';
  text: string; // for people
  fields: Record<string, string>;
}

/** How many hosts there are, by state. */
export interface Summary {
  now: number;
  hosts: number;
  up: number;
  late: number;
  stopped: number;
  silent: number;
}

/** Events since the one that was named, as a stream would have sent them. */
export interface ViewAnswer {
  id: string;
  events: { event: string; data: unknown }[];
}
