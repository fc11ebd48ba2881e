// test_local_model - the store against a model that remembers everything, by chance.
//
// With room for all, the store holds what the model does, open or sealed. Without, it holds a part
// of it, in order, within its bytes; and its counts are true.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "collector/store/local_store.h"
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
static int64_t s_clock_ms;

static int64_t
fake_clock(void)
{
    return s_clock_ms;
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
    m->id = id;
}

static void
append(store_t *store, unsigned i, unsigned t, double value)
{
    struct model_series *m = &s_model[i];

    if (m->id == 0)
        return;
    store_append(store, &(struct store_row){ 1 + i % 5, (int64_t) t, 1, &m->id, &value });
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
        assert_true(last == 0 || 1 + (m - s_model) % 5 >= last); // host by host
        last = (series_id) (1 + (m - s_model) % 5);
        samples += s.n;
        for (uint32_t k = 0; k < s.n; k++) {
            assert_true(k == 0 || s.samples[k].time_ms > s.samples[k - 1].time_ms);
            assert_true(m->has[s.samples[k].time_ms]);
            assert_true(sample_bits(m->value[s.samples[k].time_ms]) ==
                        sample_bits(s.samples[k].value));
        }
        if (all)
            assert_int_equal(s.n, m->n);
    }
    store_close(&cursor);
    store_stat(store, &stat);
    // Open tiles hold what equal times have twice; without room some went since.
    if (all)
        assert_true(stat.samples >= samples);
}

static void
run(uint64_t bytes, unsigned series, unsigned steps, bool all)
{
    uint64_t seed = 1;
    struct store_stat stat;
    local_store_t *local;
    store_t *store;

    s_clock_ms = 0;
    s_model = xcalloc(SERIES, sizeof *s_model);
    assert_int_equal(local_store_new(&local, bytes), 0);
    local_store_set_clock(local, fake_clock);
    store = local_store_face(local);
    for (unsigned step = 0; step < steps; step++) {
        unsigned i = seeded_below(&seed, series);
        unsigned now = step * TIMES / steps; // time goes on, and samples come around it
        unsigned t = seeded_below(&seed, 8) == 0 ? seeded_below(&seed, now + 1) : now;

        if (s_model[i].id == 0)
            make(store, i);
        // Noise takes room, and has no value twice.
        // Where a first value can go for want of room, a second one would stand after it.
        if (all || !s_model[i].has[t])
            append(store, i, t,
                   all ? seeded_below(&seed, 3) : sample_from_bits(seeded_next(&seed)));
        s_clock_ms += seeded_below(&seed, 100);
        if (seeded_below(&seed, 1000) == 0)
            store_turn(store);
        if (seeded_below(&seed, 5000) == 0)
            local_store_seal(local);
        if (step % (steps / 8) == 0)
            compare(store, all);
    }
    local_store_seal(local);
    compare(store, all);
    store_stat(store, &stat);
    assert_true(stat.bytes <= bytes);
    assert_true(all == (stat.samples_evicted == 0)); // else the run shows nothing
    store_destroy(&store);
    free(s_model);
}

static void
with_room_for_all_the_store_is_the_model(void **state)
{
    (void) state;
    run(64u << 20, 100, 60000, true);
}

static void
without_room_the_store_is_a_true_part_of_the_model(void **state)
{
    (void) state;
    run(1u << 20, SERIES, 300000, false);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(with_room_for_all_the_store_is_the_model),
        cmocka_unit_test(without_room_the_store_is_a_true_part_of_the_model),
    };
    return cmocka_run_group_tests_name("local_model", tests, NULL, NULL);
}
