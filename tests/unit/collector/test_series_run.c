// test_series_run - a run says the series that were put into it, and refuses what is no run.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "collector/store/series_run.h"
#include "shared/base/err.h"

#define HOST  UINT64_C(0xfedcba9876543210)
#define FIRST 41u

// Labels of which each is, against the one before: longer, shorter, the same, of another name.
static const struct label s_cpu0[] = { { LABEL_METRIC, "cpu_seconds_total" },
                                       { "cpu", "0" },
                                       { "mode", "user" } };
static const struct label s_cpu1[] = { { LABEL_METRIC, "cpu_seconds_total" },
                                       { "cpu", "1" },
                                       { "mode", "user" } };
static const struct label s_load[] = { { LABEL_METRIC, "load1" } };
static const struct label s_disk[] = { { LABEL_METRIC, "disk_bytes" },
                                       { "device", "s\xc3\xa4gewerk" },
                                       { "mode", "user" } };
static const struct label s_bare[] = { { "app", "shop" } };

static const struct {
    const struct label *labels;
    size_t n;
    enum metric_kind kind;
} s_sets[] = {
    { s_cpu0, 3, METRIC_COUNTER }, { s_cpu1, 3, METRIC_COUNTER }, { s_cpu1, 3, METRIC_GAUGE },
    { s_load, 1, METRIC_GAUGE },   { s_disk, 3, METRIC_COUNTER }, { s_bare, 1, METRIC_UNTYPED },
    { NULL, 0, METRIC_INFO },      { s_cpu0, 3, METRIC_COUNTER },
};
#define SETS (sizeof s_sets / sizeof s_sets[0])

static struct label_set sets[SETS];
static struct series_run run;

static struct meta_series
series_of(size_t i)
{
    return (struct meta_series){
        .id = FIRST + (series_id) i, .host = HOST, .kind = s_sets[i].kind, .labels = &sets[i]
    };
}

static int
setup(void **state)
{
    (void) state;
    for (size_t i = 0; i < SETS; i++) {
        const struct meta_series series = series_of(i);

        assert_int_equal(label_set_init(&sets[i], s_sets[i].labels, s_sets[i].n), 0);
        assert_true(series_run_takes(&run, &series));
        series_run_add(&run, &series);
    }
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    for (size_t i = 0; i < SETS; i++)
        label_set_release(&sets[i]);
    buf_release(&run.bytes);
    run = (struct series_run){ 0 };
    return 0;
}

static int
see(void *arg, const struct meta_series *series)
{
    size_t *seen = arg;
    const struct meta_series is = series_of(*seen);

    assert_int_equal(series->id, is.id);
    assert_int_equal(series->host, is.host);
    assert_int_equal(series->kind, is.kind);
    assert_true(label_set_equal(series->labels, is.labels));
    assert_int_equal(series->labels->hash, is.labels->hash);
    (*seen)++;
    return 0;
}

static void
what_was_put_in_comes_out(void **state)
{
    size_t seen = 0;

    (void) state;
    assert_int_equal(run.n, SETS);
    assert_int_equal(series_run_read(HOST, FIRST, run.n, run.bytes.at, run.bytes.len, see, &seen),
                     0);
    assert_int_equal(seen, SETS);
}

static void
a_run_that_was_cleared_begins_anew(void **state)
{
    const struct meta_series series = series_of(3);
    size_t seen = 3;

    (void) state;
    series_run_clear(&run);
    assert_int_equal(run.bytes.len, 0);
    series_run_add(&run, &series);
    assert_int_equal(
        series_run_read(HOST, run.first, run.n, run.bytes.at, run.bytes.len, see, &seen), 0);
    assert_int_equal(seen, 4);
}

static void
what_is_said_again_takes_little(void **state)
{
    const size_t before = run.bytes.len;
    const struct meta_series same = { FIRST + SETS, HOST, METRIC_COUNTER, &sets[0] };

    (void) state;
    series_run_add(&run, &same);
    assert_int_equal(run.bytes.len - before, 2 + 3); // kind, count, and a byte for each label
}

static void
it_takes_the_next_id_of_its_host_until_it_is_long(void **state)
{
    struct meta_series next = { FIRST + SETS, HOST, METRIC_COUNTER, &sets[0] };

    (void) state;
    next.host = 1;
    assert_false(series_run_takes(&run, &next));
    next.host = HOST;
    next.id++;
    assert_false(series_run_takes(&run, &next));
    for (next.id--; series_run_takes(&run, &next); next.id++)
        series_run_add(&run, &next);
    assert_in_range(run.bytes.len, 1000, 1010);
    series_run_clear(&run);
    assert_true(series_run_takes(&run, &next));
}

static int
stop(void *arg, const struct meta_series *series)
{
    (void) series;
    return ++*(int *) arg == 2 ? 77 : 0;
}

static void
who_reads_can_end_it(void **state)
{
    int seen = 0;

    (void) state;
    assert_int_equal(series_run_read(HOST, FIRST, run.n, run.bytes.at, run.bytes.len, stop, &seen),
                     77);
    assert_int_equal(seen, 2);
}

static int
ignore(void *arg, const struct meta_series *series)
{
    (void) arg;
    (void) series;
    return 0;
}

static int
read_bytes(const char *at, size_t len)
{
    return series_run_read(HOST, FIRST, 1, at, len, ignore, NULL);
}

static void
what_is_no_run_is_refused(void **state)
{
    (void) state;
    for (size_t len = 0; len < run.bytes.len; len++)
        assert_int_equal(series_run_read(HOST, FIRST, run.n, run.bytes.at, len, ignore, NULL),
                         ERR_FORMAT);
    assert_int_equal( // bytes behind the last one
        series_run_read(HOST, FIRST, run.n - 1, run.bytes.at, run.bytes.len, ignore, NULL),
        ERR_FORMAT);
    assert_int_equal(read_bytes("\x01\x01\x04\x01xy", 6), 0);           // x="y"
    assert_int_equal(read_bytes("\x63\x01\x04\x01xy", 6), ERR_FORMAT);  // no kind
    assert_int_equal(read_bytes("\x01\x01\x02", 3), ERR_FORMAT);        // as the one before: none
    assert_int_equal(read_bytes("\x01\x01\x05y", 4), ERR_FORMAT);       // likewise
    assert_int_equal(read_bytes("\x01\x01\x07y", 4), ERR_FORMAT);       // no such sameness
    assert_int_equal(read_bytes("\x01\x01\x00\x01x", 5), ERR_FORMAT);   // an empty value
    assert_int_equal(read_bytes("\x01\x01\x04\x01x\0", 6), ERR_FORMAT); // a NUL
    assert_int_equal(read_bytes("\x01\x01\x04\x01-y", 6), ERR_FORMAT);  // no name
    assert_int_equal(read_bytes("\x01\x01\xfc\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12),
                     ERR_FORMAT); // longer than anything
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_put_in_comes_out),
        TEST(a_run_that_was_cleared_begins_anew),
        TEST(what_is_said_again_takes_little),
        TEST(it_takes_the_next_id_of_its_host_until_it_is_long),
        TEST(who_reads_can_end_it),
        TEST(what_is_no_run_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
