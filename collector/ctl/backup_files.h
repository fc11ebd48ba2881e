// backup_files - a backup on its way, and its plain files: the collector's id, keys, whatever else
// a data folder has.
//
// In:     a data folder, of a collector that runs or not.
// Out:    copies with the same names and modes, each on the disk.
// Thread: one owner. Nothing of the data folder is changed.

#ifndef COLLECTOR_CTL_BACKUP_FILES_H
#define COLLECTOR_CTL_BACKUP_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buf.h"

struct backup {
    const char *from; // data folder
    const char *to;   // folder that is being made; it is there
    // Called with the bytes copied since the last call; false breaks it off. NULL: never.
    bool (*go_on_fn)(void *arg, uint64_t bytes);
    void *arg;        // of go_on_fn
    uint64_t files;   // copied
    struct buf lacks; // lines of what should be in the backup and is not; the caller's to release
    struct buf notes; // lines of what is left out on purpose; likewise
};

// All but the folders `journal` and `store`, the lock, and files that are being made. 0;
// -ECANCELED; -ENOSPC; or -errno.
int backup_files(struct backup *b);
// Bytes of all files of the data folder: about what a backup takes. 0 for one that is not there.
uint64_t backup_size(const char *dir);

// For the other parts. A folder in b->to, mode 0750: 0 or -errno.
int backup_make_folder(const struct backup *b, const char *name);
// What was made in a folder lasts once this returns 0.
int backup_sync_folder(const char *path);
// A new file of these bytes; `size` is larger where zeros follow. As backup_files.
int backup_write(struct backup *b, const char *path, const void *at, size_t n, uint64_t size,
                 unsigned mode);

#endif
