// catalog_devices - the panels of disks, networks, sockets and sensors.

import { DISK, lines, NET } from './catalog_words';
import type { EachTemplate, FixedTemplate } from './template';

export const DISKS: readonly EachTemplate[] = [
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

export const NETWORK: readonly EachTemplate[] = [
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
  {
    key: 'net-drops',
    title: 'Drops',
    unit: 'per_second',
    each: ['net.rx_drops.'],
    down: 'net.tx_drops.',
    by: 'sum',
    ...NET,
  },
];

export const SOCKETS: readonly FixedTemplate[] = [
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

export const SOFTNET: readonly FixedTemplate[] = [
  {
    key: 'softnet',
    title: 'Packets processed',
    unit: 'per_second',
    kind: 'area',
    lines: lines('softnet.processed|processed|1'),
  },
  {
    key: 'softnet-dropped',
    title: 'Packets dropped',
    unit: 'per_second',
    kind: 'area',
    lines: lines('softnet.dropped|dropped|8'),
  },
  {
    key: 'softnet-squeezed',
    title: 'Out of budget',
    unit: 'per_second',
    kind: 'area',
    lines: lines('softnet.squeezed|squeezed|7'),
  },
];

export const SENSORS: readonly EachTemplate[] = [
  { key: 'temperatures', title: 'Temperatures', unit: 'celsius', each: ['temp.', 'zone.'], by: 'max', sparse: true },
  { key: 'frequencies', title: 'Core frequencies', unit: 'hertz', each: ['freq.'], by: 'max', sparse: true },
  { key: 'fans', title: 'Fans', unit: 'rpm', each: ['fan.'], by: 'max', sparse: true },
];
