// net_dev - what /proc/net/dev says: bytes, packets and what went wrong, by network interface.
//
// Source: net/core/net-procfs.c, dev_seq_printf_stats: two lines of headings, then a line for each
//         interface of 16 unsigned 64-bit counters. Which column is which is taken from the
//         headings, so one that is added or left out moves no other.
// Out:    node_network_receive_{bytes,packets,errs,drop,fifo,frame,compressed,multicast}_total and
//         node_network_transmit_{bytes,packets,errs,drop,fifo,colls,carrier,compressed}_total,
//         each with {device}.
// Absent: an interface that the filter leaves out, a column that the kernel lacks. The file has no
//         count of packets without a handler, so there is no receive_nohandler_total.
// Limits: a name that is no UTF-8 gets no series, and is counted by the table.

#ifndef AGENT_PROC_NET_DEV_H
#define AGENT_PROC_NET_DEV_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

#define NET_DEV_NAME_MAX    63  // bytes; the kernel's own limit is 15
#define NET_DEV_HEAD_MAX    512 // bytes of the second heading; today's kernels have 123
#define NET_DEV_NUMBERS_MAX 64  // numbers in a line; today's kernels have 16

enum net_dev_column {
    NET_DEV_RECEIVE_BYTES,
    NET_DEV_RECEIVE_PACKETS,
    NET_DEV_RECEIVE_ERRS,
    NET_DEV_RECEIVE_DROP,
    NET_DEV_RECEIVE_FIFO,
    NET_DEV_RECEIVE_FRAME,
    NET_DEV_RECEIVE_COMPRESSED,
    NET_DEV_RECEIVE_MULTICAST,
    NET_DEV_TRANSMIT_BYTES,
    NET_DEV_TRANSMIT_PACKETS,
    NET_DEV_TRANSMIT_ERRS,
    NET_DEV_TRANSMIT_DROP,
    NET_DEV_TRANSMIT_FIFO,
    NET_DEV_TRANSMIT_COLLS,
    NET_DEV_TRANSMIT_CARRIER,
    NET_DEV_TRANSMIT_COMPRESSED,
    NET_DEV_COLUMNS
};

struct net_dev_interface {
    const char *name; // borrowed from the text, not terminated
    uint32_t name_len;
    uint64_t counters[NET_DEV_COLUMNS]; // of those in `columns` below
};

// Zero is valid and empty; net_dev_release. Kept from tick to tick: the headings of the one before
// say at once what those of this one mean.
struct net_dev {
    uint32_t n;
    uint32_t size;                        // allocated
    struct net_dev_interface *interfaces; // in the file's order
    uint32_t columns;                     // bits 1 << enum net_dev_column of those the kernel has
    uint32_t layouts;                     // different headings seen so far
    uint32_t head_len;
    char head[NET_DEV_HEAD_MAX];            // the second line
    uint32_t numbers;                       // that a line has, by the headings
    uint8_t column_of[NET_DEV_NUMBERS_MAX]; // by place; NET_DEV_COLUMNS: none of ours
};

// Interfaces, 0 or more; or ERR_FORMAT: no headings, a line with fewer numbers than headings or
// with a name that is none, or a number that is none or too large. *out then holds nothing to be
// read, but its memory.
int net_dev_parse(struct net_dev *out, const char *text, size_t len);
void net_dev_release(struct net_dev *net_dev);

extern const struct proc_family net_dev_family;

#endif
