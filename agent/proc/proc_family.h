// proc_family - what a file of /proc must bring to become series.
//
// In:     the whole text of the file, and the table of the tick at hand.
// Out:    values set in the table; 0, or ERR_FORMAT and nothing set: the family is absent then.
// A family touches no file and no clock. A new one is a pair of files and a line in sampler.c.

#ifndef AGENT_PROC_PROC_FAMILY_H
#define AGENT_PROC_PROC_FAMILY_H

#include <stddef.h>

#include "agent/series_table.h"

// What a parser must know of the machine and may not ask for itself.
struct proc_machine {
    long user_hz; // ticks a second of /proc/stat: sysconf(_SC_CLK_TCK)
};

struct proc_family {
    const char *file; // below proc/: "stat"
    void *(*make)(const struct proc_machine *machine);
    int (*sample)(void *self, series_table_t *table, const char *text, size_t len);
    void (*end)(void **self_p);
};

#endif
