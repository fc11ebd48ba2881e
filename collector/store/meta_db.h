// meta_db - what the store knows besides tiles: series, hosts, and a few numbers.
//
// In:     batches, each in one transaction: new series and hosts, and numbers.
// Out:    series and hosts in order of id; numbers.
// Thread: one thread's.
// Loss:   none: what was written is on the disk. Each row has a checksum of its own.
// Cost:   a series of a host that came with many others takes about 7 bytes and its own text.
// Errors: as sqlite_room.h says.
// Source: collector/store/FORMAT.md, "Files".

#ifndef COLLECTOR_STORE_META_DB_H
#define COLLECTOR_STORE_META_DB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/store/series_run.h"

enum meta_number {
    META_NEXT_TILE, // no tile has this number or a higher one
    META_NUMBERS,
};

struct meta_value {
    enum meta_number which;
    uint64_t value;
};

// What is written together; borrowed.
struct meta_batch {
    const struct meta_series *series; // ids rising, above all that are there
    size_t n_series;
    const struct meta_value *values;
    size_t n_values;
};

typedef struct meta_db meta_db_t;

// 0 and *ret, or an error. Made where it is missing.
int meta_db_open(meta_db_t **ret, const char *path);
// Likewise, to be read beside its writer, of another process too. -ENOENT where it is missing.
int meta_db_open_read(meta_db_t **ret, const char *path);
void meta_db_close(meta_db_t **self_p);
// All or nothing, and on the disk once it returns 0. ERR_FORMAT also for a series' id that does
// not rise.
int meta_db_write(meta_db_t *self, const struct meta_batch *batch);
// Calls `fn` for each, ids rising; what it gets is borrowed for the call. Not 0 ends it and is
// returned. ERR_FORMAT where a row is not what was written.
int meta_db_series(meta_db_t *self, int (*fn)(void *arg, const struct meta_series *series),
                   void *arg);
// 0 where it was never written.
int meta_db_number(meta_db_t *self, enum meta_number which, uint64_t *ret);
// As block_db.h says.
int meta_db_checkpoint(meta_db_t *self, bool whole);
uint32_t meta_db_log_pages(const meta_db_t *self);
int meta_db_check(meta_db_t *self, char *why, size_t size);

#endif
