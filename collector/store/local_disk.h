// local_disk - what the embedded store has on the disk: block files, the series they are of, and
// what of each stream is in them.
//
// In:     sealed tiles and marks, from the store's thread; questions.
// Out:    all of it again after a start.
// Order:  open -> load -> the rest. Series are in meta.db before the first tile that has them.
// Thread: the writer's calls are one thread's; load comes before them. Marks never change once they
//         are loaded: any thread asks. Readers: any, each has a block_reader for as long.
// Loss:   none: what local_disk_write has done stays. A damaged block file is set aside and told in
//         the log; a damaged meta.db, without which no tile can be read, is an error of the open.

#ifndef COLLECTOR_STORE_LOCAL_DISK_H
#define COLLECTOR_STORE_LOCAL_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "collector/store/block_files.h"
#include "collector/store/label_index.h"

#define LOCAL_DISK_TICK_MS   5000
#define LOCAL_DISK_EXPIRE_MS 60000

typedef struct local_disk local_disk_t;

struct local_disk_config {
    const char *dir;     // made where it is missing
    int64_t keep_ms;     // age of samples; 0: for ever
    uint64_t keep_bytes; // of all files; 0: no bound
    int64_t merge_ms;    // a day that is over, and was not written, for so long is merged; 0: none
};

// Seqs of one stream, each with the day whose file has all records below it.
struct stream_marks {
    uint32_t n;
    uint32_t size; // allocated
    struct stream_mark {
        int64_t partition;
        uint64_t seq;
    } * at;
};

// 0 and *ret, errors as sqlite_room.h has them, or ERR_UNKNOWN: tiles without the series they are
// of.
int local_disk_open(local_disk_t **ret, const struct local_disk_config *config);
void local_disk_close(local_disk_t **self_p); // all readers are back; NULL is fine

// Series into the index, and the marks of those streams that are wanted. 0, or an error: what was
// loaded before it stays.
int local_disk_load(local_disk_t *self, label_index_t *index,
                    bool (*wanted)(void *arg, uint64_t stream), void *arg);
// NULL: the disk has nothing of the stream.
const struct stream_marks *local_disk_marks(const local_disk_t *self, uint64_t stream);
// A mark of the stream, wanted or not, that was true of all files together when it was loaded,
// however they had been copied; NULL: none is known to be.
const struct block_mark *local_disk_stands(const local_disk_t *self, uint64_t stream);
// Whether one of them is above `from` and at or below `to`.
bool stream_marks_between(const struct stream_marks *marks, uint64_t from, uint64_t to);
// Whether the day's file has all below `seq`.
bool stream_marks_cover(const struct stream_marks *marks, int64_t partition, uint64_t seq);

// No tile has this number's origin, or a higher one; at the open.
uint64_t local_disk_next_tile(const local_disk_t *self);
// Whether there is any file, at the open.
bool local_disk_had_files(const local_disk_t *self);
// No sample on the disk is older; INT64_MAX: there is none. It moves on when files go. Any thread.
int64_t local_disk_oldest_ms(const local_disk_t *self);
// Tiles, and marks, as block_files_write has them; the index' new series and `next_tile` before
// them.
int local_disk_write(local_disk_t *self, label_index_t *index, uint64_t next_tile,
                     const struct block_tile *tiles, size_t n_tiles, const struct block_mark *marks,
                     size_t n_marks, bool *written);
// When a log was last written back, since the epoch, and how long it took; 0: none was since the
// open. The writer's.
void local_disk_checkpointed(const local_disk_t *self, int64_t *at_ms_ret, int64_t *took_us_ret);
// What is due by now; often. 0, or a final error.
int local_disk_tick(local_disk_t *self, int64_t mono_ms, int64_t real_ms);
// Whether a file that is being merged waits for local_disk_merge, and that; no tile that is not on
// the disk has a number below `first_number`. 0, or a final error.
bool local_disk_merge_waits(local_disk_t *self);
int local_disk_merge(local_disk_t *self, uint64_t first_number);

// A reader of one's own, for local_disk_give_back.
block_reader_t *local_disk_reader(local_disk_t *self);
void local_disk_give_back(local_disk_t *self, block_reader_t *reader);

#endif
