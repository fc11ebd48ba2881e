// filefd - open files of the whole machine.
//
// Source: /proc/sys/fs/file-nr, Documentation/admin-guide/sysctl/fs.rst: allocated file handles,
//         unused ones (always 0), and the most there may be.
// Out:    node_filefd_allocated, node_filefd_maximum, each 5 s unless the options say otherwise.

#ifndef AGENT_PROC_FILEFD_H
#define AGENT_PROC_FILEFD_H

#include <stddef.h>
#include <stdint.h>

#include "agent/proc/proc_family.h"

struct filefd {
    int64_t allocated;
    int64_t maximum;
};

// 0, or ERR_FORMAT: not a line of three numbers.
int filefd_parse(struct filefd *out, const char *text, size_t len);

extern const struct proc_family filefd_family;

#endif
