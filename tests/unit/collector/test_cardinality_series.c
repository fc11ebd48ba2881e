// test_cardinality_series - how many series there are is told as series, in bounded number.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/cardinality_series.h"
#include "collector/store/local_store.h"

#define OWN    UINT64_C(77)
#define MINUTE INT64_C(60000)

static local_store_t *local;
static store_t *store;
static host_table_t *hosts;
static cardinality_series_t *series;
static struct host_time now;

static int
setup(void **state)
{
    (void) state;
    now = (struct host_time){ .mono_ms = 5, .real_ms = INT64_C(1700000000000) };
    hosts = host_table_new(100, &(struct host_events){ 0 });
    if (local_store_new(&local, UINT64_C(64) << 20) < 0)
        return -1;
    store = local_store_face(local);
    series = cardinality_series_new(store, hosts, OWN);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    cardinality_series_destroy(&series);
    local_store_destroy(&local);
    host_table_destroy(&hosts);
    return 0;
}

// A series of the host, with this label and value.
static void
make(uint64_t host, const char *label, const char *value)
{
    struct label_set set;
    series_id id;

    assert_int_equal(label_set_init(&set, (struct label[]){ { label, value } }, 1), 0);
    assert_int_equal(store_series(store, host, &set, METRIC_GAUGE, &id), 0);
    label_set_release(&set);
}

static void
tell(void)
{
    cardinality_series_tell(series, now);
    now.mono_ms += MINUTE;
    now.real_ms += MINUTE;
}

// Series that the selector finds; the newest sample of the last one in *value.
static unsigned
find(const char *selector, double *value)
{
    char error[MATCHERS_ERROR_SIZE];
    matchers_t *matchers = NULL;
    struct store_select what = { .host = OWN,
                                 .start_ms = INT64_MIN,
                                 .end_ms = INT64_MAX,
                                 .matchers = &matchers,
                                 .n_matchers = 1 };
    store_cursor_t *cursor = NULL;
    struct store_series found;
    unsigned n = 0;

    assert_int_equal(matchers_parse(&matchers, selector, error), 0);
    assert_int_equal(store_open(store, &what, &cursor), 0);
    while (store_next(cursor, &found) == 1) {
        n++;
        if (found.n > 0)
            *value = found.samples[found.n - 1].value;
    }
    store_close(&cursor);
    matchers_destroy(&matchers);
    return n;
}

static void
hosts_and_labels_are_told_each_minute(void **state)
{
    double value = 0;

    (void) state;
    make(1, "cpu", "0");
    make(1, "cpu", "1");
    make(2, "cpu", "1");
    tell();
    assert_int_equal(find("zpulse_store_host_series{host=\"0000000000000001\"}", &value), 1);
    assert_true(value == 2);
    assert_int_equal(find("zpulse_store_label_values{label=\"cpu\"}", &value), 1);
    assert_true(value == 2);
    assert_int_equal(find("zpulse_store_series", &value), 1);
    assert_true(value == 3);
    assert_int_equal(find("zpulse_store_series_recent", &value), 1);
    assert_true(value == 3);
    make(2, "cpu", "2");
    now.mono_ms -= 1;
    cardinality_series_tell(series, now); // not yet
    assert_int_equal(find("zpulse_store_label_values{label=\"cpu\"}", &value), 1);
    assert_true(value == 2);
    now.mono_ms += 1;
    tell();
    assert_int_equal(find("zpulse_store_label_values{label=\"cpu\"}", &value), 1);
    assert_true(value == 3);
}

static void
a_flood_of_labels_makes_few_series(void **state)
{
    double value = 0;
    char label[32];

    (void) state;
    for (unsigned i = 0; i < 500; i++) {
        snprintf(label, sizeof label, "label_%u", i);
        make(1 + i, label, "x");
        make(1 + i, label, "y");
    }
    tell();
    assert_int_equal(find("zpulse_store_label_values", &value), CARDINALITY_LABELS);
    assert_int_equal(find("zpulse_store_host_series", &value), CARDINALITY_HOSTS);
}

static void
who_falls_out_of_a_list_ends_with_a_stale_mark(void **state)
{
    char label[32], value_text[32];
    double value = 0;

    (void) state;
    for (unsigned i = 0; i < 12; i++) {
        make(1, "first", i % 2 == 0 ? "a" : "b");
        snprintf(value_text, sizeof value_text, "v%u", i);
        make(1, "many", value_text);
    }
    tell();
    assert_int_equal(find("zpulse_store_label_values{label=\"first\"}", &value), 1);
    assert_true(value == 2);
    for (unsigned i = 0; i < 20; i++)
        for (unsigned k = 0; k < 5; k++) {
            snprintf(label, sizeof label, "wide_%u", i);
            snprintf(value_text, sizeof value_text, "v%u", k);
            make(1, label, value_text);
        }
    tell();
    assert_int_equal(find("zpulse_store_label_values{label=\"first\"}", &value), 1);
    assert_true(sample_is_stale(value));
    assert_int_equal(find("zpulse_store_label_values{label=\"many\"}", &value), 1);
    assert_true(value == 12);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(hosts_and_labels_are_told_each_minute, setup, teardown),
        cmocka_unit_test_setup_teardown(a_flood_of_labels_makes_few_series, setup, teardown),
        cmocka_unit_test_setup_teardown(who_falls_out_of_a_list_ends_with_a_stale_mark, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("cardinality_series", tests, NULL, NULL);
}
