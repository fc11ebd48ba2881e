// proc_root - the kernel's files, kept open and read whole each tick, under a root of choice.
//
// In:     a folder ("/", or one that holds a copy of proc/ and what else there is), and a path
//         below.
// Out:    the text of a file, whole, however long (at most PROC_FILE_MAX).
// Loss:   a file that cannot be opened or read is said once, and tried again at each 60th call.
// Thread: one owner.

#ifndef AGENT_PROC_PROC_ROOT_H
#define AGENT_PROC_PROC_ROOT_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/base/buf.h"

#define PROC_FILE_MAX    (16u * 1024u * 1024u)
#define PROC_RETRY_CALLS 60

typedef struct proc_root proc_root_t;

// One file, kept by whoever reads it. Begin with PROC_FILE(path), end with proc_file_close.
struct proc_file {
    const char *path; // below the root: "proc/stat"
    int fd;           // -1: not open
    unsigned wait;    // calls before the next try
    int said;         // the error that was last said, 0 for none
};
#define PROC_FILE(below_root) ((struct proc_file){ .path = (below_root), .fd = -1 })

// 0; -errno if `dir`/proc can not be opened, and *ret as it was.
int proc_root_open(proc_root_t **ret, const char *dir);
void proc_root_close(proc_root_t **self_p);
// Of the root folder itself, by O_PATH: for openat.
int proc_root_fd(const proc_root_t *self);
// The whole file into *into, or with `head` what one read gives of its first so many bytes: its
// bytes, or -errno. *news_ret is true where an error is not the one of the call before, or has
// gone: worth a line in the log.
ptrdiff_t proc_root_read(proc_root_t *self, struct proc_file *file, size_t head, struct buf *into,
                         bool *news_ret);
void proc_file_close(struct proc_file *file);

#endif
