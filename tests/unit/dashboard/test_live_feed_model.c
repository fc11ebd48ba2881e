// live_feed against a model: whatever is lost or late on the way, live is what history says.

#include "dashboard/live_feed.h"

#include "shared/base/buf.h"
#include "shared/wire/live.h"
#include "tests/support/seeded.h"
#include "tests/unit/dashboard/room.h"

#define T0        INT64_C(1700000000000)
#define EPOCH     77
#define TICKS     500
#define SERIES    7
#define APPS_FROM 4 // series from here on are applications'
#define ROWS_MAX  4096
#define END       sample_from_bits(SAMPLE_STALE_BITS)

// A row of the store, as it is published.
struct row {
    char kind;
    uint64_t pubseq;
    uint32_t generation;
    int64_t time_ms;
    uint32_t n;
    uint32_t ids[SERIES];
    double values[SERIES];
};

struct model {
    uint64_t seed;
    struct row rows[ROWS_MAX]; // number 1 is rows[0]
    size_t n;                  // stored so far
    struct label_set labels[SERIES];
    bool seen[SERIES];
    uint32_t generation[2]; // of host, of applications
    uint64_t pubseq[2];
    double counter[SERIES];
    int64_t next_ms[SERIES]; // of an application
};

static void
model_init(struct model *m, uint64_t seed)
{
    memset(m, 0, sizeof *m);
    m->seed = seed;
    m->labels[0] = room_labels("node_forks_total", NULL, NULL, NULL, NULL);
    m->labels[1] = room_labels("node_disk_reads_completed_total", "device", "sda", NULL, NULL);
    m->labels[2] = room_labels("node_filesystem_size_bytes", "mountpoint", "/", NULL, NULL);
    m->labels[3] = room_labels("node_disk_reads_completed_total", "device", "sdb", NULL, NULL);
    m->labels[4] = room_app("app_cpu_ratio", "red", "red");
    m->labels[5] = room_app("app_queue", "blue", NULL);
    m->labels[6] = room_app("app_cpu_ratio", "green", "green");
    m->next_ms[4] = 300;
    m->next_ms[5] = 700;
    m->next_ms[6] = 100000; // it comes later
}

static void
model_release(struct model *m)
{
    for (size_t i = 0; i < SERIES; i++)
        label_set_release(&m->labels[i]);
}

static void
put(struct model *m, struct row *row, uint32_t series, double value)
{
    row->ids[row->n] = series + 1;
    row->values[row->n++] = value;
    if (!m->seen[series]) {
        m->seen[series] = true;
        m->generation[series >= APPS_FROM]++;
    }
}

static void
store(struct model *m, struct row *row)
{
    const bool app = row->kind == LIVE_APP_ROWS;

    assert_true(m->n < ROWS_MAX);
    row->pubseq = ++m->pubseq[app];
    row->generation = m->generation[app];
    m->rows[m->n++] = *row;
}

// What applications sent up to this time, each a row of its own.
static void
store_apps(struct model *m, int64_t until_ms)
{
    for (;;) {
        struct row row = { .kind = LIVE_APP_ROWS };
        uint32_t next = APPS_FROM;

        for (uint32_t i = APPS_FROM; i < SERIES; i++)
            next = m->next_ms[i] < m->next_ms[next] ? i : next;
        if (m->next_ms[next] > until_ms)
            return;
        row.time_ms = T0 + m->next_ms[next];
        put(m, &row, next,
            seeded_below(&m->seed, 20) == 0 ? END : (double) seeded_below(&m->seed, 1000));
        store(m, &row);
        m->next_ms[next] += 1 + (int64_t) seeded_below(&m->seed, next == 5 ? 20000 : 1500);
    }
}

static void
store_tick(struct model *m, unsigned tick)
{
    struct row row = { .kind = LIVE_HOST_ROWS, .time_ms = T0 + 1000 * (int64_t) tick };
    const uint32_t dice = seeded_below(&m->seed, 40);

    store_apps(m, 1000 * (int64_t) tick);
    if (dice == 0) // the host was too busy for a tick
        return;
    for (size_t i = 0; i < SERIES; i++)
        m->counter[i] = dice == 1 ? 0 : m->counter[i] + seeded_below(&m->seed, 9) / 3.0;
    put(m, &row, 0, dice == 2 ? END : m->counter[0]);
    if (tick % 5 == 1)
        put(m, &row, 1, seeded_below(&m->seed, 9) == 0 ? END : m->counter[1]);
    if (tick % 30 == 2)
        put(m, &row, 2, seeded_below(&m->seed, 3) == 0 ? END : m->counter[2]);
    if (tick >= 250)
        put(m, &row, 3, m->counter[3]);
    store(m, &row);
}

// All samples from start_ms on, of rows up to `upto`.
static struct query_series *
select_all(const struct model *m, uint64_t upto, int64_t start_ms, size_t *n_ret)
{
    struct query_series *series = calloc(SERIES, sizeof *series);
    size_t n = 0;

    assert_non_null(series);
    for (uint32_t i = 0; i < SERIES; i++) {
        struct query_series *s = &series[n];

        s->samples = calloc(upto + 1, sizeof *s->samples);
        assert_non_null(s->samples);
        for (size_t k = 0; k < upto; k++)
            for (uint32_t c = 0; c < m->rows[k].n; c++)
                if (m->rows[k].ids[c] == i + 1 && m->rows[k].time_ms >= start_ms)
                    s->samples[s->n++] = (struct sample){ .time_ms = m->rows[k].time_ms,
                                                          .value = m->rows[k].values[c] };
        label_set_copy(&s->labels, &m->labels[i]);
        if (s->n > 0)
            n++;
        else
            query_series_release(s);
    }
    *n_ret = n;
    return series;
}

static void
free_all(struct query_series *series, size_t n)
{
    for (size_t i = 0; i < n; i++)
        query_series_release(&series[i]);
    free(series);
}

static unsigned
give_table(const struct model *m, live_feed_t *feed, bool app, int64_t now_ms)
{
    const char kind = app ? LIVE_APP_ROWS : LIVE_HOST_ROWS;
    struct live_header h = { .type = LIVE_TABLE,
                             .epoch = EPOCH,
                             .pubseq = m->pubseq[app],
                             .generation = m->generation[app] };
    struct live_series series[SERIES] = { 0 };
    struct buf out = { 0 };
    uint32_t n = 0;
    unsigned todo;

    for (size_t k = 0; k < m->n; k++)
        if (m->rows[k].kind == kind)
            h.number = k + 1;
    for (uint32_t i = app ? APPS_FROM : 0; i < (app ? SERIES : APPS_FROM); i++) {
        if (!m->seen[i])
            continue;
        series[n].id = i + 1;
        label_set_copy(&series[n++].labels, &m->labels[i]);
    }
    live_put_table(&out, &h, series, n);
    todo = live_feed_message(feed, kind, out.at, out.len, now_ms);
    buf_release(&out);
    for (uint32_t i = 0; i < n; i++)
        label_set_release(&series[i].labels);
    return todo;
}

static unsigned
give_row(const struct model *m, live_feed_t *feed, size_t number, int64_t now_ms)
{
    const struct row *row = &m->rows[number - 1];
    const struct live_header h = { .type = LIVE_ROW,
                                   .epoch = EPOCH,
                                   .pubseq = row->pubseq,
                                   .number = number,
                                   .time_ms = row->time_ms,
                                   .generation = row->generation };
    struct buf out = { 0 };
    unsigned todo;

    live_put_row(&out, &h, row->ids, row->values, row->n);
    todo = live_feed_message(feed, row->kind, out.at, out.len, now_ms);
    buf_release(&out);
    return todo;
}

static unsigned
give_answer(const struct model *m, live_feed_t *feed, int64_t now_ms)
{
    const struct live_ask ask = live_feed_ask(feed, m->rows[m->n - 1].time_ms);
    struct live_answer a = { .epoch = EPOCH, .upto = m->n };
    struct query_series *series = select_all(m, m->n, ask.start_ms, &a.n);
    unsigned todo;

    a.series = series;
    todo = live_feed_answer(feed, &a, now_ms);
    free_all(series, a.n);
    return todo;
}

// The last rows of the feed are those of history, column by column.
static void
compare(const struct model *m, const live_feed_t *feed)
{
    const struct view_window *live = live_feed_window(feed);
    const int64_t from_ms = view_window_time(live, 0);
    const struct view_column *columns, *wanted;
    const size_t n = live_feed_columns(feed, &columns);
    view_t *view = view_new(NULL, 1000);
    struct view_window past;
    struct query_series *series;
    size_t n_series, n_wanted;

    series = select_all(m, m->n, 0, &n_series);
    for (size_t i = 0; i < n_series; i++)
        view_add(view, &series[i].labels);
    view_seal(view);
    n_wanted = view_columns(view, &wanted);
    view_window_init(&past, n_wanted);
    view_window_load(&past, view, series, n_series, from_ms, INT64_MAX);
    assert_int_equal(view_window_rows(live), view_window_rows(&past));
    assert_int_equal(n, n_wanted);
    for (size_t c = 0; c < n; c++) {
        assert_string_equal(columns[c].id, wanted[c].id);
        for (size_t r = 0; r < view_window_rows(live); r++) {
            const double x = view_window_row(live, r)[c], y = view_window_row(&past, r)[c];

            assert_int_equal(view_window_time(live, r), view_window_time(&past, r));
            if (isnan(x) != isnan(y) || (!isnan(x) && x != y))
                fail_msg("%s in row %zu: live %g, history %g", columns[c].id, r, x, y);
        }
    }
    view_window_release(&past);
    view_destroy(&view);
    free_all(series, n_series);
}

struct way {
    unsigned lose;   // one message in so many
    bool asked;      // a window is on its way
    bool want_table; // tables are
};

// Rows from `sent` on to the feed, but for those that are lost; what it asks for comes a while
// later.
static void
deliver(struct model *m, live_feed_t *feed, struct way *way, size_t sent, int64_t now_ms)
{
    for (size_t number = sent + 1; number <= m->n; number++) {
        unsigned todo = 0;

        if (way->lose == 0 || seeded_below(&m->seed, way->lose) != 0)
            todo = give_row(m, feed, number, now_ms);
        way->asked = way->asked || (todo & LIVE_ASK_WINDOW) != 0;
        way->want_table = way->want_table || (todo & LIVE_ASK_TABLE) != 0;
    }
}

static void
answer_some(struct model *m, live_feed_t *feed, struct way *way, int64_t now_ms)
{
    unsigned todo = live_feed_check(feed, now_ms);

    if (way->want_table && seeded_below(&m->seed, 2) == 0) {
        way->want_table = false;
        todo |= give_table(m, feed, true, now_ms);
        todo |= give_table(m, feed, false, now_ms);
    }
    way->asked = way->asked || (todo & LIVE_ASK_WINDOW) != 0;
    way->want_table = way->want_table || (todo & LIVE_ASK_TABLE) != 0;
    if (way->asked && seeded_below(&m->seed, 2) == 0) {
        way->asked = false;
        todo = give_answer(m, feed, now_ms);
        way->asked = (todo & LIVE_ASK_WINDOW) != 0;
        way->want_table = way->want_table || (todo & LIVE_ASK_TABLE) != 0;
    }
}

// How often it had to ask again.
static uint64_t
walk(uint64_t seed, unsigned lose)
{
    static struct model m;
    live_feed_t *feed = live_feed_new(1000, 0);
    struct way way = { .lose = lose };
    uint64_t rejoins;
    const unsigned join = 1 + seeded_below(&seed, TICKS / 2);

    model_init(&m, seed);
    for (unsigned tick = 0; tick < TICKS; tick++) {
        const int64_t now_ms = 1000 * (int64_t) tick;
        const size_t sent = m.n;

        if (tick == join)
            way.want_table = true;
        if (tick > TICKS - 20) // in the end all comes, so that what was lost is seen
            way.lose = 0;
        store_tick(&m, tick);
        if (tick < join)
            continue;
        deliver(&m, feed, &way, sent, now_ms);
        answer_some(&m, feed, &way, now_ms + 500);
    }
    for (int i = 0; i < 20; i++)
        answer_some(&m, feed, &way, 1000 * (TICKS + i));
    assert_true(live_feed_joined(feed));
    compare(&m, feed);
    assert_int_equal(live_feed_counters(feed)->malformed, 0);
    rejoins = live_feed_counters(feed)->rejoins;
    live_feed_destroy(&feed);
    model_release(&m);
    return rejoins;
}

static void
live_is_history_whenever_one_joins(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 40; seed++)
        walk(seed, 0);
}

static void
live_is_history_whatever_is_lost_on_the_way(void **state)
{
    (void) state;
    for (uint64_t seed = 100; seed < 140; seed++)
        assert_true(walk(seed, 5 + (unsigned) seed) > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(live_is_history_whenever_one_joins),
        cmocka_unit_test(live_is_history_whatever_is_lost_on_the_way),
    };

    return cmocka_run_group_tests_name("live_feed_model", tests, NULL, NULL);
}
