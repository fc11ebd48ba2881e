// agent - the whole of zpulse-agent while it runs: what it owns, and the one loop that serves it.
//
// In:     options; the files of /proc; the collector's control messages; signals.
// Out:    records of one stream to the collector.
// Thread: main. libzmq has its own beside it: one that serves the collector, and one applications,
//         which hear nothing of the other's waiting for a name.
// Loss:   see outbox.h. A collector that is absent or slow never delays a tick.

#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include "agent/agent_option.h"

typedef struct agent agent_t;

// 0 and *ret: ready. Otherwise an exit code of option.h, said in the log. `config` is borrowed, and
// argc and argv too: SIGHUP reads them again.
int agent_start(agent_t **ret, const struct agent_config *config, int argc, char **argv);
// Until SIGTERM or SIGINT. The exit code.
int agent_run(agent_t *self);
// The end. Mostly that is some milliseconds; what it waits for, one after the other, is bounded,
// whatever hangs:
//   200 ms       a collector that does not take what is there to be sent (uplink.c); then BYE
//   500 ms       a disk that does not take the spool (SPOOL_CLOSE_MS)
//   100 ms each  four families whose threads the kernel does not answer (slow_thread.c)
//   500 ms       libzmq: 200 ms for BYE to leave, or a name that is looked up (SERVICE_END_MS)
// What is not sent by then is in the spool, and is sent after the next start. Before it comes the
// turn of the loop that is under way, in which nothing waits; and ahead of that, where it is told
// to end while it starts, the start, which reads through the spool. False where a thread hangs and
// is left behind: the process must then end by _exit.
bool agent_stop(agent_t **self_p);

#endif
