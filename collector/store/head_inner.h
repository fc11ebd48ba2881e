// head_inner - what the head and its cursor share.

#ifndef COLLECTOR_STORE_HEAD_INNER_H
#define COLLECTOR_STORE_HEAD_INNER_H

#include <pthread.h>
#include <stdatomic.h>

#include "collector/store/series_index.h"
#include "collector/store/store.h"
#include "shared/base/map.h"

// Series of one step of ring, by time of their newest write.
struct head_list {
    struct head_series *oldest;
    struct head_series *newest;
};

// What was appended of one host.
struct head_rows {
    uint64_t n;
    int64_t newest_ms; // latest time of them
    // Latest times of samples that were given up; INT64_MIN: none.
    int64_t lost_ms;    // of any series
    int64_t evicted_ms; // of series that were given up altogether
};

struct head {
    store_t base;
    pthread_mutex_t lock; // over all that follows
    series_index_t *index;
    struct head_list lists[HEAD_RING_STEPS];
    map_t *rows; // host -> struct head_rows
    uint64_t most_bytes;
    struct store_stat stat;
    int64_t lost_ms;    // as head_rows has it, of all hosts
    int64_t evicted_ms; // likewise
    int64_t oldest_ms;  // of any sample that was ever held; INT64_MAX: none was
    int64_t (*now_ms)(void);
    atomic_uint cursors; // open
};

// The rows of a host so far, all zero where there are none. Under the lock.
struct head_rows head_rows(const struct head *self, uint64_t host);

int head_cursor_open(store_t *store, const struct store_select *what, store_cursor_t **ret);
int head_cursor_next(store_cursor_t *cursor, struct store_series *ret);
uint64_t head_cursor_upto(const store_cursor_t *cursor);
void head_cursor_close(store_cursor_t **cursor_p);

#endif
