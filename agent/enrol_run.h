// enrol_run - has this host's key enrolled, once: zpulse-agent --enrol.
//
// Out:    agent.key, agent.pub, agent.name and collector.pub in the folder of keys; one line on
//         stdout, or what is wrong on stderr, and the exit code.
// Thread: main.

#ifndef AGENT_ENROL_RUN_H
#define AGENT_ENROL_RUN_H

#include "agent/agent_option.h"

#define ENROL_AGENT_NAME "agent" // of our pair in the folder of keys

int enrol_run(const struct agent_config *config);

#endif
