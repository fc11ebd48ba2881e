// test_cpustat - /proc/stat of machines large and small, whole, cut and wrong.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "agent/proc/cpustat.h"
#include "shared/base/err.h"
#include "shared/model/sample.h"
#include "tests/unit/agent/fixture.h"

static int
parse(struct cpustat *stat, const char *text)
{
    return cpustat_parse(stat, text, strlen(text));
}

static void
each_processor_has_its_times_and_the_sum_is_left_out(void **state)
{
    struct cpustat stat = { 0 };

    (void) state;
    assert_int_equal(parse(&stat, "cpu  9 9 9 9 9 9 9 9 9 9\n"
                                  "cpu0 1 2 3 4 5 6 7 8 9 10\n"
                                  "cpu2 11 12 13 14 15 16 17 18 19 20\n"),
                     2);
    assert_int_equal(stat.n, 2);
    assert_int_equal(stat.cpus[0].id, 0);
    assert_int_equal(stat.cpus[0].modes, CPUSTAT_MODES);
    assert_int_equal(stat.cpus[0].ticks[CPUSTAT_GUEST_NICE], 10);
    assert_int_equal(stat.cpus[1].id, 2);
    assert_int_equal(stat.cpus[1].ticks[CPUSTAT_STEAL], 18);
    cpustat_release(&stat);
}

static void
the_kernels_counters_are_read(void **state)
{
    struct cpustat stat = { 0 };

    (void) state;
    assert_int_equal(parse(&stat, "intr 77 1 2 3\nctxt 5\nbtime 1718000000\nprocesses 6\n"
                                  "procs_running 7\nprocs_blocked 8\nsoftirq 1 2 3\n"),
                     6);
    assert_int_equal(stat.counters[CPUSTAT_INTR], 77);
    assert_int_equal(stat.counters[CPUSTAT_CTXT], 5);
    assert_int_equal(stat.counters[CPUSTAT_BTIME], 1718000000);
    assert_int_equal(stat.counters[CPUSTAT_PROCESSES], 6);
    assert_int_equal(stat.counters[CPUSTAT_RUNNING], 7);
    assert_int_equal(stat.counters[CPUSTAT_BLOCKED], 8);
    cpustat_release(&stat);
}

static void
machines_of_any_size_are_read_whole(void **state)
{
    static const struct {
        const char *root;
        uint32_t cpus;
        uint32_t modes;
    } machines[] = {
        { "one", 1, CPUSTAT_MODES },
        { "two", 2, CPUSTAT_MODES },
        { "sixtyfour", 64, CPUSTAT_MODES },
        { "old", 2, CPUSTAT_IDLE + 1 },
    };

    (void) state;
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        struct buf text = fixture(machines[i].root, "stat");
        struct cpustat stat = { 0 };

        assert_true(cpustat_parse(&stat, (const char *) text.at, text.len) > 0);
        assert_int_equal(stat.n, machines[i].cpus);
        for (uint32_t cpu = 0; cpu < stat.n; cpu++)
            assert_int_equal(stat.cpus[cpu].modes, machines[i].modes);
        assert_int_equal(stat.counters[CPUSTAT_PROCESSES], 98765);
        cpustat_release(&stat);
        buf_release(&text);
    }
}

static void
what_the_kernel_lacks_is_absent(void **state)
{
    struct cpustat stat = { 0 };

    (void) state;
    assert_int_equal(parse(&stat, "cpu0 1 2 3 4\nctxt 5\n"), 2);
    assert_int_equal(stat.cpus[0].modes, CPUSTAT_IDLE + 1);
    assert_int_equal(stat.counters[CPUSTAT_BLOCKED], -1);
    assert_int_equal(stat.counters[CPUSTAT_INTR], -1);
    cpustat_release(&stat);
}

static void
the_largest_number_is_read(void **state)
{
    struct cpustat stat = { 0 };

    (void) state;
    assert_int_equal(parse(&stat, "cpu0 1 2 3 9223372036854775807\nctxt 000000000000000000005\n"),
                     2);
    assert_true(stat.cpus[0].ticks[CPUSTAT_IDLE] == INT64_MAX);
    assert_int_equal(stat.counters[CPUSTAT_CTXT], 5);
    cpustat_release(&stat);
}

static void
columns_of_a_newer_kernel_are_passed_over(void **state)
{
    struct cpustat stat = { 0 };

    (void) state;
    assert_int_equal(parse(&stat, "cpu0 1 2 3 4 5 6 7 8 9 10 11 12\ncpuidle 3\n"), 1);
    assert_int_equal(stat.cpus[0].modes, CPUSTAT_MODES);
    cpustat_release(&stat);
}

// A cut line is no line: a number that lost its last digits must never be told.
static void
a_file_cut_at_any_byte_tells_nothing_wrong(void **state)
{
    struct buf text = fixture("two", "stat");
    struct cpustat whole = { 0 }, cut = { 0 };

    (void) state;
    assert_true(cpustat_parse(&whole, (const char *) text.at, text.len) > 0);
    for (size_t n = 0; n < text.len; n++) {
        char *copy = exactly(text.at, n);
        const int rc = cpustat_parse(&cut, copy, n);

        assert_true(rc > 0 || rc == ERR_FORMAT);
        for (uint32_t i = 0; rc > 0 && i < cut.n; i++) {
            assert_int_equal(cut.cpus[i].modes, whole.cpus[i].modes);
            assert_memory_equal(cut.cpus[i].ticks, whole.cpus[i].ticks, sizeof whole.cpus[i].ticks);
        }
        for (size_t i = 0; rc > 0 && i < CPUSTAT_COUNTERS; i++)
            assert_true(cut.counters[i] == -1 || cut.counters[i] == whole.counters[i]);
        free(copy);
    }
    cpustat_release(&whole);
    cpustat_release(&cut);
    buf_release(&text);
}

static void
what_is_not_stat_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "cpu0 1 2 3 4",
        "MemTotal: 1 kB\n",
        "cpu0 1 2 3\n",
        "cpu0 1 2 x 4\n",
        "cpu0 1 2 -3 4\n",
        "cpu0 1 2 3 99999999999999999999\n",
        "cpu0 1 2 3 9223372036854775808\n",
        "cpu1 1 2 3 4\ncpu0 1 2 3 4\n",
        "cpu0 1 2 3 4\ncpu0 1 2 3 4\n",
        "cpu16384 1 2 3 4\n",
        "cpu99999999999 1 2 3 4\n",
        "cpu0x 1 2 3 4\n",
        "ctxt\n",
        "ctxt x\n",
        "ctxt 1.5\n",
    };
    struct cpustat stat = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(&stat, bad[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    cpustat_release(&stat);
}

static void
a_tick_of_any_rate_is_exact_or_raw(void **state)
{
    static const struct {
        long hz;
        struct metric_form form;
    } rates[] = {
        { 100, { 2, 1 } },         { 1000, { 3, 1 } }, { 250, { 3, 4 } },
        { 1024, { 10, 9765625 } }, { 1, { 0, 1 } },    { 300, { METRIC_RAW, 1 } },
    };

    (void) state;
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        const struct metric_form form = cpustat_form(rates[i].hz);

        assert_int_equal(form.exponent, rates[i].form.exponent);
        assert_int_equal(form.unit, rates[i].form.unit);
        if (form.exponent != METRIC_RAW)
            assert_true(metric_value(form, 12345) == 12345.0 / (double) rates[i].hz);
    }
}

// The family over a table: one tick a call.
struct bench {
    series_table_t *table;
    void *family;
};

static struct bench
bench(long hz)
{
    return (
        struct bench){ .table = series_table_new(),
                       .family = cpustat_family.make(&(const struct proc_setup){ .user_hz = hz }) };
}

static void
bench_end(struct bench *b)
{
    cpustat_family.end(&b->family);
    series_table_destroy(&b->table);
}

static int
tick(struct bench *b, const char *text)
{
    int rc;

    series_table_begin(b->table);
    rc = cpustat_family.sample(b->family, b->table, 0, text, strlen(text));
    series_table_end(b->table);
    return rc;
}

// The cell of the series whose text is `wanted`; absent where there is none.
static struct cell
cell(const struct bench *b, const char *wanted)
{
    struct buf text = { 0 };
    struct cell found = { .state = CELL_ABSENT };

    for (uint32_t i = 0; i < series_table_count(b->table); i++) {
        buf_clear(&text);
        label_set_text(&text, &series_table_def(b->table, i)->labels);
        if (strcmp(buf_cstr(&text), wanted) == 0)
            found = series_table_cells(b->table)[i];
    }
    buf_release(&text);
    return found;
}

#define USER0  "node_cpu_seconds_total{cpu=\"0\",job=\"node\",mode=\"user\"}"
#define IDLE0  "node_cpu_seconds_total{cpu=\"0\",job=\"node\",mode=\"idle\"}"
#define STEAL0 "node_cpu_seconds_total{cpu=\"0\",job=\"node\",mode=\"steal\"}"
#define GUEST0 "node_cpu_guest_seconds_total{cpu=\"0\",job=\"node\",mode=\"user\"}"
#define IDLE1  "node_cpu_seconds_total{cpu=\"1\",job=\"node\",mode=\"idle\"}"

static void
series_have_the_names_of_node_exporter(void **state)
{
    struct bench b = bench(100);

    (void) state;
    assert_int_equal(tick(&b, "cpu0 1 2 3 4 5 6 7 8 9 10\nbtime 3\nctxt 7\n"), 0);
    assert_int_equal(series_table_count(b.table), CPUSTAT_MODES + 2);
    assert_int_equal(cell(&b, USER0).m, 1);
    assert_int_equal(cell(&b, STEAL0).m, 8);
    assert_int_equal(cell(&b, GUEST0).m, 9);
    assert_int_equal(
        cell(&b, "node_cpu_guest_seconds_total{cpu=\"0\",job=\"node\",mode=\"nice\"}").m, 10);
    assert_int_equal(cell(&b, "node_boot_time_seconds{job=\"node\"}").m, 3);
    assert_int_equal(cell(&b, "node_context_switches_total{job=\"node\"}").m, 7);
    bench_end(&b);
}

static void
an_old_kernel_has_fewer_series(void **state)
{
    struct bench b = bench(100);

    (void) state;
    assert_int_equal(tick(&b, "cpu0 1 2 3 4\n"), 0);
    assert_int_equal(series_table_count(b.table), CPUSTAT_IDLE + 1);
    assert_int_equal(cell(&b, STEAL0).state, CELL_ABSENT);
    bench_end(&b);
}

static void
a_time_that_steps_back_a_little_stands(void **state)
{
    struct bench b = bench(100);

    (void) state;
    tick(&b, "cpu0 10 0 0 1000\n");
    tick(&b, "cpu0 9 0 0 701\n");
    assert_int_equal(cell(&b, USER0).m, 10);
    assert_int_equal(cell(&b, IDLE0).m, 1000);
    tick(&b, "cpu0 11 0 0 1001\n");
    assert_int_equal(cell(&b, USER0).m, 11);
    assert_int_equal(cell(&b, IDLE0).m, 1001);
    bench_end(&b);
}

static void
a_processor_that_was_away_begins_anew(void **state)
{
    struct bench b = bench(100);

    (void) state;
    tick(&b, "cpu0 10 0 0 1000\n");
    tick(&b, "cpu0 1 0 0 2\n");
    assert_int_equal(cell(&b, USER0).m, 1);
    assert_int_equal(cell(&b, IDLE0).m, 2);
    bench_end(&b);
}

static void
a_processor_may_come_and_go_and_come_back(void **state)
{
    struct bench b = bench(100);
    uint32_t series;

    (void) state;
    tick(&b, "cpu0 1 1 1 1\n");
    tick(&b, "cpu0 1 1 1 1\ncpu1 1 1 1 5\n");
    assert_int_equal(cell(&b, IDLE1).m, 5);
    series = series_table_count(b.table);
    tick(&b, "cpu0 1 1 1 1\n");
    assert_int_equal(cell(&b, IDLE1).state, CELL_RAW); // the stale mark
    tick(&b, "cpu0 1 1 1 1\n");
    assert_int_equal(cell(&b, IDLE1).state, CELL_ABSENT);
    tick(&b, "cpu0 1 1 1 1\ncpu1 1 1 1 6\n");
    assert_int_equal(cell(&b, IDLE1).m, 6);
    assert_int_equal(series_table_count(b.table), series);
    bench_end(&b);
}

static void
a_malformed_file_is_absent_as_a_whole(void **state)
{
    struct bench b = bench(100);

    (void) state;
    tick(&b, "cpu0 1 1 1 1\nctxt 5\n");
    assert_int_equal(tick(&b, "cpu0 2 2 2 2\nctxt x\n"), ERR_FORMAT);
    assert_int_equal(cell(&b, USER0).state, CELL_RAW);
    tick(&b, "cpu0 3 3 3 3\nctxt 6\n");
    assert_int_equal(cell(&b, USER0).m, 3);
    bench_end(&b);
}

static void
a_rate_that_no_form_holds_travels_raw(void **state)
{
    struct bench b = bench(300);
    struct cell user;

    (void) state;
    tick(&b, "cpu0 100 0 0 1\n");
    user = cell(&b, USER0);
    assert_int_equal(user.state, CELL_RAW);
    assert_true(sample_from_bits(user.bits) == 100.0 / 300.0);
    bench_end(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_processor_has_its_times_and_the_sum_is_left_out),
        cmocka_unit_test(the_kernels_counters_are_read),
        cmocka_unit_test(machines_of_any_size_are_read_whole),
        cmocka_unit_test(what_the_kernel_lacks_is_absent),
        cmocka_unit_test(the_largest_number_is_read),
        cmocka_unit_test(columns_of_a_newer_kernel_are_passed_over),
        cmocka_unit_test(a_file_cut_at_any_byte_tells_nothing_wrong),
        cmocka_unit_test(what_is_not_stat_is_refused),
        cmocka_unit_test(a_tick_of_any_rate_is_exact_or_raw),
        cmocka_unit_test(series_have_the_names_of_node_exporter),
        cmocka_unit_test(an_old_kernel_has_fewer_series),
        cmocka_unit_test(a_time_that_steps_back_a_little_stands),
        cmocka_unit_test(a_processor_that_was_away_begins_anew),
        cmocka_unit_test(a_processor_may_come_and_go_and_come_back),
        cmocka_unit_test(a_malformed_file_is_absent_as_a_whole),
        cmocka_unit_test(a_rate_that_no_form_holds_travels_raw),
    };
    return cmocka_run_group_tests_name("cpustat", tests, NULL, NULL);
}
