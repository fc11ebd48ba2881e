// proc_family - what a family of series must bring: the files it reads, and how they become series.
//
// In:     the whole text of each of its files, or a root to walk; and the table of the tick at
//         hand.
// Out:    values set in the table. What can not be read is absent for the tick, never 0.
// A family whose numbers stand in files touches no file and no clock itself, so that a test is a
// text. A new one is a pair of files and a line in family_list.c.

#ifndef AGENT_PROC_PROC_FAMILY_H
#define AGENT_PROC_PROC_FAMILY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/proc/name_filter.h"
#include "agent/proc/proc_root.h"
#include "agent/series_table.h"

#define PROC_FAMILY_FILES 6
#define PROC_WANTS_ALL    1
#define PROC_HEAD_NONE    SIZE_MAX

// Which of a host's many things are left out, or alone taken in.
enum proc_filter {
    PROC_FILTER_DISK,   // block devices
    PROC_FILTER_NET,    // network interfaces
    PROC_FILTER_MOUNT,  // mount points
    PROC_FILTER_FSTYPE, // types of file systems
    PROC_FILTERS
};

// What a family must know of the machine and may not ask for itself. Borrowed; outlives the family.
struct proc_setup {
    long user_hz;      // ticks a second of /proc/stat: sysconf(_SC_CLK_TCK)
    long page_bytes;   // of what the kernel counts in pages: sysconf(_SC_PAGESIZE)
    proc_root_t *root; // for walkers; NULL in tests of those that only parse
    const name_filter_t *filters[PROC_FILTERS];
};

struct proc_source {
    const char *path;  // below the root: "proc/stat"
    bool optional;     // a sound kernel may lack it: its absence is worth no warning
    unsigned every_ms; // between two reads, for a file that costs the kernel much; 0: as the
                       // family. Its series must be those of no other file. A time that an operator
                       // gives the family holds for all its files.
};

struct proc_family {
    const char *name;  // node_exporter's name of the collector; options call it so
    unsigned every_ms; // between two samples unless the options say otherwise; 0: each tick
    unsigned filters;  // bits 1 << enum proc_filter of those it asks
    struct proc_source files[PROC_FAMILY_FILES]; // read in this order; a NULL path ends them
    void *(*make)(const struct proc_setup *setup);
    // Bytes at the front of files[file] that will do, as it was at the sample before; 0: all of it;
    // PROC_HEAD_NONE: it is not wanted now. NULL where it is always all.
    size_t (*head)(void *self, size_t file);
    // The text of files[file], or that much of its front. 0; PROC_WANTS_ALL and nothing set, where
    // the front did not do; or ERR_FORMAT and nothing set. NULL where there are no files.
    int (*sample)(void *self, series_table_t *table, size_t file, const char *text, size_t len);
    // Once a sample, after the files: for what is no file, or many. Or NULL.
    void (*walk)(void *self, series_table_t *table);
    // Waits up to ms for answers that are on their way. NULL where nothing is ever waited for.
    void (*settle)(void *self, int64_t ms);
    // Whether a thread of the family hangs, which `end` will leave behind. NULL where it has none.
    bool (*hangs)(void *self);
    void (*end)(void **self_p);
};

#endif
