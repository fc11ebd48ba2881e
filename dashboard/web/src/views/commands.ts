// commands - what to type to bring a host to this collector, by how the dashboard itself asks it.

import type { Collector } from '../net/protocol';

export interface Commands {
  enrol: string | null; // null: without keys nobody is let in, everybody on that machine is
  start: string;
}

const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/** One word of a command for any shell: in quotes, where it has what may mean something to one. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./+:@%=-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/**
 * `pageHost` is how the browser reaches the dashboard. A collector that is asked by loopback is on the same
 * machine, which other hosts reach by that name; without keys only that machine may send.
 */
export function commandsFor({ endpoint, insecure }: Collector, pageHost: string): Commands {
  const tcp = /^tcp:\/\/(.+):(\d+)$/.exec(endpoint);
  const away = !insecure && tcp !== null && LOCAL.test(tcp[1]) && pageHost !== '' && !LOCAL.test(pageHost);
  const at = shellWord(away ? `tcp://${pageHost}:${tcp[2]}` : endpoint);
  return {
    enrol: insecure ? null : `zpulse enrol --new --collector ${at}`,
    start: `zpulse-agent${insecure ? ' --insecure' : ''} --data ./agent --collector ${at}`,
  };
}
