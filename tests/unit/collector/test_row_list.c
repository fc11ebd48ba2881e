// test_row_list - what was added comes back, row by row.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/row_list.h"

#define HOST 7

// A row of n series from `first` on, each with its own number as its value.
static void
add(struct row_list *list, int mark, int64_t time_ms, series_id first, uint32_t n)
{
    series_id series[300];
    double values[300];
    const struct store_row row = { .time_ms = time_ms, .n = n, .series = series, .values = values };

    assert_true(n <= 300);
    for (uint32_t i = 0; i < n; i++) {
        series[i] = first + i;
        values[i] = first + i;
    }
    row_list_add(list, mark, &row);
}

static void
expect(const struct row_list *list, uint32_t at, int mark, int64_t time_ms, series_id first,
       uint32_t n)
{
    struct store_row row;

    assert_int_equal(row_list_get(list, at, HOST, &row), mark);
    assert_int_equal(row.host, HOST);
    assert_int_equal(row.time_ms, time_ms);
    assert_int_equal(row.n, n);
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(row.series[i], first + i);
        assert_true(row.values[i] == first + i);
    }
}

static void
rows_come_back_as_they_were_added(void **state)
{
    struct row_list list = { 0 };

    (void) state;
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t i = 0; i < 100; i++)
            add(&list, (int) (i % 2), 1000 - i, 1 + i, 1 + i * round);
        assert_int_equal(list.n, 100);
        for (uint32_t i = 0; i < 100; i++)
            expect(&list, i, (int) (i % 2), 1000 - i, 1 + i, 1 + i * round);
        row_list_clear(&list);
        assert_int_equal(list.n, 0);
    }
    row_list_release(&list);
}

static void
a_row_of_nothing_is_none(void **state)
{
    struct row_list list = { 0 };

    (void) state;
    add(&list, 0, 1, 1, 0);
    assert_int_equal(list.n, 0);
    row_list_clear(&list);
    row_list_release(&list);
}

static void
the_memory_of_a_very_large_record_is_given_back(void **state)
{
    struct row_list list = { 0 };

    (void) state;
    for (int i = 0; i < 2000; i++)
        add(&list, 0, i, 1, 300);
    expect(&list, 1999, 0, 1999, 1, 300);
    row_list_clear(&list);
    assert_int_equal(list.cells_size, 0);
    add(&list, 1, 5, 9, 3);
    expect(&list, 0, 1, 5, 9, 3);
    row_list_release(&list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back_as_they_were_added),
        cmocka_unit_test(a_row_of_nothing_is_none),
        cmocka_unit_test(the_memory_of_a_very_large_record_is_given_back),
    };
    return cmocka_run_group_tests_name("row_list", tests, NULL, NULL);
}
