// local_conflicts - samples of what has just been sealed whose time has another value elsewhere.
//
// A sample is looked at once, when it is sealed: against what then stands for its series and time,
// in memory or on the disk, among what was sealed before. Tiles of one host share times hardly
// ever, so this is a look at their ends; where they do, columns are compared.

#include <stdlib.h>

#include "collector/store/local_far.h"
#include "collector/store/tile_compare.h"
#include "shared/base/xalloc.h"

// Pairs of tiles that share time, of one open tile, at most. A stranger's may become a tile for
// each sample, whose conflicts nobody waits for.
#define PAIRS_MOST (1u << 17)

struct search {
    sealer_t *sealer;
    struct sealed_tile *const *made;
    uint32_t n_made;
    tile_compare_t **compares; // beside them; NULL: not needed yet
    uint32_t pairs;            // so far
    int64_t found;             // conflicts
};

static void
s_differs(void *arg, const struct tile_differs *differs)
{
    struct search *search = arg;

    search->found += 1 + sealer_conflicts_with(search->sealer, (series_id) differs->series,
                                               differs->time_ms, differs->mine, differs->other);
}

// Of one open tile those stand that have the lower numbers.
static bool
s_is_before(const struct block_tile *other, const struct block_tile *mine)
{
    return other->number >> SEALER_NUMBERS_BITS != mine->number >> SEALER_NUMBERS_BITS ||
           other->number < mine->number;
}

static int
s_other(void *arg, const struct block_tile *other)
{
    struct search *search = arg;

    for (uint32_t i = 0; i < search->n_made && search->pairs < PAIRS_MOST; i++) {
        const struct block_tile *mine = &search->made[i]->is;

        if (other->first_ms > mine->last_ms || other->last_ms < mine->first_ms ||
            !s_is_before(other, mine))
            continue;
        search->pairs++;
        if (search->compares[i] == NULL)
            search->compares[i] = tile_compare_new(mine);
        tile_compare_with(search->compares[i], other, s_differs, search);
    }
    return 0;
}

static void
s_add(struct local_far *far, uint32_t *size, struct sealed_tile *tile)
{
    if (far->n_tiles == *size) {
        *size = *size == 0 ? 8 : 2 * *size;
        far->tiles = xrealloc(far->tiles, *size, sizeof(struct sealed_tile *));
    }
    far->tiles[far->n_tiles++] = sealed_tile_hold(tile);
}

// What memory has of the host in that time, and whether the disk may have more.
static struct local_tile *
s_take(struct local_far *far, uint32_t *size)
{
    struct local_store *store = far->store;
    const struct local_host *host;
    struct local_tile *known = NULL;

    pthread_mutex_lock(&store->lock);
    host = local_host(store, far->host);
    far->memory_alone = store->disk == NULL || (far->what->start_ms > store->before_ms &&
                                                far->what->start_ms > host->lost_ms);
    for (uint32_t i = 0; i < host->n; i++) {
        struct sealed_tile *tile = host->tiles[i].sealed;

        if (tile != NULL && tile->is.first_ms <= far->what->end_ms &&
            tile->is.last_ms >= far->what->start_ms)
            s_add(far, size, tile);
    }
    if (!far->memory_alone && host->n > 0) {
        known = xmemdup(host->tiles, host->n * sizeof *known); // without holds: they are compared
        far->n_known = host->n;
    }
    pthread_mutex_unlock(&store->lock);
    far->known = known;
    return known;
}

uint64_t
local_conflicts(struct local_store *self, sealer_t *sealer, struct sealed_tile *const *made,
                uint32_t n_made)
{
    struct search search = { .sealer = sealer, .made = made, .n_made = n_made };
    struct store_select what = { .start_ms = INT64_MAX, .end_ms = INT64_MIN };
    struct local_far far = { .store = self, .what = &what };
    struct local_tile *known;
    uint32_t size = 0;

    if (n_made == 0)
        return sealer_conflicts(sealer);
    for (uint32_t i = 0; i < n_made; i++) {
        what.start_ms = made[i]->is.first_ms < what.start_ms ? made[i]->is.first_ms : what.start_ms;
        what.end_ms = made[i]->is.last_ms > what.end_ms ? made[i]->is.last_ms : what.end_ms;
    }
    far.host = made[0]->is.host;
    known = s_take(&far, &size);
    for (uint32_t i = 0; i < n_made && sealer_went_on(sealer); i++)
        s_add(&far, &size, made[i]);
    search.compares = xcalloc(n_made, sizeof(tile_compare_t *));
    (void) local_far_tiles(&far, s_other, &search); // what can not be read says nothing else
    for (uint32_t i = 0; i < n_made; i++)
        tile_compare_destroy(&search.compares[i]);
    for (uint32_t i = 0; i < far.n_tiles; i++)
        sealed_tile_drop(far.tiles[i]);
    free(search.compares);
    free(far.tiles);
    free(known);
    return (uint64_t) ((int64_t) sealer_conflicts(sealer) + search.found);
}
