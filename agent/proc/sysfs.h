// sysfs - small files of one value each, and the folders they lie in.
//
// In:     paths below a root folder ("sys/class/hwmon").
// Out:    texts without their newline, numbers, names in order.
// Source: Documentation/filesystems/sysfs.rst: one value a file, at most a page. Reading one asks
//         a driver, and may take as long as that takes: see slow_thread.h.

#ifndef AGENT_PROC_SYSFS_H
#define AGENT_PROC_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "agent/proc/slow_thread.h"
#include "shared/base/buf.h"

#define SYSFS_TEXT_SIZE 4097 // a page, and a NUL

// "-1500\n" -> -1500: a decimal number, a minus or none, a newline or none. 0 or ERR_FORMAT.
int sysfs_number(int64_t *ret, const char *text, size_t len);
// The file's text without newlines at its end, terminated; NULs in it end it. Its length, -errno.
ptrdiff_t sysfs_text(char ret[SYSFS_TEXT_SIZE], int root_fd, const char *path);
// A slow_fn: ret->number, or -errno, or ERR_FORMAT where the file holds no number.
int sysfs_ask(int root_fd, const char *path, union slow_value *ret);
// Whether the file is there and we may read it.
bool sysfs_is_readable(int root_fd, const char *path);
// The folder that `path` leads to through its links, absolute, appended. 0 or -errno.
int sysfs_target(struct buf *ret, int root_fd, const char *path);

// Zero is valid and empty; sysfs_names_release.
struct sysfs_names {
    size_t n;
    size_t size; // allocated
    char **at;   // sorted by bytes
};

enum sysfs_kind {
    SYSFS_FILES,   // regular, and somebody may read them
    SYSFS_FOLDERS, // or links, which in sysfs lead to folders
};

// What of a kind there is in a folder; nothing where there is no such folder.
void sysfs_list(struct sysfs_names *ret, int root_fd, const char *folder, enum sysfs_kind kind);
void sysfs_names_release(struct sysfs_names *names);

#endif
