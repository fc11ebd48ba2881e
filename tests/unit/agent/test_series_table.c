// test_series_table - slots, cells, and the end of a series.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>

#include "agent/series_table.h"
#include "shared/model/sample.h"

static const struct series_spec spec = {
    .name = "things_total",
    .kind = METRIC_COUNTER,
    .form = { .exponent = 0, .unit = 1 },
    .job = "test",
    .help = "Things.",
};

static int
setup(void **state)
{
    *state = series_table_new();
    return 0;
}

static int
teardown(void **state)
{
    series_table_t *table = *state;

    series_table_destroy(&table);
    assert_null(table);
    return 0;
}

static uint32_t
slot(series_table_t *table, const char *value)
{
    return series_table_slot(table, &spec, &(const struct label){ "thing", value }, 1);
}

static void
equal_labels_are_one_slot(void **state)
{
    const uint32_t a = slot(*state, "a");

    assert_int_equal(slot(*state, "b"), a + 1);
    assert_int_equal(slot(*state, "a"), a);
    assert_int_equal(series_table_count(*state), 2);
}

static void
a_definition_has_name_job_and_labels(void **state)
{
    const struct slot_def *def = series_table_def(*state, slot(*state, "a"));

    assert_string_equal(label_set_metric(&def->labels), "things_total");
    assert_string_equal(label_set_get(&def->labels, "job"), "test");
    assert_string_equal(label_set_get(&def->labels, "thing"), "a");
    assert_null(label_set_get(&def->labels, "instance"));
    assert_int_equal(def->kind, METRIC_COUNTER);
    assert_string_equal(series_table_help(*state, 0), "Things.");
}

static void
a_label_that_breaks_the_rules_has_no_slot(void **state)
{
    assert_true(slot(*state, "\xff") == SERIES_NONE);
    assert_int_equal(series_table_refused(*state), 1);
    series_table_begin(*state);
    series_table_set(*state, SERIES_NONE, 1); // does nothing
    series_table_set_double(*state, SERIES_NONE, 1);
    series_table_end(*state);
    assert_int_equal(series_table_count(*state), 0);
}

static void
a_series_that_ends_is_marked_once(void **state)
{
    const uint32_t a = slot(*state, "a");
    const struct cell *cells;

    series_table_begin(*state);
    series_table_set(*state, a, 5);
    series_table_end(*state);
    cells = series_table_cells(*state);
    assert_int_equal(cells[a].state, CELL_INTEGER);
    assert_int_equal(cells[a].m, 5);
    for (int tick = 0; tick < 3; tick++) {
        series_table_begin(*state);
        series_table_end(*state);
        assert_int_equal(cells[a].state, tick == 0 ? CELL_RAW : CELL_ABSENT);
        if (tick == 0)
            assert_true(cells[a].bits == SAMPLE_STALE_BITS);
    }
}

static void
a_series_without_a_first_value_has_no_mark(void **state)
{
    const uint32_t a = slot(*state, "a");

    series_table_begin(*state);
    series_table_end(*state);
    assert_int_equal(series_table_cells(*state)[a].state, CELL_ABSENT);
}

static void
what_no_integer_holds_travels_raw(void **state)
{
    static const struct series_spec kilo = {
        .name = "kilo", .kind = METRIC_GAUGE, .form = { .exponent = 0, .unit = 1024 }, .job = "t"
    };
    const uint32_t a = slot(*state, "a");
    const uint32_t k = series_table_slot(*state, &kilo, NULL, 0);
    const struct cell *cells;

    series_table_begin(*state);
    series_table_set(*state, a, METRIC_MANTISSA_MAX + 1);
    series_table_set(*state, k, METRIC_MANTISSA_MAX / 1024);
    cells = series_table_cells(*state);
    assert_int_equal(cells[a].state, CELL_RAW);
    assert_int_equal(cells[k].state, CELL_INTEGER);
    series_table_set(*state, k, METRIC_MANTISSA_MAX / 1024 + 1);
    assert_int_equal(cells[k].state, CELL_RAW);
    assert_true(sample_from_bits(cells[k].bits) == ldexp(1, 53) + 1024);
    series_table_set_double(*state, a, 0.5);
    assert_int_equal(cells[a].state, CELL_RAW);
    assert_true(sample_from_bits(cells[a].bits) == 0.5);
    series_table_set_double(*state, a, 7);
    assert_int_equal(cells[a].state, CELL_INTEGER);
    assert_int_equal(cells[a].m, 7);
    series_table_end(*state);
}

static void
a_full_table_refuses_and_counts(void **state)
{
    char value[16];

    for (uint32_t i = 0; i < SERIES_TABLE_MAX; i++) {
        snprintf(value, sizeof value, "%u", i);
        assert_int_equal(slot(*state, value), i);
    }
    assert_true(slot(*state, "more") == SERIES_NONE);
    assert_int_equal(slot(*state, "0"), 0); // those it has stay
    assert_int_equal(series_table_refused(*state), 1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(equal_labels_are_one_slot, setup, teardown),
        cmocka_unit_test_setup_teardown(a_definition_has_name_job_and_labels, setup, teardown),
        cmocka_unit_test_setup_teardown(a_label_that_breaks_the_rules_has_no_slot, setup, teardown),
        cmocka_unit_test_setup_teardown(a_series_that_ends_is_marked_once, setup, teardown),
        cmocka_unit_test_setup_teardown(a_series_without_a_first_value_has_no_mark, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_no_integer_holds_travels_raw, setup, teardown),
        cmocka_unit_test_setup_teardown(a_full_table_refuses_and_counts, setup, teardown),
    };
    return cmocka_run_group_tests_name("series_table", tests, NULL, NULL);
}
