// local_write - sealed tiles to the disk, with the marks of the streams that they came by.
//
// Tiles are written in the order in which they ended, so a stream's mark says that all below it was
// written: of each stream tiles end in the order of its records.

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/store/local_inner.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

// Of one go: some transactions of so much each at most.
#define GO_BYTES (16u << 20)

// What goes together.
struct go {
    uint32_t n_ended;
    size_t n_tiles;
    uint64_t bytes;
    uint64_t next_tile;
    struct block_tile *tiles; // their bytes are the sealed tiles'
    bool *written;
    size_t n_marks;
    struct block_mark *marks;
};

// One for each stream: that of its tile that ended last.
static void
s_add_mark(struct go *go, map_t *place, const struct local_ended *ended)
{
    const uintptr_t known = (uintptr_t) map_get_u64(place, ended->stream);
    const struct block_mark mark = { ended->stream, ended->next_seq, ended->total };

    if (ended->stream == 0 || ended->needs == 0)
        return;
    if (known != 0) {
        if (go->marks[known - 1].seq < ended->next_seq)
            go->marks[known - 1] = mark;
        return;
    }
    go->marks[go->n_marks++] = mark;
    map_put_u64(place, ended->stream, (void *) (uintptr_t) go->n_marks);
}

// Under the lock. What is in it stays until s_done.
static struct go
s_gather(struct local_store *self)
{
    struct go go = { 0 };
    map_t *place = map_new();
    size_t n = 0;

    for (const struct local_ended *e = self->first; e != self->to_seal && go.bytes < GO_BYTES;
         e = e->next) {
        go.n_ended++;
        n += e->n_made;
        for (uint32_t i = 0; i < e->n_made; i++)
            go.bytes += e->made[i]->is.len;
    }
    go.tiles = xcalloc(n + 1, sizeof *go.tiles);
    go.written = xcalloc(n + 1, sizeof *go.written);
    go.marks = xcalloc(go.n_ended + 1, sizeof *go.marks);
    n = 0;
    for (const struct local_ended *e = self->first; n < go.n_ended; e = e->next, n++) {
        for (uint32_t i = 0; i < e->n_made; i++) {
            go.written[go.n_tiles] = e->made[i]->written;
            go.tiles[go.n_tiles++] = e->made[i]->is;
        }
        if (e->number >= go.next_tile)
            go.next_tile = e->number + 1;
        s_add_mark(&go, place, e);
    }
    map_destroy(&place);
    return go;
}

// After a try that found no room some files have theirs.
static void
s_note(struct local_store *self, const struct go *go)
{
    size_t n = 0;

    for (const struct local_ended *e = self->first; n < go->n_tiles; e = e->next)
        for (uint32_t i = 0; i < e->n_made; i++)
            e->made[i]->written = go->written[n++];
}

static void
s_count(struct store_stat *stat, const struct block_tile *tile)
{
    stat->written++;
    stat->written_samples += tile->samples;
    stat->written_bytes += tile->len;
    if (tile->last_ms > stat->written_ms)
        stat->written_ms = tile->last_ms;
}

static void
s_done(struct local_store *self, const struct go *go)
{
    for (uint32_t n = 0; n < go->n_ended; n++) {
        struct local_ended *ended = self->first;

        assert(ended != NULL);
        self->first = ended->next;
        if (self->first == NULL)
            self->last = NULL;
        self->sealed.written += ended->n_made;
        for (uint32_t i = 0; i < ended->n_made; i++) {
            s_count(&self->stat, &ended->made[i]->is);
            sealed_tile_drop(ended->made[i]);
        }
        free(ended->made);
        free(ended);
    }
    self->unwritten -= go->bytes;
    self->unwritten_ms = clock_mono_ms();
}

int
local_write(struct local_store *self)
{
    struct go go = s_gather(self);
    int64_t from_ns;
    int64_t took_us;
    int rc;

    pthread_mutex_unlock(&self->lock);
    from_ns = clock_mono_ns();
    rc = local_disk_write(self->disk, self->index, go.next_tile, go.tiles, go.n_tiles, go.marks,
                          go.n_marks, go.written);
    took_us = (clock_mono_ns() - from_ns) / 1000;
    pthread_mutex_lock(&self->lock);
    local_disk_checkpointed(self->disk, &self->stat.checkpoint_ms, &self->stat.checkpoint_us);
    if (rc == 0) {
        self->stat.commit_ms = clock_real_ms();
        self->stat.commit_us = took_us;
        s_done(self, &go);
    } else {
        s_note(self, &go);
    }
    free(go.tiles);
    free(go.written);
    free(go.marks);
    return rc;
}

int
local_store_health(local_store_t *self)
{
    int rc;

    pthread_mutex_lock(&self->lock);
    rc = self->failed;
    if (rc == 0 &&
        (self->unwritten > self->most_bytes / 2 || self->events.bytes > LOCAL_EVENTS_BYTES))
        rc = -ENOSPC;
    pthread_mutex_unlock(&self->lock);
    return rc;
}
