// test_export - the order, the text and the questions of an export.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "collector/ctl/export_list.h"
#include "collector/ctl/export_samples.h"
#include "collector/ctl/export_text.h"
#include "shared/model/matcher.h"

static struct label_set
labels(const char *name, const char *instance, const char *more)
{
    struct label at[] = { { LABEL_METRIC, name }, { "instance", instance }, { "more", more } };
    struct label_set set;

    assert_int_equal(label_set_init(&set, at, more != NULL ? 3 : 2), 0);
    return set;
}

static void
add(struct export_list *list, const char *name, const char *instance, const char *more,
    enum metric_kind kind)
{
    struct label_set set = labels(name, instance, more);

    export_list_add(list, &set, kind);
    label_set_release(&set);
}

// "family type name instance" of each, in their order.
static void
assert_order(struct export_list *list, const char *const *expected)
{
    struct buf text = { 0 };

    export_list_finish(list, true);
    for (size_t i = 0; i < list->n; i++) {
        const struct export_series *s = &list->at[i];

        assert_non_null(expected[i]);
        buf_clear(&text);
        buf_printf(&text, "%s %s %s %s", s->family, s->type, s->name, s->instance);
        assert_string_equal(buf_cstr(&text), expected[i]);
    }
    assert_null(expected[list->n]);
    buf_release(&text);
    export_list_release(list);
}

static void
families_stand_together_and_instances_in_them(void **state)
{
    struct export_list list = { 0 };

    (void) state;
    add(&list, "b_total", "web-2", NULL, METRIC_COUNTER);
    add(&list, "a", "web-1", NULL, METRIC_GAUGE);
    add(&list, "b_total", "web-1", "y", METRIC_COUNTER);
    add(&list, "c_info", "web-1", NULL, METRIC_INFO);
    add(&list, "b_total", "web-1", "x", METRIC_COUNTER);
    add(&list, "b_total", "web-1", "x", METRIC_COUNTER); // of another store
    add(&list, "d", "web-1", NULL, METRIC_COUNTER);
    add(&list, "e", "web-1", NULL, METRIC_UNTYPED);
    assert_order(&list, (const char *const[]){ "a gauge a web-1", "b counter b_total web-1",
                                               "b counter b_total web-1", "b counter b_total web-2",
                                               "c info c_info web-1", "d unknown d web-1",
                                               "e unknown e web-1", NULL });
}

static void
without_families_names_alone_give_the_order(void **state)
{
    struct export_list list = { 0 };

    (void) state;
    add(&list, "b_info", "web-1", NULL, METRIC_INFO);
    add(&list, "b_guest", "web-1", NULL, METRIC_GAUGE);
    add(&list, "b_total", "web-1", NULL, METRIC_COUNTER);
    export_list_finish(&list, false);
    assert_string_equal(list.at[0].name, "b_guest");
    assert_string_equal(list.at[1].name, "b_info");
    assert_string_equal(list.at[2].name, "b_total");
    export_list_release(&list);
}

static void
a_family_of_two_names_or_types_is_plain(void **state)
{
    struct export_list list = { 0 };

    (void) state;
    add(&list, "x_total", "h", NULL, METRIC_COUNTER);
    add(&list, "x", "h", NULL, METRIC_GAUGE);
    add(&list, "y", "h", "1", METRIC_GAUGE);
    add(&list, "y", "h", "2", METRIC_UNTYPED);
    assert_order(&list, (const char *const[]){ "x unknown x h", "x_total unknown x_total h",
                                               "y unknown y h", "y unknown y h", NULL });
}

static void
a_unit_is_one_name_of_one_instance(void **state)
{
    struct export_list list = { 0 };

    (void) state;
    add(&list, "a", "h", "1", METRIC_GAUGE);
    add(&list, "a", "h", "2", METRIC_GAUGE);
    add(&list, "a", "i", "1", METRIC_GAUGE);
    export_list_finish(&list, true);
    assert_int_equal(export_list_unit(&list, 0), 2);
    assert_int_equal(export_list_unit(&list, 2), 3);
    export_list_release(&list);
}

static void
a_selector_is_narrowed_to_a_unit_and_still_means_the_same(void **state)
{
    static const struct {
        const char *match, *narrowed;
    } cases[] = {
        { "a", "a{instance=\"h\\\"\\\\\"}" },
        { "a{}", "a{instance=\"h\\\"\\\\\"}" },
        { " a { x=\"}\" } ", " a { x=\"}\" ,instance=\"h\\\"\\\\\"}" },
        { "{job=\"b\"}", "{job=\"b\",__name__=\"a\",instance=\"h\\\"\\\\\"}" },
        { "{job=\"b\", }", "{job=\"b\", __name__=\"a\",instance=\"h\\\"\\\\\"}" },
        { "{__name__=~\"a|b\"}", "{__name__=~\"a|b\",__name__=\"a\",instance=\"h\\\"\\\\\"}" },
    };
    struct export_list list = { 0 };
    struct buf out = { 0 };

    (void) state;
    add(&list, "a", "h\"\\", NULL, METRIC_GAUGE);
    export_list_finish(&list, true);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char error[MATCHERS_ERROR_SIZE] = "";
        matchers_t *matchers = NULL;

        buf_clear(&out);
        export_put_unit_selector(&out, cases[i].match, &list.at[0]);
        assert_string_equal(buf_cstr(&out), cases[i].narrowed);
        if (matchers_parse(&matchers, buf_cstr(&out), error) < 0)
            fail_msg("%s: %s", buf_cstr(&out), error);
        matchers_destroy(&matchers);
    }
    buf_clear(&out);
    export_put_series_selector(&out, &list.at[0]);
    assert_string_equal(buf_cstr(&out), "{__name__=\"a\",instance=\"h\\\"\\\\\"}");
    buf_release(&out);
    export_list_release(&list);
}

static void
values_read_back_exactly_and_marks_are_told_apart(void **state)
{
    static const struct {
        double value;
        const char *csv, *openmetrics;
    } cases[] = {
        { 0.1, "1700000000001,\"a{b=\"\"c\"\"}\",0.1\n", "a{b=\"c\"} 0.1 1700000000.001\n" },
        { 1e300, "1700000000001,\"a{b=\"\"c\"\"}\",1e+300\n",
          "a{b=\"c\"} 1e+300 1700000000.001\n" },
        { -INFINITY, "1700000000001,\"a{b=\"\"c\"\"}\",-Inf\n",
          "a{b=\"c\"} -Inf 1700000000.001\n" },
        { -NAN, "1700000000001,\"a{b=\"\"c\"\"}\",NaN\n", "a{b=\"c\"} NaN 1700000000.001\n" },
    };
    struct sample stale = { 1700000000001, sample_from_bits(SAMPLE_STALE_BITS) };
    struct buf out = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct sample sample = { 1700000000001, cases[i].value };

        buf_clear(&out);
        export_put_csv(&out, "a{b=\"c\"}", &sample);
        assert_string_equal(buf_cstr(&out), cases[i].csv);
        buf_clear(&out);
        assert_true(export_put_openmetrics(&out, "a{b=\"c\"}", &sample));
        assert_string_equal(buf_cstr(&out), cases[i].openmetrics);
    }
    buf_clear(&out);
    export_put_csv(&out, "a", &stale);
    assert_string_equal(buf_cstr(&out), "1700000000001,\"a\",-NaN\n");
    buf_clear(&out);
    assert_false(export_put_openmetrics(&out, "a", &stale));
    assert_int_equal(out.len, 0);
    buf_release(&out);
}

static void
give(export_samples_t *samples, const char *more, uint32_t n, ...)
{
    struct query_series s = { .n = n, .labels = labels("a", "h", more) };
    struct sample at[8];
    va_list times;

    va_start(times, n);
    for (uint32_t i = 0; i < n; i++)
        at[i] = (struct sample){ va_arg(times, int), (double) (s.n + i) };
    va_end(times);
    s.samples = at;
    export_samples_add(samples, &s);
    label_set_release(&s.labels);
}

static void
assert_times(export_samples_t *samples, size_t at, size_t n, ...)
{
    size_t got;
    const struct sample *s = export_samples_get(samples, at, &got);
    va_list times;

    assert_int_equal(got, n);
    va_start(times, n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(s[i].time_ms, va_arg(times, int));
    va_end(times);
}

static void
samples_of_windows_follow_one_another_and_each_time_is_there_once(void **state)
{
    struct export_list list = { 0 };
    export_samples_t *samples;

    (void) state;
    add(&list, "a", "h", "x", METRIC_GAUGE);
    add(&list, "a", "h", "y", METRIC_GAUGE);
    export_list_finish(&list, true);
    samples = export_samples_new(&list, 0, 2);
    give(samples, "x", 3, 1, 2, 5);
    give(samples, "z", 1, 1);          // not of the list
    give(samples, "x", 4, 2, 3, 4, 9); // the same series of another host
    export_samples_keep(samples);
    give(samples, "y", 1, 3);
    give(samples, "x", 1, 10);
    export_samples_drop(samples); // its answer was too large
    give(samples, "x", 1, 10);
    export_samples_keep(samples);
    assert_times(samples, 0, 7, 1, 2, 3, 4, 5, 9, 10);
    assert_times(samples, 1, 0);
    assert_int_equal(export_samples_count(samples), 7);
    export_samples_clear(samples);
    give(samples, "y", 2, 3, 4);
    assert_times(samples, 0, 0);
    assert_times(samples, 1, 2, 3, 4);
    export_samples_destroy(&samples);
    export_list_release(&list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(families_stand_together_and_instances_in_them),
        cmocka_unit_test(without_families_names_alone_give_the_order),
        cmocka_unit_test(a_family_of_two_names_or_types_is_plain),
        cmocka_unit_test(a_unit_is_one_name_of_one_instance),
        cmocka_unit_test(a_selector_is_narrowed_to_a_unit_and_still_means_the_same),
        cmocka_unit_test(values_read_back_exactly_and_marks_are_told_apart),
        cmocka_unit_test(samples_of_windows_follow_one_another_and_each_time_is_there_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
