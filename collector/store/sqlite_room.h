// sqlite_room - what the store's SQLite files have in common: opening, errors, transactions.
//
// Databases in WAL mode with pages of 8 KiB. An application id tells ours from others', the user
// version one form of ours from another.
// Thread: a room is one thread's. One room writes a file and checkpoints it, others only read.
// Loss:   what was committed stays. A sync that failed is final: the caller ends.
// Errors: ERR_FORMAT: not a database, or damaged; ERR_VERSION: of a newer one than we read;
//         ERR_UNKNOWN: another program's; -ENOSPC: no room, nothing changed; other -errno: final.
// Note:   nobody opens such a file by other means while a room has it: closing any descriptor of a
//         file lets go of all locks that the process has on it.
// Source: SQLite's "Write-Ahead Logging", "Result and Error Codes", "How To Corrupt An SQLite
//         Database File".

#ifndef COLLECTOR_STORE_SQLITE_ROOM_H
#define COLLECTOR_STORE_SQLITE_ROOM_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SQLITE_ROOM_STATEMENTS 16u

// What kind of file it is; constant.
struct sqlite_room_kind {
    int32_t application_id;
    int32_t version;        // the newest that is read, and the one that is made
    const char *schema;     // statements that make the tables
    const char *renew;      // and that make a file of version 1 one of version 2; NULL: no need to
    const char *const *sql; // statements, prepared once a room when first asked for
    unsigned statements;    // at most SQLITE_ROOM_STATEMENTS
};

// Stays where it is while it is open.
struct sqlite_room {
    const struct sqlite_room_kind *kind;
    sqlite3 *db; // NULL: not open
    char *path;
    int64_t version; // of the file
    int log_pages;   // of the log, as of the last commit or checkpoint
    sqlite3_stmt *prepared[SQLITE_ROOM_STATEMENTS];
};

// 0; or an error, then it is closed. With `write` the file is made where it is missing; else
// -ENOENT.
int sqlite_room_open(struct sqlite_room *ret, const struct sqlite_room_kind *kind, const char *path,
                     bool write);
void sqlite_room_close(struct sqlite_room *self);
// What the last call on the connection met, as above.
int sqlite_room_error(const struct sqlite_room *self);
int sqlite_room_error_of(sqlite3 *db); // of a connection of one's own; NULL: no memory for one
int sqlite_room_statement(struct sqlite_room *self, unsigned which, sqlite3_stmt **ret);
// Makes the statement ready to be used again. rc; or, where rc is 0 and `step` neither ROW nor
// DONE, the error that it met.
int sqlite_room_done(struct sqlite_room *self, sqlite3_stmt *statement, int step, int rc);
// All that is written between them is committed where rc is 0 and undone elsewhere. rc, or an
// error.
int sqlite_room_begin(struct sqlite_room *self);
int sqlite_room_end(struct sqlite_room *self, int rc);
// As block_db_checkpoint.
int sqlite_room_checkpoint(struct sqlite_room *self, bool whole);
// SQLite's quick_check: 0, or ERR_FORMAT with its first finding in `why`. Reads the whole file.
int sqlite_room_check(struct sqlite_room *self, char *why, size_t size);
// The file's name is another file's by now, or nobody's.
bool sqlite_room_moved(const struct sqlite_room *self);
// Of the file and its log.
uint64_t sqlite_room_bytes(const struct sqlite_room *self);

#endif
