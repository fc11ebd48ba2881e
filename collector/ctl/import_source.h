// import_source - the lines of a file, which is read twice: first whole, to know it by its content.
//
// In:     a path, or "-" for standard input. What can be read only once (a pipe) is first copied
//         into a file without a name under $TMPDIR, or /tmp: so it is known by its content as well.
// Out:    lines without their end, each of which has one; the last one too.
// Memory: one line, at most IMPORT_LINE_MAX, whatever the size of the file.
// Thread: one owner; it waits for the disk, and a signal to stop ends a wait for a pipe.

#ifndef COLLECTOR_CTL_IMPORT_SOURCE_H
#define COLLECTOR_CTL_IMPORT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#define IMPORT_LINE_MAX (256u * 1024u) // bytes: a series of the largest labels, escaped and quoted

typedef struct import_source import_source_t;

// Reads all of it. 0 and *ret; -EINTR (a signal to stop, on `signals`, -1: none); -EISDIR, or
// another -errno.
int import_source_open(import_source_t **ret, const char *path, int signals);
void import_source_close(import_source_t **self_p);

// Of all that is in it.
uint64_t import_source_hash(const import_source_t *self);
uint64_t import_source_bytes(const import_source_t *self);

// 1 and the next line, ours until the next call; 0 at the end; ERR_LIMIT: it is longer than
// IMPORT_LINE_MAX; ERR_FORMAT: the last line has no end; -errno.
int import_source_next(import_source_t *self, const char **line_ret, size_t *n_ret);
// Number of the line that was asked for last, from 1.
uint64_t import_source_line(const import_source_t *self);
uint64_t import_source_done(const import_source_t *self); // bytes of lines so far
// After its end: 0, or ERR_CLOSED where it is another file than was read at first.
int import_source_check(const import_source_t *self);
// From its first line again.
int import_source_rewind(import_source_t *self);

#endif
