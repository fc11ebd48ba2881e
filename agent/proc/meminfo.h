// meminfo - every line of /proc/meminfo, in bytes or as a count.
//
// Source: Documentation/filesystems/proc.rst, "meminfo". "kB" there is 1,024 bytes; lines without
//         it (HugePages_*) are counts of pages.
// Out:    node_memory_<Key>_bytes, node_memory_<Key> for the counts; "Active(anon)" is
//         Active_anon, any other letter that no metric name may have is '_'.
// Absent: a key that the kernel lacks is no series, never a 0.

#ifndef AGENT_PROC_MEMINFO_H
#define AGENT_PROC_MEMINFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

#define MEMINFO_LINES_MAX 512 // today's kernels have 55
#define MEMINFO_KEY_MAX   64  // bytes

struct meminfo_line {
    const char *key; // borrowed from the text, not terminated
    uint32_t key_len;
    bool kilobytes; // `value` counts 1,024 bytes; else it is a plain count
    int64_t value;
};

// Lines in out[0..], in the file's order; or ERR_FORMAT: a line that is not "key: number [kB]", a
// number too large, a key too long, too many lines, or none.
int meminfo_parse(struct meminfo_line out[MEMINFO_LINES_MAX], const char *text, size_t len);

#define MEMINFO_NAME_SIZE (MEMINFO_KEY_MAX + 24)
// The metric's name of a line.
void meminfo_name(char out[MEMINFO_NAME_SIZE], const struct meminfo_line *line);

extern const struct proc_family meminfo_family;

#endif
