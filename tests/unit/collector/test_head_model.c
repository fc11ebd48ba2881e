// test_head_model - the head against a model that remembers everything, by chance.
//
// With room for all, the head holds what the model does. Without, it holds a part of it, in order,
// within its bytes, the newest first; and its counts are true.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/store/head.h"
#include "collector/store/head_ring.h"
#include "shared/base/xalloc.h"
#include "tests/support/seeded.h"

#define SERIES 900u // three times what fits a MiB with rings a little grown
#define TIMES  400u

struct model_series {
    series_id id;    // 0: not held
    bool has[TIMES]; // a sample at this time, first value stands
    double value[TIMES];
    uint32_t n;
};

static struct model_series *s_model;
static uint64_t s_conflicts; // of the model, while it holds all
static int64_t s_clock_ms;

static int64_t
fake_clock(void)
{
    return s_clock_ms;
}

static void
forget(struct model_series *m)
{
    *m = (struct model_series){ 0 };
}

static void
make(store_t *store, unsigned i)
{
    char who[16];
    struct label labels[] = { { LABEL_METRIC, i % 3 == 0 ? "x" : "y" }, { "who", who } };
    struct model_series *m = &s_model[i];
    struct label_set set;
    series_id id = 0;

    snprintf(who, sizeof who, "%u", i);
    assert_int_equal(label_set_init(&set, labels, 2), 0);
    if (store_series(store, 1 + i % 5, &set, METRIC_GAUGE, &id) < 0)
        id = 0;
    label_set_release(&set);
    if (id != m->id) {
        assert_true(m->id == 0 || !store_alive(store, m->id));
        forget(m);
        m->id = id;
    }
}

static void
append(store_t *store, unsigned i, unsigned t, double value)
{
    struct model_series *m = &s_model[i];

    if (m->id == 0)
        return;
    if (!store_alive(store, m->id)) {
        forget(m);
        return;
    }
    store_append(store, &(struct store_row){ 1 + i % 5, (int64_t) t, 1, &m->id, &value });
    s_conflicts += m->has[t] && sample_bits(m->value[t]) != sample_bits(value);
    if (!m->has[t]) {
        m->has[t] = true;
        m->value[t] = value;
        m->n++;
    }
}

static struct model_series *
owner(series_id id)
{
    for (unsigned i = 0; i < SERIES; i++) {
        if (s_model[i].id == id)
            return &s_model[i];
    }
    return NULL;
}

// Reads all and compares; with `all`, everything of the model must be there.
static void
compare(store_t *store, bool all)
{
    struct store_select what = { .start_ms = INT64_MIN, .end_ms = INT64_MAX };
    struct store_stat stat;
    struct store_series s;
    store_cursor_t *cursor;
    uint64_t samples = 0;
    series_id last = 0;

    assert_int_equal(store_open(store, &what, &cursor), 0);
    while (store_next(cursor, &s) == 1) {
        const struct model_series *m = owner(s.id);

        assert_non_null(m);
        assert_true(s.id > last);
        last = s.id;
        samples += s.n;
        for (uint32_t k = 0; k < s.n; k++) {
            assert_true(k == 0 || s.samples[k].time_ms > s.samples[k - 1].time_ms);
            assert_true(m->has[s.samples[k].time_ms]);
            assert_true(sample_bits(m->value[s.samples[k].time_ms]) ==
                        sample_bits(s.samples[k].value));
        }
        if (all)
            assert_int_equal(s.n, m->n);
        for (int64_t t = TIMES - 1; t > s.samples[s.n - 1].time_ms; t--)
            assert_false(m->has[t]); // the newest is always there
    }
    store_close(&cursor);
    store_stat(store, &stat);
    assert_int_equal(stat.samples, samples);
    assert_int_equal(stat.series_made - stat.series_evicted, stat.series);
    if (all) {
        assert_int_equal(stat.conflicts, s_conflicts);
        assert_int_equal(stat.late, 0);
        assert_int_equal(stat.appended, samples);
    }
}

static void
run(uint64_t bytes, unsigned series, unsigned steps, bool all)
{
    uint64_t seed = 1;
    struct store_stat stat;
    store_t *store;

    s_clock_ms = 0;
    s_conflicts = 0;
    s_model = xcalloc(SERIES, sizeof *s_model);
    assert_int_equal(head_new(&store, bytes), 0);
    head_set_clock(store, fake_clock);
    for (unsigned step = 0; step < steps; step++) {
        unsigned i = seeded_below(&seed, series);
        unsigned now = step * TIMES / steps; // time goes on, and samples come around it
        unsigned t = seeded_below(&seed, 8) == 0 ? seeded_below(&seed, now + 1) : now;

        if (s_model[i].id == 0 || !store_alive(store, s_model[i].id))
            make(store, i);
        append(store, i, t, (double) seeded_below(&seed, 3));
        // So that a series is written about as often as it takes to be idle.
        s_clock_ms += (int64_t) seeded_below(&seed, HEAD_IDLE_MS / 500);
        store_stat(store, &stat);
        assert_true(stat.bytes <= bytes);
        if (step % (steps / 8) == 0)
            compare(store, all);
    }
    compare(store, all);
    assert_true(all == (stat.series_evicted == 0)); // else the run shows nothing
    store_destroy(&store);
    free(s_model);
}

static void
with_room_for_all_the_head_is_the_model(void **state)
{
    (void) state;
    run(64u << 20, 100, 60000, true);
}

static void
without_room_the_head_is_a_true_part_of_the_model(void **state)
{
    (void) state;
    run(1u << 20, SERIES, 200000, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_room_for_all_the_head_is_the_model),
        cmocka_unit_test(without_room_the_head_is_a_true_part_of_the_model),
    };
    return cmocka_run_group_tests_name("head_model", tests, NULL, NULL);
}
