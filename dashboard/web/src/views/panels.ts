// panels - what a host's page shows: one entry a panel, in reading order.

import type { ChartSpec } from '../draw/chart';
import type { Unit } from '../draw/format';
import type { Source } from '../ui/readouts';

export interface Figure {
  name: string; // of the readout
  unit: Unit;
  source: Source;
  of?: { id: string; unit: Unit } | 'cores'; // "3.1 GiB of 7.8 GiB", "1.64 of 8 cores"
}

export interface PanelSpec extends ChartSpec {
  title: string;
  size: 'tall' | 'small';
  figure: Figure;
  labels: Readonly<Record<string, string>>;
  extra?: { id: string; label: string; unit: Unit }; // a number beside the legend, not drawn
  meter?: boolean; // a bar of the parts under the title
  needs?: string; // a column that must be above 0 for there to be anything to draw
  absent: string; // what is said where the host has none of it
}

const just = (id: string, unit: Unit): Figure => ({ name: `figure.${id}`, unit, source: (v) => v(id) });

export const PANELS: readonly PanelSpec[] = [
  {
    key: 'cpu',
    title: 'CPU',
    size: 'tall',
    kind: 'stack',
    unit: 'percent',
    ids: ['cpu.user', 'cpu.nice', 'cpu.system', 'cpu.iowait', 'cpu.irq', 'cpu.softirq', 'cpu.steal'],
    max: 100,
    figure: { name: 'figure.cpu', unit: 'percent', source: (v) => 100 - v('cpu.idle') },
    labels: {
      'cpu.user': 'user',
      'cpu.nice': 'nice',
      'cpu.system': 'system',
      'cpu.iowait': 'iowait',
      'cpu.irq': 'irq',
      'cpu.softirq': 'softirq',
      'cpu.steal': 'steal',
    },
    extra: { id: 'cpu.idle', label: 'idle', unit: 'percent' },
    meter: true,
    absent: 'Not collected: the host has no /proc/stat.',
  },
  {
    key: 'memory',
    title: 'Memory',
    size: 'tall',
    kind: 'stack',
    unit: 'bytes',
    ids: ['mem.used', 'mem.cached', 'mem.buffers', 'mem.free'],
    max: 'mem.total',
    figure: { ...just('mem.used', 'bytes'), of: { id: 'mem.total', unit: 'bytes' } },
    labels: { 'mem.used': 'used', 'mem.cached': 'cached', 'mem.buffers': 'buffers', 'mem.free': 'free' },
    extra: { id: 'mem.available', label: 'available', unit: 'bytes' },
    meter: true,
    absent: 'Not collected: the host has no /proc/meminfo.',
  },
  {
    key: 'load',
    title: 'Load',
    size: 'small',
    kind: 'lines',
    unit: 'load',
    ids: ['load.15', 'load.5', 'load.1'],
    figure: { ...just('load.1', 'load'), of: 'cores' },
    labels: { 'load.1': '1 m', 'load.5': '5 m', 'load.15': '15 m' },
    absent: 'Not collected: the host has no /proc/loadavg.',
  },
  {
    key: 'activity',
    title: 'Context switches',
    size: 'small',
    kind: 'lines',
    unit: 'per_second',
    ids: ['sys.interrupts', 'sys.context_switches'],
    figure: just('sys.context_switches', 'per_second'),
    labels: { 'sys.context_switches': 'switches', 'sys.interrupts': 'interrupts' },
    absent: 'Not collected: the host has no /proc/stat.',
  },
  {
    key: 'processes',
    title: 'Processes',
    size: 'small',
    kind: 'lines',
    unit: 'count',
    ids: ['procs.blocked', 'procs.running'],
    figure: just('procs.running', 'count'),
    labels: { 'procs.running': 'running', 'procs.blocked': 'blocked' },
    extra: { id: 'sys.forks', label: 'forks', unit: 'per_second' },
    absent: 'Not collected: the host has no /proc/stat.',
  },
  {
    key: 'swap',
    title: 'Swap',
    size: 'small',
    kind: 'area',
    unit: 'bytes',
    ids: ['swap.used'],
    max: 'swap.total',
    figure: { ...just('swap.used', 'bytes'), of: { id: 'swap.total', unit: 'bytes' } },
    labels: { 'swap.used': 'used' },
    needs: 'swap.total',
    absent: 'This host has no swap.',
  },
];

export const STACKS: readonly (readonly string[])[] = PANELS.filter((p) => p.kind === 'stack').map((p) => p.ids);
