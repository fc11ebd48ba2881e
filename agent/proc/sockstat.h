// sockstat - what /proc/net/sockstat and sockstat6 say: sockets by protocol and state.
//
// Source: net/ipv4/proc.c, sockstat_seq_show, and net/ipv6/proc.c: lines of a protocol and pairs of
//         a word and a number. "mem" counts pages, "memory" bytes.
// Out:    node_sockstat_<protocol>_<word>, node_sockstat_sockets_used, and from each "mem"
//         node_sockstat_<protocol>_mem_bytes.
// Times:  sockstat6 is read each 5 s only, unless the options say otherwise.
// Absent: what the kernel does not say is no series, never a 0. A word that node_exporter does not
//         know is passed over.

#ifndef AGENT_PROC_SOCKSTAT_H
#define AGENT_PROC_SOCKSTAT_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"
#include "agent/proc/proc_number.h"

#define SOCKSTAT_FIELDS_MAX   64 // of a file; today's kernels have 12
#define SOCKSTAT_PROTOCOL_MAX 32 // bytes

enum sockstat_word {
    SOCKSTAT_USED,   // of "sockets": of all protocols
    SOCKSTAT_INUSE,  // bound or connected; for FRAG, queues of fragments
    SOCKSTAT_ORPHAN, // no process has them any more
    SOCKSTAT_TW,     // TIME_WAIT
    SOCKSTAT_ALLOC,
    SOCKSTAT_MEM,    // pages
    SOCKSTAT_MEMORY, // bytes
    SOCKSTAT_WORDS
};

struct sockstat_field {
    const char *protocol; // borrowed from the text, not terminated
    uint32_t protocol_len;
    enum sockstat_word word;
    struct proc_number value; // a sum over processors: below zero now and then
};

// Fields in out[0..], in the file's order; or ERR_FORMAT: a line that is not "protocol: word number
// ...", a number that is none, a protocol too long, too many fields, or none.
int sockstat_parse(struct sockstat_field out[SOCKSTAT_FIELDS_MAX], const char *text, size_t len);

// Its files: sockstat and, where the kernel has IPv6, sockstat6.
extern const struct proc_family sockstat_family;

#endif
