// diskstats - what /proc/diskstats says: operations, bytes and time of each block device.
//
// Source: Documentation/admin-guide/iostats.rst. A line is major, minor, name, and 11 numbers; four
//         more on discards since 4.18, two more on flushes since 5.5. Sectors are 512 bytes
//         whatever the device's own are; times are milliseconds.
// Out:    node_disk_*{device}, the names, labels and units of node_exporter's collector
//         "diskstats"; discarded sectors stay sectors there. node_disk_info has device, major and
//         minor only: model, serial number and path are in udev's own database, whose form is no
//         promise to others, and name the very piece of hardware.
// Absent: what a kernel's lines lack is no series, never a 0.

#ifndef AGENT_PROC_DISKSTATS_H
#define AGENT_PROC_DISKSTATS_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

// In the order of the columns.
enum diskstats_field {
    DISKSTATS_READS,
    DISKSTATS_READS_MERGED,
    DISKSTATS_READ_SECTORS,
    DISKSTATS_READ_MS,
    DISKSTATS_WRITES,
    DISKSTATS_WRITES_MERGED,
    DISKSTATS_WRITTEN_SECTORS,
    DISKSTATS_WRITE_MS,
    DISKSTATS_IO_NOW,
    DISKSTATS_IO_MS,
    DISKSTATS_IO_WEIGHTED_MS,
    DISKSTATS_DISCARDS,
    DISKSTATS_DISCARDS_MERGED,
    DISKSTATS_DISCARDED_SECTORS,
    DISKSTATS_DISCARD_MS,
    DISKSTATS_FLUSHES,
    DISKSTATS_FLUSH_MS,
    DISKSTATS_FIELDS
};

#define DISKSTATS_FIELDS_MIN (DISKSTATS_IO_WEIGHTED_MS + 1)
#define DISKSTATS_DISKS_MAX  16384u
#define DISKSTATS_NAME_MAX   64u // bytes; the kernel's limit is 31

struct diskstats_disk {
    const char *name; // borrowed from the text, not terminated
    uint32_t name_len;
    uint32_t fields; // columns the kernel has, DISKSTATS_FIELDS_MIN or more
    int64_t major;
    int64_t minor;
    int64_t values[DISKSTATS_FIELDS];
};

// Zero is valid and empty; diskstats_release.
struct diskstats {
    uint32_t n;
    uint32_t size;                // allocated
    struct diskstats_disk *disks; // in the file's order
};

// Disks found, which may be none; or ERR_FORMAT: a line with fewer columns, a number that is none
// or too large, a name too long, too many disks. *out then holds nothing to be read, but still its
// memory. Columns beyond those known are passed over.
int diskstats_parse(struct diskstats *out, const char *text, size_t len);
void diskstats_release(struct diskstats *stats);

extern const struct proc_family diskstats_family;

#endif
