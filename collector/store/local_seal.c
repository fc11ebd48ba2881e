// local_seal - open tiles into sealed ones, and which of these memory keeps.

#include <stdlib.h>
#include <string.h>

#include "collector/store/local_inner.h"
#include "shared/base/clock.h"
#include "shared/base/crash_point.h"
#include "shared/base/xalloc.h"

// What has become of one open tile.
struct made {
    uint32_t n;
    uint32_t size; // allocated
    struct sealed_tile **at;
};

static void
s_take(void *arg, struct sealed_tile *tile)
{
    struct made *made = arg;

    if (made->n == made->size) {
        made->size = made->size == 0 ? 8 : 2 * made->size;
        made->at = xrealloc(made->at, made->size, sizeof(struct sealed_tile *));
    }
    made->at[made->n++] = tile;
}

static void
s_queue(struct sealed_queue *queue, struct sealed_tile *tile)
{
    if (queue->n == queue->size) {
        const size_t size = queue->size == 0 ? 64 : 2 * queue->size;
        struct sealed_tile **at = xcalloc(size, sizeof(struct sealed_tile *));

        for (size_t i = 0; i < queue->n; i++)
            at[i] = queue->at[(queue->first + i) % queue->size];
        free(queue->at);
        *queue = (struct sealed_queue){ .at = at, .n = queue->n, .size = size };
    }
    queue->at[(queue->first + queue->n++) % queue->size] = tile;
}

static size_t
s_cost(const struct sealed_tile *tile)
{
    return sizeof *tile + tile->is.len + 2 * sizeof(struct local_tile);
}

// The oldest tile that may go. False: there is none.
static bool
s_drop_oldest(struct local_store *self)
{
    struct sealed_queue *queue = &self->sealed;
    struct sealed_tile *tile;
    struct local_host *host;

    if (self->disk != NULL ? queue->written == 0 : queue->n == 0)
        return false;
    tile = queue->at[queue->first];
    queue->first = (queue->first + 1) % queue->size;
    queue->n--;
    host = local_host(self, tile->is.host);
    local_tile_forget(host, tile);
    host->lost_ms = tile->is.last_ms > host->lost_ms ? tile->is.last_ms : host->lost_ms;
    self->lost_ms = tile->is.last_ms > self->lost_ms ? tile->is.last_ms : self->lost_ms;
    self->sealed_bytes -= s_cost(tile);
    self->stat.samples -= tile->is.samples;
    if (self->disk != NULL)
        queue->written--;
    else
        self->stat.samples_evicted += tile->is.samples;
    sealed_tile_drop(tile);
    return true;
}

void
local_make_room(struct local_store *self, uint64_t index_bytes)
{
    while (self->sealed_bytes + index_bytes + piece_pool_bytes(self->pool) > self->most_bytes &&
           s_drop_oldest(self))
        ;
}

// In place of the open tile stand those that it became.
static void
s_replace(struct local_store *self, open_tile_t *tile, const struct made *made, uint64_t conflicts)
{
    const struct open_tile_origin *origin = open_tile_origin(tile);
    struct local_host *host = local_host(self, origin->host);
    uint64_t samples = 0;

    for (uint32_t i = 0; i < host->n; i++) {
        if (host->tiles[i].open == tile) {
            local_tile_remove(host, i);
            break;
        }
    }
    for (uint32_t i = 0; i < made->n; i++) {
        local_tile_insert(host, (struct local_tile){ .number = made->at[i]->is.number,
                                                     .sealed = sealed_tile_hold(made->at[i]) });
        s_queue(&self->sealed, made->at[i]);
        self->sealed_bytes += s_cost(made->at[i]);
        samples += made->at[i]->is.samples;
    }
    host->conflicts += conflicts;
    self->stat.conflicts += conflicts;
    // What was appended and does not stand: equal times, among them the conflicts.
    self->stat.samples -= open_tile_stat(tile).samples;
    self->stat.samples += samples;
}

// Whether all that the open tile has is on the disk since before the start.
static bool
s_is_written(const struct local_store *self, const struct local_ended *ended)
{
    const struct open_tile_stat stat = open_tile_stat(ended->tile);
    const struct stream_marks *marks = self->disk != NULL
                                           ? local_disk_marks(self->disk, ended->stream)
                                           : NULL;

    return marks != NULL && stat.first_ms <= stat.last_ms &&
           partition_of(stat.first_ms) == partition_of(stat.last_ms) &&
           stream_marks_cover(marks, partition_of(stat.first_ms), stat.next_seq);
}

// What of an ended tile is not to be sealed.
struct elsewhere {
    const struct stream_marks *marks; // NULL: nothing of the stream was written before the start
    uint64_t next_seq;
};

// It is on the disk since before the start, or of a day that no file can have.
static bool
s_is_elsewhere(void *arg, int64_t day)
{
    const struct elsewhere *elsewhere = arg;

    return day < BLOCK_PARTITION_MIN || day > BLOCK_PARTITION_MAX ||
           (elsewhere->marks != NULL &&
            stream_marks_cover(elsewhere->marks, day, elsewhere->next_seq));
}

// Into `made`. The number of its conflicts.
static uint64_t
s_seal(struct local_store *self, sealer_t *sealer, const struct local_ended *ended,
       struct made *made)
{
    struct elsewhere elsewhere = { .next_seq = ended->next_seq };

    if (self->disk != NULL) {
        elsewhere.marks = local_disk_marks(self->disk, ended->stream);
        sealer_leave_out(sealer, s_is_elsewhere, &elsewhere);
    }
    (void) sealer_run(sealer, ended->tile, s_take, made); // a lane has read it all before
    sealer_leave_out(sealer, NULL, NULL);
    return local_conflicts(self, sealer, made->at, made->n);
}

// It waits for the disk now; without one it is done with.
static void
s_pass_on(struct local_store *self, struct local_ended *ended, struct made *made)
{
    self->to_seal = ended->next;
    self->ended_bytes -= ended->bytes;
    if (self->disk == NULL) {
        self->first = ended->next;
        if (self->first == NULL)
            self->last = NULL;
        free(made->at);
        free(ended);
        return;
    }
    if (self->first == ended)
        self->unwritten_ms = clock_mono_ms();
    for (uint32_t i = 0; i < made->n; i++) {
        (void) sealed_tile_hold(made->at[i]);
        self->unwritten += made->at[i]->is.len;
    }
    ended->made = made->at;
    ended->n_made = made->n;
}

void
local_seal_next(struct local_store *self, sealer_t *sealer)
{
    struct local_ended *ended = self->to_seal;
    open_tile_t *tile = ended->tile;
    struct made made = { 0 };
    uint64_t index_bytes, conflicts = 0;

    pthread_mutex_unlock(&self->lock);
    index_bytes = label_index_stat(self->index).bytes;
    if (!s_is_written(self, ended))
        conflicts = s_seal(self, sealer, ended, &made);
    CRASH_POINT(TILE_SEALED);
    pthread_mutex_lock(&self->lock);
    s_replace(self, tile, &made, conflicts);
    ended->tile = NULL;
    s_pass_on(self, ended, &made);
    pthread_mutex_unlock(&self->lock);
    open_tile_drop(&tile); // its pieces are free before room is looked for
    pthread_mutex_lock(&self->lock);
    local_make_room(self, index_bytes);
    self->n_ended--; // who waits for it finds memory within its bound
    pthread_cond_broadcast(&self->done);
}
