// softnet - what /proc/net/softnet_stat says: packets each processor took from the network.
//
// Source: net/core/net-procfs.c, softnet_seq_show: a line for each processor that is on line, of
//         hexadecimal numbers of 32 bits, which begin anew after 2^32. Kernels print 9 to 15 of
//         them; from 5.10 on the 13th is the processor's number.
// Out:    node_softnet_processed_total{cpu}, node_softnet_dropped_total{cpu},
//         node_softnet_times_squeezed_total{cpu}.
// Limits: a kernel without the column of numbers leaves only the place of the line to tell a
//         processor by: the second of those on line is called 1.

#ifndef AGENT_PROC_SOFTNET_H
#define AGENT_PROC_SOFTNET_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

#define SOFTNET_CPUS_MAX 16384u // ids from 0

enum softnet_counter {
    SOFTNET_PROCESSED, // packets
    SOFTNET_DROPPED,   // packets, since the queue of the processor was full
    SOFTNET_SQUEEZED,  // times the budget of packets or time was used up
    SOFTNET_COUNTERS
};

struct softnet_cpu {
    uint32_t id;
    uint32_t counters[SOFTNET_COUNTERS];
};

// Zero is valid and empty; softnet_release.
struct softnet {
    uint32_t n;               // processors that are on line
    uint32_t size;            // allocated
    struct softnet_cpu *cpus; // ids rising
};

// Processors, or ERR_FORMAT: fewer than 9 numbers in a line, one that is none or of more than 32
// bits, processors out of order, or no line. *out then holds nothing to be read, but its memory.
int softnet_parse(struct softnet *out, const char *text, size_t len);
void softnet_release(struct softnet *softnet);

extern const struct proc_family softnet_family;

#endif
