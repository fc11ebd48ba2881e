// rotate_run - has this host's key replaced: zpulse-agent --rotate.
//
// Out:    another agent.key in the folder of keys, which an agent that runs takes up by itself
//         (key_watch.h); one line on stdout, or what is wrong on stderr, and the exit code.
// Thread: main.

#ifndef AGENT_ROTATE_RUN_H
#define AGENT_ROTATE_RUN_H

#include "agent/agent_option.h"

int rotate_run(const struct agent_config *config);

#endif
