// agent - the whole of zpulse-agent while it runs: what it owns, and the one loop that serves it.
//
// In:     options; the files of /proc; the collector's control messages; signals.
// Out:    records of one stream to the collector.
// Thread: main. libzmq has its own beside it.
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
// Says BYE to the collector, after what can be sent within 200 ms. False where a thread hangs and
// is left behind: the process must then end by _exit.
bool agent_stop(agent_t **self_p);

#endif
