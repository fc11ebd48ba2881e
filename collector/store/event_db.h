// event_db - what happened on hosts: their newest events, on the disk.
//
// In:     batches of events, each batch in one transaction.
// Out:    all that is kept, in the order in which it was put.
// Limits: rows and bytes of one host, and of all; the oldest make room. Of an event these are its
//         body and EVENT_DB_ROW_BYTES.
// Thread: one thread's at a time.
// Loss:   none within the limits: what was put is on the disk. Each row has a checksum of its own.
// Errors: as sqlite_room.h says.
// Source: collector/store/FORMAT.md, "Files".

#ifndef COLLECTOR_STORE_EVENT_DB_H
#define COLLECTOR_STORE_EVENT_DB_H

#include <stddef.h>
#include <stdint.h>

#define EVENT_DB_ROW_BYTES 64u

// An event: stream and seq name it among those of its host.
struct event_row {
    uint64_t host;
    uint64_t stream; // of its record
    uint64_t seq;    // likewise
    int64_t time_ms; // since the epoch
    const void *body;
    size_t len; // bytes of it, 1 or more
};

// 0: no bound.
struct event_limits {
    uint64_t host_rows; // of one host
    uint64_t host_bytes;
    uint64_t rows; // of all
    uint64_t bytes;
};

typedef struct event_db event_db_t;

// 0 and *ret, or an error. Made where it is missing.
int event_db_open(event_db_t **ret, const char *path, const struct event_limits *most);
// Likewise, to be read beside its writer, of another process too. -ENOENT where it is missing.
int event_db_open_read(event_db_t **ret, const char *path);
void event_db_close(event_db_t **self_p); // NULL is fine
// All or nothing, and on the disk once it returns 0. What is there already stays as it is, where it
// is. Cost: the first one, and one after an error, goes through all rows.
int event_db_put(event_db_t *self, const struct event_row *rows, size_t n);
// Calls `fn` for each, in the order in which they were put; what it gets is borrowed for the call.
// Not 0 ends it and is returned. A row that is not what was written is passed over, and the end is
// ERR_FORMAT.
int event_db_each(event_db_t *self, int (*fn)(void *arg, const struct event_row *row), void *arg);
// Removes what happened before that time; how many, or an error. Goes through all rows.
int event_db_expire(event_db_t *self, int64_t before_ms);
// The log into the file, once it has become long. 0; what finds no room, or a reader in the way,
// stays in the log.
int event_db_tidy(event_db_t *self);
// SQLite's quick_check: 0, or ERR_FORMAT with its first finding in `why`. Reads the whole file.
int event_db_check(event_db_t *self, char *why, size_t size);

#endif
