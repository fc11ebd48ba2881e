// test_meminfo - /proc/meminfo: every key, whole, cut and wrong.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/proc/meminfo.h"
#include "shared/base/err.h"
#include "tests/unit/agent/fixture.h"

static struct meminfo_line lines[MEMINFO_LINES_MAX];

static int
parse(const char *text)
{
    return meminfo_parse(lines, text, strlen(text));
}

static void
kilobytes_and_counts_are_told_apart(void **state)
{
    (void) state;
    assert_int_equal(parse("MemTotal:  16 kB\nHugePages_Total:   4\n"), 2);
    assert_true(lines[0].kilobytes);
    assert_int_equal(lines[0].value, 16);
    assert_int_equal(lines[0].key_len, 8);
    assert_false(lines[1].kilobytes);
    assert_int_equal(lines[1].value, 4);
}

static void
names_are_those_of_node_exporter(void **state)
{
    static const char *const wants[] = {
        "node_memory_MemTotal_bytes",    "node_memory_Active_anon_bytes",
        "node_memory_HugePages_Total",   "node_memory_Hugepagesize_bytes",
        "node_memory_DirectMap4k_bytes", "node_memory_Odd_key_bytes",
    };
    char name[MEMINFO_NAME_SIZE];

    (void) state;
    assert_int_equal(parse("MemTotal: 1 kB\nActive(anon): 2 kB\nHugePages_Total: 3\n"
                           "Hugepagesize: 4 kB\nDirectMap4k: 5 kB\nOdd-key: 6 kB\n"),
                     6);
    for (size_t i = 0; i < 6; i++) {
        meminfo_name(name, &lines[i]);
        assert_string_equal(name, wants[i]);
    }
}

static void
every_key_of_a_kernel_is_read(void **state)
{
    static const struct {
        const char *root;
        int keys;
    } kernels[] = { { "two", 47 }, { "old", 6 } };

    (void) state;
    for (size_t i = 0; i < 2; i++) {
        struct buf text = fixture(kernels[i].root, "meminfo");

        assert_int_equal(meminfo_parse(lines, (const char *) text.at, text.len), kernels[i].keys);
        buf_release(&text);
    }
}

static void
a_file_cut_at_any_byte_tells_nothing_wrong(void **state)
{
    static struct meminfo_line whole[MEMINFO_LINES_MAX];
    struct buf text = fixture("two", "meminfo");
    const int n_whole = meminfo_parse(whole, (const char *) text.at, text.len);

    (void) state;
    for (size_t n = 0; n < text.len; n++) {
        char *copy = exactly(text.at, n);
        const int rc = meminfo_parse(lines, copy, n);

        assert_true(rc == ERR_FORMAT || (rc > 0 && rc < n_whole));
        for (int i = 0; i < rc; i++)
            assert_true(lines[i].value == whole[i].value &&
                        lines[i].kilobytes == whole[i].kilobytes);
        free(copy);
    }
    buf_release(&text);
}

static void
what_is_not_meminfo_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "MemTotal: 1 kB",
        "cpu  1 2 3\n",
        ": 1 kB\n",
        "MemTotal: x kB\n",
        "MemTotal:\n",
        "MemTotal: -1 kB\n",
        "MemTotal: 1 MB\n",
        "MemFree: 99999999999999999999 kB\n",
        "MemTotal: 1 kB\n\nMemFree: 1 kB\n",
        "KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK: 1 kB\n", // 65
    };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(bad[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
}

static void
more_lines_than_any_kernel_has_are_refused(void **state)
{
    struct buf text = { 0 };

    (void) state;
    for (int i = 0; i < MEMINFO_LINES_MAX; i++)
        buf_printf(&text, "Key%d: 1 kB\n", i);
    assert_int_equal(meminfo_parse(lines, (const char *) text.at, text.len), MEMINFO_LINES_MAX);
    buf_str(&text, "OneMore: 1 kB\n");
    assert_int_equal(meminfo_parse(lines, (const char *) text.at, text.len), ERR_FORMAT);
    buf_release(&text);
}

static void
tick(void *family, series_table_t *table, const char *text)
{
    series_table_begin(table);
    meminfo_family.sample(family, table, 0, text, strlen(text));
    series_table_end(table);
}

static void
keys_may_appear_move_and_vanish(void **state)
{
    void *family = meminfo_family.make(NULL);
    series_table_t *table = series_table_new();
    const struct cell *cells;

    (void) state;
    tick(family, table, "MemTotal: 10 kB\nMemFree: 5 kB\n");
    assert_int_equal(series_table_count(table), 2);
    assert_int_equal(series_table_def(table, 0)->form.unit, 1024);
    tick(family, table, "MemTotal: 11 kB\nZswap: 7 kB\nMemFree: 6 kB\n");
    cells = series_table_cells(table);
    assert_int_equal(series_table_count(table), 3);
    assert_int_equal(cells[0].m, 11);
    assert_int_equal(cells[1].m, 6);
    assert_int_equal(cells[2].m, 7);
    tick(family, table, "MemTotal: 12 kB\nMemFree: 7 kB\n");
    assert_int_equal(series_table_cells(table)[2].state, CELL_RAW); // the stale mark
    tick(family, table, "MemTotal: 12 kB\nMemFree: 7 kB\n");
    assert_int_equal(series_table_cells(table)[2].state, CELL_ABSENT);
    meminfo_family.end(&family);
    series_table_destroy(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kilobytes_and_counts_are_told_apart),
        cmocka_unit_test(names_are_those_of_node_exporter),
        cmocka_unit_test(every_key_of_a_kernel_is_read),
        cmocka_unit_test(a_file_cut_at_any_byte_tells_nothing_wrong),
        cmocka_unit_test(what_is_not_meminfo_is_refused),
        cmocka_unit_test(more_lines_than_any_kernel_has_are_refused),
        cmocka_unit_test(keys_may_appear_move_and_vanish),
    };
    return cmocka_run_group_tests_name("meminfo", tests, NULL, NULL);
}
