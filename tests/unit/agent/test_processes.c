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
        cmocka_unit_test(a_text_cut_anywhere_or_wrong_is_refused),
    };
    return cmocka_run_group_tests_name("processes", tests, NULL, NULL);
}
