// pressure - for how long tasks have waited for CPU, memory, I/O and interrupts.
//
// Source: /proc/pressure, Documentation/accounting/psi.rst: lines "some" and "full", each with
//         "total=" in microseconds since boot. A kernel without PSI has no such files, one before
//         6.1 has no "irq".
// Out:    node_pressure_cpu_waiting_seconds_total, and waiting (some) and stalled (full) of memory
//         and io, stalled of irq. "full" of cpu says nothing for a whole machine and is left out.

#ifndef AGENT_PROC_PRESSURE_H
#define AGENT_PROC_PRESSURE_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

#define PRESSURE_ABSENT INT64_C(-1)

struct pressure {
    int64_t some_us; // PRESSURE_ABSENT: no such line
    int64_t full_us;
};

// Lines found, or ERR_FORMAT: one without a total, or none of them.
int pressure_parse(struct pressure *out, const char *text, size_t len);

extern const struct proc_family pressure_family;

#endif
