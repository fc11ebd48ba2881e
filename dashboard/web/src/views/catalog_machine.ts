// catalog_machine - the panels of what a machine has one of: CPU, memory, kernel, pressure.

import { DISK, just, lines, NET } from './catalog_words';
import type { FixedTemplate, Template } from './template';

export const OVERVIEW: readonly Template[] = [
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
    title: 'Network with other hosts',
    unit: 'bits_per_second',
    total: ['net.rx.', 'net.tx.'],
    ...NET,
    absent: 'Not collected: the host has no /proc/net/dev.',
  },
];

export const KERNEL: readonly FixedTemplate[] = [
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

export const MEMORY: readonly FixedTemplate[] = [
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
  {
    key: 'oom',
    title: 'Killed for want of memory',
    unit: 'per_second',
    kind: 'area',
    lines: lines('vm.oom_kills|kills|8'),
  },
];

export const PRESSURE: readonly FixedTemplate[] = [
  {
    key: 'psi-cpu',
    title: 'Waiting for CPU',
    unit: 'percent',
    kind: 'area',
    lines: lines('psi.cpu.some|some tasks|1'),
  },
  {
    key: 'psi-memory',
    title: 'Waiting for memory',
    unit: 'percent',
    lines: lines('psi.memory.some|some tasks|6', 'psi.memory.full|all tasks|8'),
  },
  {
    key: 'psi-io',
    title: 'Waiting for I/O',
    unit: 'percent',
    lines: lines('psi.io.some|some tasks|7', 'psi.io.full|all tasks|8'),
  },
  {
    key: 'psi-irq',
    title: 'Held up by interrupts',
    unit: 'percent',
    kind: 'area',
    lines: lines('psi.irq.full|all tasks|6'),
  },
];
