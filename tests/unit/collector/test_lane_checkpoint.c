// test_lane_checkpoint - what a checkpoint says of streams and hosts, and what it is worth when
// cut.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "collector/lane_checkpoint.h"
#include "shared/base/err.h"
#include "tests/support/seeded.h"

#define T0 INT64_C(1700000000000)

static lane_table_t *table;
static unsigned pieces; // that a checkpoint came in

static int
setup(void **state)
{
    (void) state;
    table = lane_table_new();
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    lane_table_destroy(&table);
    return 0;
}

// A lane whose definitions stand in three places.
static void
some_defs(void)
{
    struct lane_entry *lane = lane_table_add(table, 0xa1, 0x51);

    for (uint32_t i = 1; i <= 3; i++)
        lane_entry_add_def(lane, (struct segment_place){ i, 64 * i });
}

static int
keep_items(void *arg, const struct buf *items, uint8_t flags)
{
    struct buf *all = arg;

    assert_int_equal((flags & JOURNAL_FIRST) != 0, all->len == 0);
    assert_true(items->len < 2 * LANE_PIECE_BYTES);
    pieces++;
    buf_bytes(all, items->at, items->len);
    return 0;
}

static void
see_segment(void *arg, uint64_t number, uint64_t needed_by)
{
    *(int64_t *) arg += (int64_t) (number + needed_by);
}

static struct buf
save(void)
{
    struct buf first = { 0 }, all = { 0 };

    lane_checkpoint_put_segment(&first, 3, T0);
    assert_int_equal(lane_checkpoint_save(table, &first, keep_items, &all), 0);
    buf_release(&first);
    return all;
}

static void
random_lanes(uint64_t seed, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        struct lane_entry *l = lane_table_add(table, seeded_below(&seed, 50), seeded_next(&seed));

        l->next = seeded_next(&seed) >> seeded_below(&seed, 64);
        l->total = seeded_next(&seed) >> seeded_below(&seed, 64);
        l->crc = (uint32_t) seeded_next(&seed);
        l->taken = seeded_next(&seed);
        l->elsewhere = seeded_next(&seed);
        l->refused = seeded_next(&seed);
        l->ended = seeded_below(&seed, 2) == 0;
        l->backlog = seeded_below(&seed, 2) == 0;
        l->torn = seeded_below(&seed, 2) == 0;
        l->from_ms = (int64_t) seeded_next(&seed);
        l->to_ms = (int64_t) seeded_next(&seed);
        l->heard_ms = (int64_t) seeded_next(&seed);
        l->key = (struct segment_place){ seeded_next(&seed), (uint32_t) seeded_next(&seed) };
        l->chain = seeded_next(&seed);
        if (i % 3 != 0)
            continue;
        l->decided.below = 1 + (uint32_t) seeded_next(&seed) / 2;
        l->decided.minute = (int64_t) seeded_next(&seed);
        l->decided.made = (uint32_t) seeded_next(&seed);
        for (uint32_t slot = 0; slot < seeded_below(&seed, 40); slot++)
            slot_refusals_add(&l->decided.refusals, slot, (uint8_t) (1 + seeded_below(&seed, 3)));
    }
}

// Whole tables of thousands of lanes come back as they were.
static void
a_checkpoint_says_all_of_it_again(void **state)
{
    lane_table_t *other = lane_table_new();
    const struct lane_entry *l;
    struct buf items;
    int64_t seen = 0;
    size_t at = 0;

    (void) state;
    some_defs();
    random_lanes(3, 5000);
    lane_table_set_name(table, 7, "w", 1);
    items = save();
    assert_true(items.len > 3 * LANE_PIECE_BYTES);
    assert_int_equal(lane_checkpoint_load(other, items.at, items.len, see_segment, &seen), 0);
    assert_int_equal(seen, 3 + T0);
    assert_int_equal(lane_table_count(other), lane_table_count(table));
    assert_string_equal(lane_table_name(other, 7), "w");
    while ((l = lane_table_next(table, &at)) != NULL) {
        const struct lane_entry *o = lane_table_find(other, l->host, l->stream);
        struct lane_entry same;

        assert_non_null(o);
        assert_int_equal(o->n_defs, l->n_defs);
        if (l->n_defs > 0)
            assert_memory_equal(o->defs, l->defs, l->n_defs * sizeof *l->defs);
        same = *o;
        same.defs = l->defs;
        same.defs_size = l->defs_size;
        assert_int_equal(o->decided.below, l->decided.below);
        assert_int_equal(o->decided.minute, l->decided.minute);
        assert_int_equal(o->decided.made, l->decided.made);
        for (uint32_t slot = 0; slot < 50; slot++)
            assert_int_equal(slot_refusals_find(&o->decided.refusals, slot),
                             slot_refusals_find(&l->decided.refusals, slot));
        same.decided = l->decided;
        assert_memory_equal(&same, l, sizeof same);
    }
    lane_table_destroy(&other);
    buf_release(&items);
}

static void
a_checkpoint_cut_anywhere_is_refused_or_has_fewer(void **state)
{
    struct buf items;

    (void) state;
    some_defs();
    random_lanes(5, 3);
    items = save();
    for (size_t n = 0; n < items.len; n++) {
        lane_table_t *other = lane_table_new();
        int64_t seen = 0;
        const int rc = lane_checkpoint_load(other, items.at, n, see_segment, &seen);

        assert_true(rc == 0 || rc == ERR_FORMAT);
        assert_true(lane_table_count(other) <= 4);
        lane_table_destroy(&other);
    }
    buf_release(&items);
}

// What a stranger calls itself must not make an entry that no segment holds.
static void
many_hosts_of_long_names_come_in_pieces_too(void **state)
{
    lane_table_t *other = lane_table_new();
    char name[16384];
    struct buf items;
    int64_t seen = 0;

    (void) state;
    memset(name, 'n', sizeof name);
    for (uint64_t host = 1; host <= 100; host++)
        lane_table_set_name(table, host, name, sizeof name);
    pieces = 0;
    items = save();
    assert_true(pieces > 10);
    assert_int_equal(lane_checkpoint_load(other, items.at, items.len, see_segment, &seen), 0);
    for (uint64_t host = 1; host <= 100; host++)
        assert_int_equal(strlen(lane_table_name(other, host)), sizeof name);
    lane_table_destroy(&other);
    buf_release(&items);
}

int
main(void)
{
#define table_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        table_test(a_checkpoint_says_all_of_it_again),
        table_test(a_checkpoint_cut_anywhere_is_refused_or_has_fewer),
        table_test(many_hosts_of_long_names_come_in_pieces_too),
    };
    return cmocka_run_group_tests_name("lane_checkpoint", tests, NULL, NULL);
}
