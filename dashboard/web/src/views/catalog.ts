// catalog - what a host's page shows: its sections, in reading order.
//
// A panel is one question with one unit. What there is several of has a line each, and nothing is
// averaged: what is too much for one chart is added up where a sum means something, else its greatest
// is shown.

import { appPanels } from './apps';
import { DISKS, NETWORK, SENSORS, SOCKETS, SOFTNET } from './catalog_devices';
import { KERNEL, MEMORY, OVERVIEW, PRESSURE } from './catalog_machine';
import type { SectionTemplate } from './template';

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
