// test_sysfs_series - files of numbers that become series; trees that change.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/proc/sysfs.h"
#include "agent/proc/sysfs_series.h"
#include "shared/base/log.h"
#include "tests/unit/agent/family_bench.h"
#include "tests/unit/agent/temp_tree.h"

#define DEADLINE_MS 20000
#define OF(file)    "node_test_celsius{file=\"" file "\",job=\"node\"} "
#define STALE       "NaN" // as the mark of an end is printed

// Every file of sys/t, and a constant.
static void
look(sysfs_series_t *self, int root_fd)
{
    static const struct series_spec spec = { .name = "node_test_celsius",
                                             .kind = METRIC_GAUGE,
                                             .form = { .exponent = 3, .unit = 1 },
                                             .job = "node" };
    static const struct series_spec info = { .name = "node_test_info",
                                             .kind = METRIC_GAUGE,
                                             .form = { .exponent = 0, .unit = 1 },
                                             .job = "node" };
    struct sysfs_names names;
    char path[TEMP_TREE_PATH];

    sysfs_list(&names, root_fd, "sys/t", SYSFS_FILES);
    for (size_t i = 0; i < names.n; i++) {
        snprintf(path, sizeof path, "sys/t/%s", names.at[i]);
        sysfs_series_add(self, path, &spec, &(const struct label){ "file", names.at[i] }, 1);
    }
    sysfs_names_release(&names);
    sysfs_series_add(self, NULL, &info, NULL, 0);
}

static void *
make(const struct proc_setup *setup)
{
    return sysfs_series_new(setup, look, 10000);
}

static const struct proc_family family = {
    .name = "test",
    .make = make,
    .walk = sysfs_series_walk,
    .settle = sysfs_series_settle,
    .hangs = sysfs_series_hangs,
    .end = sysfs_series_end,
};

static struct family_bench
bench(const struct temp_tree *tree)
{
    struct family_bench b = family_bench(&family, &(struct proc_setup){ .root = tree->root });

    b.family->settle(b.state, DEADLINE_MS);
    family_tick(&b, NULL, 0);
    // The next round then comes as soon as this tick has followed that one.
    family_tick(&b, NULL, 0);
    return b;
}

// The round that the tick before has ordered, which may be under way; a tick that orders another,
// to begin at once; that round; and the tick that tells it.
static void
round_of(struct family_bench *b)
{
    b->family->settle(b->state, DEADLINE_MS);
    family_tick(b, NULL, 0);
    b->family->settle(b->state, DEADLINE_MS);
    family_tick(b, NULL, 0);
}

static int
setup(void **state)
{
    static struct temp_tree tree;

    log_init("test", LOG_LEVEL_ERROR);
    tree = temp_tree();
    temp_tree_write(&tree, "sys/t/a", "41500\n");
    temp_tree_write(&tree, "sys/t/b", "-1500\n");
    *state = &tree;
    return 0;
}

static int
teardown(void **state)
{
    temp_tree_end(*state);
    return 0;
}

static void
the_first_sample_has_what_was_asked_when_the_family_was_made(void **state)
{
    struct family_bench b = bench(*state);

    assert_int_equal(family_samples(&b), 3);
    assert_true(family_tells(&b, OF("a") "41.5"));
    assert_true(family_tells(&b, OF("b") "-1.5"));
    assert_true(family_tells(&b, "node_test_info{job=\"node\"} 1"));
    assert_false(family.hangs(b.state));
    family_bench_end(&b);
}

static void
values_are_read_anew_for_each_sample(void **state)
{
    struct family_bench b = bench(*state);

    temp_tree_write(*state, "sys/t/a", "50000\n");
    round_of(&b);
    assert_true(family_tells(&b, OF("a") "50"));
    assert_true(family_tells(&b, OF("b") "-1.5"));
    family_bench_end(&b);
}

static void
a_file_that_can_not_be_read_is_absent_until_it_can(void **state)
{
    struct family_bench b = bench(*state);

    temp_tree_remove(*state, "sys/t/a");
    round_of(&b);
    assert_true(family_tells(&b, OF("b") "-1.5"));
    round_of(&b);
    assert_int_equal(family_samples(&b), 2);
    temp_tree_write(*state, "sys/t/a", "43000\n");
    round_of(&b);
    assert_true(family_tells(&b, OF("a") "43"));
    family_bench_end(&b);
}

static void
a_file_of_words_is_absent_and_asked_again_at_the_next_look(void **state)
{
    struct family_bench b;

    temp_tree_write(*state, "sys/t/a", "N/A\n");
    b = bench(*state);
    assert_int_equal(family_samples(&b), 2);
    temp_tree_write(*state, "sys/t/a", "44000\n");
    round_of(&b);
    assert_int_equal(family_samples(&b), 2);
    sysfs_series_look(b.state);
    round_of(&b);
    assert_true(family_tells(&b, OF("a") "44"));
    family_bench_end(&b);
}

static void
devices_come_and_go_with_a_look(void **state)
{
    struct family_bench b = bench(*state);
    uint32_t series;

    temp_tree_write(*state, "sys/t/0", "10000\n");
    temp_tree_write(*state, "sys/t/c", "12000\n");
    temp_tree_remove(*state, "sys/t/b");
    sysfs_series_look(b.state);
    round_of(&b);
    assert_true(family_tells(&b, OF("0") "10"));
    assert_true(family_tells(&b, OF("a") "41.5"));
    assert_true(family_tells(&b, OF("c") "12"));
    series = series_table_count(b.table);
    temp_tree_write(*state, "sys/t/b", "11000\n");
    temp_tree_remove(*state, "sys/t/0");
    sysfs_series_look(b.state);
    round_of(&b);
    assert_true(family_tells(&b, OF("b") "11"));
    assert_int_equal(family_samples(&b), 4);
    assert_int_equal(series_table_count(b.table), series);
    family_bench_end(&b);
}

static void
a_tree_without_any_needs_no_thread(void **state)
{
    struct family_bench b;

    temp_tree_remove(*state, "sys/t");
    b = bench(*state);
    assert_int_equal(family_samples(&b), 1);
    assert_false(family.hangs(b.state));
    family_bench_end(&b);
}

static void
hundreds_of_files_are_told(void **state)
{
    struct family_bench b;
    char path[32];

    for (int i = 0; i < 700; i++) {
        snprintf(path, sizeof path, "sys/t/f%d", i);
        temp_tree_write(*state, path, "7000\n");
    }
    b = bench(*state);
    assert_int_equal(family_samples(&b), 703);
    assert_true(family_tells(&b, OF("f699") "7"));
    family_bench_end(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            the_first_sample_has_what_was_asked_when_the_family_was_made, setup, teardown),
        cmocka_unit_test_setup_teardown(values_are_read_anew_for_each_sample, setup, teardown),
        cmocka_unit_test_setup_teardown(a_file_that_can_not_be_read_is_absent_until_it_can, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_file_of_words_is_absent_and_asked_again_at_the_next_look,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(devices_come_and_go_with_a_look, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tree_without_any_needs_no_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(hundreds_of_files_are_told, setup, teardown),
    };
    return cmocka_run_group_tests_name("sysfs_series", tests, NULL, NULL);
}
