// local_seal - the thread that turns open tiles into sealed ones.

#include <stdlib.h>
#include <string.h>

#include "collector/store/local_inner.h"
#include "collector/store/sealer.h"
#include "collector/store/tile_compare.h"
#include "shared/base/xalloc.h"

// Tiles of one open tile that are compared with their neighbours.
#define COMPARED_MOST 64u

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

// Sealed tiles of the host that share time with it, and are not of the same open tile; held.
static struct made
s_neighbours(struct local_store *self, const struct sealed_tile *tile)
{
    struct made found = { 0 };
    const struct local_host *host;

    pthread_mutex_lock(&self->lock);
    host = local_host(self, tile->is.host);
    for (uint32_t i = 0; i < host->n; i++) {
        struct sealed_tile *other = host->tiles[i].sealed;

        if (other != NULL && other->is.first_ms <= tile->is.last_ms &&
            other->is.last_ms >= tile->is.first_ms)
            s_take(&found, sealed_tile_hold(other));
    }
    pthread_mutex_unlock(&self->lock);
    return found;
}

// Samples that another stream of the host has said otherwise. Nearly all open tiles become one or
// two; a stranger's may become a tile for each sample, whose conflicts nobody waits for.
static uint64_t
s_conflicts(struct local_store *self, const struct made *made)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < made->n && i < COMPARED_MOST; i++) {
        struct made others = s_neighbours(self, made->at[i]);

        for (uint32_t k = 0; k < others.n; k++) {
            n += tile_conflicts(&made->at[i]->is, &others.at[k]->is);
            sealed_tile_drop(others.at[k]);
        }
        free(others.at);
    }
    return n;
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

// The oldest tile goes. False: there is none.
static bool
s_drop_oldest(struct local_store *self)
{
    struct sealed_queue *queue = &self->sealed;
    struct sealed_tile *tile;
    struct local_host *host;

    if (queue->n == 0)
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
    self->stat.samples_evicted += tile->is.samples;
    sealed_tile_drop(tile);
    return true;
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

static void
s_seal(struct local_store *self, sealer_t *sealer, open_tile_t *tile)
{
    struct made made = { 0 };
    const uint64_t index_bytes = label_index_stat(self->index).bytes;
    uint64_t conflicts;

    (void) sealer_run(sealer, tile, s_take, &made); // a lane has read it all before
    conflicts = sealer_conflicts(sealer) + s_conflicts(self, &made);
    pthread_mutex_lock(&self->lock);
    s_replace(self, tile, &made, conflicts);
    pthread_mutex_unlock(&self->lock);
    open_tile_drop(&tile);
    pthread_mutex_lock(&self->lock);
    while (self->sealed_bytes + index_bytes + piece_pool_bytes(self->pool) > self->most_bytes &&
           s_drop_oldest(self))
        ;
    self->n_ended--;
    pthread_cond_broadcast(&self->done);
    pthread_mutex_unlock(&self->lock);
    free(made.at);
}

void *
local_seal_run(void *arg)
{
    struct local_store *self = arg;
    sealer_t *sealer = sealer_new();

    pthread_setname_np(pthread_self(), "store");
    pthread_mutex_lock(&self->lock);
    while (!self->stopping || self->first != NULL) {
        struct local_ended *ended = self->first;

        if (ended == NULL) {
            pthread_cond_wait(&self->work, &self->lock);
            continue;
        }
        self->first = ended->next;
        pthread_mutex_unlock(&self->lock);
        s_seal(self, sealer, ended->tile);
        free(ended);
        pthread_mutex_lock(&self->lock);
    }
    pthread_mutex_unlock(&self->lock);
    sealer_destroy(&sealer);
    return NULL;
}
