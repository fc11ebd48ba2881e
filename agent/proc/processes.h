// processes - how many processes and threads there are, and may be.
//
// Source: the folders of /proc that are numbers, by its links; /proc/loadavg, whose fourth word
// ends with the
//         number of threads; /proc/sys/kernel/threads-max and pid_max.
// Out:    node_processes_pids, node_processes_threads, node_processes_max_threads,
//         node_processes_max_processes. How many are in which state would need a look into each of
//         them, and is left out for what that costs.

#ifndef AGENT_PROC_PROCESSES_H
#define AGENT_PROC_PROCESSES_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

// "0.20 0.18 0.12 1/80 11206" -> 80. 0, or ERR_FORMAT.
int processes_parse_threads(int64_t *ret, const char *text, size_t len);

// Of the links of /proc, those that are no process: told by what it listed and by its links before
// and after that. -1 where these do not agree, so that the links tell of no processes.
int64_t processes_other_links(int64_t before, int64_t after, int64_t folders, int64_t pids);

extern const struct proc_family processes_family;

#endif
