// fact_table - facts of many hosts from one answer.

#include "dashboard/fact_table.h"

#include "tests/unit/dashboard/room.h"

static struct query_series
fact(uint64_t host, const char *release)
{
    const double one = 1;
    struct query_series s = room_series(
        1, room_labels("node_uname_info", "release", release, NULL, NULL), 5, &one, 1);

    s.host = host;
    return s;
}

static void
each_host_has_its_own(void **state)
{
    struct query_series series[] = { fact(7, "six"), fact(9, "five"), fact(7, "six") };
    fact_table_t *table, *other;

    (void) state;
    series[2].n = 0; // nothing in the window
    table = fact_table_new(series, N_OF(series));
    other = fact_table_ref(table);
    fact_table_unref(&table);
    assert_null(table);
    assert_int_equal(fact_table_count(other), 2);
    assert_string_equal(fact_table_get(other, 7)->kernel, "six");
    assert_string_equal(fact_table_get(other, 9)->kernel, "five");
    assert_null(fact_table_get(other, 8));
    assert_null(fact_table_get(NULL, 7));
    fact_table_unref(&other);
    for (size_t i = 0; i < N_OF(series); i++)
        query_series_release(&series[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(each_host_has_its_own) };

    return cmocka_run_group_tests_name("fact_table", tests, NULL, NULL);
}
