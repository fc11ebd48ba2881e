// replay - see the header.

#include "collector/replay.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector/collector_stat.h"
#include "collector/journal_walk.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/wire/import_host.h"

#define LOAD_AGAIN_MS 200 // after a load that found no room
#define SAY_AGAIN_MS  10000

struct replay {
    struct replay_options is; // dir and lanes are ours
    char *dir;
    lane_table_t *lanes;
    map_t *first_ms; // host -> a time, as a pointer
    pthread_t thread;
    bool running;
    atomic_bool stopping;
    bool whole;       // all that can be read was
    atomic_bool done; // set once the applier is no longer touched, and `whole` is
    int done_fd;      // eventfd, never read
    int all_fd;       // likewise, of replay_caught_up
};

static bool s_await(int fd, int64_t until_ms);
static void *s_run(void *arg);
static void s_host(void *arg, uint64_t host, const char *name);
static void s_record(void *arg, const struct journal_entry *entry, uint64_t segment);

int
replay_start(replay_t **ret, const struct replay_options *options)
{
    replay_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->is = *options;
    self->dir = xstrdup(options->dir);
    self->lanes = lane_table_new();
    self->first_ms = map_new();
    lane_table_copy(self->lanes, options->lanes);
    atomic_init(&self->stopping, false);
    atomic_init(&self->done, false);
    self->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->all_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = self->done_fd == -1 || self->all_fd == -1
             ? -errno
             : -pthread_create(&self->thread, NULL, s_run, self);
    if (rc < 0) {
        replay_stop(&self);
        return rc;
    }
    self->running = true;
    *ret = self;
    return 0;
}

void
replay_stop(replay_t **self_p)
{
    replay_t *self = *self_p;

    if (self == NULL)
        return;
    atomic_store(&self->stopping, true);
    if (self->running)
        pthread_join(self->thread, NULL);
    if (self->done_fd != -1)
        close(self->done_fd);
    if (self->all_fd != -1)
        close(self->all_fd);
    lane_table_destroy(&self->lanes);
    map_destroy(&self->first_ms);
    free(self->dir);
    free(self);
    *self_p = NULL;
}

int
replay_fd(const replay_t *self)
{
    return self->done_fd;
}

bool
replay_is_done(const replay_t *self)
{
    return atomic_load(&self->done);
}

bool
replay_wait(replay_t *self, int64_t until_ms)
{
    return s_await(self->done_fd, until_ms) && replay_is_done(self);
}

void
replay_caught_up(replay_t *self)
{
    (void) !eventfd_write(self->all_fd, 1); // fails only at 2^64
}

bool
replay_await_all(replay_t *self, int64_t until_ms)
{
    return s_await(self->all_fd, until_ms);
}

// Until it is readable, or this time.
static bool
s_await(int fd, int64_t until_ms)
{
    struct pollfd on = { .fd = fd, .events = POLLIN };

    for (;;) {
        const int64_t left_ms = until_ms - clock_mono_ms();
        const int n = poll(&on, 1, left_ms > 0 ? (int) left_ms : 0);

        if (n == 1)
            return true;
        if (n == 0 && left_ms <= 0)
            return false;
    }
}

int64_t
replay_first_ms(const replay_t *self, uint64_t host)
{
    const int64_t first_ms = (int64_t) (intptr_t) map_get_u64(self->first_ms, host);

    return first_ms != 0 ? first_ms : INT64_MAX;
}

bool
replay_is_whole(const replay_t *self)
{
    return self->whole;
}

const lane_table_t *
replay_lanes(const replay_t *self)
{
    return self->lanes;
}

// The journal has one of its records.
static bool
s_wanted(void *arg, uint64_t stream)
{
    return map_get_u64(arg, stream) != NULL;
}

// What has no words for us has some for a later version: it stays where it is.
static int
s_event(void *arg, const struct event_row *row)
{
    const struct host_event event = {
        .host = row->host, .stream = row->stream, .seq = row->seq, .time_ms = row->time_ms
    };

    (void) event_log_restore(arg, &event, row->body, row->len);
    return 0;
}

// A log's index is made anew at a start, which takes some pages; the journal holds meanwhile. True
// once it is time to try again.
static bool
s_waited(replay_t *self, int rc, int64_t *said_ms)
{
    if (rc != -ENOSPC || atomic_load(&self->stopping))
        return false;
    if (log_allow(said_ms, SAY_AGAIN_MS))
        log_error("the disk of the store is full, and what it has cannot be read before there "
                  "is room: nothing is taken until then",
                  NULL);
    poll(NULL, 0, LOAD_AGAIN_MS);
    return true;
}

static int
s_load(replay_t *self)
{
    const struct lane_entry *lane;
    map_t *streams;
    int64_t said_ms = 0;
    size_t at = 0;
    int rc;

    if (self->is.store == NULL)
        return 0;
    do
        rc = local_store_events(self->is.store, s_event, self->is.events);
    while (s_waited(self, rc, &said_ms));
    if (rc < 0 && rc != -ENOSPC)
        log_error("events of before the start could not be read as a whole", "error=%s",
                  log_quote(err_str(rc)));
    streams = map_new();
    while ((lane = lane_table_next(self->lanes, &at)) != NULL)
        map_put_u64(streams, lane->stream, self);
    do
        rc = local_store_load(self->is.store, s_wanted, streams);
    while (s_waited(self, rc, &said_ms));
    map_destroy(&streams);
    if (rc < 0 && rc != -ENOSPC)
        log_error(
            "the store's series and marks cannot be read, and without them nothing is stored: "
            "put meta.db back from a backup, or move the folder away",
            "error=%s", log_quote(err_str(rc)));
    return rc;
}

static void
s_look_back(replay_t *self)
{
    const struct lane_host *host;
    uint64_t id;
    size_t at = 0;

    while (self->is.store != NULL && !atomic_load(&self->stopping) &&
           (host = lane_table_next_host(self->lanes, &at, &id)) != NULL) {
        const char *name = host->name != NULL ? host->name : "";
        const int64_t own_ms = local_store_first_ms(self->is.store, id);
        const int64_t twin_ms = local_store_first_ms(self->is.store,
                                                     import_host_id(name, strlen(name)));
        const int64_t first_ms = own_ms < twin_ms ? own_ms : twin_ms;

        if (first_ms != INT64_MAX && first_ms != 0)
            map_put_u64(self->first_ms, id, (void *) (intptr_t) first_ms);
    }
}

static void *
s_run(void *arg)
{
    replay_t *self = arg;
    const int64_t from_ms = clock_mono_ms();
    struct journal_walked walked = { 0 };
    int rc = 0;

    pthread_setname_np(pthread_self(), "replay");
    // Never done: the store ends the collector. Who went on would refuse what was acknowledged; in
    // the journal it is there for the next start.
    if (s_load(self) < 0)
        return NULL;
    applier_lanes(self->is.applier, self->lanes);
    if (lane_table_count(self->lanes) > 0)
        rc = journal_walk(&(struct journal_walk){ .dir = self->dir,
                                                  .owner = self->is.owner,
                                                  .oldest = { .segment = self->is.oldest },
                                                  .end = self->is.end,
                                                  .lanes = self->lanes,
                                                  .stop = &self->stopping,
                                                  .arg = self,
                                                  .host = s_host,
                                                  .record = s_record },
                          &walked);
    applier_segment(self->is.applier, 0);
    selfstat_add(STAT_REPLAYED, walked.records);
    selfstat_add(STAT_JOURNAL_DAMAGED, walked.damaged_bytes);
    self->whole = rc == 0;
    s_look_back(self);
    if (rc < 0 && rc != ERR_CLOSED)
        log_error("the journal could not be read back as a whole: questions about the time before "
                  "the start lack what was not read",
                  "error=%s", log_quote(err_str(rc)));
    if (walked.damaged_bytes > 0)
        log_error("the journal is damaged: read around", "bytes=%llu",
                  (unsigned long long) walked.damaged_bytes);
    log_info("journal read back", "records=%llu bytes=%llu ms=%lld",
             (unsigned long long) walked.records, (unsigned long long) walked.bytes,
             (long long) (clock_mono_ms() - from_ms));
    atomic_store(&self->done, true);
    (void) !eventfd_write(self->done_fd, 1); // fails only at 2^64
    return NULL;
}

static void
s_host(void *arg, uint64_t host, const char *name)
{
    applier_name(((replay_t *) arg)->is.applier, host, name);
}

static void
s_record(void *arg, const struct journal_entry *entry, uint64_t segment)
{
    replay_t *self = arg;
    const struct host_time came = { .real_ms = entry->received_ms };
    struct lane_entry *lane;
    struct applier_fate fate;

    applier_segment(self->is.applier, segment);
    applier_share(self->is.applier, entry->share);
    (void) applier_record(self->is.applier, entry->host, entry->flags, &entry->record, came);
    lane = lane_table_find(self->lanes, entry->host, entry->record.stream);
    if (lane == NULL || (entry->flags & FRAME_REPEAT) != 0 ||
        entry->record.seq < lane->refused_next)
        return;
    applier_fate(self->is.applier, &fate);
    lane_table_refuse(self->lanes, lane,
                      fate.refused[REFUSED_FUTURE] + fate.refused[REFUSED_LIMIT]);
}
