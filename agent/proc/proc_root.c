// proc_root - see the header.
//
// The folder is held by O_PATH, so a file that appears later is found in the same root, whatever
// has become of the working directory or the mount above it.

#include "agent/proc/proc_root.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "shared/base/file.h"
#include "shared/base/xalloc.h"

// A file of the kernel is made of records (mostly lines), gathered in a buffer of a page or more: a
// read ends early only before a record that has no room there (fs/seq_file.c, seq_read_iter). So
// what is shorter than a page by more than the longest record is all there is, and the read that
// would give nothing is spared. Records of the files that are read here have some hundred bytes,
// but for those that are one record, and those are read whole.
#define WHOLE_BELOW 2048u

struct proc_root {
    int fd; // of the root folder
};

int
proc_root_open(proc_root_t **ret, const char *dir)
{
    proc_root_t *self;
    const int fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int rc = fd == -1 ? -errno : 0;

    // A root without proc/ is a slip of the option, and told at the start.
    if (rc == 0 && faccessat(fd, "proc", F_OK, 0) == -1)
        rc = -errno;
    if (rc < 0) {
        if (fd != -1)
            close(fd);
        return rc;
    }
    self = xcalloc(1, sizeof *self);
    self->fd = fd;
    *ret = self;
    return 0;
}

void
proc_root_close(proc_root_t **self_p)
{
    proc_root_t *self = *self_p;

    if (self == NULL)
        return;
    close(self->fd);
    free(self);
    *self_p = NULL;
}

int
proc_root_fd(const proc_root_t *self)
{
    return self->fd;
}

ptrdiff_t
proc_root_read(proc_root_t *self, struct proc_file *file, size_t head, struct buf *into,
               bool *news_ret)
{
    ptrdiff_t rc = 0;

    *news_ret = false;
    if (file->wait > 0) {
        file->wait--;
        return file->said;
    }
    if (file->fd == -1) {
        file->fd = openat(self->fd, file->path, O_RDONLY | O_CLOEXEC);
        rc = file->fd == -1 ? -errno : 0;
    }
    if (rc == 0)
        rc = head > 0 ? file_read_head(into, file->fd, head)
                      : file_read_short(into, file->fd, PROC_FILE_MAX, WHOLE_BELOW);
    if (rc < 0) {
        // Opened anew at the next try: a file that was replaced, or a mount that went away.
        proc_file_close(file);
        file->wait = PROC_RETRY_CALLS - 1;
    }
    *news_ret = (rc < 0 ? (int) rc : 0) != file->said;
    file->said = rc < 0 ? (int) rc : 0;
    return rc;
}

void
proc_file_close(struct proc_file *file)
{
    if (file->fd != -1)
        close(file->fd);
    file->fd = -1;
}
