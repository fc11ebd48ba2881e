// mount_table - what is mounted where: /proc/PID/mounts.
//
// Source: fstab(5), proc_pid_mounts(5), seq_file.rst. A line is device, mount point, type, options
//         and two numbers. In each word the kernel writes space, tab, newline, backslash (and '#'
//         in a device) as three octal digits after a backslash, "\040"; they come back as the
//         bytes they stand for.
// Out:    mounts in the file's order, the oldest first: of two with the same mount point the later
//         one lies on top and is all that can be seen.

#ifndef AGENT_PROC_MOUNT_TABLE_H
#define AGENT_PROC_MOUNT_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"

#define MOUNT_TABLE_MAX 65536u // the kernel's own limit is 100,000 a namespace

struct mount {
    // Terminated, in the table's own memory.
    const char *device; // "/dev/sda1", "server:/export", "tmpfs"
    const char *point;  // "/home", absolute
    const char *type;   // "ext4"
    bool readonly;      // "ro" among the options
    bool hidden;        // another mount lies on top of it
};

// Zero is valid and empty; mount_table_release.
struct mount_table {
    uint32_t n;
    uint32_t size;        // allocated
    struct mount *mounts; // in the file's order
    struct buf text;      // what they point into
};

// Mounts found, or ERR_FORMAT: a line of fewer than four words, a mount point that is not
// absolute, a NUL, too many, or none at all. *out then holds nothing to be read, but still its
// memory.
int mount_table_parse(struct mount_table *out, const char *text, size_t len);
void mount_table_release(struct mount_table *table);

#endif
