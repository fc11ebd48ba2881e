// test_slot_map - a map that somebody holds stays as it is, whatever is done to those made of it.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "collector/store/slot_map.h"
#include "tests/support/seeded.h"

#define SLOTS    200u
#define VERSIONS 16u

// What a map should say.
struct model {
    uint32_t n;
    series_id ids[SLOTS];
};

static void
assert_says(const struct slot_map *map, const struct model *model)
{
    assert_int_equal(map->n, model->n);
    for (uint32_t slot = 0; slot < model->n; slot++) {
        const struct slot_series *is = slot_map_find(map, slot, 5);

        assert_int_equal(is == NULL ? 0 : is->id, model->ids[slot]);
    }
    assert_null(slot_map_find(map, model->n, 5));
}

static void
set(struct slot_map **map, struct model *model, uint32_t slot, series_id id)
{
    *slot_map_edit(map, slot) = (struct slot_series){ .id = id, .to_seq = UINT64_MAX };
    model->ids[slot] = id;
    model->n = slot < model->n ? model->n : slot + 1;
}

static void
who_holds_a_version_keeps_it(void **state)
{
    static struct model now, models[VERSIONS];
    struct slot_map *map = NULL, *held[VERSIONS] = { NULL };
    uint64_t seed = 3;

    (void) state;
    for (unsigned i = 0; i < 3000; i++) {
        // Slots rise, as they do in a stream, and sometimes one of long ago changes.
        const uint32_t most = 1 + (now.n < SLOTS ? now.n : SLOTS - 1);
        const uint32_t version = seeded_below(&seed, VERSIONS);

        set(&map, &now, seeded_below(&seed, most), seeded_below(&seed, 3) * (i + 1));
        if (seeded_below(&seed, 4) > 0)
            continue;
        slot_map_drop(held[version]);
        held[version] = slot_map_hold(map);
        models[version] = now;
        for (unsigned v = 0; v < VERSIONS; v++)
            if (held[v] != NULL)
                assert_says(held[v], &models[v]);
    }
    assert_says(map, &now);
    slot_map_drop(map);
    for (unsigned v = 0; v < VERSIONS; v++) {
        assert_says(held[v], &models[v]);
        slot_map_drop(held[v]);
    }
}

static void
what_nobody_else_holds_is_changed_where_it_is(void **state)
{
    struct slot_map *map = NULL;
    struct model model = { 0 };
    struct slot_map *before;
    const struct slot_series *entry;

    (void) state;
    set(&map, &model, 40, 7);
    before = map;
    entry = slot_map_at(map, 40);
    set(&map, &model, 3, 8);
    assert_ptr_equal(map, before);
    set(&map, &model, 40, 9);
    assert_ptr_equal(slot_map_at(map, 40), entry);
    assert_says(map, &model);
    slot_map_drop(map);
}

static void
a_version_shares_what_did_not_change(void **state)
{
    struct slot_map *map = NULL, *held;
    struct model model = { 0 };

    (void) state;
    set(&map, &model, SLOTS - 1, 7);
    held = slot_map_hold(map);
    set(&map, &model, SLOT_PIECE + 1, 8);
    assert_ptr_not_equal(map, held);
    assert_ptr_equal(map->pieces[0], held->pieces[0]);
    assert_ptr_not_equal(map->pieces[1], held->pieces[1]);
    assert_ptr_equal(map->pieces[2], held->pieces[2]);
    slot_map_drop(held);
    slot_map_drop(map);
}

static void
a_value_counts_from_the_first_seq_to_before_the_last(void **state)
{
    const struct slot_series is = { .id = 4, .from_seq = 10, .to_seq = 12 };
    struct slot_map *map = slot_map_new(&is, 1);

    (void) state;
    assert_null(slot_map_find(map, 0, 9));
    assert_int_equal(slot_map_find(map, 0, 10)->id, 4);
    assert_int_equal(slot_map_find(map, 0, 11)->id, 4);
    assert_null(slot_map_find(map, 0, 12));
    assert_null(slot_map_find(map, 1, 11));
    slot_map_drop(map);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_holds_a_version_keeps_it),
        cmocka_unit_test(what_nobody_else_holds_is_changed_where_it_is),
        cmocka_unit_test(a_version_shares_what_did_not_change),
        cmocka_unit_test(a_value_counts_from_the_first_seq_to_before_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
