// sqlite_copy - a consistent copy of a SQLite file that another process may be writing.
//
// In:     a database in WAL mode, with what is committed in its log.
// Out:    one file that has all of it, without a log beside it, on the disk.
// Thread: any. The file is read in one transaction, page by page, by SQLite's online backup: its
//         writer goes on, but its log can not be emptied meanwhile. Pages are copied as they are,
//         damaged ones too.
// Source: SQLite's "Online Backup API", "Write-Ahead Logging".

#ifndef COLLECTOR_STORE_SQLITE_COPY_H
#define COLLECTOR_STORE_SQLITE_COPY_H

#include <stdbool.h>
#include <stdint.h>

// Called now and then with the bytes copied since the last call; false breaks it off.
typedef bool sqlite_copy_fn(void *arg, uint64_t bytes);

// `to` must not be there. 0; -ENOENT: `from` is not there, or its name became another file's on the
// way: nothing is left at `to`; -EEXIST; -ENOSPC; -ECANCELED; ERR_FORMAT: it is no database; or
// -errno. After an error what is at `to` is to be removed.
int sqlite_copy(const char *from, const char *to, sqlite_copy_fn *fn, void *arg);

#endif
