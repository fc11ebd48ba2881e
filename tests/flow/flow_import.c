// flow_import - what is imported comes out again as it was, once; and what can not be is told.

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "tests/support/importing.h"

// Old, odd and exact: in the order in which an export writes them.
static const char s_openmetrics[] =
    "# TYPE a gauge\n"
    "a{instance=\"web-7\",x=\"1\"} 1.5 1000000000.25\n"
    "a{instance=\"web-7\",x=\"1\"} NaN 1100000000.001\n"
    "a{instance=\"web-7\",x=\"1\"} +Inf 1200000000\n"
    "a{instance=\"web-7\",x=\"1\"} -Inf 1300000000\n"
    "a{instance=\"web-7\",x=\"1\"} 0.1 1400000000.999\n"
    "a{instance=\"web-7\",x=\"1\"} -0 1500000000\n"
    "a{instance=\"web-7\",x=\"1\"} 5e-324 1600000000\n"
    "a{instance=\"web-8\",x=\"1\"} 1.7976931348623157e+308 1300000000.001\n"
    "# TYPE b counter\n"
    "b_total{instance=\"web-7\",y=\"q\\\"\\\\\\n\xc3\xa9\"} 7 1600000000.25\n"
    "b_total{instance=\"web-7\",y=\"q\\\"\\\\\\n\xc3\xa9\"} 8 1700000000.25\n"
    "# TYPE c info\n"
    "c_info{instance=\"web-7\",v=\"1\"} 1 1600000000.25\n"
    "# TYPE d unknown\n"
    "d{instance=\"db-1\"} 12345678901234567000 1000000000\n"
    "# EOF\n";
static const char s_csv[] =
    "time_ms,series,value\n"
    "1000000000250,\"a{instance=\"\"web-7\"\"}\",0.30000000000000004\n"
    "1000000001250,\"a{instance=\"\"web-7\"\"}\",-NaN\n"
    "1000000000250,\"b_total{instance=\"\"web-7\"\",y=\"\"\\\"\"\"\"}\",1\n"
    "1000000000251,\"b_total{instance=\"\"web-7\"\",y=\"\"\\\"\"\"\"}\",NaN\n";

static void
s_end(stage_t *s, process_t **p)
{
    process_signal(*p, SIGTERM);
    claim(s, process_ended(*p, stage_ms(STAGE_PATIENCE_MS)) && process_code(*p) == 0);
    stage_drop(s, p);
}

static void
what_is_imported_is_exported_byte_by_byte(void **state)
{
    stage_t *s = *state;
    char *path = stage_file(s, "old.txt", s_openmetrics), *table = stage_file(s, "old.csv", s_csv);
    process_t *collector = importing_collector(s, "one");
    char *text;

    importing_imported(s, path, "12 samples of 3 instances: 12 stored, 0 refused, 0 conflicts");
    text = importing_export(s, "openmetrics", OURS);
    importing_claim_same(s, text, s_openmetrics);
    free(text);
    s_end(s, &collector);
    importing_collector(s, "two");
    importing_imported(s, table, "4 samples of 1 instance: 4 stored, 0 refused, 0 conflicts");
    text = importing_export(s, "csv", OURS);
    importing_claim_same(s, text, s_csv);
    free(text);
    free(path);
    free(table);
}

static bool
s_has_two(stage_t *s, void *arg)
{
    char *text = importing_export(s, "csv", "node_load1{instance=\"web-1\"}");
    size_t n;
    char **lines = importing_lines(text, &n);

    (void) arg;
    free(lines);
    free(text);
    return n >= 3;
}

// Of a real host, which has stopped.
static void
what_a_host_said_goes_from_collector_to_collector_as_it_was(void **state)
{
    static const char *const forms[] = { "openmetrics", "csv" };
    stage_t *s = *state;
    process_t *collector = importing_collector(s, "one");
    process_t *agent = stage_agent(s, "web-1", NULL);
    char *was[2], *text;

    stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    claim(s,
          stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &(struct stage_host){ "web-1", "up" }));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_two, NULL));
    s_end(s, &agent);
    for (unsigned i = 0; i < 2; i++)
        was[i] = importing_export(s, forms[i], OURS);
    s_end(s, &collector);
    for (unsigned i = 0; i < 2; i++) {
        char *path = stage_file(s, forms[i], was[i]);

        collector = importing_collector(s, i == 0 ? "two" : "three");
        importing_imported(s, path, ", 0 refused, 0 conflicts");
        text = importing_export(s, forms[i], OURS);
        importing_claim_same(s, text, was[i]);
        s_end(s, &collector);
        free(text);
        free(path);
        free(was[i]);
    }
}

static bool
s_had_another_value(stage_t *s, void *arg)
{
    char *said = importing_said(
        s, 0, stage_run(s, "zpulse", "ledger", "--collector", stage_endpoint(s), "web-7", NULL));
    const bool had = strstr(said, arg) != NULL;

    free(said);
    return had;
}

static void
the_same_again_adds_nothing_and_another_value_is_a_conflict(void **state)
{
    static const char head[] = "time_ms,series,value\n", series[] = "\"a{instance=\"\"web-7\"\"}\"";
    stage_t *s = *state;
    char had[] = "had another value: 1 samples";
    char text[512], *one, *two, *three, *said;

    snprintf(text, sizeof text, "%s1000,%s,1\n2000,%s,2\n2000,%s,2\n", head, series, series,
             series);
    one = stage_file(s, "one.csv", text);
    // Another file: of its samples one is here, one has another value, one is new.
    snprintf(text, sizeof text, "%s1000,%s,1\n2000,%s,5\n3000,%s,3\n", head, series, series,
             series);
    two = stage_file(s, "two.csv", text);
    snprintf(text, sizeof text, "%s1000,%s,1\n2000,%s,2\n3000,%s,3\n", head, series, series,
             series);
    three = stage_file(s, "three.csv", text);
    importing_collector(s, "one");
    importing_imported(s, one,
                       "3 samples of 1 instance: 2 stored, 0 refused, 0 conflicts\n1 stand there");
    importing_imported(s, one, "2 of them were here already");
    importing_imported(s, two, "3 stored, 0 refused");
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_had_another_value, had));
    said = importing_export(s, "csv", OURS);
    snprintf(text, sizeof text, "%s1000,%s,1\n2000,%s,2\n3000,%s,3\n", head, series, series,
             series);
    importing_claim_same(s, said, text);
    free(said);
    said = importing_said(
        s, 0,
        stage_run(s, "zpulse", "import", "--collector", stage_endpoint(s), "--again", one, NULL));
    claim(s, strstr(said, "2 stored, 0 refused") != NULL);
    claim(s, strstr(said, "already") == NULL);
    free(said);
    // A file that was never seen, all of which is there.
    importing_imported(s, three, "3 stored, 0 refused");
    said = importing_export(s, "csv", OURS);
    importing_claim_same(s, said, text);
    free(said);
    free(one);
    free(two);
    free(three);
}

// The hosts of that name that are listed, and the value of load.1 an hour ago.
static bool
s_has_imported(stage_t *s, void *arg)
{
    const int64_t at_ms = *(const int64_t *) arg;
    json_t *hist, *value;
    char path[160];
    bool has;

    snprintf(path, sizeof path, "/api/v1/hist?h=web-1&c=load.1&from=%" PRId64 "&to=%" PRId64,
             at_ms - 10000, at_ms + 10000);
    hist = http_json(stage_http_port(s), path);
    value = json_array_get(json_array_get(json_object_get(hist, "avg"), 0), 0);
    has = json_number_value(value) == 42.5;
    json_decref(hist);
    return has;
}

static void
what_is_imported_for_a_living_host_stands_on_its_page(void **state)
{
    stage_t *s = *state;
    int64_t at_ms = clock_real_ms() - 3600000;
    char text[256], *path, *said;

    snprintf(text, sizeof text,
             "time_ms,series,value\n%" PRId64
             ",\"node_load1{instance=\"\"web-1\"\",job=\"\"node\"\"}\",42.5\n",
             at_ms);
    path = stage_file(s, "hour.csv", text);
    importing_imported(s, path, "1 stored, 0 refused, 0 conflicts");
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_imported, &at_ms));
    // One host of that name, which lives, and whose books are its own.
    said = importing_said(s, 0,
                          stage_run(s, "zpulse", "hosts", "--collector", stage_endpoint(s), NULL));
    claim(s, strstr(said, "web-1") != NULL && strstr(strstr(said, "web-1") + 1, "web-1") == NULL);
    claim(s, strstr(said, "stopped") == NULL);
    free(said);
    claim(s, stage_host_is(s, &(struct stage_host){ "web-1", "up" }));
    free(path);
}

static void
what_was_imported_before_its_host_came_stands_on_its_page_too(void **state)
{
    stage_t *s = *state;
    int64_t at_ms = clock_real_ms() - 3600000;
    char text[256], *path;

    snprintf(text, sizeof text,
             "time_ms,series,value\n%" PRId64
             ",\"node_load1{instance=\"\"web-1\"\",job=\"\"node\"\"}\",42.5\n",
             at_ms);
    path = stage_file(s, "hour.csv", text);
    importing_collector(s, "one");
    stage_dashboard(s, NULL);
    importing_imported(s, path, "1 stored, 0 refused, 0 conflicts");
    stage_agent(s, "web-1", NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    claim(s,
          stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &(struct stage_host){ "web-1", "up" }));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_imported, &at_ms));
    free(path);
}

static void
an_imported_host_is_listed_as_stopped(void **state)
{
    stage_t *s = *state;
    char *path = stage_file(s, "old.txt", s_openmetrics), *said;

    importing_collector(s, "one");
    stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    importing_imported(s, path, "12 stored");
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is,
                         &(struct stage_host){ "web-8", "stopped" }));
    said = importing_said(s, 0,
                          stage_run(s, "zpulse", "hosts", "--collector", stage_endpoint(s), NULL));
    claim(s, strstr(said, "web-7") != NULL && strstr(said, "db-1") != NULL);
    free(said);
    // Nobody keeps a book of them, and so nothing is amiss.
    said = importing_said(
        s, 0, stage_run(s, "zpulse", "ledger", "--check", "--collector", stage_endpoint(s), NULL));
    claim(s, strstr(said, "everything balances") != NULL);
    free(said);
    free(path);
}

static void
what_is_wrong_is_told_by_line_and_what_is_before_it_is_kept(void **state)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        { "a{instance=\"web-7\"} 1 1000\na{instance=\"web-7\"} 2\n# EOF\n",
          "line 2: \"a{instance=\\\"web-7\\\"}\": a sample to be imported has a time" },
        { "a{instance=\"web-7\"} 1 1000\na{instance=\"web-7\"} x 5\n# EOF\n",
          "line 2: \"x\": behind" },
        { "a{instance=\"web-7\"} 1 1000\n", "line 1: OpenMetrics ends with the line # EOF" },
        { "a{instance=\"web-7\"} 1 1000\na{insta", "line 2: a line ends with a line feed" },
        { "a{instance=\"web-7\"} 1 1000\na 1 2\n# EOF\n", "line 2: \"a\": a series has the label" },
        { "time_ms,series,value\n1000000,\"a{instance=\"\"web-7\"\"}\",1\nx\n",
          "line 3: \"x\": a line has three fields" },
    };
    stage_t *s = *state;
    char *text;

    importing_collector(s, "one");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = stage_file(s, "wrong.txt", cases[i].text);
        process_t *p = importing_import(s, path);

        claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
        if (process_code(p) != 1 || strstr(process_err(p), cases[i].says) == NULL)
            fprintf(stderr, "%s: %d %s\n", cases[i].text, process_code(p), process_err(p));
        claim(s, process_code(p) == 1 && strstr(process_err(p), cases[i].says) != NULL);
        claim(s, strstr(process_out(p), "1 samples of 1 instance: 1 stored") != NULL);
        stage_drop(s, &p);
        free(path);
    }
    text = importing_export(s, "csv", OURS);
    importing_claim_same(s, text,
                         "time_ms,series,value\n1000000,\"a{instance=\"\"web-7\"\"}\",1\n");
    free(text);
}

static void
what_a_collector_does_not_keep_for_so_long_is_told(void **state)
{
    stage_t *s = *state;
    char *path = stage_file(s, "old.csv", s_csv);
    process_t *p, *collector = importing_collector(s, "one");

    p = importing_import(s, path);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
    claim(s, process_err(p)[0] == '\0');
    stage_drop(s, &p);
    s_end(s, &collector);
    stage_collector(s, "--keep", "90d", NULL);
    p = importing_import(s, path);
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)) && process_code(p) == 0);
    claim(s, strstr(process_err(p), "as old as 2001-09-09T01:46:40") != NULL);
    claim(s, strstr(process_err(p), "keeps 90 days") != NULL);
    stage_drop(s, &p);
    free(path);
}

static void
s_fails(stage_t *s, process_t *p, int code, const char *says)
{
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    if (process_code(p) != code || strstr(process_err(p), says) == NULL)
        fprintf(stderr, "%d %s\n", process_code(p), process_err(p));
    claim(s, process_code(p) == code && strstr(process_err(p), says) != NULL);
    stage_drop(s, &p);
}

static void
what_can_not_be_done_is_told_by_the_exit_code(void **state)
{
    stage_t *s = *state;
    char *path = stage_file(s, "old.csv", s_csv);

    s_fails(s, stage_run(s, "zpulse", "import", NULL), 2, "one FILE");
    s_fails(s, stage_run(s, "zpulse", "import", "a", "b", NULL), 2, "one FILE");
    s_fails(s, importing_import(s, "/nonexistent"), 1, "/nonexistent: ");
    s_fails(s, importing_import(s, stage_dir(s)), 1, stage_dir(s));
    s_fails(s, importing_import(s, path), 69, "no collector answers there");
    s_fails(s,
            stage_run(s, "zpulse", "import", "--collector", "tcp://192.0.2.1:5560", "--insecure",
                      path, NULL),
            78, "192.0.2.1");
    free(path);
}

static void
standard_input_is_as_a_file(void **state)
{
    stage_t *s = *state;
    const char *build = getenv("BUILD_DIR");
    char *path = stage_file(s, "old.csv", s_csv), *text;
    char command[1024];

    importing_collector(s, "one");
    snprintf(command, sizeof command,
             "cat %s | %s/bin/zpulse import --collector %s - >%s/said 2>&1", path,
             build != NULL ? build : "build", stage_endpoint(s), stage_dir(s));
    claim(s, system(command) == 0); // NOLINT(cert-env33-c): a shell is what pipes
    snprintf(command, sizeof command, "%s/said", stage_dir(s));
    text = importing_content(s, command);
    importing_claim_same(s, text, "4 samples of 1 instance: 4 stored, 0 refused, 0 conflicts\n");
    free(text);
    importing_imported(s, path, "4 of them were here already");
    free(path);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(what_is_imported_is_exported_byte_by_byte),
        stage_test(what_a_host_said_goes_from_collector_to_collector_as_it_was),
        stage_test(the_same_again_adds_nothing_and_another_value_is_a_conflict),
        stage_test_up(what_is_imported_for_a_living_host_stands_on_its_page),
        stage_test(what_was_imported_before_its_host_came_stands_on_its_page_too),
        stage_test(an_imported_host_is_listed_as_stopped),
        stage_test(what_is_wrong_is_told_by_line_and_what_is_before_it_is_kept),
        stage_test(what_a_collector_does_not_keep_for_so_long_is_told),
        stage_test(what_can_not_be_done_is_told_by_the_exit_code),
        stage_test(standard_input_is_as_a_file),
    };

    return cmocka_run_group_tests_name("flow_import", tests, NULL, NULL);
}
