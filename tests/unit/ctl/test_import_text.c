// test_import_text - lines of the two forms, and the series in them.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/export_text.h"
#include "collector/ctl/import_csv.h"
#include "collector/ctl/import_openmetrics.h"
#include "collector/ctl/import_series.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"

// What came of a whole text.
struct outcome {
    int rc;
    unsigned samples;
    unsigned lines;
    struct import_line last; // its series is gone
    struct import_fault fault;
};

static struct outcome
openmetrics(const char *text, size_t n)
{
    struct import_openmetrics form = { 0 };
    struct outcome out = { 0 };
    const char *end;

    for (; out.rc == 0 && (end = memchr(text, '\n', n)) != NULL;) {
        struct import_line line;

        out.rc = import_openmetrics_line(&form, text, (size_t) (end - text), &line, &out.fault);
        if (out.rc == 0 && line.sample)
            out.samples++, out.last = line;
        out.lines++;
        n -= (size_t) (end - text) + 1;
        text = end + 1;
    }
    if (out.rc == 0)
        out.rc = n > 0 ? ERR_FORMAT : import_openmetrics_end(&form, &out.fault);
    import_openmetrics_release(&form);
    return out;
}

static struct outcome
csv(const char *text, size_t n)
{
    struct import_csv form = { 0 };
    struct outcome out = { 0 };
    const char *end;

    for (; out.rc == 0 && (end = memchr(text, '\n', n)) != NULL;) {
        struct import_line line;

        out.rc = import_csv_line(&form, text, (size_t) (end - text), &line, &out.fault);
        if (out.rc == 0 && line.sample)
            out.samples++, out.last = line;
        n -= (size_t) (end - text) + 1;
        text = end + 1;
    }
    if (out.rc == 0)
        out.rc = n > 0 ? ERR_FORMAT : import_csv_end(&form, &out.fault);
    import_csv_release(&form);
    return out;
}

static void
samples_of_a_family_have_the_kind_that_type_says(void **state)
{
    static const struct {
        const char *text;
        enum metric_kind kind;
    } cases[] = {
        { "# TYPE a gauge\na{x=\"y\"} 1 2\n# EOF\n", METRIC_GAUGE },
        { "# TYPE a counter\na_total 1 2\n# EOF\n", METRIC_COUNTER },
        { "# TYPE a_total counter\na_total 1 2\n# EOF\n", METRIC_COUNTER },
        { "# TYPE a info\na_info{b=\"c\"} 1 2\n# EOF\n", METRIC_INFO },
        { "# TYPE a histogram\na_bucket{le=\"1\"} 1 2\n# EOF\n", METRIC_COUNTER },
        { "# TYPE a summary\na{quantile=\"1\"} 1 2\n# EOF\n", METRIC_UNTYPED },
        { "# TYPE a unknown\na 1 2\n# EOF\n", METRIC_UNTYPED },
        { "# TYPE a gauge\nab 1 2\n# EOF\n", METRIC_UNTYPED },
        { "a 1 2\n# EOF\n", METRIC_UNTYPED },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct outcome out = openmetrics(cases[i].text, strlen(cases[i].text));

        if (out.rc != 0 || out.samples != 1 || out.last.kind != cases[i].kind)
            fail_msg("%s: %s", cases[i].text, out.fault.rule);
    }
}

static void
help_unit_and_exemplars_are_read_past(void **state)
{
    static const char text[] =
        "# HELP a_seconds What \\\"it\\\" is # EOF\n"
        "# TYPE a_seconds counter\n"
        "# UNIT a_seconds seconds\n"
        "a_seconds_total{b=\" } \\\" # \"} 1.5 1700000000.25 # {t=\"x\"} 1 2\n"
        "# EOF\n";
    const struct outcome out = openmetrics(text, sizeof text - 1);

    (void) state;
    assert_int_equal(out.rc, 0);
    assert_int_equal(out.samples, 1);
    assert_true(out.last.time_ms == INT64_C(1700000000250) && out.last.value == 1.5);
    assert_int_equal(out.last.decimals, 1);
}

static void
what_openmetrics_does_not_allow_is_refused_with_its_rule(void **state)
{
    static const struct {
        const char *line, *part; // of the rule
    } cases[] = {
        { "a 1", "has a time" },
        { "a 1 ", "has a time" },
        { "a 1 # {x=\"y\"} 1", "has a time" },
        { "a", "one space between" },
        { "a ", "one space between" },
        { " 1 2", "one space between" },
        { "a{b=\"c\"", "one space between" },
        { "a  1 2", "has a value" },
        { "a\t1 2", "has a time" },
        { "a x 2", "has a value" },
        { "a 1 x", "decimal number of seconds" },
        { "a 1 1700000000000", "1970 to 9999" },
        { "a 1 2 3", "nothing but an exemplar" },
        { "a 1 2\r", "decimal number of seconds" },
        { "a -NaN 2", "has a value" },
        { "# TYPE a", "family and its type" },
        { "# TYPE a thing", "a type is" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text = { 0 };
        struct outcome out;

        buf_printf(&text, "%s\n# EOF\n", cases[i].line);
        out = openmetrics((char *) text.at, text.len);
        if (out.rc != ERR_FORMAT || strstr(out.fault.rule, cases[i].part) == NULL)
            fail_msg("%s: %d %s", cases[i].line, out.rc, out.rc < 0 ? out.fault.rule : "");
        buf_release(&text);
    }
}

static void
a_file_that_is_cut_anywhere_is_not_whole(void **state)
{
    static const char text[] = "# TYPE a counter\n# HELP a b\na_total{b=\"c\\n\"} 1.25e3 1.5\n"
                               "a_total{b=\"d\"} 7 1700000000.125\n# EOF\n";
    static const char table[] = "time_ms,series,value\n1700000000125,\"a{b=\"\"c\"\"}\",1.5\n"
                                "1700000000126,plain,-NaN\n";
    (void) state;
    assert_int_equal(openmetrics(text, sizeof text - 1).rc, 0);
    for (size_t n = 0; n < sizeof text - 1; n++)
        if (openmetrics(text, n).rc != ERR_FORMAT)
            fail_msg("%.*s", (int) n, text);
    assert_int_equal(csv(table, sizeof table - 1).rc, 0);
    // CSV has no last line: it may end with any of its own.
    for (size_t n = 0; n < sizeof table - 1; n++)
        if ((csv(table, n).rc == 0) != (n > 0 && table[n - 1] == '\n'))
            fail_msg("%.*s", (int) n, table);
}

static void
nothing_follows_the_end(void **state)
{
    static const char text[] = "a 1 2\n# EOF\na 1 3\n";

    (void) state;
    assert_int_equal(openmetrics(text, sizeof text - 1).rc, ERR_FORMAT);
}

static void
csv_lines_are_time_series_and_value(void **state)
{
    static const struct {
        const char *line;
        int64_t time_ms;
        double value;
        enum metric_kind kind;
    } cases[] = {
        { "1,a,2", 1, 2, METRIC_UNTYPED },
        { "1,\"a_total{b=\"\"c,\\\"\"\"\"}\",-2.5", 1, -2.5, METRIC_COUNTER },
        { "1700000000125,a_bucket{},1e3\r", INT64_C(1700000000125), 1000, METRIC_COUNTER },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text = { 0 };
        struct outcome out;

        buf_printf(&text, EXPORT_CSV_HEAD "%s\n", cases[i].line);
        out = csv((char *) text.at, text.len);
        if (out.rc != 0 || out.last.time_ms != cases[i].time_ms ||
            out.last.value != cases[i].value || out.last.kind != cases[i].kind)
            fail_msg("%s: %s", cases[i].line, out.fault.rule);
        buf_release(&text);
    }
}

static void
what_csv_does_not_allow_is_refused_with_its_rule(void **state)
{
    static const struct {
        const char *line, *part; // of the rule
    } cases[] = {
        { "", "three fields" },
        { "1", "three fields" },
        { "x,a,1", "a time" },
        { "1.5,a,1", "a time" },
        { "253402300800000,a,1", "1970 to 9999" },
        { "1,a", "a series" },
        { "1,,2", "a series" },
        { "1,\"\",2", "a series" },
        { "1,\"a,2", "a series" },
        { "1,\"a\"x,2", "a series" },
        { "1,a{b=\"c\"},2", "a series" },
        { "1,a,", "a value" },
        { "1,a,2,3", "a value" },
        { "1,a, 2", "a value" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf text = { 0 };
        struct outcome out;

        buf_printf(&text, EXPORT_CSV_HEAD "%s\n", cases[i].line);
        out = csv((char *) text.at, text.len);
        if (out.rc != ERR_FORMAT || strstr(out.fault.rule, cases[i].part) == NULL)
            fail_msg("%s: %d %s", cases[i].line, out.rc, out.rc < 0 ? out.fault.rule : "");
        buf_release(&text);
    }
    assert_int_equal(csv("time,series,value\n", 18).rc, ERR_FORMAT);
    assert_int_equal(csv("", 0).rc, ERR_FORMAT);
}

// As one line would be printed again.
static char *
s_series(const char *text, const char **rule)
{
    struct import_fault fault = { 0 };
    struct label_set set;
    struct buf out = { 0 };

    *rule = NULL;
    if (import_series_parse(&set, text, strlen(text), &fault) < 0) {
        *rule = fault.rule;
        return NULL;
    }
    label_set_text(&out, &set);
    label_set_release(&set);
    buf_byte(&out, '\0');
    return (char *) out.at;
}

static void
a_series_is_read_as_it_is_written(void **state)
{
    static const char *const cases[][2] = {
        { "a", "a" },
        { "a:b{}", "a:b" },
        { "a{z=\"1\",b=\"2\"}", "a{b=\"2\",z=\"1\"}" },
        { "a{b=\"\\\\ \\\" \\n }{,=\"}", "a{b=\"\\\\ \\\" \\n }{,=\"}" },
        { "a{b=\"\xc3\xa9\"}", "a{b=\"\xc3\xa9\"}" },
        { "a{b=\"\"}", "a" },
    };
    const char *rule;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *text = s_series(cases[i][0], &rule);

        if (text == NULL || strcmp(text, cases[i][1]) != 0)
            fail_msg("%s is %s", cases[i][0], text != NULL ? text : rule);
        free(text);
    }
}

static void
what_is_no_series_is_refused_with_its_rule(void **state)
{
    static const char *const cases[][2] = {
        { "", "begins with its name" },
        { "{a=\"b\"}", "begins with its name" },
        { "9a", "names of" },
        { "a-b", "names of" },
        { "a{", "end with a brace" },
        { "a{b", "name=\"value\"" },
        { "a{b=c}", "name=\"value\"" },
        { "a{b=\"c", "ends with a quote" },
        { "a{b=\"c\\", "follow a backslash" },
        { "a{b=\"\\t\"}", "follow a backslash" },
        { "a{b=\"c\"", "end with a brace" },
        { "a{b=\"c\"}}", "ends with its braces" },
        { "a{b=\"c\";d=\"e\"}", "commas between" },
        { "a{b=\"c\",}", "end with a brace" },
        { "a{b=\"c\",b=\"d\"}", "names of" },
        { "a{__name__=\"b\"}", "names of" },
        { "a{b:c=\"d\"}", "names of" },
        { "a{=\"d\"}", "names of" },
        { "a{b=\"\xff\"}", "UTF-8" },
        { "a{b=\"c\nd\"}", "no line in it" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *rule;
        char *text = s_series(cases[i][0], &rule);

        if (text != NULL || strstr(rule, cases[i][1]) == NULL)
            fail_msg("%s is %s", cases[i][0], text != NULL ? text : rule);
        free(text);
    }
}

static void
the_limits_of_labels_hold(void **state)
{
    struct import_fault fault;
    struct label_set set;
    struct buf text = { 0 };

    (void) state;
    buf_str(&text, "a{");
    for (unsigned i = 0; i < LABEL_SET_MAX; i++)
        buf_printf(&text, "%sl%u=\"x\"", i > 0 ? "," : "", i);
    buf_str(&text, "}");
    assert_int_equal(import_series_parse(&set, (char *) text.at, text.len, &fault), ERR_LIMIT);
    buf_clear(&text);
    buf_str(&text, "a{b=\"");
    for (unsigned i = 0; i < LABEL_VALUE_MAX + 1; i++)
        buf_byte(&text, 'x');
    buf_str(&text, "\"}");
    assert_int_equal(import_series_parse(&set, (char *) text.at, text.len, &fault), ERR_LIMIT);
    buf_release(&text);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_of_a_family_have_the_kind_that_type_says),
        cmocka_unit_test(help_unit_and_exemplars_are_read_past),
        cmocka_unit_test(what_openmetrics_does_not_allow_is_refused_with_its_rule),
        cmocka_unit_test(a_file_that_is_cut_anywhere_is_not_whole),
        cmocka_unit_test(nothing_follows_the_end),
        cmocka_unit_test(csv_lines_are_time_series_and_value),
        cmocka_unit_test(what_csv_does_not_allow_is_refused_with_its_rule),
        cmocka_unit_test(a_series_is_read_as_it_is_written),
        cmocka_unit_test(what_is_no_series_is_refused_with_its_rule),
        cmocka_unit_test(the_limits_of_labels_hold),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
