// test_vmstat - which lines of /proc/vmstat become series, and what is refused.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/proc/vmstat.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"

static void
names_are_taken_as_node_exporter_takes_them(void **state)
{
    static const char *const taken[] = {
        "oom_kill",   "pgpgin",  "pgpgout",          "pswpin",
        "pgmajfault", "pgfault", "pgpgoutclean_new", "pglazyfault"
    };
    static const char *const left[] = { "nr_free_pages", "pgalloc_normal", "oom", "", "p", "pgp",
                                        "numa_hit",      "thp_fault_alloc" };

    (void) state;
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (!vmstat_takes(taken[i], strlen(taken[i])))
            fail_msg("left out: %s", taken[i]);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++)
        if (vmstat_takes(left[i], strlen(left[i])))
            fail_msg("taken: %s", left[i]);
}

static void
a_kernel_is_sampled_and_lines_may_move(void **state)
{
    struct family_bench b = family_bench(&vmstat_family, NULL);

    (void) state;
    assert_int_equal(FAMILY_TICK(&b, "nr_free_pages 7\npgpgin 10\npgfault 3\noom_kill 0\n"), 0);
    assert_int_equal(family_samples(&b), 3);
    assert_true(family_tells(&b, "node_vmstat_pgpgin{job=\"node\"} 10"));
    assert_int_equal(FAMILY_TICK(&b, "oom_kill 1\npgfault 9\npgmajfault 2\npgpgin 11\n"), 0);
    assert_true(family_tells(&b, "node_vmstat_oom_kill{job=\"node\"} 1"));
    assert_true(family_tells(&b, "node_vmstat_pgfault{job=\"node\"} 9"));
    assert_true(family_tells(&b, "node_vmstat_pgmajfault{job=\"node\"} 2"));
    assert_true(family_tells(&b, "node_vmstat_pgpgin{job=\"node\"} 11"));
    assert_int_equal(series_table_count(b.table), 4);
    family_bench_end(&b);
}

// What the sampler does: the front that the family asks for, and all where that did not do.
static bool
read_vmstat(struct family_bench *b, const char *all)
{
    const size_t head = b->family->head(b->state, 0);
    char *front = head > 0 && head < strlen(all) ? strndup(all, head) : NULL;
    const bool in_part = front != NULL;
    int rc;

    series_table_begin(b->table);
    rc = b->family->sample(b->state, b->table, 0, in_part ? front : all,
                           in_part ? head : strlen(all));
    if (rc == PROC_WANTS_ALL)
        assert_int_equal(b->family->sample(b->state, b->table, 0, all, strlen(all)), 0);
    else
        assert_int_equal(rc, 0);
    series_table_end(b->table);
    free(front);
    return in_part && rc == 0;
}

#define TAIL "nr_a 100000000000000000\nnr_b 100000000000000000\nnr_c 1\nnr_d 1\nnr_e 1\nnr_f 1\n"

static void
no_more_is_read_than_has_the_lines_that_are_taken(void **state)
{
    struct family_bench b = family_bench(&vmstat_family, NULL);
    unsigned in_part = 0;

    (void) state;
    assert_false(read_vmstat(&b, "nr_free_pages 7\npgpgin 10\noom_kill 0\n" TAIL TAIL));
    for (int i = 0; i < 240; i++)
        in_part += read_vmstat(&b, "nr_free_pages 8\npgpgin 11\noom_kill 3\n" TAIL TAIL);
    assert_in_range(in_part, 220, 239);
    assert_true(family_value(&b, "node_vmstat_pgpgin{job=\"node\"}") == 11);
    assert_true(family_value(&b, "node_vmstat_oom_kill{job=\"node\"}") == 3);
    family_bench_end(&b);
}

static void
a_line_that_moves_behind_what_is_read_is_looked_for_in_all(void **state)
{
    struct family_bench b = family_bench(&vmstat_family, NULL);

    (void) state;
    assert_false(read_vmstat(&b, "pgpgin 10\noom_kill 0\n" TAIL TAIL));
    assert_true(read_vmstat(&b, "pgpgin 10\noom_kill 0\n" TAIL TAIL));
    assert_false(read_vmstat(&b, "pgpgin 12\n" TAIL TAIL "oom_kill 4\n"));
    assert_true(family_value(&b, "node_vmstat_pgpgin{job=\"node\"}") == 12);
    assert_true(family_value(&b, "node_vmstat_oom_kill{job=\"node\"}") == 4);
    assert_false(read_vmstat(&b, TAIL TAIL TAIL "pgpgin 13\noom_kill 5\n"));
    assert_true(family_value(&b, "node_vmstat_oom_kill{job=\"node\"}") == 5);
    family_bench_end(&b);
}

static void
what_is_not_vmstat_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "pgpgin 1",
        "nr_free_pages 1\n",
        "pgpgin\n",
        "pgpgin x\n",
        "pgpgin -1\n",
        "pgpgin 9223372036854775808\n",
    };
    struct vmstat_line lines[VMSTAT_LINES_MAX];

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (vmstat_parse(lines, bad[i], strlen(bad[i])) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
}

static void
a_text_cut_anywhere_gives_whole_lines_or_nothing(void **state)
{
    const struct buf whole = fixture("two", "vmstat");
    struct vmstat_line lines[VMSTAT_LINES_MAX];

    (void) state;
    for (size_t n = 0; n <= whole.len; n++) {
        char *text = exactly(whole.at, n);
        const int rc = vmstat_parse(lines, text, n);

        assert_true(rc == ERR_FORMAT || (rc > 0 && rc <= 7));
        free(text);
    }
    assert_int_equal(vmstat_parse(lines, (const char *) whole.at, whole.len), 7);
    buf_release(&(struct buf){ .at = whole.at });
}

static void
more_lines_than_a_kernel_has_are_refused(void **state)
{
    struct vmstat_line lines[VMSTAT_LINES_MAX];
    struct buf text = { 0 };

    (void) state;
    for (int i = 0; i < VMSTAT_LINES_MAX; i++)
        buf_printf(&text, "pgpg%d 1\n", i);
    assert_int_equal(vmstat_parse(lines, (const char *) text.at, text.len), VMSTAT_LINES_MAX);
    buf_str(&text, "more 1\n");
    assert_int_equal(vmstat_parse(lines, (const char *) text.at, text.len), ERR_FORMAT);
    buf_release(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_taken_as_node_exporter_takes_them),
        cmocka_unit_test(a_kernel_is_sampled_and_lines_may_move),
        cmocka_unit_test(no_more_is_read_than_has_the_lines_that_are_taken),
        cmocka_unit_test(a_line_that_moves_behind_what_is_read_is_looked_for_in_all),
        cmocka_unit_test(what_is_not_vmstat_is_refused),
        cmocka_unit_test(a_text_cut_anywhere_gives_whole_lines_or_nothing),
        cmocka_unit_test(more_lines_than_a_kernel_has_are_refused),
    };
    return cmocka_run_group_tests_name("vmstat", tests, NULL, NULL);
}
