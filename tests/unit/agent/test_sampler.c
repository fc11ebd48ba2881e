// test_sampler - files of a root into the table: those that are there, missing, or wrong.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/once.h"
#include "agent/own_series.h"
#include "agent/proc/proc_root.h"
#include "agent/sampler.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/net/selfstat.h"

static char root[64];

static int
setup(void **state)
{
    char proc[80];

    (void) state;
    log_init("test", LOG_LEVEL_ERROR);
    own_series_init();
    strcpy(root, "/tmp/zpulse-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(proc, sizeof proc, "%s/proc", root);
    return mkdir(proc, 0700);
}

static void
path_of(char out[128], const char *file)
{
    snprintf(out, 128, "%s/proc/%s", root, file);
}

// Whoever has the file open sees the new bytes too, as with /proc.
static void
write_file(const char *file, const char *text)
{
    char path[128];
    FILE *f;

    path_of(path, file);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int
teardown(void **state)
{
    static const char *const files[] = { "stat", "meminfo", "loadavg", "file", "" };
    char path[128];

    (void) state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        path_of(path, files[i]);
        if (unlink(path) == -1)
            rmdir(path);
    }
    return rmdir(root);
}

static void
tick(sampler_t *sampler, series_table_t *table)
{
    series_table_begin(table);
    sampler_sample(sampler, table);
    series_table_end(table);
}

// Samples in the tick at hand whose metric begins so; stale marks are none.
static unsigned
count(const series_table_t *table, const char *begins)
{
    unsigned n = 0;

    for (uint32_t i = 0; i < series_table_count(table); i++)
        n += series_table_cells(table)[i].state == CELL_INTEGER &&
             str_starts(label_set_metric(&series_table_def(table, i)->labels), begins);
    return n;
}

static void
a_machine_is_sampled_whole(void **state)
{
    static const struct {
        const char *root;
        unsigned cpu, memory, load;
    } machines[] = {
        { "tests/data/proc/one", 10, 47, 3 },
        { "tests/data/proc/two", 20, 47, 3 },
        { "tests/data/proc/sixtyfour", 640, 47, 3 },
        { "tests/data/proc/old", 8, 6, 3 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        series_table_t *table = series_table_new();
        sampler_t *sampler;

        assert_int_equal(sampler_open(&sampler, machines[i].root), 0);
        for (int t = 0; t < 3; t++) {
            tick(sampler, table);
            assert_int_equal(count(table, "node_cpu_"), machines[i].cpu);
            assert_int_equal(count(table, "node_memory_"), machines[i].memory);
            assert_int_equal(count(table, "node_load"), machines[i].load);
        }
        sampler_close(&sampler);
        series_table_destroy(&table);
    }
}

static void
a_root_without_proc_is_refused(void **state)
{
    sampler_t *sampler = NULL;

    (void) state;
    assert_int_equal(sampler_open(&sampler, "/nonexistent"), -ENOENT);
    assert_null(sampler);
}

static void
a_malformed_file_is_counted_and_absent(void **state)
{
    series_table_t *table = series_table_new();
    sampler_t *sampler;

    (void) state;
    write_file("stat", "ctxt 5\n");
    write_file("meminfo", "MemTotal: 1 kB\n");
    write_file("loadavg", "1.00 2.00 3.00 1/2 3\n");
    assert_int_equal(sampler_open(&sampler, root), 0);
    tick(sampler, table);
    assert_int_equal(count(table, "node_"), 5);
    write_file("meminfo", "MemTotal: much\n");
    tick(sampler, table);
    assert_int_equal(count(table, "node_memory_"), 0);
    assert_int_equal(count(table, "node_"), 4);
    assert_int_equal(selfstat_value(AGENT_PARSE_ERRORS_MEMINFO), 1);
    assert_int_equal(selfstat_value(AGENT_PARSE_ERRORS_STAT), 0);
    write_file("meminfo", "MemTotal: 1 kB\n");
    tick(sampler, table);
    assert_int_equal(count(table, "node_memory_"), 1);
    sampler_close(&sampler);
    series_table_destroy(&table);
}

static void
a_missing_file_takes_only_its_own_series(void **state)
{
    series_table_t *table = series_table_new();
    sampler_t *sampler;

    (void) state;
    write_file("loadavg", "1.00 2.00 3.00 1/2 3\n");
    assert_int_equal(sampler_open(&sampler, root), 0);
    tick(sampler, table);
    assert_int_equal(count(table, "node_"), 3);
    assert_int_equal(selfstat_value(AGENT_PARSE_ERRORS_STAT), 0);
    sampler_close(&sampler);
    series_table_destroy(&table);
}

static void
a_file_is_said_once_and_tried_again_each_60th_call(void **state)
{
    struct proc_file file = PROC_FILE("file");
    struct buf text = { 0 };
    proc_root_t *proc;
    bool news;

    (void) state;
    assert_int_equal(proc_root_open(&proc, root), 0);
    assert_int_equal(proc_root_read(proc, &file, &text, &news), -ENOENT);
    assert_true(news);
    write_file("file", "hello\n");
    for (int i = 1; i < PROC_RETRY_CALLS; i++) {
        assert_int_equal(proc_root_read(proc, &file, &text, &news), -ENOENT);
        assert_false(news);
    }
    assert_int_equal(proc_root_read(proc, &file, &text, &news), 6);
    assert_true(news);
    assert_int_equal(proc_root_read(proc, &file, &text, &news), 6);
    assert_false(news);
    proc_file_close(&file);
    proc_root_close(&proc);
    buf_release(&text);
}

static void
a_file_of_any_length_is_read_whole_and_anew(void **state)
{
    struct proc_file file = PROC_FILE("file");
    struct buf text = { 0 }, large = { 0 };
    proc_root_t *proc;
    bool news;

    (void) state;
    assert_int_equal(proc_root_open(&proc, root), 0);
    for (int i = 0; i < 30000; i++)
        buf_printf(&large, "%d\n", i);
    for (size_t n = 1; n <= large.len; n = n < large.len && n * 7 > large.len ? large.len : n * 7) {
        char path[128];

        path_of(path, "file");
        assert_int_equal(file_write_atomic(path, large.at, n, 0600), 0);
        proc_file_close(&file);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(proc_root_read(proc, &file, &text, &news), n);
            assert_memory_equal(text.at, large.at, n);
        }
    }
    proc_file_close(&file);
    proc_root_close(&proc);
    buf_release(&text);
    buf_release(&large);
}

static void
once_is_exposition_with_metrics_together(void **state)
{
    static const char wants[] = "# HELP node_load1 1m load average.\n"
                                "# TYPE node_load1 gauge\n"
                                "node_load1{job=\"node\"} 0.25\n"
                                "# HELP node_load15 15m load average.\n"
                                "# TYPE node_load15 gauge\n"
                                "node_load15{job=\"node\"} 123.5\n"
                                "# HELP node_load5 5m load average.\n"
                                "# TYPE node_load5 gauge\n"
                                "node_load5{job=\"node\"} 0.5\n";
    series_table_t *table = series_table_new();
    struct buf text = { 0 };
    sampler_t *sampler;

    (void) state;
    write_file("loadavg", "0.25 0.50 123.50 3/80 4242\n");
    assert_int_equal(sampler_open(&sampler, root), 0);
    tick(sampler, table);
    once_text(&text, table);
    assert_string_equal(buf_cstr(&text), wants);
    buf_release(&text);
    sampler_close(&sampler);
    series_table_destroy(&table);
}

static void
our_own_series_are_told_beside_them(void **state)
{
    series_table_t *table = series_table_new();
    own_series_t *own = own_series_new();

    (void) state;
    selfstat_add(AGENT_TICKS, 3);
    for (int i = 0; i < 25; i++) {
        series_table_begin(table);
        own_series_sample(own, table);
        series_table_end(table);
        assert_int_equal(count(table, "zpulse_agent_"), AGENT_STATS);
        assert_int_equal(count(table, "process_"), 6);
    }
    assert_string_equal(label_set_get(&series_table_def(table, 0)->labels, "program"), "agent");
    assert_string_equal(label_set_get(&series_table_def(table, 0)->labels, "job"), "zpulse");
    assert_int_equal(series_table_cells(table)[AGENT_TICKS].m, 3);
    own_series_destroy(&own);
    series_table_destroy(&table);
}

#define sampler_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        sampler_test(a_machine_is_sampled_whole),
        sampler_test(a_root_without_proc_is_refused),
        sampler_test(a_malformed_file_is_counted_and_absent),
        sampler_test(a_missing_file_takes_only_its_own_series),
        sampler_test(a_file_is_said_once_and_tried_again_each_60th_call),
        sampler_test(a_file_of_any_length_is_read_whole_and_anew),
        sampler_test(once_is_exposition_with_metrics_together),
        sampler_test(our_own_series_are_told_beside_them),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
