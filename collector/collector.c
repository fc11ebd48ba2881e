// collector - the whole: data folder, store, reactor; in what order they start and stop.

#include "collector/collector.h"

#include <stdlib.h>
#include <unistd.h>

#include "collector/admission.h"
#include "collector/applier.h"
#include "collector/collector_stat.h"
#include "collector/journal.h"
#include "collector/reactor.h"
#include "collector/replay.h"
#include "collector/store/local_store.h"
#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/random.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/net/service.h"

#define JOURNAL_DIR "journal"
#define STORE_DIR   "store"

// The disk has what memory has.
static const struct event_limits s_event_limits = { .host_rows = EVENT_LOG_HOST,
                                                    .host_bytes = EVENT_LOG_HOST_BYTES,
                                                    .rows = EVENT_LOG_MOST,
                                                    .bytes = EVENT_LOG_BYTES };

// In the order of their start; they stop in the other one.
struct collector {
    int lock_fd; // of the data folder, held while we live
    uint64_t id; // in the data folder, so that it stays
    local_store_t *local;
    store_t *store; // its face
    event_log_t *events;
    journal_t *journal;
    applier_t *applier; // writes the store: the replay's at first, then the reactor's
    replay_t *replay;
    struct collector_about about;
    admission_t *admission; // NULL: insecure
    refusal_book_t *refused;
    reactor_t *reactor; // has all of these but the replay
};

static int s_open_data(collector_t *self, const char *dir);
static int s_data_exit(int rc);
static int s_open_store(collector_t *self, int *exit_ret, const struct collector_options *options);
static int s_start_journal(collector_t *self, int *exit_ret,
                           const struct collector_options *options);
static int s_start_replay(collector_t *self, const struct collector_options *options);
static int s_start_admission(collector_t *self, int *exit_ret,
                             const struct collector_options *options);
static int s_start_reactor(collector_t *self, const struct collector_options *options);

int
collector_start(collector_t **ret, int *exit_ret, const struct collector_options *options)
{
    collector_t *self = xcalloc(1, sizeof *self);
    char id[STR_HEX64_SIZE];
    int rc;

    self->lock_fd = -1;
    self->about = (struct collector_about){ .data_dir = options->data_dir,
                                            .started_ms = clock_real_ms(),
                                            .head_bytes = options->head_bytes,
                                            .journal_bytes = options->journal_bytes,
                                            .keep_ms = options->keep_ms,
                                            .keep_bytes = options->keep_bytes };
    *exit_ret = OPTION_EXIT_UNAVAILABLE;
    rc = s_open_data(self, options->data_dir);
    if (rc < 0) {
        *exit_ret = s_data_exit(rc);
        goto fail;
    }
    self->events = event_log_new();
    self->refused = refusal_book_new();
    rc = s_open_store(self, exit_ret, options);
    rc = rc < 0 ? rc : s_start_journal(self, exit_ret, options);
    rc = rc < 0 ? rc : s_start_replay(self, options);
    rc = rc < 0 ? rc : s_start_admission(self, exit_ret, options);
    rc = rc < 0 ? rc : s_start_reactor(self, options);
    if (rc < 0)
        goto fail;
    log_info("ready", "endpoint=%s id=%s head_bytes=%llu", options->endpoint,
             str_hex64_put(id, self->id), (unsigned long long) options->head_bytes);
    *ret = self;
    return 0;

fail:
    collector_stop(&self);
    return rc;
}

void
collector_stop(collector_t **self_p)
{
    collector_t *self = *self_p;

    if (self == NULL)
        return;
    reactor_stop(&self->reactor);
    admission_stop(&self->admission);
    refusal_book_destroy(&self->refused);
    replay_stop(&self->replay);
    journal_stop(&self->journal);
    applier_destroy(&self->applier);
    event_log_destroy(&self->events);
    store_destroy(&self->store);
    if (self->lock_fd != -1)
        close(self->lock_fd);
    free(self);
    *self_p = NULL;
}

int
collector_ended_fd(const collector_t *self)
{
    return reactor_ended_fd(self->reactor);
}

void
collector_turn(collector_t *self, bool now)
{
    if (self->admission != NULL)
        admission_turn(self->admission, now);
}

int
collector_shut_fd(const collector_t *self)
{
    return self->admission != NULL ? admission_ended_fd(self->admission) : -1;
}

// The lock comes first: two collectors of one folder would have one id.
static int
s_open_data(collector_t *self, const char *dir)
{
    int rc = service_lock(&self->lock_fd, dir);

    if (rc < 0) {
        log_error("data folder cannot be used", "dir=%s error=%s", log_quote(dir),
                  log_quote(err_str(rc)));
        return rc;
    }
    rc = service_id(&self->id, dir, "collector_id");
    if (rc < 0)
        log_error("the collector's id cannot be read or made", "file=%s/collector_id error=%s",
                  log_quote(dir), log_quote(err_str(rc)));
    return rc;
}

// As the agent has it: a folder in use may be free soon, an id that is none needs a hand.
static int
s_data_exit(int rc)
{
    if (rc == ERR_LOCKED)
        return OPTION_EXIT_TRY_AGAIN;
    return rc == ERR_FORMAT ? OPTION_EXIT_CONFIG : OPTION_EXIT_UNAVAILABLE;
}

// What of it is wrong stays as it is: it may be somebody's data.
static int
s_open_store(collector_t *self, int *exit_ret, const struct collector_options *options)
{
    struct buf dir = { 0 };
    int rc;

    buf_printf(&dir, "%s/" STORE_DIR, options->data_dir);
    rc = local_store_open(&self->local,
                          &(struct local_store_config){ .most_bytes = options->head_bytes,
                                                        .dir = buf_cstr(&dir),
                                                        .keep_ms = options->keep_ms,
                                                        .keep_bytes = options->keep_bytes,
                                                        .merge_ms = options->merge_ms,
                                                        .events = s_event_limits });
    if (rc < 0) {
        *exit_ret = rc == ERR_UNKNOWN || rc == ERR_VERSION || rc == ERR_FORMAT || rc == ERR_RANGE
                        ? OPTION_EXIT_CONFIG
                        : OPTION_EXIT_UNAVAILABLE;
        log_error("the store cannot be opened", "dir=%s error=%s", log_quote(buf_cstr(&dir)),
                  log_quote(rc == ERR_UNKNOWN   ? "its meta.db is missing or new, and its other "
                                                  "files can not be read without: put it back, or "
                                                  "move the folder away"
                            : rc == ERR_VERSION ? "it was written by a newer version: install that"
                            : rc == ERR_FORMAT  ? "its meta.db is damaged: put it back from a "
                                                  "backup, or move the folder away"
                                                : err_str(rc)));
    } else {
        self->store = local_store_face(self->local);
    }
    buf_release(&dir);
    return rc;
}

static void
s_journal_dir(struct buf *out, const struct collector_options *options)
{
    buf_printf(out, "%s/" JOURNAL_DIR, options->data_dir);
}

// What stands in the way of a journal is never put away by us: it may be somebody's data.
static int
s_start_journal(collector_t *self, int *exit_ret, const struct collector_options *options)
{
    const int64_t from_ms = clock_mono_ms();
    struct journal_found found;
    struct buf dir = { 0 };
    int rc;

    s_journal_dir(&dir, options);
    rc = journal_start(&self->journal, &found,
                       &(struct journal_options){ .dir = buf_cstr(&dir),
                                                  .owner = self->id,
                                                  .segment_bytes = JOURNAL_SEGMENT_BYTES,
                                                  .spares = JOURNAL_SPARES,
                                                  .bytes_most = options->journal_bytes,
                                                  .hold_bytes = JOURNAL_HOLD_BYTES,
                                                  .now_ms = clock_real_ms });
    selfstat_add(STAT_JOURNAL_DAMAGED, found.damaged_bytes);
    if (rc < 0) {
        *exit_ret = rc == ERR_UNKNOWN || rc == ERR_VERSION || rc == ERR_FORMAT
                        ? OPTION_EXIT_CONFIG
                        : OPTION_EXIT_UNAVAILABLE;
        log_error("the journal cannot be opened", "dir=%s error=%s", log_quote(buf_cstr(&dir)),
                  log_quote(rc == ERR_UNKNOWN   ? "it is of another collector (its collector_id "
                                                  "differs): give it its own --data folder back"
                            : rc == ERR_VERSION ? "it was written by a newer version: install that"
                            : rc == ERR_FORMAT  ? "a segment in the middle is missing or is no "
                                                  "journal: put it back, or move the folder away"
                                                : err_str(rc)));
    } else {
        if (found.damaged_bytes > 0)
            log_error("the journal is damaged: what was acknowledged there is lost, agents that "
                      "notice say so",
                      "bytes=%llu", (unsigned long long) found.damaged_bytes);
        log_info("journal opened",
                 "segments=%llu read=%llu streams=%zu torn_bytes=%llu foreign=%llu ms=%lld",
                 (unsigned long long) found.segments, (unsigned long long) found.read, found.lanes,
                 (unsigned long long) found.torn_bytes, (unsigned long long) found.foreign,
                 (long long) (clock_mono_ms() - from_ms));
    }
    buf_release(&dir);
    return rc;
}

static int
s_start_replay(collector_t *self, const struct collector_options *options)
{
    struct buf dir = { 0 };
    int rc;

    s_journal_dir(&dir, options);
    self->applier = applier_new(
        self->local, self->events,
        &(struct applier_limits){ .agent = options->agent, .slot_bytes = options->slot_bytes });
    rc = replay_start(&self->replay,
                      &(struct replay_options){ .dir = buf_cstr(&dir),
                                                .owner = self->id,
                                                .oldest = journal_oldest(self->journal),
                                                .end = journal_end(self->journal),
                                                .lanes = journal_lanes(self->journal),
                                                .store = self->local,
                                                .events = self->events,
                                                .applier = self->applier });
    if (rc < 0)
        log_error("the journal cannot be read back", "error=%s", log_quote(err_str(rc)));
    buf_release(&dir);
    return rc;
}

// Said at each start: a port is closed, or all others are open to this machine.
static int
s_start_admission(collector_t *self, int *exit_ret, const struct collector_options *options)
{
    int rc = 0;

    if (!options->insecure)
        rc = admission_start(&self->admission, exit_ret,
                             &(struct admission_options){ .keys = options->keys_dir,
                                                          .data = options->data_dir,
                                                          .refused = self->refused,
                                                          .endpoint = options->endpoint,
                                                          .collector = self->id });
    if (rc == 0) {
        *exit_ret = OPTION_EXIT_UNAVAILABLE;
        if (options->insecure)
            log_warn("insecure: whoever is on this machine may send samples, read and listen",
                     NULL);
    }
    return rc;
}

// The epoch is new at each start: series ids and row numbers begin anew with it.
static int
s_start_reactor(collector_t *self, const struct collector_options *options)
{
    char failed[REACTOR_ENDPOINT_SIZE];
    int rc = reactor_start(
        &self->reactor,
        &(struct reactor_options){
            .data_endpoint = options->endpoint,
            .local = self->local,
            .store = self->store,
            .journal = self->journal,
            .replay = self->replay,
            .applier = self->applier,
            .events = self->events,
            .about = &self->about,
            .agent = &options->agent,
            .receive_bytes = options->receive_bytes,
            .own = options->insecure ? NULL : admission_own(self->admission),
            .roster = options->insecure ? NULL : admission_roster(self->admission),
            .refused = self->refused,
            .collector = self->id,
            .epoch = random_u64(),
            .most_agents = options->most_agents,
        },
        failed);

    if (rc < 0)
        log_error("cannot listen", "endpoint=%s error=%s", log_quote(failed),
                  log_quote(err_str(rc)));
    return rc;
}
