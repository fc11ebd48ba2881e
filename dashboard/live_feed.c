// live_feed - one host's live numbers: subscription and history joined without a seam.
//
// Tables, window and rows of both topics are one order of states.

#include "dashboard/live_feed.h"

#include <stdlib.h>

#include "dashboard/live_kept.h"
#include "dashboard/live_places.h"
#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"
#include "shared/wire/live.h"
#include "shared/wire/query_msg.h"

#define ROWS_MAX       3600 // of the window, whatever the interval
#define ASK_AGAIN_MS   2000 // an answer that has not come by then will not come
#define ASK_PAUSE_MS   250  // least time between two windows: a broken topic must not spin
#define TABLE_AGAIN_MS 1000
#define LATE_RUN_MAX   5 // rows in the past, one after the other: the clock was set back

enum state { WAIT_TABLE, WAIT_WINDOW, LIVE };

// m/ or a/ of the host.
struct topic {
    char kind;
    bool known;  // its table of this epoch has come
    bool wanted; // its table is waited for
    uint32_t generation;
    uint64_t pubseq;       // of the last row applied, or known to be in the window
    uint64_t table_pubseq; // of the last row before the table
    uint64_t table_number; // likewise
    struct live_places places;
};

struct live_feed {
    enum state state;
    int64_t interval_ms;
    uint64_t epoch; // of the tables; 0 before the first
    struct topic host;
    struct topic app;
    uint64_t upto; // number of the newest row that the window holds
    view_t *view;  // NULL before the first window
    struct view_window window;
    bool first_row;    // none has come since the window
    unsigned late_run; // late rows since the last one in time
    int64_t anchor_ms; // the window ends here; INT64_MAX: with the newest
    bool no_ticks;     // the host's families are off: applications make the rows
    struct live_pending pending;
    struct live_rows kept; // while the window is on its way
    struct live_row cells; // of the row at hand
    int64_t due_ms;        // when to ask what is waited for (again)
    int64_t asked_ms;
    struct host_facts facts;
    struct live_feed_counters counters;
};

static struct topic *s_topic(live_feed_t *self, char kind);
static unsigned s_table(live_feed_t *self, struct topic *t, const struct live_header *h,
                        struct rbuf *r, int64_t now_ms);
static void s_set_epoch(live_feed_t *self, uint64_t epoch);
static bool s_is_as_built(live_feed_t *self, struct topic *t);
static unsigned s_row(live_feed_t *self, struct topic *t, const struct live_header *h,
                      int64_t now_ms);
static unsigned s_wait_table(live_feed_t *self, struct topic *t, int64_t now_ms);
static unsigned s_wait_window(live_feed_t *self, int64_t now_ms);
static void s_build_view(live_feed_t *self, const struct live_answer *answer);
static void s_load(live_feed_t *self, const struct live_answer *answer);
static bool s_has(const live_feed_t *self, struct topic *t, const struct live_header *h);
static unsigned s_replay(live_feed_t *self, int64_t now_ms);
static unsigned s_apply(live_feed_t *self, struct topic *t, const struct live_header *h,
                        const struct live_row *cells, int64_t now_ms);
static void s_add_pending(live_feed_t *self, size_t place, int64_t time_ms, double value);
static void s_make_row(live_feed_t *self, struct topic *t, int64_t time_ms,
                       const struct live_row *cells);
static unsigned s_late(live_feed_t *self, int64_t time_ms, int64_t newest_ms, int64_t now_ms);

live_feed_t *
live_feed_new(int64_t interval_ms, int64_t now_ms)
{
    live_feed_t *self = xcalloc(1, sizeof *self);

    self->interval_ms = interval_ms;
    self->anchor_ms = INT64_MAX;
    self->asked_ms = now_ms - ASK_PAUSE_MS;
    self->due_ms = now_ms + TABLE_AGAIN_MS;
    self->host = (struct topic){ .kind = LIVE_HOST_ROWS, .wanted = true };
    self->app = (struct topic){ .kind = LIVE_APP_ROWS };
    view_window_init(&self->window, 0);
    return self;
}

void
live_feed_destroy(live_feed_t **self_p)
{
    live_feed_t *self = *self_p;

    if (self == NULL)
        return;
    live_rows_release(&self->kept);
    live_pending_release(&self->pending);
    live_places_release(&self->host.places);
    live_places_release(&self->app.places);
    host_facts_release(&self->facts);
    live_row_release(&self->cells);
    view_window_release(&self->window);
    view_destroy(&self->view);
    free(self);
    *self_p = NULL;
}

unsigned
live_feed_message(live_feed_t *self, char kind, const void *at, size_t n, int64_t now_ms)
{
    struct topic *t = s_topic(self, kind);
    struct live_header h;
    struct rbuf r;

    if (live_take(&h, &r, at, n) != 0)
        goto malformed;
    if (h.type == LIVE_TABLE)
        return s_table(self, t, &h, &r, now_ms);
    if (h.type != LIVE_ROW)
        return 0;
    self->cells.n = 0;
    if (live_take_row(&r, &self->cells) != 0)
        goto malformed;
    return s_row(self, t, &h, now_ms);

malformed:
    self->counters.malformed++;
    return 0;
}

unsigned
live_feed_answer(live_feed_t *self, const struct live_answer *answer, int64_t now_ms)
{
    if (self->state != WAIT_WINDOW)
        return 0;
    // The collector was restarted between its table and this answer.
    if (answer->epoch != self->epoch)
        return s_wait_table(self, &self->host, now_ms);
    self->upto = answer->upto;
    s_build_view(self, answer);
    s_load(self, answer);
    // Asked after the table came, the window has what went before it: rows follow that one. Not so
    // the answer to an older question.
    for (size_t i = 0; i < 2; i++) {
        struct topic *t = i == 0 ? &self->host : &self->app;

        if (t->known && t->table_number <= answer->upto && t->table_pubseq > t->pubseq)
            t->pubseq = t->table_pubseq;
    }
    self->state = LIVE;
    self->first_row = true;
    self->late_run = 0;
    self->anchor_ms = INT64_MAX;
    return s_replay(self, now_ms);
}

unsigned
live_feed_check(live_feed_t *self, int64_t now_ms)
{
    if (self->state == LIVE || now_ms < self->due_ms)
        return 0;
    if (self->state == WAIT_TABLE)
        return s_wait_table(self, NULL, now_ms);
    return s_wait_window(self, now_ms);
}

unsigned
live_feed_set_interval(live_feed_t *self, int64_t interval_ms, int64_t now_ms)
{
    if (interval_ms == self->interval_ms)
        return 0;
    self->interval_ms = interval_ms;
    // What is a hole has changed, in the past as well.
    return self->state == WAIT_TABLE ? 0 : s_wait_window(self, now_ms);
}

unsigned
live_feed_filled(live_feed_t *self, int64_t to_ms, int64_t now_ms)
{
    const size_t rows = view_window_rows(&self->window);

    // Who joins gets the window: it must not have a hole that history has no more.
    if (self->state != LIVE || rows == 0 ||
        to_ms < view_window_time(&self->window, rows - 1) - LIVE_FEED_WINDOW_MS)
        return 0;
    return s_wait_window(self, now_ms);
}

struct live_ask
live_feed_ask(const live_feed_t *self, int64_t newest_ms)
{
    const int64_t end_ms = newest_ms < self->anchor_ms ? newest_ms : self->anchor_ms;

    return (struct live_ask){ .start_ms = end_ms - LIVE_FEED_WINDOW_MS -
                                          view_back_ms(self->interval_ms),
                              .end_ms = self->anchor_ms };
}

bool
live_feed_joined(const live_feed_t *self)
{
    return self->view != NULL;
}

const struct view_window *
live_feed_window(const live_feed_t *self)
{
    return &self->window;
}

size_t
live_feed_columns(const live_feed_t *self, const struct view_column **ret)
{
    return view_columns(self->view, ret);
}

int64_t
live_feed_interval(const live_feed_t *self)
{
    return self->interval_ms;
}

const struct host_facts *
live_feed_facts(const live_feed_t *self)
{
    return &self->facts;
}

const struct live_feed_counters *
live_feed_counters(const live_feed_t *self)
{
    return &self->counters;
}

static struct topic *
s_topic(live_feed_t *self, char kind)
{
    return kind == LIVE_APP_ROWS ? &self->app : &self->host;
}

static unsigned
s_table(live_feed_t *self, struct topic *t, const struct live_header *h, struct rbuf *r,
        int64_t now_ms)
{
    struct live_series *series;
    bool first;
    uint32_t n;

    // Published again because somebody else subscribed.
    if (h->epoch == self->epoch && t->known && h->generation == t->generation && !t->wanted)
        return 0;
    if (live_take_table(r, &series, &n) != 0) {
        self->counters.malformed++;
        return 0;
    }
    if (h->epoch != self->epoch)
        s_set_epoch(self, h->epoch);
    live_places_set(&t->places, series, n);
    live_series_free(series, n);
    first = !t->known;
    t->known = true;
    t->wanted = false;
    t->generation = h->generation;
    t->table_pubseq = h->pubseq;
    t->table_number = h->number;
    // The window was asked for before: it has all that went before this table, or it is too old.
    if (first && self->state == LIVE && h->number <= self->upto)
        t->pubseq = h->pubseq;
    else if (first && self->state == LIVE)
        return s_wait_window(self, now_ms);
    if (self->state == WAIT_TABLE)
        return self->host.wanted || self->app.wanted ? 0 : s_wait_window(self, now_ms);
    // New ids for the series we have, or series that no column needs: nothing to tell anybody.
    if (self->state == WAIT_WINDOW || s_is_as_built(self, t))
        return 0;
    return s_wait_window(self, now_ms);
}

// Of another start of the collector: ids, numbers and tables mean nothing any more.
static void
s_set_epoch(live_feed_t *self, uint64_t epoch)
{
    if (self->state == WAIT_WINDOW)
        live_rows_clear(&self->kept);
    self->epoch = epoch;
    self->upto = 0;
    self->host.known = self->app.known = false;
    self->host.pubseq = self->app.pubseq = 0;
    self->host.wanted = true;
    self->app.wanted = false;
    self->state = WAIT_TABLE;
}

// The view has a place for each series of the table that a column needs.
static bool
s_is_as_built(live_feed_t *self, struct topic *t)
{
    return live_places_map(&t->places, self->view) &&
           (t != &self->host || !self->no_ticks || !t->places.ticks);
}

// The row's cells are in self->cells.
static unsigned
s_row(live_feed_t *self, struct topic *t, const struct live_header *h, int64_t now_ms)
{
    if (self->state != LIVE) {
        live_rows_add(&self->kept, t->kind, h, &self->cells);
        return 0;
    }
    if (h->epoch != self->epoch || !t->known || h->generation != t->generation) {
        live_rows_add(&self->kept, t->kind, h, &self->cells);
        return s_wait_table(self, t, now_ms);
    }
    if (s_has(self, t, h))
        return 0;
    if (h->pubseq != t->pubseq + 1) {
        live_rows_add(&self->kept, t->kind, h, &self->cells);
        return s_wait_window(self, now_ms);
    }
    return s_apply(self, t, h, &self->cells, now_ms);
}

// True for a row that the window holds; the next one then has to follow it.
static bool
s_has(const live_feed_t *self, struct topic *t, const struct live_header *h)
{
    if (h->number > self->upto)
        return h->pubseq <= t->pubseq;
    if (h->pubseq > t->pubseq)
        t->pubseq = h->pubseq;
    return true;
}

// t NULL: still for what was waited for before.
static unsigned
s_wait_table(live_feed_t *self, struct topic *t, int64_t now_ms)
{
    self->state = WAIT_TABLE;
    self->due_ms = now_ms + TABLE_AGAIN_MS;
    if (t != NULL)
        t->wanted = true;
    return LIVE_ASK_TABLE;
}

static unsigned
s_wait_window(live_feed_t *self, int64_t now_ms)
{
    self->state = WAIT_WINDOW;
    if (now_ms - self->asked_ms < ASK_PAUSE_MS) {
        self->due_ms = self->asked_ms + ASK_PAUSE_MS;
        return 0;
    }
    self->counters.rejoins += self->view != NULL;
    self->asked_ms = now_ms;
    self->due_ms = now_ms + ASK_AGAIN_MS;
    return LIVE_ASK_WINDOW;
}

// Series of the tables, and those that only the past has.
static void
s_build_view(live_feed_t *self, const struct live_answer *answer)
{
    const struct view_column *columns;

    view_destroy(&self->view);
    self->view = view_new(NULL, self->interval_ms);
    live_places_add(&self->host.places, self->view);
    live_places_add(&self->app.places, self->view);
    for (size_t i = 0; i < answer->n; i++)
        view_add(self->view, &answer->series[i].labels);
    view_seal(self->view);
    live_places_map(&self->host.places, self->view);
    live_places_map(&self->app.places, self->view);
    view_window_release(&self->window);
    view_window_init(&self->window, view_columns(self->view, &columns));
    self->pending.n = 0;
    self->no_ticks = !self->host.places.ticks && !live_answer_has_ticks(answer);
    live_answer_facts(answer, &self->facts);
}

static void
s_load(live_feed_t *self, const struct live_answer *answer)
{
    int64_t before_ms = INT64_MAX;
    int64_t newest_ms;
    size_t rows;

    // The answer may hold a part of the row after upto: that one is taken whole from what we kept.
    for (size_t i = 0; i < self->kept.n && before_ms == INT64_MAX; i++) {
        const struct live_kept *k = &self->kept.at[i];

        if (k->header.number > answer->upto && k->header.epoch == self->epoch &&
            (k->kind == LIVE_HOST_ROWS || self->no_ticks))
            before_ms = k->header.time_ms;
    }
    newest_ms = live_answer_newest(answer, before_ms, self->no_ticks);
    if (newest_ms != INT64_MIN)
        view_window_load(&self->window, self->view, answer->series, answer->n,
                         newest_ms - LIVE_FEED_WINDOW_MS, before_ms);
    view_window_trim(&self->window, INT64_MIN, ROWS_MAX);
    rows = view_window_rows(&self->window);
    if (!self->no_ticks)
        self->counters.late += live_answer_pending(
            answer, self->view, rows > 0 ? view_window_time(&self->window, rows - 1) : INT64_MIN,
            &self->pending);
}

// What was kept, after the window. The snapshot tells it all, so no row of these is a tick.
static unsigned
s_replay(live_feed_t *self, int64_t now_ms)
{
    unsigned todo = LIVE_SNAP;

    for (size_t i = 0; i < self->kept.n && self->state == LIVE; i++) {
        const struct live_header *h = &self->kept.at[i].header;
        struct topic *t = s_topic(self, self->kept.at[i].kind);

        if (h->epoch != self->epoch || s_has(self, t, h))
            continue;
        if (!t->known || h->generation != t->generation)
            todo |= s_wait_table(self, t, now_ms);
        else if (h->pubseq != t->pubseq + 1)
            todo |= s_wait_window(self, now_ms);
        else
            todo |= s_apply(self, t, h, &self->kept.at[i].cells, now_ms);
    }
    if (self->state == LIVE)
        live_rows_clear(&self->kept);
    return todo & ~(unsigned) LIVE_TICK;
}

static unsigned
s_apply(live_feed_t *self, struct topic *t, const struct live_header *h,
        const struct live_row *cells, int64_t now_ms)
{
    const size_t rows = view_window_rows(&self->window);
    const int64_t newest_ms = rows > 0 ? view_window_time(&self->window, rows - 1) : INT64_MIN;
    const bool first = self->first_row;

    t->pubseq = h->pubseq;
    if (!live_places_have(&t->places, cells)) // no tick of the host
        return 0;
    // One that comes after its tick is what stands in the next row, if it is the newest then.
    if (t == &self->app && (!self->no_ticks || h->time_ms <= newest_ms)) {
        struct live_walk walk = { 0 };
        double value;

        for (size_t place; live_places_next(&t->places, cells, &walk, &place, &value);)
            s_add_pending(self, place, h->time_ms, value);
        return 0;
    }
    self->first_row = false;
    if (h->time_ms == newest_ms && first)
        return s_wait_window(self, now_ms); // the window held a part of this row: ask for the whole
    if (h->time_ms <= newest_ms)
        return s_late(self, h->time_ms, newest_ms, now_ms);
    self->late_run = 0;
    s_make_row(self, t, h->time_ms, cells);
    return LIVE_TICK;
}

static void
s_add_pending(live_feed_t *self, size_t place, int64_t time_ms, double value)
{
    if (!live_pending_add(&self->pending, place, time_ms, value))
        self->counters.late++;
}

static void
s_make_row(live_feed_t *self, struct topic *t, int64_t time_ms, const struct live_row *cells)
{
    struct live_walk walk = { 0 };
    double value;

    view_begin(self->view, time_ms);
    live_pending_take(&self->pending, self->view, time_ms);
    for (size_t place; live_places_next(&t->places, cells, &walk, &place, &value);)
        view_take(self->view, place, time_ms, value);
    view_end(self->view, view_window_append(&self->window, time_ms));
    view_window_trim(&self->window, time_ms - LIVE_FEED_WINDOW_MS, ROWS_MAX);
}

static unsigned
s_late(live_feed_t *self, int64_t time_ms, int64_t newest_ms, int64_t now_ms)
{
    self->counters.late++;
    if (++self->late_run < LATE_RUN_MAX || newest_ms - time_ms < 2 * self->interval_ms)
        return 0;
    self->anchor_ms = time_ms;
    return s_wait_window(self, now_ms);
}
