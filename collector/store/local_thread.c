// local_thread - the store's thread: it seals what has ended, and puts it on the disk.

#include <errno.h>
#include <stdlib.h>

#include "collector/store/local_inner.h"
#include "shared/base/clock.h"
#include "shared/base/cond.h"
#include "shared/base/err.h"
#include "shared/base/log.h"

#define SAY_AGAIN_MS 10000
#define IDLE_MS      1000  // between two looks at what is due
#define OLDEST_MS    60000 // between two looks for the oldest sample

struct room {
    sealer_t *sealer;
    int64_t again_ms;  // monotonic, after a try that found no room
    int64_t tick_ms;   // likewise, when next due
    int64_t oldest_ms; // likewise
    int64_t said_ms;
};

// Until something ends, or what is sealed has waited long enough.
static void
s_wait(struct local_store *self, const struct room *room, int64_t now_ms)
{
    int64_t wait_ms = IDLE_MS;
    int64_t due_ms = INT64_MAX;

    if (self->disk != NULL && self->first != NULL)
        due_ms = self->unwritten_ms + LOCAL_WRITE_MS;
    if (local_events_wait(self) && self->events.since_ms + LOCAL_WRITE_MS < due_ms)
        due_ms = self->events.since_ms + LOCAL_WRITE_MS;
    if (due_ms != INT64_MAX && self->failed == 0) {
        wait_ms = (due_ms > room->again_ms ? due_ms : room->again_ms) - now_ms;
        wait_ms = wait_ms < 1 ? 1 : wait_ms > IDLE_MS ? IDLE_MS : wait_ms;
    }
    (void) cond_wait_until(&self->work, &self->lock, now_ms + wait_ms);
}

// Whether something is to be written now.
static bool
s_is_due(const struct local_store *self, const struct room *room, int64_t now_ms)
{
    if (self->disk == NULL || self->failed != 0 || now_ms < room->again_ms)
        return false;
    if (local_events_are_due(self, now_ms))
        return true;
    if (self->first == self->to_seal)
        return false;
    return self->unwritten >= LOCAL_WRITE_BYTES || now_ms >= self->unwritten_ms + LOCAL_WRITE_MS ||
           (self->flush && self->to_seal == NULL);
}

static void
s_write(struct local_store *self, struct room *room)
{
    int rc = self->first != self->to_seal ? local_write(self) : 0;

    if (rc == 0 && local_events_wait(self))
        rc = local_events_write(self);
    self->no_room = rc == -ENOSPC;
    if (rc == -ENOSPC) {
        room->again_ms = clock_mono_ms() + LOCAL_WRITE_AGAIN_MS;
        if (log_allow(&room->said_ms, SAY_AGAIN_MS))
            log_error("the disk of the store is full: what came is kept in the journal and in "
                      "memory until there is room",
                      "bytes=%llu events=%zu", (unsigned long long) self->unwritten,
                      self->events.n);
    } else if (rc < 0) {
        self->failed = rc;
        log_error("the store cannot be written", "error=%s", log_quote(err_str(rc)));
    } else if (room->again_ms != 0) {
        room->again_ms = 0;
        log_info("the disk of the store has room again", NULL);
    }
    local_make_room(self, label_index_stat(self->index).bytes);
    pthread_cond_broadcast(&self->done);
}

// Samples go with files and, where there is no disk, with tiles of memory. Bounds are kept that are
// nearer than what is found here: a file says only its day.
static void
s_find_oldest(struct local_store *self, struct room *room, int64_t now_ms)
{
    int64_t oldest_ms = self->disk != NULL ? local_disk_oldest_ms(self->disk) : INT64_MAX;
    struct map_entry entry;

    if (now_ms < room->oldest_ms || oldest_ms <= self->oldest_ms)
        return;
    room->oldest_ms = now_ms + OLDEST_MS;
    for (size_t at = 0; map_next(self->hosts, &at, &entry);) {
        const struct local_host *host = entry.value;

        for (uint32_t i = 0; i < host->n; i++) {
            const struct local_tile *tile = &host->tiles[i];
            const int64_t first_ms = tile->open != NULL     ? open_tile_stat(tile->open).first_ms
                                     : tile->sealed != NULL ? tile->sealed->is.first_ms
                                                            : INT64_MAX;

            oldest_ms = first_ms < oldest_ms ? first_ms : oldest_ms;
        }
    }
    if (oldest_ms > self->oldest_ms)
        self->oldest_ms = oldest_ms;
}

// Of the tiles that are not on the disk the lowest number; those that are begun later have higher
// ones.
static uint64_t
s_first_number(const struct local_store *self)
{
    uint64_t first = UINT64_MAX;
    struct map_entry entry;

    for (const struct local_ended *e = self->first; e != NULL; e = e->next)
        if (e->number << SEALER_NUMBERS_BITS < first)
            first = e->number << SEALER_NUMBERS_BITS;
    for (size_t at = 0; map_next(self->hosts, &at, &entry);) {
        const struct local_host *host = entry.value;

        for (uint32_t i = 0; i < host->n; i++)
            if (host->tiles[i].open != NULL && host->tiles[i].number < first)
                first = host->tiles[i].number;
    }
    return first;
}

static void
s_tick(struct local_store *self, struct room *room, int64_t now_ms)
{
    uint64_t first_number = 0;
    bool merges;
    int rc;

    s_find_oldest(self, room, now_ms);
    if (self->disk == NULL || self->failed != 0 || now_ms < room->tick_ms)
        return;
    room->tick_ms = now_ms + IDLE_MS;
    merges = atomic_load(&self->loaded) && local_disk_merge_waits(self->disk);
    if (merges)
        first_number = s_first_number(self);
    pthread_mutex_unlock(&self->lock);
    rc = local_disk_tick(self->disk, clock_mono_ms(), clock_real_ms());
    if (rc == 0 && merges)
        rc = local_disk_merge(self->disk, first_number);
    if (rc == 0 && atomic_load(&self->loaded))
        rc = local_events_tick(self, clock_mono_ms(), clock_real_ms());
    pthread_mutex_lock(&self->lock);
    if (rc < 0 && self->failed == 0) {
        self->failed = rc;
        log_error("the files of the store cannot be kept in order", "error=%s",
                  log_quote(err_str(rc)));
        pthread_cond_broadcast(&self->done); // nothing that is waited for will be written
    }
}

// Seals for a while, and puts what is sealed on the disk. What is left then stays in the journal.
static void
s_stop(struct local_store *self, struct room *room)
{
    const int64_t until_ms = clock_mono_ms() + LOCAL_STOP_MS;

    while (self->to_seal != NULL && clock_mono_ms() < until_ms)
        local_seal_next(self, room->sealer);
    while (self->disk != NULL && self->failed == 0 &&
           (self->first != self->to_seal || local_events_wait(self))) {
        s_write(self, room);
        if (self->no_room)
            break;
    }
    while (self->first != NULL) {
        struct local_ended *ended = self->first;

        self->first = ended->next;
        open_tile_drop(&ended->tile);
        for (uint32_t i = 0; i < ended->n_made; i++)
            sealed_tile_drop(ended->made[i]);
        free(ended->made);
        free(ended);
    }
    self->last = self->to_seal = NULL;
    self->n_ended = 0;
    self->ended_bytes = 0;
}

void *
local_seal_run(void *arg)
{
    struct local_store *self = arg;
    struct room room = { .sealer = sealer_new() };

    pthread_setname_np(pthread_self(), "store");
    pthread_mutex_lock(&self->lock);
    while (!self->stopping) {
        const int64_t now_ms = clock_mono_ms();

        if (s_is_due(self, &room, now_ms))
            s_write(self, &room);
        else if (self->to_seal != NULL)
            local_seal_next(self, room.sealer);
        else
            s_wait(self, &room, now_ms);
        s_tick(self, &room, now_ms);
    }
    s_stop(self, &room);
    pthread_mutex_unlock(&self->lock);
    sealer_destroy(&room.sealer);
    return NULL;
}
