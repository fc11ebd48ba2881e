// selfstat - a program's own counters, told as zpulse_* and process_* series.
//
// Thread: any may add; values are relaxed atomics. The table is set once, before the first thread.
// Source: Prometheus' client conventions for process_*; /proc/self/stat, statm, fd.

#ifndef SHARED_NET_SELFSTAT_H
#define SHARED_NET_SELFSTAT_H

#include <stdint.h>

#include "shared/model/metric.h"

struct selfstat_def {
    const char *name; // "zpulse_agent_ticks_total"
    enum metric_kind kind;
    const char *help;
    const char *label; // NULL, or one more label ...
    const char *value; // ... and its value: {reason="format"}
};

// `defs` and its texts stay for ever; n at most 64. Counters are then named by their place in the
// table.
void selfstat_init(const struct selfstat_def *defs, unsigned n);
void selfstat_add(unsigned at, uint64_t n);
void selfstat_set(unsigned at, int64_t v); // gauges
int64_t selfstat_value(unsigned at);

struct selfstat_process {
    double cpu_seconds; // user and system
    uint64_t resident_bytes;
    uint64_t virtual_bytes;
    uint64_t open_fds;
    uint64_t max_fds;
    double start_time_seconds; // since the epoch
};
// Fields that cannot be read are 0.
void selfstat_process(struct selfstat_process *ret);

// Calls fn for each counter and then for the process_* values: (arg, name, label or NULL, value of
// the label, kind, value).
typedef void selfstat_fn(void *arg, const char *name, const char *label, const char *label_value,
                         enum metric_kind kind, double value);
void selfstat_each(selfstat_fn *fn, void *arg);
const char *selfstat_help(const char *name); // NULL where none is known

#endif
