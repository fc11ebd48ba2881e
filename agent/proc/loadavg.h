// loadavg - the three load averages of /proc/loadavg.
//
// Source: proc(5). "0.20 0.18 0.12 1/80 11206": means over 1, 5 and 15 minutes, two decimals each.
// Out:    node_load1, node_load5, node_load15.

#ifndef AGENT_PROC_LOADAVG_H
#define AGENT_PROC_LOADAVG_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

#define LOADAVG_TERMS 3

struct loadavg {
    int64_t hundredths[LOADAVG_TERMS]; // 20 is a load of 0.20
};

// 0, or ERR_FORMAT: no whole line, fewer than three numbers, or not two decimals.
int loadavg_parse(struct loadavg *out, const char *text, size_t len);

extern const struct proc_family loadavg_family;

#endif
