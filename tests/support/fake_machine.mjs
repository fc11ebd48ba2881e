// fake_machine - the columns of a made-up machine beyond its cores and memory: devices, mounts,
// sensors, sockets, applications. How many there are of each, and their names, is the caller's.

import { GIB, round1, wave } from './fake_wave.mjs';

const MIB = 2 ** 20;
const DISKS = ['nvme0n1', 'sda', 'sdb', 'dm-0'];
const MOUNTS = ['/', '/var', '/home', '/boot/efi', '/srv/data', '/var/lib/postgresql/15/main'];
const NETS = ['eth0', 'lo', 'wlan0', 'docker0'];
const SENSORS = ['Package id 0', 'Core 0', 'Core 1', 'Composite', 'acpitz', 'SYSTIN', 'iwlwifi_1', 'Tctl', 'edge'];
const APPS = [
  ['checkout', 'tomato'],
  ['billing', '#1b6be2'],
  ['search', '#1b6be3'],
  ['mailer', 'rgb(250 250 120)'],
  ['cron', '#101010'],
  ['legacy', null],
];

/** The id of a column: the name with what has a meaning in a list of ids escaped. */
function idOf(stem, name) {
  const escaped = name.replace(
    /[%,\u0000-\u001f\u007f]/g,
    (c) => `%${c.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`,
  );
  return `${stem}.${escaped}`;
}

function column(stem, name, unit, at, more = {}) {
  return { id: name === null ? stem : idOf(stem, name), unit, ...(name === null ? {} : { name }), ...more, at };
}

/** Names from a list, then made-up ones of the same kind. */
function names(list, n, next) {
  return Array.from({ length: n }, (_, i) => list[i] ?? next(i));
}

function diskColumns(name, seed) {
  const rate = (period, s) => (t) => Math.round(90 * MIB * wave(t, period, seed + s) ** 4);
  const ops = (period, s) => (t) => round1(900 * wave(t, period, seed + s) ** 3);
  const wait = (period, s) => (t) =>
    wave(t, period, seed + s) < 0.2 ? null : 0.0004 + 0.012 * wave(t, period, seed + s) ** 3;
  return [
    column('disk.read', name, 'bytes_per_second', rate(70, 1)),
    column('disk.write', name, 'bytes_per_second', rate(50, 2)),
    column('disk.reads', name, 'per_second', ops(70, 1)),
    column('disk.writes', name, 'per_second', ops(50, 2)),
    column('disk.busy', name, 'percent', (t) => round1(100 * wave(t, 60, seed + 3) ** 3)),
    column('disk.queue', name, 'count', (t) => round1(6 * wave(t, 60, seed + 3) ** 4)),
    column('disk.read_wait', name, 'seconds', wait(70, 1)),
    column('disk.write_wait', name, 'seconds', wait(50, 2)),
  ];
}

function mountColumns(name, seed, i) {
  const size = [40, 120, 900, 0.5, 4000][i % 5] * GIB;
  const share = (t) => Math.min(0.985, 0.12 + ((i * 37) % 90) / 100 + 0.02 * wave(t, 900, seed));
  return [
    column('fs.size', name, 'bytes', () => size),
    column('fs.used', name, 'bytes', (t) => Math.round(size * 0.95 * share(t))),
    column('fs.avail', name, 'bytes', (t) => Math.round(size * 0.95 * (1 - share(t)))),
    column('fs.use', name, 'percent', (t) => round1(100 * share(t))),
    column('fs.inodes', name, 'percent', () => round1((i * 13) % 70)),
  ];
}

function netColumns(name, seed, i) {
  const most = [9.4e8, 4e6, 6e7, 2e6][i % 4];
  const rate = (s) => (t) => Math.round(most * wave(t, 55 + i, seed + s) ** 3);
  const rare = (s) => (t) => (wave(t, 13, seed + s) > 0.9 ? 1 + Math.round(4 * wave(t, 7, s)) : 0);
  return [
    column('net.rx', name, 'bits_per_second', rate(1)),
    column('net.tx', name, 'bits_per_second', rate(2)),
    column('net.rx_packets', name, 'per_second', (t) => Math.round(rate(1)(t) / 7000)),
    column('net.tx_packets', name, 'per_second', (t) => Math.round(rate(2)(t) / 7000)),
    ...['rx_errors', 'tx_errors'].map((k) => column(`net.${k}`, name, 'per_second', () => 0)),
    ...['rx_drops', 'tx_drops'].map((k, s) => column(`net.${k}`, name, 'per_second', rare(seed + s))),
  ];
}

function appColumns(name, color, seed, i) {
  const c = { color: color ?? undefined };
  return [
    column('app.cpu', name, 'percent', (t) => round1((i === 0 ? 240 : 60) * wave(t, 40, seed + 1) ** 2), c),
    column('app.mem', name, 'bytes', (t) => Math.round((60 + 90 * i) * MIB * (1 + 0.2 * wave(t, 300, seed + 2))), c),
    column('app.other.requests', name, 'count', (t) => Math.round(800 * wave(t, 30, seed + 3)), {
      ...c,
      metric: 'requests',
    }),
    ...(i === 0
      ? [
          column('app.other.temperature', name, 'count', (t) => round1(40 * wave(t, 90, seed) - 10), {
            ...c,
            metric: 'temperature',
          }),
        ]
      : []),
    ...(i === 1 ? [column('app.value', name, 'count', (t) => round1(100 * wave(t, 90, seed)), c)] : []),
  ];
}

const FIXED = [
  ...['cpu.some', 'memory.some', 'memory.full', 'io.some', 'io.full', 'irq.full'].map((k) => [
    `psi.${k}`,
    'percent',
    30,
    4,
  ]),
  ['tcp.established', 'count', 140],
  ['tcp.inuse', 'count', 160],
  ['tcp.orphan', 'count', 3],
  ['tcp.tw', 'count', 60],
  ['tcp.alloc', 'count', 190],
  ['udp.inuse', 'count', 12],
  ['sockets.used', 'count', 420],
  ['tcp.in', 'per_second', 4000],
  ['tcp.out', 'per_second', 5200],
  ['tcp.retrans', 'per_second', 9, 4],
  ['tcp.listen_drops', 'per_second', 2, 6],
  ['tcp.resets', 'per_second', 6, 3],
  ['tcp.active_opens', 'per_second', 30],
  ['tcp.passive_opens', 'per_second', 55],
  ['udp.in', 'per_second', 300],
  ['udp.out', 'per_second', 280],
  ['udp.errors', 'per_second', 1, 8],
  ['vm.faults', 'per_second', 40_000, 2],
  ['vm.majfaults', 'per_second', 30, 6],
  ['vm.oom_kills', 'per_second', 0],
  ['vm.in', 'bytes_per_second', 30 * MIB, 4],
  ['vm.out', 'bytes_per_second', 60 * MIB, 4],
  ['swap.in', 'bytes_per_second', MIB, 8],
  ['swap.out', 'bytes_per_second', 2 * MIB, 8],
  ['softnet.processed', 'per_second', 9000],
  ['softnet.dropped', 'per_second', 0],
  ['softnet.squeezed', 'per_second', 4, 6],
  ['files.open', 'count', 9000],
  ['files.max', 'count', 9.223e18, 0],
  ['procs.total', 'count', 380, 0.1],
  ['threads.total', 'count', 1400, 0.1],
];

/** `n`: how many of each; `called`: names in place of the usual ones, for the first of each kind. */
export function machineColumns(seed, cores, n, called = []) {
  const own = (list, count, next) => names([...called, ...list], count + called.length, next);
  const each = (list, make) => list.flatMap((name, i) => make(name, seed + i * 5.3, i));
  const apps = [...called.map((name) => [name, 'url(x)']), ...APPS];
  return [
    ...FIXED.map(([id, unit, most, power = 1], i) =>
      column(id, null, unit, (t) => round1(most * wave(t, 47 + i, seed + i) ** power)),
    ),
    ...each(
      own(DISKS, n.disks, (i) => `sd${String.fromCharCode(97 + (i % 26))}${i}`),
      diskColumns,
    ),
    ...each(
      own(MOUNTS, n.mounts, (i) => `/mnt/volume-${i}`),
      mountColumns,
    ),
    ...each(
      own(NETS, n.nets, (i) => `veth${(i * 7919).toString(16)}`),
      netColumns,
    ),
    ...own(SENSORS, n.sensors, (i) => `Sensor ${i}`).map((name, i) =>
      column('temp', name, 'celsius', (t) => round1(38 + i * 3 + 22 * wave(t, 120, seed + i))),
    ),
    ...own(['fan1', 'fan2'], Math.min(2, n.sensors), (i) => `fan${i}`).map((name, i) =>
      column('fan', name, 'rpm', (t) => Math.round(900 + 700 * wave(t, 200, seed + i))),
    ),
    ...(n.sensors === 0
      ? []
      : Array.from({ length: cores }, (_, i) =>
          column('freq', String(i), 'hertz', (t) => 8e8 + Math.round(32e8 * wave(t, 20 + i, seed + i) ** 2)),
        )),
    ...Array.from({ length: n.apps + called.length }, (_, i) => apps[i] ?? [`worker-${i}`, null]).flatMap(
      ([name, color], i) => appColumns(name, color, seed + i * 2.1, i),
    ),
  ];
}
