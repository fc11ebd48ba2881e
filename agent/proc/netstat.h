// netstat - what /proc/net/netstat, snmp and snmp6 say: counters of the network's protocols.
//
// Source: net/ipv4/proc.c: pairs of lines, "Tcp: RtoAlgorithm ..." and "Tcp: 1 ...";
// net/ipv6/proc.c:
//         lines of a name and a number, "Ip6InReceives 5". RFC 1213 and others say what they count.
// Out:    node_netstat_<Protocol>_<Name>, untyped, of the fields that node_exporter takes by
//         default: some 40 of 300.
// Absent: a field that the kernel lacks is no series, never a 0.
// Times:  netstat and snmp6 are read each 5 s only, unless the options say otherwise: to print them
//         takes the kernel 67 us, nearly twice what the rest of the network takes, for 21 fields
//         that seldom matter within seconds. TCP's connections and segments, and UDP's datagrams,
//         stand in snmp.
//
// The headings are nearly all of the text and hardly ever change, so they are kept: as long as
// those of a tick are those of the one before, byte for byte, only the wanted numbers are looked
// at.

#ifndef AGENT_PROC_NETSTAT_H
#define AGENT_PROC_NETSTAT_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"
#include "agent/proc/proc_number.h"
#include "shared/base/buf.h"

#define NETSTAT_FIELDS_MAX 64 // wanted ones of a file
#define NETSTAT_PAIRS_MAX  32 // pairs of lines; today's kernels have at most 6
#define NETSTAT_NAME_SIZE  64

struct netstat_field {
    char name[NETSTAT_NAME_SIZE]; // "Tcp_RetransSegs"
    uint32_t split;               // place of the '_' in it
    uint32_t line;                // pair or line of the file, from 0
    uint32_t column;              // word of the pair's lines, from 1
    struct proc_number value;
};

struct netstat_pair {
    uint32_t head_len; // bytes of the heading with its newline
    uint32_t words;    // behind the protocol
};

// One file, from tick to tick. Zero is valid and knows nothing; netstat_release.
struct netstat {
    uint32_t layouts; // times that other fields were found than before: they have moved then
    uint32_t n;       // of fields
    struct netstat_field fields[NETSTAT_FIELDS_MAX]; // in the file's order
    uint32_t lines;                                  // pairs, or lines of snmp6
    struct netstat_pair pairs[NETSTAT_PAIRS_MAX];
    struct buf heads; // the headings of all pairs
};

// A file of pairs: fields in out->fields[0..]; or ERR_FORMAT: a heading without its numbers, or
// with more or fewer of them, a wanted number that is none or too large, too many fields, or no
// pair. *out then holds nothing to be read, but its memory.
int netstat_parse(struct netstat *out, const char *text, size_t len);
// A file of names and numbers, the same.
int netstat_parse_names(struct netstat *out, const char *text, size_t len);
void netstat_release(struct netstat *netstat);

// Its files: netstat, snmp and, where the kernel has IPv6, snmp6.
extern const struct proc_family netstat_family;

#endif
