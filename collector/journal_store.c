// journal_store - see the header.

#include "collector/journal_store.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "collector/journal_gather.h"
#include "collector/journal_reader.h"
#include "collector/journal_scan.h"
#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"

#define SAY_AGAIN_MS 10000

struct journal_store {
    store_t base;
    store_t *head;
    struct journal_store_options is; // dir is ours
    char *dir;
    pthread_mutex_t lock; // over what follows, and held while the journal is read
    lane_table_t *lanes;  // of the journal, as of `end`
    struct journal_keep keep;
    struct segment_place end; // segment 0: nothing was read yet
    int64_t said_ms;          // when damage was last logged
};

struct cursor {
    store_cursor_t base;
    struct store_select what; // matchers are the caller's until the cursor closes
    store_cursor_t *head;
    journal_gather_t *gather; // what the journal has; NULL: not asked, or not needed
    bool far;                 // the journal is needed
    bool head_done;
    struct buf why; // empty: nothing to say
};

static int s_series(store_t *store, uint64_t host, const struct label_set *labels,
                    enum metric_kind kind, series_id *ret);
static uint64_t s_append(store_t *store, const struct store_row *row);
static uint64_t s_conflicts(store_t *store, uint64_t host);
static void s_turn(store_t *store);
static int s_open(store_t *store, const struct store_select *what, store_cursor_t **ret);
static int s_next(store_cursor_t *cursor, struct store_series *ret);
static uint64_t s_upto(const store_cursor_t *cursor);
static const char *s_why(const store_cursor_t *cursor);
static void s_close(store_cursor_t **cursor_p);
static bool s_is_far(store_t *store, uint64_t host, int64_t from_ms);
static int64_t s_oldest(store_t *store);
static void s_stat(store_t *store, struct store_stat *ret);
static void s_destroy(store_t **store_p);
static bool s_needs(const struct journal_store *self, const struct store_select *what);
static int s_load(struct cursor *c);
static int s_read(struct journal_store *self, struct cursor *c);
static int s_refresh(struct journal_store *self);
static void s_tell(struct journal_store *self, struct cursor *c, const struct journal_told *told,
                   int rc);

static const struct store_ops s_ops = {
    .series = s_series,
    .append = s_append,
    .conflicts = s_conflicts,
    .turn = s_turn,
    .open = s_open,
    .next = s_next,
    .upto = s_upto,
    .why = s_why,
    .far = s_is_far,
    .oldest = s_oldest,
    .close = s_close,
    .stat = s_stat,
    .destroy = s_destroy,
};

store_t *
journal_store_new(store_t **head_p, const struct journal_store_options *options)
{
    struct journal_store *self = xcalloc(1, sizeof *self);

    self->base.ops = &s_ops;
    self->head = *head_p;
    *head_p = NULL;
    self->is = *options;
    self->dir = xstrdup(options->dir);
    self->is.dir = self->dir;
    pthread_mutex_init(&self->lock, NULL);
    self->lanes = lane_table_new();
    return &self->base;
}

static void
s_destroy(store_t **store_p)
{
    struct journal_store *self = (struct journal_store *) *store_p;

    store_destroy(&self->head);
    lane_table_destroy(&self->lanes);
    journal_keep_release(&self->keep);
    pthread_mutex_destroy(&self->lock);
    free(self->dir);
    free(self);
    *store_p = NULL;
}

static int
s_series(store_t *store, uint64_t host, const struct label_set *labels, enum metric_kind kind,
         series_id *ret)
{
    return store_series(((struct journal_store *) store)->head, host, labels, kind, ret);
}

static uint64_t
s_append(store_t *store, const struct store_row *row)
{
    return store_append(((struct journal_store *) store)->head, row);
}

static uint64_t
s_conflicts(store_t *store, uint64_t host)
{
    return store_conflicts(((struct journal_store *) store)->head, host);
}

static void
s_turn(store_t *store)
{
    store_turn(((struct journal_store *) store)->head);
}

static void
s_stat(store_t *store, struct store_stat *ret)
{
    store_stat(((struct journal_store *) store)->head, ret);
}

static bool
s_is_far(store_t *store, uint64_t host, int64_t from_ms)
{
    const struct journal_store *self = (const struct journal_store *) store;

    return from_ms <= self->is.floor_ms || from_ms <= store_lost(self->head, host);
}

static int64_t
s_oldest(store_t *store)
{
    struct journal_store *self = (struct journal_store *) store;
    int64_t oldest_ms = store_oldest(self->head), least_ms = INT64_MIN;

    pthread_mutex_lock(&self->lock);
    if (s_refresh(self) == 0)
        least_ms = journal_keep_oldest_ms(&self->keep);
    pthread_mutex_unlock(&self->lock);
    return least_ms < oldest_ms ? least_ms : oldest_ms;
}

// The head is opened first: its row numbers say what the answer must hold, and all of these rows
// were durable before they were in the head.
static int
s_open(store_t *store, const struct store_select *what, store_cursor_t **ret)
{
    struct journal_store *self = (struct journal_store *) store;
    struct cursor *c = xcalloc(1, sizeof *c);
    int rc;

    c->base.store = store;
    c->what = *what;
    rc = store_open(self->head, what, &c->head);
    if (rc < 0) {
        free(c);
        return rc;
    }
    c->far = s_needs(self, what);
    *ret = &c->base;
    return 0;
}

static void
s_close(store_cursor_t **cursor_p)
{
    struct cursor *c = (struct cursor *) *cursor_p;

    store_close(&c->head);
    journal_gather_destroy(&c->gather);
    buf_release(&c->why);
    free(c);
    *cursor_p = NULL;
}

static uint64_t
s_upto(const store_cursor_t *cursor)
{
    return store_upto(((const struct cursor *) cursor)->head);
}

static const char *
s_why(const store_cursor_t *cursor)
{
    struct cursor *c = (struct cursor *) (uintptr_t) cursor;

    return c->why.len > 0 ? buf_cstr(&c->why) : NULL;
}

// Series that are in both are merged as the head comes to them; then those of the journal alone.
static int
s_next(store_cursor_t *cursor, struct store_series *ret)
{
    struct cursor *c = (struct cursor *) cursor;
    int rc;

    if (c->far && c->gather == NULL) {
        rc = s_load(c);
        if (rc < 0)
            return rc;
    }
    if (!c->head_done) {
        rc = store_next(c->head, ret);
        if (rc < 0)
            return rc;
        if (rc == 1) {
            if (c->gather != NULL)
                journal_gather_merge(c->gather, ret);
            return 1;
        }
        c->head_done = true;
    }
    return c->gather != NULL && journal_gather_rest(c->gather, ret) ? 1 : 0;
}

// Whether the head lacks anything of the window that it was once given, or was not given after the
// start.
static bool
s_needs(const struct journal_store *self, const struct store_select *what)
{
    if (what->newest_only || what->start_ms > what->end_ms)
        return false;
    return what->start_ms <= self->is.floor_ms ||
           what->start_ms <= store_lost(self->head, what->host);
}

static int
s_load(struct cursor *c)
{
    struct journal_store *self = (struct journal_store *) c->base.store;
    int rc;

    c->gather = journal_gather_new(&c->what, JOURNAL_STORE_SAMPLES, JOURNAL_STORE_SERIES);
    pthread_mutex_lock(&self->lock);
    rc = s_refresh(self);
    rc = rc < 0 || self->end.segment == 0 ? rc : s_read(self, c);
    pthread_mutex_unlock(&self->lock);
    return rc;
}

// Under the lock.
static int
s_read(struct journal_store *self, struct cursor *c)
{
    struct journal_told told = { 0 };
    struct journal_read read = { .dir = self->dir,
                                 .owner = self->is.owner,
                                 .end = self->end,
                                 .lanes = self->lanes,
                                 .keep = &self->keep,
                                 .from_ms = c->what.start_ms,
                                 .to_ms = c->what.end_ms,
                                 .most_bytes = JOURNAL_STORE_BYTES,
                                 .stop = c->what.stop,
                                 .until_ms = c->what.until_ms };
    int rc;

    journal_gather_begin(c->gather, &read);
    rc = c->what.labels_only ? journal_read_series(&read) : journal_read(&read, &told);
    rc = rc < 0 ? rc : journal_gather_finish(c->gather);
    s_tell(self, c, &told, rc);
    return rc;
}

// Under the lock: the journal as it is now. What was added since is read on from there, unless it
// is more than the newest segment.
static int
s_refresh(struct journal_store *self)
{
    struct journal_reach reach;
    struct journal_scan_options opt = { .dir = self->dir,
                                        .owner = self->is.owner,
                                        .now_ms = clock_real_ms() };
    struct journal_found found = { 0 };
    int rc = ERR_CLOSED;

    self->is.reach(self->is.arg, &reach);
    if (reach.end.segment == 0)
        return 0;
    opt.oldest = reach.oldest;
    opt.end = reach.end;
    if (self->end.segment != 0 && reach.end.segment <= self->end.segment + 1)
        rc = journal_scan_on(self->lanes, &self->keep, self->end, &opt);
    if (rc < 0) {
        lane_table_destroy(&self->lanes);
        self->lanes = lane_table_new();
        journal_keep_release(&self->keep);
        rc = journal_scan(self->lanes, &self->keep, &found, &opt);
        lane_table_trim(self->lanes, reach.oldest);
    }
    self->end = reach.end;
    if (rc < 0)
        self->end = (struct segment_place){ 0 };
    return rc;
}

// What the answer lacks, or why there is none.
static void
s_tell(struct journal_store *self, struct cursor *c, const struct journal_told *told, int rc)
{
    if (rc == ERR_LIMIT && told->walked.bytes == 0)
        buf_printf(&c->why, "the window needs more than %" PRIu64 " MiB of the journal to be read",
                   JOURNAL_STORE_BYTES >> 20);
    else if (rc == ERR_LIMIT)
        buf_printf(&c->why, "more than %u samples or %u series match", JOURNAL_STORE_SAMPLES,
                   JOURNAL_STORE_SERIES);
    if (rc < 0 || (told->walked.damaged_bytes == 0 && told->unreadable == 0))
        return;
    buf_printf(&c->why,
               "the journal is damaged: %" PRIu64 " bytes and %" PRIu64
               " values of the time since could not be read",
               told->walked.damaged_bytes, told->unreadable);
    if (log_allow(&self->said_ms, SAY_AGAIN_MS))
        log_warn("the journal is damaged: a question was answered without what could not be read",
                 "bytes=%" PRIu64 " values=%" PRIu64, told->walked.damaged_bytes, told->unreadable);
}
