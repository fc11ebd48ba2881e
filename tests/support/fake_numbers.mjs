// fake_numbers - columns of a made-up host. The same time gives the same numbers, so that a stream
// and the history of it agree.

import { machineColumns } from './fake_machine.mjs';
import { atLeast0, GIB, round1, wave } from './fake_wave.mjs';

/** Share of each mode of all cores; bursts of work come and go. */
function cpuAt({ seed }, t) {
  const burst = burstAt(seed, t);
  const modes = {
    user: round1(6 + 22 * wave(t, 60, seed) + burst),
    nice: round1(1.5 * wave(t, 80, seed + 3)),
    system: round1(2 + 9 * wave(t, 45, seed + 1) + burst / 6),
    iowait: atLeast0(9 * wave(t, 130, seed + 2) - 4),
    irq: round1(0.8 * wave(t, 20, seed + 4)),
    softirq: round1(2 * wave(t, 33, seed + 5)),
    steal: atLeast0(3 * wave(t, 200, seed + 6) - 1.2),
  };
  const busy = Object.values(modes).reduce((sum, v) => sum + v, 0);
  return { ...modes, idle: atLeast0(100 - busy) };
}

function burstAt(seed, t) {
  return wave(t, 97, seed) > 0.72 ? 38 : 0;
}

function coreAt({ seed }, i, t) {
  const own = 100 * wave(t, 40 + i * 7, seed + i) ** 2;
  return Math.min(100, round1(own + burstAt(seed, t) * (i % 3 === 0 ? 1.4 : 0.2)));
}

function memoryAt({ seed, memory: total }, t) {
  const used = Math.round(total * (0.36 + 0.08 * wave(t, 300, seed + 8)));
  const cached = Math.round(total * (0.3 + 0.05 * wave(t, 500, seed + 9)));
  const buffers = Math.round(total * 0.04);
  return { total, used, cached, buffers, free: total - used - cached - buffers, available: total - used };
}

/** Every column of the host at t, by unit and id, in the order in which they are sent. */
function groupsAt(host, t) {
  const { seed, cores } = host;
  const prefixed = (stem, values) => Object.fromEntries(Object.entries(values).map(([k, v]) => [`${stem}.${k}`, v]));
  const load = (period) => Math.round(100 * (cores * 0.45 * wave(t, period, seed + 11))) / 100;
  return {
    percent: {
      ...prefixed('cpu', cpuAt(host, t)),
      ...Object.fromEntries(Array.from({ length: cores }, (_, i) => [`core.${i}`, coreAt(host, i, t)])),
    },
    bytes: {
      ...prefixed('mem', memoryAt(host, t)),
      'swap.total': 4 * GIB,
      'swap.used': Math.round(0.7 * GIB * wave(t, 600, seed + 10)),
    },
    load: { 'load.1': load(120), 'load.5': load(300), 'load.15': load(900) },
    count: {
      'procs.running': 1 + Math.floor(5 * wave(t, 25, seed + 12)),
      'procs.blocked': Math.floor(2.4 * wave(t, 70, seed + 13)),
    },
    per_second: {
      'sys.context_switches': Math.round(9000 + 14_000 * wave(t, 50, seed + 14)),
      'sys.interrupts': Math.round(4000 + 5000 * wave(t, 65, seed + 15)),
      'sys.forks': round1(12 * wave(t, 40, seed + 16)),
    },
  };
}

/** Each column tells its value at a time; that is a function, so JSON leaves it out. */
export function columnsOf(host) {
  const core = Object.entries(groupsAt(host, 0)).flatMap(([unit, ids]) =>
    Object.keys(ids).map((id) => ({
      id,
      unit,
      ...(id.startsWith('core.') ? { name: id.slice(5) } : {}),
      at: (t) => groupsAt(host, t)[unit][id],
    })),
  );
  return [...core, ...machineColumns(host.seed, host.cores, host.devices, host.called)];
}

/** The values of `columns` at t. */
export function rowOf(host, columns, t) {
  const all = Object.assign({}, ...Object.values(groupsAt(host, t)));
  return columns.map((c) => all[c.id] ?? c.at(t));
}

export const DEVICES = { disks: 2, mounts: 4, nets: 2, sensors: 5, apps: 3 };

export function fakeHost(i, name, cores, devices = DEVICES, called = []) {
  return {
    id: (0xf3c2a1b4d5e6f7n + BigInt(i)).toString(16).padStart(16, '0'),
    name,
    seed: i * 3.7,
    cores,
    memory: (i + 1) * 16 * GIB,
    devices,
    called,
  };
}

export function factsOf(host, now) {
  const system = { os: 'Debian GNU/Linux 12 (bookworm)', kernel: '6.1.0-13-amd64', arch: 'x86_64' };
  return { ...system, cpus: host.cores, mem: host.memory, boot: now - 3_562_000_000 };
}
