// test_processes - totals of processes and threads.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/proc/processes.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"

static void
totals_are_told_and_processes_counted(void **state)
{
    struct family_bench b;
    proc_root_t *root;

    (void) state;
    assert_int_equal(proc_root_open(&root, "tests/data/proc/two"), 0);
    b = family_bench(&processes_family, &(const struct proc_setup){ .root = root });
    assert_int_equal(FAMILY_TICK(&b, "0.20 0.18 0.12 1/80 11206\n", "192729\n", "32768\n"), 0);
    assert_true(family_tells(&b, "node_processes_threads{job=\"node\"} 80"));
    assert_true(family_tells(&b, "node_processes_max_threads{job=\"node\"} 192729"));
    assert_true(family_tells(&b, "node_processes_max_processes{job=\"node\"} 32768"));
    // The fixture has no folder that is a number.
    assert_true(family_tells(&b, "node_processes_pids{job=\"node\"} 0"));
    family_bench_end(&b);
    proc_root_close(&root);
}

static void
on_this_machine_there_is_at_least_one(void **state)
{
    struct family_bench b;
    proc_root_t *root;

    (void) state;
    assert_int_equal(proc_root_open(&root, "/"), 0);
    b = family_bench(&processes_family, &(const struct proc_setup){ .root = root });
    assert_int_equal(FAMILY_TICK(&b, NULL, NULL, NULL), 0);
    assert_true(series_table_cells(b.table)[0].m > 0);
    family_bench_end(&b);
    proc_root_close(&root);
}

static void
links_count_processes_only_where_they_agree_with_the_list(void **state)
{
    (void) state;
    assert_int_equal(processes_other_links(149, 149, 9, 138), 11);
    assert_int_equal(processes_other_links(2, 2, 0, 0), 2);
    // One came or went while they were listed; others are not shown; no links are told.
    assert_int_equal(processes_other_links(149, 150, 9, 138), -1);
    assert_int_equal(processes_other_links(151, 151, 9, 1), -1);
    assert_int_equal(processes_other_links(149, 149, 9, 139), -1);
    assert_int_equal(processes_other_links(-1, -1, 9, 138), -1);
}

static void
between_two_lists_processes_are_told_too(void **state)
{
    struct family_bench b;
    proc_root_t *root;

    (void) state;
    assert_int_equal(proc_root_open(&root, "/"), 0);
    b = family_bench(&processes_family, &(const struct proc_setup){ .root = root });
    for (int i = 0; i < 20; i++) {
        assert_int_equal(FAMILY_TICK(&b, "0.20 0.18 0.12 1/80 11206\n", NULL, NULL), 0);
        assert_true(family_value(&b, "node_processes_pids{job=\"node\"}") >= 1);
    }
    family_bench_end(&b);
    proc_root_close(&root);
}

static void
a_text_cut_anywhere_or_wrong_is_refused(void **state)
{
    static const char whole[] = "0.20 0.18 0.12 1/80 11206\n";
    static const char *const bad[] = { "0.20 0.18 0.12\n", "0.20 0.18 0.12 80 11206\n",
                                       "a b c 1/x 2\n", "0 0 0 1/ 2\n",
                                       "0 0 0 1/9223372036854775808 2\n" };
    int64_t threads;

    (void) state;
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        char *text = exactly(whole, n);

        assert_int_equal(processes_parse_threads(&threads, text, n), ERR_FORMAT);
        free(text);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (processes_parse_threads(&threads, bad[i], strlen(bad[i])) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_are_told_and_processes_counted),
        cmocka_unit_test(on_this_machine_there_is_at_least_one),
        cmocka_unit_test(links_count_processes_only_where_they_agree_with_the_list),
        cmocka_unit_test(between_two_lists_processes_are_told_too),
        cmocka_unit_test(a_text_cut_anywhere_or_wrong_is_refused),
    };
    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
