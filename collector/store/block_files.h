// block_files - the folder of block files: who writes them, who reads them, when they go.
//
// One file (block_db.h) for each class and day of UTC; block_name.h has the names. Other names in
// the folder are not ours: never read, never deleted.
// In:     tiles and marks, each file's in one transaction of that file.
// Out:    tiles in order of time and number; marks of each file.
// Thread: block_files is one thread's, that of the store. A block_reader is one thread's, any.
// Loss:   a file that is damaged, or another program's, is set aside: NAME.damaged, and a new one
//         is begun. A newer version's is left alone and out. Either is told.
// Limits: one process: who has the folder keeps others out by a lock of its own.
// Source: collector/store/FORMAT.md, "Files".

#ifndef COLLECTOR_STORE_BLOCK_FILES_H
#define COLLECTOR_STORE_BLOCK_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/store/block_db.h"
#include "collector/store/block_name.h"

#define BLOCK_FILES_OPEN    4u     // at most, by the writer
#define BLOCK_FILES_IDLE_MS 120000 // a file that was not written for so long is closed
#define BLOCK_READER_OPEN   32u    // at most, by one reader

struct block_files_config {
    const char *dir; // copied; made where it is missing
    // Called by the store's thread for each file that was set aside or is left out; may be NULL.
    void (*told_fn)(void *arg, const char *name, const char *reason);
    void *arg; // for told_fn
};

struct block_limits {
    int64_t age_ms[BLOCK_CLASSES]; // 0: for ever
    uint64_t bytes;                // of all files; 0: as many as there are
};

typedef struct block_files block_files_t;

// 0, or -errno. Leftovers of a file that was being made or removed are removed.
int block_files_open(block_files_t **ret, const struct block_files_config *config);
// All readers are gone (asserted).
void block_files_close(block_files_t **self_p);

// Writes tiles of one class, each of which lies inside one partition (asserted): those of a
// partition and all marks in one transaction, partition by partition. On the disk once it returns.
//
// The rule of marks: with a mark the caller says that all records of the stream below `seq`,
// whatever partition their samples fall into, are in tiles of this write or of earlier ones that
// succeeded. So it is true of each file, and it goes into each file that gets a tile here: no file
// has such a tile without the mark. Replay looks at the mark of the file that a row falls into.
// The newest file of the class gets it too, without a tile, and last: by then the others have
// theirs, so its mark alone has a total. Where there is no file marks go nowhere: then nothing is
// there that could be doubled.
//
// written[i] says that tile i is on the disk: false at first, kept by the caller; those that are
// true are passed over, so that the same call can be made again after -ENOSPC. 0; -ENOSPC: files
// before had all of theirs, this one has nothing of it; ERR_RANGE: a time out of years 1 to 9999,
// nothing is written; ERR_VERSION: a newer version's file is in the way; ERR_FORMAT: a number that
// is there already; else -errno, which is final.
int block_files_write(block_files_t *self, uint8_t class, const struct block_tile *tiles,
                      size_t n_tiles, const struct block_mark *marks, size_t n_marks,
                      bool *written);
// When block_files_write last wrote a log back into its file, since the epoch, and how long it
// took; 0: not since the open.
void block_files_checkpointed(const block_files_t *self, int64_t *at_ms_ret, int64_t *took_us_ret);
// What is due at this time (monotonic): files that readers doubt are looked at (all of their
// pages), those not written for long are closed. To be called every few seconds. 0 or -errno,
// final.
int block_files_tick(block_files_t *self, int64_t now_ms);
// Unlinks whole files, oldest first, that are older than their class may be, or until all are
// within the bytes; only days before that of now_ms (wall clock). Age counts from now or the end of
// the newest file, whichever is earlier: a clock that runs off takes nothing. Their number, -errno.
int block_files_expire(block_files_t *self, const struct block_limits *limits, int64_t now_ms);

typedef struct block_reader block_reader_t;

block_reader_t *block_reader_new(block_files_t *files);
void block_reader_destroy(block_reader_t **self_p);
// Closes files that are gone from the folder: until then they keep their place on the disk. Each
// call below does so too.
void block_reader_tidy(block_reader_t *self);
// As block_db_tiles, over all files: those of earlier days first, of one day by class, numbers
// rising in each. What a damaged file can not give is left out. 0, not 0 of `fn`, or -errno.
int block_reader_tiles(block_reader_t *self, uint64_t host, int64_t first_ms, int64_t last_ms,
                       int (*fn)(void *arg, const struct block_tile *tile), void *arg);
// The same as block_db_tiles_wanted.
int block_reader_tiles_wanted(block_reader_t *self, uint64_t host, int64_t first_ms,
                              int64_t last_ms, block_wants_fn *wants,
                              int (*fn)(void *arg, const struct block_tile *tile), void *arg);
// Files that the call before could not read.
uint32_t block_reader_lacks(const block_reader_t *self);
// Calls `fn` for each mark of each file. Likewise.
int block_reader_marks(block_reader_t *self,
                       int (*fn)(void *arg, const struct block_name *file,
                                 const struct block_mark *mark),
                       void *arg);
// The earliest time of the host's tiles: 1 and *ret, 0: it has none, or -errno.
int block_reader_first(block_reader_t *self, uint64_t host, int64_t *ret);
// Sums over all files. Reads their tables of tiles, not the tiles.
int block_reader_stat(block_reader_t *self, struct block_stat *ret);

#endif
