// block_db - one file of sealed tiles, and the marks that say what it holds.
//
// A SQLite database in WAL mode with pages of 8 KiB: one file for a class of series and a part of
// time. Rows stand in the order in which they were sealed; one index leads from host and time.
// In:     tiles (tile.h's bytes) and marks, in one transaction.
// Out:    the tiles of a host that reach into a window; the marks.
// Thread: a connection is one thread's. One connection writes a file and checkpoints it, others
//         only read. A reader sees what was committed when it began to read.
// Loss:   what was committed stays, whatever happens. A sync that failed is final, as everywhere:
//         the caller ends. Bytes that are not a database, or not one of ours, are refused.
// Source: SQLite's "Write-Ahead Logging" and "Result and Error Codes"; collector/store/FORMAT.md.

#ifndef COLLECTOR_STORE_BLOCK_DB_H
#define COLLECTOR_STORE_BLOCK_DB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// What the row of a tile says beside its bytes.
struct block_tile {
    uint64_t number; // of the store: rises as open tiles are begun; one file has each once
    uint64_t host;
    int64_t first_ms; // earliest and latest time in it
    int64_t last_ms;
    uint32_t rows;
    uint32_t series;
    uint64_t samples;
    const uint8_t *bytes; // borrowed
    size_t len;           // 1 to BLOCK_TILE_MAX
};
#define BLOCK_TILE_MAX (64u * 1024u * 1024u)
// No open tile becomes one with such a number: those of a file that was merged have them, and stand
// before all that comes to it later.
#define BLOCK_MERGED_BELOW (UINT64_C(1) << 20)

// All records of the stream below `seq` whose samples belong into this file are in it.
struct block_mark {
    uint64_t stream;
    uint64_t seq;
    uint64_t total; // samples of the stream below `seq`, as its sender counts; 0: not known
};

// What a file has of one host.
struct block_host {
    uint64_t host;
    int64_t first_ms; // earliest and latest time
    int64_t last_ms;
    uint64_t samples; // of all its tiles
};

struct block_stat {
    uint64_t tiles;
    uint64_t samples;
    uint64_t payload; // bytes of tiles
    uint64_t bytes;   // of the files
    int64_t first_ms; // of all tiles; first above last where there are none
    int64_t last_ms;
    uint64_t number; // the highest; 0: none
};

typedef struct block_db block_db_t;

enum block_db_mode {
    BLOCK_DB_READ,  // the file is there
    BLOCK_DB_WRITE, // made where it is missing
};

// 0 and *ret; ERR_FORMAT: not a database, or damaged; ERR_VERSION: of a newer one than we read;
// ERR_UNKNOWN: another program's; or -errno.
int block_db_open(block_db_t **ret, const char *path, enum block_db_mode mode);
void block_db_close(block_db_t **self_p);

// All or nothing, and on the disk once it returns 0. A mark never goes back. -ENOSPC: there is no
// room, nothing changed, try again later; ERR_FORMAT; else -errno, which is final.
int block_db_write(block_db_t *self, const struct block_tile *tiles, size_t n_tiles,
                   const struct block_mark *marks, size_t n_marks);
// What marks say of their streams' samples is not known from here on: of a copy whose marks are not
// true of other files. 0 or an error.
int block_db_doubt_totals(block_db_t *self);
// Moves what was committed from the log into the file, as far as no reader is in the way. With
// `whole`, waits for readers up to five seconds and empties the log. 0, 1: some of it stays in the
// log, or an error as above.
int block_db_checkpoint(block_db_t *self, bool whole);
// Pages of the log that stand there.
uint32_t block_db_log_pages(const block_db_t *self);
// The file's name is another file's by now, or nobody's.
bool block_db_moved(const block_db_t *self);

// Calls `fn` for each mark; not 0 ends it and is returned.
int block_db_marks(block_db_t *self, int (*fn)(void *arg, const struct block_mark *mark),
                   void *arg);
// Calls `fn` for each tile of the host (0: of all) that has samples from first_ms to last_ms, both
// inclusive, numbers rising; the bytes are borrowed for the call. Not 0 ends it and is returned.
int block_db_tiles(block_db_t *self, uint64_t host, int64_t first_ms, int64_t last_ms,
                   int (*fn)(void *arg, const struct block_tile *tile), void *arg);
// The same of one host, and of those tiles that are wanted alone: `wants` is given the row, whose
// bytes are NULL, and the first `n` of them; it answers 1, 0, or below zero, which ends it and is
// returned. Of what is not wanted no more than these BLOCK_FIRST_BYTES are read.
#define BLOCK_FIRST_BYTES 2048u
typedef int block_wants_fn(void *arg, const struct block_tile *tile, const uint8_t *first,
                           size_t n);
int block_db_tiles_wanted(block_db_t *self, uint64_t host, int64_t first_ms, int64_t last_ms,
                          block_wants_fn *wants,
                          int (*fn)(void *arg, const struct block_tile *tile), void *arg);
int block_db_stat(block_db_t *self, struct block_stat *ret);
// The earliest time of the host's tiles: 1 and *ret, 0: it has none, or an error.
int block_db_first(block_db_t *self, uint64_t host, int64_t *ret);
// Whether its tiles were merged (block_merge.h): 1, 0, or an error.
int block_db_is_merged(block_db_t *self);
// Calls `fn` for each host that has tiles, rising as i64; not 0 ends it and is returned.
int block_db_hosts(block_db_t *self, int (*fn)(void *arg, const struct block_host *host),
                   void *arg);
// A number that changes when another connection has written to the file. 0 or an error.
int block_db_version(block_db_t *self, int64_t *ret);
// SQLite's integrity_check: 0, or ERR_FORMAT; indexes are compared with what they are of, too.
// Reads the whole file, until *stop: then ERR_CLOSED.
int block_db_check_all(block_db_t *self, atomic_bool *stop);
// SQLite's quick_check: 0, or ERR_FORMAT with its first finding in `why`. Reads the whole file.
int block_db_check(block_db_t *self, char *why, size_t size);
// What another thread is at with it ends, with ERR_CLOSED. The one call that is any thread's.
void block_db_interrupt(block_db_t *self);

#endif
