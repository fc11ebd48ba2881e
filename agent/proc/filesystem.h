// filesystem - how full each mounted file system is.
//
// Source: proc/1/mounts, or proc/self/mounts where that may not be read; statvfs(3) of each mount
//         point below the root folder, asked in a thread of its own (slow_thread.h).
// Out:    node_filesystem_{size,free,avail}_bytes, _files, _files_free, _readonly, _device_error
//         {device,fstype,mountpoint} as node_exporter names them. Sizes are in fragments of
//         f_frsize, as df(1) counts them.
// Absent: a mount that the filters leave out or that another one hides has no series; one whose
//         statvfs fails or does not answer has node_filesystem_device_error 1 and no other.
// Loss:   what is told was asked half a second before the sample, so that it never waits.

#ifndef AGENT_PROC_FILESYSTEM_H
#define AGENT_PROC_FILESYSTEM_H

#include "agent/proc/proc_family.h"
#include "agent/proc/slow_thread.h"

#define FILESYSTEM_STUCK_MS 5000

// statvfs of a mount point below the root, by a descriptor that reaches no further than the name:
// nothing is mounted by it. 0 and ret->fs, or -errno.
int filesystem_ask(int root_fd, const char *point, union slow_value *ret);
// The family's state with another statvfs or another patience: what a test gives it. The family's
// own has filesystem_ask and FILESYSTEM_STUCK_MS.
void *filesystem_new(const struct proc_setup *setup, slow_fn ask, int64_t stuck_ms);

extern const struct proc_family filesystem_family;

#endif
