// live_feed - one host's live numbers: subscription and history joined without a seam.
//
// Some 500 lines, one thing: every state has to answer every message.

#include "dashboard/live_feed.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"
#include "shared/wire/live.h"
#include "shared/wire/query_msg.h"

#define KEPT_MAX       256  // rows kept while the window is on its way
#define ROWS_MAX       3600 // of the window, whatever the interval
#define ASK_AGAIN_MS   2000 // an answer that has not come by then will not come
#define ASK_PAUSE_MS   250  // least time between two windows: a broken topic must not spin
#define TABLE_AGAIN_MS 1000
#define LATE_RUN_MAX   5 // rows in the past, one after the other: the clock was set back

enum state { WAIT_TABLE, WAIT_WINDOW, LIVE };

struct kept_row {
    struct live_header header;
    struct live_row cells;
};

// A series of the topic's table that some column needs, or whose samples are ticks.
struct place {
    uint32_t id;             // the collector's
    ptrdiff_t place;         // in the view; -1 before it is built, and for a tick that is no more
    struct label_set labels; // empty for a tick that is no more
};

struct live_feed {
    enum state state;
    int64_t interval_ms;
    uint64_t epoch; // of the table; 0 before the first
    uint32_t generation;
    uint64_t pubseq;       // of the last row applied, or known to be in the window
    uint64_t upto;         // number of the newest row that the window holds
    uint64_t table_pubseq; // of the last row before the table
    uint64_t table_number; // likewise
    struct place *places;  // by id, rising
    size_t n_places;
    view_t *view; // NULL before the first window
    struct view_window window;
    bool first_row;    // none has come since the window
    unsigned late_run; // late rows since the last one in time
    int64_t anchor_ms; // the window ends here; INT64_MAX: with the newest
    struct live_row cells;
    struct kept_row kept[KEPT_MAX];
    size_t n_kept;
    int64_t due_ms; // when to ask what is waited for (again)
    int64_t asked_ms;
    struct live_feed_counters counters;
};

static unsigned s_table(live_feed_t *self, const struct live_header *h, struct rbuf *r,
                        int64_t now_ms);
static void s_set_places(live_feed_t *self, struct live_series *series, uint32_t n);
static void s_drop_places(live_feed_t *self);
static int s_compare_places(const void *a, const void *b);
static bool s_map_places(live_feed_t *self);
static unsigned s_row(live_feed_t *self, const struct live_header *h, int64_t now_ms);
static void s_keep(live_feed_t *self, const struct live_header *h);
static void s_drop_kept(live_feed_t *self);
static unsigned s_wait_table(live_feed_t *self, int64_t now_ms);
static unsigned s_wait_window(live_feed_t *self, int64_t now_ms);
static void s_build_view(live_feed_t *self, const struct live_answer *answer);
static void s_load(live_feed_t *self, const struct live_answer *answer);
static bool s_has(live_feed_t *self, const struct live_header *h);
static unsigned s_replay(live_feed_t *self, int64_t now_ms);
static unsigned s_apply(live_feed_t *self, const struct live_header *h,
                        const struct live_row *cells, int64_t now_ms);
static bool s_has_ours(const live_feed_t *self, const struct live_row *cells);
static void s_take(live_feed_t *self, int64_t time_ms, const struct live_row *cells);
static unsigned s_late(live_feed_t *self, int64_t time_ms, int64_t newest_ms, int64_t now_ms);

live_feed_t *
live_feed_new(int64_t interval_ms, int64_t now_ms)
{
    live_feed_t *self = xcalloc(1, sizeof *self);

    self->interval_ms = interval_ms;
    self->anchor_ms = INT64_MAX;
    self->asked_ms = now_ms - ASK_PAUSE_MS;
    self->due_ms = now_ms + TABLE_AGAIN_MS;
    view_window_init(&self->window, 0);
    return self;
}

void
live_feed_destroy(live_feed_t **self_p)
{
    live_feed_t *self = *self_p;

    if (self == NULL)
        return;
    s_drop_kept(self);
    s_drop_places(self);
    live_row_release(&self->cells);
    view_window_release(&self->window);
    view_destroy(&self->view);
    free(self);
    *self_p = NULL;
}

unsigned
live_feed_message(live_feed_t *self, const void *at, size_t n, int64_t now_ms)
{
    struct live_header h;
    struct rbuf r;

    if (live_take(&h, &r, at, n) != 0)
        goto malformed;
    if (h.type == LIVE_TABLE)
        return s_table(self, &h, &r, now_ms);
    if (h.type != LIVE_ROW)
        return 0;
    self->cells.n = 0;
    if (live_take_row(&r, &self->cells) != 0)
        goto malformed;
    return s_row(self, &h, now_ms);

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
        return s_wait_table(self, now_ms);
    s_build_view(self, answer);
    s_load(self, answer);
    self->upto = answer->upto;
    // Asked after the table came, the window has what went before it: rows follow that one. Not so
    // the answer to an older question.
    if (self->table_number <= answer->upto && self->table_pubseq > self->pubseq)
        self->pubseq = self->table_pubseq;
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
    return self->state == WAIT_TABLE ? s_wait_table(self, now_ms) : s_wait_window(self, now_ms);
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

const struct live_feed_counters *
live_feed_counters(const live_feed_t *self)
{
    return &self->counters;
}

static unsigned
s_table(live_feed_t *self, const struct live_header *h, struct rbuf *r, int64_t now_ms)
{
    const bool known_epoch = h->epoch == self->epoch;
    struct live_series *series;
    uint32_t n;

    // Published again because somebody else subscribed.
    if (known_epoch && h->generation == self->generation && self->state != WAIT_TABLE)
        return 0;
    if (live_take_table(r, &series, &n) != 0) {
        self->counters.malformed++;
        return 0;
    }
    s_set_places(self, series, n);
    live_series_free(series, n);
    if (!known_epoch && self->state == WAIT_WINDOW)
        s_drop_kept(self);
    if (!known_epoch)
        self->pubseq = 0;
    self->table_pubseq = h->pubseq;
    self->table_number = h->number;
    self->epoch = h->epoch;
    self->generation = h->generation;
    // New ids for the series we have, or series that no column needs: nothing to tell anybody.
    if (self->state == LIVE && known_epoch && s_map_places(self))
        return 0;
    if (self->state == WAIT_WINDOW && known_epoch)
        return 0;
    return s_wait_window(self, now_ms);
}

// Keeps those of the table that some column needs.
static void
s_set_places(live_feed_t *self, struct live_series *series, uint32_t n)
{
    s_drop_places(self);
    self->places = xcalloc((size_t) n + 1, sizeof *self->places);
    for (uint32_t i = 0; i < n; i++) {
        struct place *p = &self->places[self->n_places];

        *p = (struct place){ .id = series[i].id, .place = -1 };
        if (view_uses(&series[i].labels)) {
            p->labels = series[i].labels;
            series[i].labels = (struct label_set){ 0 }; // moved
        } else if (!view_is_tick(&series[i].labels)) {
            continue;
        }
        self->n_places++;
    }
    qsort(self->places, self->n_places, sizeof *self->places, s_compare_places);
}

static void
s_drop_places(live_feed_t *self)
{
    for (size_t i = 0; i < self->n_places; i++)
        label_set_release(&self->places[i].labels);
    free(self->places);
    self->places = NULL;
    self->n_places = 0;
}

static int
s_compare_places(const void *a, const void *b)
{
    const struct place *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

// False if the view lacks one of them.
static bool
s_map_places(live_feed_t *self)
{
    bool all = true;

    for (size_t i = 0; i < self->n_places; i++) {
        if (self->places[i].labels.count == 0)
            continue;
        self->places[i].place = view_find(self->view, &self->places[i].labels);
        all = all && self->places[i].place >= 0;
    }
    return all;
}

// The row's cells are in self->cells.
static unsigned
s_row(live_feed_t *self, const struct live_header *h, int64_t now_ms)
{
    if (self->state != LIVE) {
        s_keep(self, h);
        return 0;
    }
    if (h->epoch != self->epoch || h->generation != self->generation) {
        s_keep(self, h);
        return s_wait_table(self, now_ms);
    }
    if (s_has(self, h))
        return 0;
    if (h->pubseq != self->pubseq + 1) {
        s_keep(self, h);
        return s_wait_window(self, now_ms);
    }
    return s_apply(self, h, &self->cells, now_ms);
}

// True for a row that the window holds; the next one then has to follow it.
static bool
s_has(live_feed_t *self, const struct live_header *h)
{
    if (h->number > self->upto)
        return h->pubseq <= self->pubseq;
    if (h->pubseq > self->pubseq)
        self->pubseq = h->pubseq;
    return true;
}

// The oldest goes when there is no room: the hole shows when the kept rows are applied.
static void
s_keep(live_feed_t *self, const struct live_header *h)
{
    if (self->n_kept == KEPT_MAX) {
        live_row_release(&self->kept[0].cells);
        memmove(&self->kept[0], &self->kept[1], (KEPT_MAX - 1) * sizeof self->kept[0]);
        self->n_kept--;
    }
    self->kept[self->n_kept++] = (struct kept_row){ .header = *h, .cells = self->cells };
    self->cells = (struct live_row){ 0 };
}

static void
s_drop_kept(live_feed_t *self)
{
    for (size_t i = 0; i < self->n_kept; i++)
        live_row_release(&self->kept[i].cells);
    self->n_kept = 0;
}

static unsigned
s_wait_table(live_feed_t *self, int64_t now_ms)
{
    self->state = WAIT_TABLE;
    self->due_ms = now_ms + TABLE_AGAIN_MS;
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

// Series of the table, and those that only the past has.
static void
s_build_view(live_feed_t *self, const struct live_answer *answer)
{
    const struct view_column *columns;

    view_destroy(&self->view);
    self->view = view_new(NULL, self->interval_ms);
    for (size_t i = 0; i < self->n_places; i++)
        if (self->places[i].labels.count > 0)
            view_add(self->view, &self->places[i].labels);
    for (size_t i = 0; i < answer->n; i++)
        view_add(self->view, &answer->series[i].labels);
    view_seal(self->view);
    s_map_places(self);
    view_window_release(&self->window);
    view_window_init(&self->window, view_columns(self->view, &columns));
}

static void
s_load(live_feed_t *self, const struct live_answer *answer)
{
    int64_t before_ms = INT64_MAX;
    int64_t newest_ms = INT64_MIN;

    // The answer may hold a part of the row after upto: that one is taken whole from what we kept.
    for (size_t i = 0; i < self->n_kept && before_ms == INT64_MAX; i++)
        if (self->kept[i].header.number > answer->upto && self->kept[i].header.epoch == self->epoch)
            before_ms = self->kept[i].header.time_ms;
    for (size_t i = 0; i < answer->n; i++) {
        const struct query_series *s = &answer->series[i];

        for (uint32_t k = s->n; k-- > 0;) {
            if (s->samples[k].time_ms >= before_ms)
                continue;
            if (s->samples[k].time_ms > newest_ms)
                newest_ms = s->samples[k].time_ms;
            break;
        }
    }
    if (newest_ms == INT64_MIN)
        return;
    view_window_load(&self->window, self->view, answer->series, answer->n,
                     newest_ms - LIVE_FEED_WINDOW_MS, before_ms);
    view_window_trim(&self->window, INT64_MIN, ROWS_MAX);
}

// What was kept, after the window. The snapshot tells it all, so no row of these is a tick.
static unsigned
s_replay(live_feed_t *self, int64_t now_ms)
{
    unsigned todo = LIVE_SNAP;

    for (size_t i = 0; i < self->n_kept && self->state == LIVE; i++) {
        const struct live_header *h = &self->kept[i].header;

        if (h->epoch != self->epoch || s_has(self, h))
            continue;
        if (h->pubseq != self->pubseq + 1)
            todo |= s_wait_window(self, now_ms);
        else if (h->generation != self->generation)
            todo |= s_wait_table(self, now_ms);
        else
            todo |= s_apply(self, h, &self->kept[i].cells, now_ms);
    }
    if (self->state == LIVE)
        s_drop_kept(self);
    return todo & ~(unsigned) LIVE_TICK;
}

static unsigned
s_apply(live_feed_t *self, const struct live_header *h, const struct live_row *cells,
        int64_t now_ms)
{
    const size_t rows = view_window_rows(&self->window);
    const int64_t newest_ms = rows > 0 ? view_window_time(&self->window, rows - 1) : INT64_MIN;
    const bool first = self->first_row;

    self->pubseq = h->pubseq;
    if (!s_has_ours(self, cells)) // no tick of the host
        return 0;
    self->first_row = false;
    if (h->time_ms == newest_ms && first)
        return s_wait_window(self, now_ms); // the window held a part of this row: ask for the whole
    if (h->time_ms <= newest_ms)
        return s_late(self, h->time_ms, newest_ms, now_ms);
    self->late_run = 0;
    view_begin(self->view, h->time_ms);
    s_take(self, h->time_ms, cells);
    view_end(self->view, view_window_append(&self->window, h->time_ms));
    view_window_trim(&self->window, h->time_ms - LIVE_FEED_WINDOW_MS, ROWS_MAX);
    return LIVE_TICK;
}

static bool
s_has_ours(const live_feed_t *self, const struct live_row *cells)
{
    // Both rise.
    for (size_t i = 0, c = 0; i < self->n_places && c < cells->n;) {
        if (cells->ids[c] == self->places[i].id)
            return true;
        if (cells->ids[c] < self->places[i].id)
            c++;
        else
            i++;
    }
    return false;
}

// Cells by the collector's ids into the row that the view has begun.
static void
s_take(live_feed_t *self, int64_t time_ms, const struct live_row *cells)
{
    for (size_t i = 0, c = 0; i < self->n_places && c < cells->n;) {
        const struct place *p = &self->places[i];

        if (cells->ids[c] < p->id) {
            c++;
        } else if (cells->ids[c] > p->id) {
            i++;
        } else {
            if (p->place >= 0)
                view_take(self->view, (size_t) p->place, time_ms, cells->values[c]);
            i++;
            c++;
        }
    }
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
