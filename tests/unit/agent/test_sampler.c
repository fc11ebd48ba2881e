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
#include "agent/proc/cpustat.h"
#include "agent/proc/loadavg.h"
#include "agent/proc/meminfo.h"
#include "agent/proc/proc_root.h"
#include "agent/sampler.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/model/sample.h"
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

// Only the three families that these tests write files for.
static struct family_wishes
three_families(void)
{
    struct family_wishes wishes = { 0 };

    for (size_t i = 0; i < family_count; i++)
        wishes.wish[i].off = &cpustat_family != family_list[i] &&
                             &meminfo_family != family_list[i] && &loadavg_family != family_list[i];
    return wishes;
}

static size_t
place_of(const struct proc_family *family)
{
    size_t i = 0;

    while (family_list[i] != family)
        i++;
    return i;
}

static int
open_sampler(sampler_t **ret, const char *rootfs)
{
    const struct family_wishes wishes = three_families();

    return sampler_open(ret, rootfs, 1000, &wishes);
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
        { "tests/data/proc/one", 10, 47, 3 },        { "tests/data/proc/two", 20, 47, 3 },
        { "tests/data/proc/sixtyfour", 640, 47, 3 }, { "tests/data/proc/large", 2560, 47, 3 },
        { "tests/data/proc/old", 8, 6, 3 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        series_table_t *table = series_table_new();
        sampler_t *sampler;

        assert_int_equal(open_sampler(&sampler, machines[i].root), 0);
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
    assert_int_equal(open_sampler(&sampler, "/nonexistent"), -ENOENT);
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
    assert_int_equal(open_sampler(&sampler, root), 0);
    tick(sampler, table);
    assert_int_equal(count(table, "node_"), 5);
    write_file("meminfo", "MemTotal: much\n");
    tick(sampler, table);
    assert_int_equal(count(table, "node_memory_"), 0);
    assert_int_equal(count(table, "node_"), 4);
    assert_int_equal(selfstat_value(own_series_parse_errors(place_of(&meminfo_family))), 1);
    assert_int_equal(selfstat_value(own_series_parse_errors(place_of(&cpustat_family))), 0);
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
    assert_int_equal(open_sampler(&sampler, root), 0);
    tick(sampler, table);
    assert_int_equal(count(table, "node_"), 3);
    assert_int_equal(selfstat_value(own_series_parse_errors(place_of(&cpustat_family))), 0);
    sampler_close(&sampler);
    series_table_destroy(&table);
}

static void
a_file_is_said_once_and_tried_again_each_60th_call(void **state)
{
    struct proc_file file = PROC_FILE("proc/file");
    struct buf text = { 0 };
    proc_root_t *proc;
    bool news;

    (void) state;
    assert_int_equal(proc_root_open(&proc, root), 0);
    assert_int_equal(proc_root_read(proc, &file, 0, &text, &news), -ENOENT);
    assert_true(news);
    write_file("file", "hello\n");
    for (int i = 1; i < PROC_RETRY_CALLS; i++) {
        assert_int_equal(proc_root_read(proc, &file, 0, &text, &news), -ENOENT);
        assert_false(news);
    }
    assert_int_equal(proc_root_read(proc, &file, 0, &text, &news), 6);
    assert_true(news);
    assert_int_equal(proc_root_read(proc, &file, 0, &text, &news), 6);
    assert_false(news);
    proc_file_close(&file);
    proc_root_close(&proc);
    buf_release(&text);
}

static void
a_file_of_any_length_is_read_whole_and_anew(void **state)
{
    struct proc_file file = PROC_FILE("proc/file");
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
            assert_int_equal(proc_root_read(proc, &file, 0, &text, &news), n);
            assert_memory_equal(text.at, large.at, n);
        }
    }
    proc_file_close(&file);
    proc_root_close(&proc);
    buf_release(&text);
    buf_release(&large);
}

// Sets what is wished of one family, between two ticks.
static void
wish(sampler_t *sampler, const struct proc_family *family, bool off, int64_t every_ms)
{
    struct family_wishes wishes = three_families();

    wishes.wish[place_of(family)] = (struct family_wish){ .off = off, .every_ms = every_ms };
    sampler_set_wishes(sampler, &wishes);
}

static void
a_slow_family_rests_between_its_samples_and_does_not_end(void **state)
{
    series_table_t *table = series_table_new();
    unsigned ticks_with = 0;
    sampler_t *sampler;

    (void) state;
    write_file("meminfo", "MemTotal: 1 kB\n");
    write_file("loadavg", "1.00 2.00 3.00 1/2 3\n");
    assert_int_equal(open_sampler(&sampler, root), 0);
    wish(sampler, &meminfo_family, false, 5000);
    for (int i = 0; i < 21; i++) {
        tick(sampler, table);
        assert_int_equal(count(table, "node_load"), 3);
        ticks_with += count(table, "node_memory_") == 1;
        for (uint32_t slot = 0; slot < series_table_count(table); slot++)
            assert_int_not_equal(series_table_cells(table)[slot].state, CELL_RAW);
    }
    assert_in_range(ticks_with, 4, 6);
    sampler_close(&sampler);
    series_table_destroy(&table);
}

static void
a_family_that_is_turned_off_ends_and_comes_back_in_its_slots(void **state)
{
    series_table_t *table = series_table_new();
    unsigned stale = 0;
    sampler_t *sampler;
    uint32_t slots;

    (void) state;
    write_file("loadavg", "1.00 2.00 3.00 1/2 3\n");
    assert_int_equal(open_sampler(&sampler, root), 0);
    tick(sampler, table);
    slots = series_table_count(table);
    wish(sampler, &loadavg_family, true, 0);
    tick(sampler, table);
    for (uint32_t slot = 0; slot < slots; slot++)
        stale += series_table_cells(table)[slot].state == CELL_RAW &&
                 series_table_cells(table)[slot].bits == SAMPLE_STALE_BITS;
    assert_int_equal(stale, 3);
    tick(sampler, table);
    assert_int_equal(count(table, "node_"), 0);
    wish(sampler, &loadavg_family, false, 0);
    tick(sampler, table);
    assert_int_equal(count(table, "node_load"), 3);
    assert_int_equal(series_table_count(table), slots);
    sampler_close(&sampler);
    series_table_destroy(&table);
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
    assert_int_equal(open_sampler(&sampler, root), 0);
    tick(sampler, table);
    once_text(&text, table);
    assert_string_equal(buf_cstr(&text), wants);
    buf_release(&text);
    sampler_close(&sampler);
    series_table_destroy(&table);
}

static void
once_names_each_type_as_its_text_format_does(void **state)
{
    static const char *const types[] = {
        [METRIC_UNTYPED] = "untyped",
        [METRIC_GAUGE] = "gauge",
        [METRIC_COUNTER] = "counter",
        [METRIC_INFO] = "gauge",
    };
    char wants[64];

    (void) state;
    for (unsigned kind = 0; kind <= METRIC_KIND_MAX; kind++) {
        const struct series_spec spec = {
            .name = "x", .kind = (enum metric_kind) kind, .form = { 0, 1 }, .job = "node"
        };
        series_table_t *table = series_table_new();
        struct buf text = { 0 };

        series_table_begin(table);
        series_table_set(table, series_table_slot(table, &spec, NULL, 0), 1);
        series_table_end(table);
        once_text(&text, table);
        snprintf(wants, sizeof wants, "# TYPE x %s\nx{job=\"node\"} 1\n", types[kind]);
        assert_string_equal(buf_cstr(&text), wants);
        buf_release(&text);
        series_table_destroy(&table);
    }
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
        assert_int_equal(count(table, "zpulse_agent_"), AGENT_STATS + family_count);
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
        sampler_test(a_slow_family_rests_between_its_samples_and_does_not_end),
        sampler_test(a_family_that_is_turned_off_ends_and_comes_back_in_its_slots),
        sampler_test(once_is_exposition_with_metrics_together),
        sampler_test(once_names_each_type_as_its_text_format_does),
        sampler_test(our_own_series_are_told_beside_them),
    };
    return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
