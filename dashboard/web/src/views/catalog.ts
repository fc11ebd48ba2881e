// catalog - what a host's page shows: its sections and their panels, in reading order.
//
// A panel is one question with one unit. What there is several of has a line each, and nothing is
// averaged: what is too much for one chart is added up where a sum means something, else its greatest
// is shown.

import type { Unit } from '../draw/format';
import { appPanels } from './apps';
import type { EachTemplate, Figure, FixedLine, FixedTemplate, SectionTemplate } from './template';

const just = (id: string, unit: Unit): Figure => ({ unit, source: (v) => v(id) });

/** `id label colour`, the colour by its number or name, `down` behind it for below the axis. */
function lines(...texts: readonly string[]): FixedLine[] {
  return texts.map((text) => {
    const [id, label, ink, down] = text.split('|');
    const line = { id, label, ink: /^\d$/.test(ink) ? `series-${ink}` : ink };
    return down === undefined ? line : { ...line, down: true };
  });
}

const DISK: Pick<EachTemplate, 'sides'> = { sides: ['read', 'write'] };
const NET: Pick<EachTemplate, 'sides'> = { sides: ['received', 'sent'] };

const OVERVIEW: SectionTemplate['panels'] = [
  {
    key: 'cpu',
    title: 'CPU',
    kind: 'stack',
    unit: 'percent',
    lines: lines(
      'cpu.user|user|1',
      'cpu.nice|nice|2',
      'cpu.system|system|3',
      'cpu.iowait|iowait|7',
      'cpu.irq|irq|6',
      'cpu.softirq|softirq|4',
      'cpu.steal|steal|8',
    ),
    max: 100,
    idle: { id: 'cpu.idle', of: 100 },
    figure: { unit: 'percent', source: (v) => 100 - v('cpu.idle') },
    extra: { id: 'cpu.idle', label: 'idle', unit: 'percent' },
    meter: true,
    cores: true,
    absent: 'Not collected: the host has no /proc/stat.',
  },
  {
    key: 'memory',
    title: 'Memory',
    kind: 'stack',
    unit: 'bytes',
    lines: lines('mem.used|used|6', 'mem.cached|cached|4', 'mem.buffers|buffers|2', 'mem.free|free|rest'),
    max: 'mem.total',
    figure: { ...just('mem.used', 'bytes'), of: { id: 'mem.total', unit: 'bytes' } },
    extra: { id: 'mem.available', label: 'available', unit: 'bytes' },
    meter: true,
    absent: 'Not collected: the host has no /proc/meminfo.',
  },
  {
    key: 'load',
    title: 'Load',
    unit: 'load',
    lines: lines('load.1|1 m|1', 'load.5|5 m|5', 'load.15|15 m|6'),
    figure: { ...just('load.1', 'load'), of: 'cores' },
    absent: 'Not collected: the host has no /proc/loadavg.',
  },
  {
    key: 'disk-total',
    title: 'Disk I/O, all disks',
    unit: 'bytes_per_second',
    total: ['disk.read.', 'disk.write.'],
    ...DISK,
    absent: 'Not collected: the host has no /proc/diskstats.',
  },
  {
    key: 'net-total',
    title: 'Network, all devices',
    unit: 'bits_per_second',
    total: ['net.rx.', 'net.tx.'],
    ...NET,
    absent: 'Not collected: the host has no /proc/net/dev.',
  },
];

const KERNEL: readonly FixedTemplate[] = [
  {
    key: 'processes',
    title: 'Runnable and blocked',
    unit: 'count',
    lines: lines('procs.running|running|5', 'procs.blocked|blocked|8'),
    figure: just('procs.running', 'count'),
  },
  {
    key: 'activity',
    title: 'Context switches and interrupts',
    unit: 'per_second',
    lines: lines('sys.context_switches|switches|4', 'sys.interrupts|interrupts|7'),
    figure: just('sys.context_switches', 'per_second'),
  },
  {
    key: 'forks',
    title: 'Processes started',
    unit: 'per_second',
    kind: 'area',
    lines: lines('sys.forks|forks|1'),
  },
  {
    key: 'totals',
    title: 'Processes and threads',
    unit: 'count',
    lines: lines('procs.total|processes|1', 'threads.total|threads|6'),
    figure: just('procs.total', 'count'),
  },
  {
    key: 'files',
    title: 'Open files',
    unit: 'count',
    kind: 'area',
    lines: lines('files.open|open|4'),
    extra: { id: 'files.max', label: 'limit', unit: 'count', most: 1e15 }, // more is no limit
  },
];

const MEMORY: readonly FixedTemplate[] = [
  {
    key: 'swap',
    title: 'Swap in use',
    unit: 'bytes',
    kind: 'area',
    lines: lines('swap.used|used|3'),
    max: 'swap.total',
    figure: { ...just('swap.used', 'bytes'), of: { id: 'swap.total', unit: 'bytes' } },
    needs: 'swap.total',
    absent: 'This host has no swap.',
  },
  {
    key: 'swapping',
    title: 'Swapping',
    unit: 'bytes_per_second',
    kind: 'area',
    lines: lines('swap.in|in|3', 'swap.out|out|8|down'),
    sides: ['swapped in', 'swapped out'],
  },
  {
    key: 'paging',
    title: 'Paging',
    unit: 'bytes_per_second',
    kind: 'area',
    lines: lines('vm.in|in|4', 'vm.out|out|6|down'),
    sides: ['read from disks', 'written to disks'],
  },
  { key: 'faults', title: 'Page faults', unit: 'per_second', kind: 'area', lines: lines('vm.faults|all|1') },
  {
    key: 'majfaults',
    title: 'Faults that read a disk',
    unit: 'per_second',
    kind: 'area',
    lines: lines('vm.majfaults|major|8'),
  },
  { key: 'oom', title: 'Killed for want of memory', unit: 'per_second', kind: 'area', lines: lines('vm.oom_kills|kills|8') },
];

const PRESSURE: readonly FixedTemplate[] = [
  { key: 'psi-cpu', title: 'Waiting for CPU', unit: 'percent', kind: 'area', lines: lines('psi.cpu.some|some tasks|1') },
  { key: 'psi-memory', title: 'Waiting for memory', unit: 'percent', lines: lines('psi.memory.some|some tasks|6', 'psi.memory.full|all tasks|8') },
  { key: 'psi-io', title: 'Waiting for I/O', unit: 'percent', lines: lines('psi.io.some|some tasks|7', 'psi.io.full|all tasks|8') },
  { key: 'psi-irq', title: 'Held up by interrupts', unit: 'percent', kind: 'area', lines: lines('psi.irq.full|all tasks|6') },
];

const DISKS: readonly EachTemplate[] = [
  {
    key: 'disk-bytes',
    title: 'Transferred',
    unit: 'bytes_per_second',
    each: ['disk.read.'],
    down: 'disk.write.',
    by: 'sum',
    ...DISK,
  },
  {
    key: 'disk-operations',
    title: 'Operations',
    unit: 'per_second',
    each: ['disk.reads.'],
    down: 'disk.writes.',
    by: 'sum',
    ...DISK,
  },
  { key: 'disk-busy', title: 'Busy', unit: 'percent', each: ['disk.busy.'], by: 'max', max: 100 },
  {
    key: 'disk-wait',
    title: 'Time of an operation',
    unit: 'seconds',
    each: ['disk.read_wait.'],
    down: 'disk.write_wait.',
    by: 'max',
    sparse: true,
    ...DISK,
  },
  { key: 'disk-queue', title: 'Queue', unit: 'count', each: ['disk.queue.'], by: 'max' },
];

const NETWORK: readonly EachTemplate[] = [
  { key: 'net-bits', title: 'Traffic', unit: 'bits_per_second', each: ['net.rx.'], down: 'net.tx.', by: 'sum', ...NET },
  {
    key: 'net-packets',
    title: 'Packets',
    unit: 'per_second',
    each: ['net.rx_packets.'],
    down: 'net.tx_packets.',
    by: 'sum',
    ...NET,
  },
  {
    key: 'net-errors',
    title: 'Errors',
    unit: 'per_second',
    each: ['net.rx_errors.'],
    down: 'net.tx_errors.',
    by: 'sum',
    ...NET,
  },
  { key: 'net-drops', title: 'Drops', unit: 'per_second', each: ['net.rx_drops.'], down: 'net.tx_drops.', by: 'sum', ...NET },
];

const SOCKETS: readonly FixedTemplate[] = [
  {
    key: 'tcp',
    title: 'TCP connections',
    unit: 'count',
    lines: lines(
      'tcp.established|established|1',
      'tcp.inuse|in use|5',
      'tcp.alloc|allocated|6',
      'tcp.tw|time-wait|7',
      'tcp.orphan|orphaned|8',
    ),
  },
  {
    key: 'tcp-segments',
    title: 'TCP segments',
    unit: 'per_second',
    kind: 'area',
    lines: lines('tcp.in|received|1', 'tcp.out|sent|5|down'),
    ...NET,
  },
  {
    key: 'tcp-trouble',
    title: 'TCP trouble',
    unit: 'per_second',
    lines: lines('tcp.retrans|sent again|7', 'tcp.resets|resets sent|3', 'tcp.listen_drops|accept drops|8'),
  },
  {
    key: 'tcp-opens',
    title: 'TCP opened',
    unit: 'per_second',
    kind: 'area',
    lines: lines('tcp.passive_opens|accepted|4', 'tcp.active_opens|connected|6|down'),
    sides: ['accepted', 'connected'],
  },
  {
    key: 'udp',
    title: 'UDP datagrams',
    unit: 'per_second',
    lines: lines('udp.in|received|1', 'udp.errors|errors|8', 'udp.out|sent|5|down'),
    ...NET,
  },
  {
    key: 'sockets',
    title: 'Sockets',
    unit: 'count',
    lines: lines('sockets.used|all in use|6', 'udp.inuse|UDP|4'),
  },
];

const SOFTNET: readonly FixedTemplate[] = [
  { key: 'softnet', title: 'Packets processed', unit: 'per_second', kind: 'area', lines: lines('softnet.processed|processed|1') },
  { key: 'softnet-dropped', title: 'Packets dropped', unit: 'per_second', kind: 'area', lines: lines('softnet.dropped|dropped|8') },
  { key: 'softnet-squeezed', title: 'Out of budget', unit: 'per_second', kind: 'area', lines: lines('softnet.squeezed|squeezed|7') },
];

const SENSORS: readonly EachTemplate[] = [
  { key: 'temperatures', title: 'Temperatures', unit: 'celsius', each: ['temp.', 'zone.'], by: 'max', sparse: true },
  { key: 'frequencies', title: 'Core frequencies', unit: 'hertz', each: ['freq.'], by: 'max', sparse: true },
  { key: 'fans', title: 'Fans', unit: 'rpm', each: ['fan.'], by: 'max', sparse: true },
];

export const SECTIONS: readonly SectionTemplate[] = [
  { key: 'overview', title: 'Overview', open: true, panels: OVERVIEW, absent: '' },
  {
    key: 'apps',
    title: 'Applications',
    open: true,
    panels: appPanels,
    gist: [{ word: 'CPU', unit: 'percent', each: ['app.cpu.'], by: 'sum' }],
    absent: 'none has sent anything to this agent',
  },
  {
    key: 'processes',
    title: 'Processes and kernel',
    open: true,
    panels: KERNEL,
    gist: [{ word: 'running', unit: 'count', id: 'procs.running' }],
    absent: 'the host has no /proc/stat',
  },
  {
    key: 'pressure',
    title: 'Pressure',
    open: true,
    panels: PRESSURE,
    gist: [{ word: 'most', unit: 'percent', each: ['psi.'], by: 'max' }],
    absent: 'the kernel has no /proc/pressure (Linux 4.20 with CONFIG_PSI, or booted with psi=1)',
  },
  {
    key: 'disks',
    title: 'Disks',
    open: true,
    panels: DISKS,
    gist: [{ word: 'busiest', unit: 'percent', each: ['disk.busy.'], by: 'max' }],
    absent: 'the host has no /proc/diskstats, or no disk in it',
  },
  {
    key: 'filesystems',
    title: 'Filesystems',
    open: true,
    panels: [
      { key: 'mounts', title: 'Mounts', mounts: true },
      { key: 'fs-use', title: 'In use', unit: 'percent', each: ['fs.use.'], by: 'max', max: 100, sparse: true },
    ],
    gist: [{ word: 'fullest', unit: 'percent', each: ['fs.use.'], by: 'max' }],
    absent: 'no mount that is looked at',
  },
  {
    key: 'network',
    title: 'Network',
    open: true,
    panels: NETWORK,
    gist: [
      { word: 'in', unit: 'bits_per_second', each: ['net.rx.'], by: 'sum' },
      { word: 'out', unit: 'bits_per_second', each: ['net.tx.'], by: 'sum' },
    ],
    absent: 'the host has no /proc/net/dev',
  },
  {
    key: 'sensors',
    title: 'Sensors',
    open: true,
    panels: SENSORS,
    gist: [{ word: 'hottest', unit: 'celsius', each: ['temp.', 'zone.'], by: 'max' }],
    absent: 'the kernel has none, as in most virtual machines',
  },
  {
    key: 'memory',
    title: 'Memory details',
    open: false,
    panels: MEMORY,
    gist: [{ word: 'faults', unit: 'per_second', id: 'vm.faults' }],
    absent: 'the host has no /proc/vmstat',
  },
  {
    key: 'sockets',
    title: 'Sockets and TCP',
    open: false,
    panels: SOCKETS,
    gist: [{ word: 'established', unit: 'count', id: 'tcp.established' }],
    absent: 'the host has no /proc/net/sockstat',
  },
  {
    key: 'softnet',
    title: 'Softnet',
    open: false,
    panels: SOFTNET,
    gist: [{ word: 'dropped', unit: 'per_second', id: 'softnet.dropped' }],
    absent: 'the host has no /proc/net/softnet_stat',
  },
];

/** Whose running sums the store keeps. */
export const STACKS: readonly (readonly string[])[] = OVERVIEW.flatMap((p) =>
  'lines' in p && p.kind === 'stack' ? [p.lines.map((l) => l.id)] : [],
);
