// cpustat - what /proc/stat says: time of each processor by mode, and the kernel's own counters.
//
// Source: Documentation/filesystems/proc.rst, "Miscellaneous kernel statistics". Times are ticks
//         of USER_HZ since boot, btime seconds since the epoch.
// Out:    node_cpu_seconds_total{cpu,mode}, node_cpu_guest_seconds_total{cpu,mode} (also part of
//         user and nice, as the kernel counts it), node_context_switches_total, node_intr_total,
//         node_forks_total, node_procs_running, node_procs_blocked, node_boot_time_seconds.
// Absent: what a kernel lacks (old ones end the cpu lines after idle) is no series, never a 0.
//         The line "cpu", the sum of all, is left out: a query sums.

#ifndef AGENT_PROC_CPUSTAT_H
#define AGENT_PROC_CPUSTAT_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

enum cpustat_mode {
    CPUSTAT_USER,
    CPUSTAT_NICE,
    CPUSTAT_SYSTEM,
    CPUSTAT_IDLE,
    CPUSTAT_IOWAIT,
    CPUSTAT_IRQ,
    CPUSTAT_SOFTIRQ,
    CPUSTAT_STEAL,
    CPUSTAT_GUEST,
    CPUSTAT_GUEST_NICE,
    CPUSTAT_MODES
};

enum cpustat_counter {
    CPUSTAT_INTR,
    CPUSTAT_CTXT,
    CPUSTAT_BTIME,
    CPUSTAT_PROCESSES,
    CPUSTAT_RUNNING,
    CPUSTAT_BLOCKED,
    CPUSTAT_COUNTERS
};

#define CPUSTAT_CPUS_MAX 16384u // ids from 0

struct cpustat_cpu {
    uint32_t id;
    uint32_t modes; // columns the kernel has, CPUSTAT_IDLE + 1 or more
    int64_t ticks[CPUSTAT_MODES];
};

// Zero is valid and empty; cpustat_release.
struct cpustat {
    uint32_t n;                         // processors that are on line
    uint32_t size;                      // allocated
    struct cpustat_cpu *cpus;           // ids rising
    int64_t counters[CPUSTAT_COUNTERS]; // -1: the kernel lacks it
};

// Lines taken, or ERR_FORMAT: a number that is none or too large, processors out of order, or
// nothing known at all. *out then holds nothing to be read, but still its memory.
int cpustat_parse(struct cpustat *out, const char *text, size_t len);
void cpustat_release(struct cpustat *stat);

// How ticks of 1 / hz seconds travel: exact for every rate whose only primes are 2 and 5, else raw.
struct metric_form cpustat_form(long hz);

extern const struct proc_family cpustat_family;

#endif
