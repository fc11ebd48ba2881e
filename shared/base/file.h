// file - whole files in, whole files out.

#ifndef SHARED_BASE_FILE_H
#define SHARED_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"

// The whole file from its start into *into, which is cleared first; however long it is, up
// to `most` bytes. By pread until it gives nothing more, so a descriptor of /proc may stay open
// and be read again. The bytes read, -errno, or ERR_LIMIT.
ptrdiff_t file_read_fd(struct buf *into, int fd, size_t most);
// The same, but a first read of less than `whole` bytes is taken for all that there is.
ptrdiff_t file_read_short(struct buf *into, int fd, size_t most, size_t whole);
// What one read gives of the first n bytes: for a file of which no more is wanted.
ptrdiff_t file_read_head(struct buf *into, int fd, size_t n);
// As file_read_fd, by path, relative to dir_fd (AT_FDCWD for the working directory).
ptrdiff_t file_read(struct buf *into, int dir_fd, const char *path, size_t most);
// Writes beside it, syncs, renames over it, syncs the folder: after a crash the file is the
// old one or the new one. 0 or -errno.
int file_write_atomic(const char *path, const void *at, size_t n, unsigned mode);
// Makes the folder and those above it that are missing, mode 0750. 0 or -errno.
int file_make_dirs(const char *path);

#endif
