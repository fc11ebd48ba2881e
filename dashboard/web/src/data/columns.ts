// columns - what a host has, found by what the ids of its columns begin with.
//
// An id is FAMILY.WHAT.NAME; NAME is escaped text, and `name` beside it is the text that people know.

import type { Column } from '../net/protocol';

/** One of several like things: a device, a mount point, a sensor, an application. */
export interface Thing {
  key: string; // the last part of its ids, the same in all of them
  id: string; // of the column that it was found by
  name: string; // what it is called, different from all others here
  color?: string; // what an application declared
}

const NAME_LIMIT = 200; // characters; more would be no label

/** The things that have a column beginning with one of `prefixes`, in the order of their names. */
export function things(columns: readonly Column[], ...prefixes: readonly string[]): Thing[] {
  const found: Thing[] = [];
  const taken = new Map<string, number>();
  for (const prefix of prefixes) {
    for (const c of columns) {
      if (!c.id.startsWith(prefix)) continue;
      const key = c.id.slice(prefix.length);
      const name = (c.name ?? key).slice(0, NAME_LIMIT) || key;
      taken.set(name, (taken.get(name) ?? 0) + 1);
      found.push({ key, id: c.id, name, ...(c.color ? { color: c.color } : {}) });
    }
  }
  // Two sensors may both be called "Composite": then their place is told too.
  for (const t of found) if (taken.get(t.name)! > 1 && t.name !== t.key) t.name = `${t.name} (${t.key})`;
  return found.sort((a, b) => inOrder(a.name, b.name));
}

const collator = new Intl.Collator('en', { numeric: true });

/** sda2 before sda10. */
export function inOrder(a: string, b: string): number {
  return collator.compare(a, b);
}

// Volumes and arrays; then what is inside the machine, and tunnels, bridges and bonds.
const MADE_OF_OTHERS = new RegExp(
  '^(dm-|md|zram|loop|drbd|bcache|' +
    'lo$|ifb|dummy|veth|docker|podman|br-|virbr|lxc|lxd|cni|flannel|cali|kube|ovs|' +
    'tun|tap|wg|tailscale|zt|ppp|sit|gre|ip6tnl|vxlan|macv|bond|team|vlan)|[.:@]',
);

/**
 * Those whose sum means something: a bridge, a tunnel or a volume carries again what its parts do.
 * Where there are no others, all.
 */
export function wholes(all: readonly Thing[]): readonly Thing[] {
  const own = all.filter((t) => !MADE_OF_OTHERS.test(t.name));
  return own.length > 0 ? own : all;
}
