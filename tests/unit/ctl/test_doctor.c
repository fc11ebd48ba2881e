// test_doctor - what is wrong is found and said, what is not is not; and how it is put.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/doctor_judge.h"
#include "collector/ctl/doctor_print.h"
#include "shared/base/xalloc.h"

#define NOW  INT64_C(1700000000000)
#define HOUR INT64_C(3600000)
#define GIB  (UINT64_C(1) << 30)

static struct doctor_facts facts;
static struct findings findings;

static int
setup(void **state)
{
    (void) state;
    facts = (struct doctor_facts){ .now_ms = NOW, .collector = 9 };
    query_number_set(&facts.numbers, STATUS_STARTED_MS, (uint64_t) (NOW - 24 * HOUR));
    query_number_set(&facts.numbers, STATUS_LATELY_MS, (uint64_t) HOUR);
    query_number_set(&facts.numbers, STATUS_DISK_FREE, 500 * GIB);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    doctor_facts_release(&facts);
    findings_release(&findings);
    return 0;
}

static void
set(enum query_number number, uint64_t value)
{
    query_number_set(&facts.numbers, number, value);
}

static struct host_info *
add_host(uint64_t id, const char *name)
{
    facts.hosts = xrealloc(facts.hosts, facts.n_hosts + 1, sizeof *facts.hosts);
    facts.hosts[facts.n_hosts] = (struct host_info){ .host = id,
                                                     .name = xstrdup(name),
                                                     .version = xstrdup("1"),
                                                     .state = HOST_UP,
                                                     .rtt_us = 100,
                                                     .since_ms = NOW - HOUR };
    return &facts.hosts[facts.n_hosts++];
}

static struct query_ledger *
add_ledger(const char *name)
{
    facts.ledgers = xrealloc(facts.ledgers, facts.n_ledgers + 1, sizeof *facts.ledgers);
    facts.ledgers[facts.n_ledgers] =
        (struct query_ledger){ .name = xstrdup(name), .settled = true, .told_ms = NOW };
    return &facts.ledgers[facts.n_ledgers++];
}

// Exactly one finding, which has these words.
static void
found(const char *words)
{
    findings_release(&findings);
    doctor_judge(&facts, &findings);
    if (findings.n != 1 || strstr(findings.at[0].what, words) == NULL)
        fail_msg("%zu findings, the first is: %s", findings.n,
                 findings.n > 0 ? findings.at[0].what : "none");
    assert_true(strlen(findings.at[0].what_now) > 10);
}

static void
nothing(void)
{
    findings_release(&findings);
    doctor_judge(&facts, &findings);
    if (findings.n > 0)
        fail_msg("%zu findings, the first is: %s", findings.n, findings.at[0].what);
}

static void
who_knows_nothing_finds_nothing(void **state)
{
    (void) state;
    facts.numbers = (struct query_numbers){ 0 };
    nothing();
}

static void
each_number_that_should_be_0_is_a_finding(void **state)
{
    static const struct {
        enum query_number number;
        const char *words;
    } rows[] = {
        { STATUS_STORE_DAMAGED_FILES, "set aside as damaged: 3" },
        { STATUS_JOURNAL_DAMAGED, "bytes of the journal" },
        { STATUS_JOURNAL_FULL, "no room for the journal: 3" },
        { STATUS_STORE_FULL, "disk is full" },
        { STATUS_REFUSED_FUTURE, "10 minutes ahead: 3" },
        { STATUS_REFUSED_SERIES, "no room for their series: 3" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        set(rows[i].number, 3);
        found(rows[i].words);
        set(rows[i].number, 0);
    }
    nothing();
}

static void
a_disk_that_will_be_full_is_told_ahead(void **state)
{
    (void) state;
    set(STATUS_DISK_FREE, GIB / 8);
    found("128.0 MiB free");
    set(STATUS_DISK_FREE, 10 * GIB);
    set(STATUS_KEEP_MS, 0);
    set(STATUS_KEEP_BYTES, 0);
    nothing(); // how much a day makes is not known
    set(STATUS_DAY_BYTES, GIB);
    found("full in 10.0 days");
    set(STATUS_DAY_BYTES, GIB / 4); // in 40
    nothing();
    set(STATUS_DAY_BYTES, GIB);
    set(STATUS_STORE_BYTES, 4 * GIB);
    set(STATUS_KEEP_BYTES, 14 * GIB);
    nothing();
    set(STATUS_KEEP_BYTES, 64 * GIB);
    set(STATUS_KEEP_MS, (uint64_t) (12 * 24 * HOUR));
    nothing();
    set(STATUS_KEEP_MS, (uint64_t) (15 * 24 * HOUR));
    found("full in 10.0 days");
    set(STATUS_STORE_BYTES, 101 * GIB);
    nothing();
}

static void
days_that_do_not_fit_are_told(void **state)
{
    (void) state;
    set(STATUS_KEEP_MS, (uint64_t) (30 * 24 * HOUR));
    set(STATUS_KEEP_BYTES, 100 * GIB);
    set(STATUS_DAY_BYTES, 5 * GIB);
    found("holds 20.0 days, and --keep asks for 30.0");
    set(STATUS_DAY_BYTES, 3 * GIB);
    nothing();
    set(STATUS_DAY_BYTES, 0);
    nothing();
}

static void
a_store_that_is_not_written_is_told(void **state)
{
    (void) state;
    set(STATUS_STORE_WAITING, 4096);
    nothing();
    set(STATUS_STORE_COMMIT_MS, (uint64_t) (NOW - HOUR));
    found("4.0 KiB wait");
    set(STATUS_STORE_COMMIT_MS, (uint64_t) NOW - 1000);
    nothing();
    set(STATUS_REPLAYING, 1);
    found("still being read back");
    set(STATUS_STARTED_MS, (uint64_t) NOW - 1000);
    nothing();
}

static void
labels_that_fill_their_memory_and_floods_of_series_are_told(void **state)
{
    (void) state;
    set(STATUS_INDEX_BYTES_MOST, 1000);
    set(STATUS_INDEX_BYTES, 950);
    found("will be refused");
    set(STATUS_INDEX_BYTES, 1001);
    found("new series are refused");
    set(STATUS_INDEX_BYTES, 500);
    set(STATUS_SERIES, 30000);
    set(STATUS_SERIES_MADE, 20000);
    found("20,000 of 30,000 series");
    set(STATUS_STARTED_MS, (uint64_t) (NOW - HOUR / 2)); // the first hour makes them all
    nothing();
}

static void
hosts_that_are_silent_or_off_in_time_are_named_and_not_all_of_them(void **state)
{
    char name[32];

    (void) state;
    add_host(1, "web-1")->state = HOST_SILENT;
    found("host web-1 is silent since 2023-11-14T21:13:20");
    facts.hosts[0].state = HOST_STOPPED;
    nothing();
    facts.hosts[0].offset_ms = -5000;
    found("clock of host web-1 is 5.0 s ahead of");
    facts.hosts[0].offset_ms = INT64_MIN;
    found("ahead of");
    facts.hosts[0].offset_ms = 7200000;
    found("2 h behind that");
    facts.hosts[0].rtt_us = INT64_C(20000000000); // known to 10,000 s
    nothing();
    facts.hosts[0].rtt_us = -1; // not measured
    nothing();
    for (uint64_t i = 2; i < 12; i++) {
        snprintf(name, sizeof name, "web-%u", (unsigned) i);
        add_host(i, name)->state = HOST_SILENT;
    }
    doctor_judge(&facts, &findings);
    assert_int_equal(findings.n, DOCTOR_HOSTS_MOST + 1);
    assert_non_null(strstr(findings.at[DOCTOR_HOSTS_MOST].what, "5 more hosts are silent"));
}

static void
ledgers_are_wrong_where_they_do_not_add_up_or_lost_something_of_late(void **state)
{
    struct query_ledger *ledger = add_ledger("web-1");

    (void) state;
    nothing();
    ledger->unbalanced = 4;
    found("samples of host web-1: unbalanced: 4");
    ledger->settled = false; // the books can not be compared yet
    nothing();
    ledger->settled = true;
    ledger->unbalanced = 0;
    ledger->told = (struct ledger){ .produced = 10, .acked = 8, .lost = { [LOST_QUEUE] = 2 } };
    nothing(); // when is not known: before our start
    ledger->n_gaps = 1;
    ledger->gaps[0] = (struct query_gap){ .to_ms = NOW - 30 * HOUR, .count = 2 };
    nothing();
    ledger->gaps[0].to_ms = NOW - HOUR;
    found("lost: 2 samples");
    ledger->told.lost[LOST_QUEUE] = 1; // now it does not add up
    ledger->n_gaps = 0;
    found("unbalanced");
}

static void
add_count(uint8_t of, uint64_t host, const char *text, uint64_t series)
{
    facts.counts = xrealloc(facts.counts, facts.n_counts + 1, sizeof *facts.counts);
    facts.counts[facts.n_counts++] = (struct query_count){ .of = of,
                                                           .host = host,
                                                           .text = xstrdup(text),
                                                           .series = series,
                                                           .made = 1,
                                                           .values = 5,
                                                           .values_made = 2 };
}

static void
the_page_has_what_is_known_and_the_first_ten_of_lists(void **state)
{
    struct buf out = { 0 };
    char text[32];

    (void) state;
    set(STATUS_STORE_FILES, 12);
    set(STATUS_STORE_BYTES, 3 * GIB);
    set(STATUS_KEEP_BYTES, 12 * GIB);
    set(STATUS_DAY_BYTES, GIB);
    set(STATUS_WRITTEN_SAMPLES, 3 * GIB);
    set(STATUS_WRITTEN_BYTES, GIB);
    add_host(1, "web-1")->offset_ms = 40;
    add_ledger("web-1")->unbalanced = 7;
    add_count(QUERY_COUNT_HOST, 1, "", 4321);
    add_count(QUERY_COUNT_HOST, 9, "", 77);
    add_count(QUERY_COUNT_HOST, 0xabc, "", 5);
    for (unsigned i = 0; i < 30; i++) {
        snprintf(text, sizeof text, "value\n%u", i);
        add_count(QUERY_COUNT_VALUE, 0, text, 100 - i);
    }
    doctor_put_text(&out, &facts, "BY cpu");
    assert_non_null(strstr(buf_cstr(&out), "3.0 GiB of 12.0 GiB, 25 %"));
    assert_non_null(strstr(buf_cstr(&out), "0.33 bytes a sample"));
    assert_non_null(strstr(buf_cstr(&out), "12.0 days fit in --keep-bytes"));
    assert_non_null(strstr(buf_cstr(&out), "HOSTS  1, 1 up; ledgers that do not balance: 1\n"));
    assert_non_null(strstr(buf_cstr(&out), "-40 ms, known to 0.1 ms"));
    assert_non_null(strstr(buf_cstr(&out), "4,321"));
    assert_non_null(strstr(buf_cstr(&out), "(the collector itself)"));
    assert_non_null(strstr(buf_cstr(&out), "0000000000000abc"));
    assert_non_null(strstr(buf_cstr(&out), "value?9"));
    assert_null(strstr(buf_cstr(&out), "value?10"));
    assert_null(strstr(buf_cstr(&out), "checkpoint")); // not known
    buf_release(&out);
}

static void
json_has_findings_numbers_and_lists(void **state)
{
    struct buf out = { 0 };
    struct json j;

    (void) state;
    set(STATUS_SERIES, 7);
    add_host(1, "web-1")->offset_ms = 40;
    add_count(QUERY_COUNT_HOST, 0xabc, "", 5);
    add_count(QUERY_COUNT_NAME, 0, "cpu", 5);
    findings_add(&findings, "do that", "it is %s", "wrong");
    json_init(&j, &out);
    json_object(&j);
    doctor_put_findings_json(&j, &findings);
    doctor_put_json(&j, &facts, "cpu");
    json_object_end(&j);
    assert_non_null(strstr(buf_cstr(&out), "{\"ok\":false,\"findings\":[{\"what\":\"it is wrong\","
                                           "\"do\":\"do that\"}]"));
    assert_non_null(strstr(buf_cstr(&out), "\"series\":7"));
    assert_non_null(strstr(buf_cstr(&out), "\"keep_bytes_days\":null"));
    assert_non_null(strstr(buf_cstr(&out), "\"hosts\":1,\"unbalanced\":0,\"clocks\":[{\"name\":"
                                           "\"web-1\",\"ahead_ms\":-40,\"known_ms\":0.05}]"));
    assert_non_null(strstr(buf_cstr(&out), "{\"id\":\"0000000000000abc\",\"name\":null,"
                                           "\"series\":5,\"new\":1}"));
    assert_non_null(strstr(buf_cstr(&out), "{\"name\":\"cpu\",\"series\":5,\"values\":5,"
                                           "\"new\":2}"));
    assert_non_null(strstr(buf_cstr(&out), "\"series_by_value\":[]"));
    buf_clear(&out);
    findings_release(&findings);
    doctor_put_findings(&out, &findings);
    assert_string_equal(buf_cstr(&out), "all is well\n");
    buf_release(&out);
}

static void
a_clock_that_is_right_is_not_minus_nothing_ahead(void **state)
{
    struct buf out = { 0 };
    struct json j;

    (void) state;
    add_host(1, "web-1")->offset_ms = 0;
    json_init(&j, &out);
    json_object(&j);
    doctor_put_json(&j, &facts, "cpu");
    json_object_end(&j);
    assert_non_null(strstr(buf_cstr(&out), "\"ahead_ms\":0,"));
    buf_clear(&out);
    doctor_put_text(&out, &facts, "cpu");
    assert_null(strstr(buf_cstr(&out), "-0 ms"));
    buf_release(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_knows_nothing_finds_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(each_number_that_should_be_0_is_a_finding, setup, teardown),
        cmocka_unit_test_setup_teardown(a_disk_that_will_be_full_is_told_ahead, setup, teardown),
        cmocka_unit_test_setup_teardown(days_that_do_not_fit_are_told, setup, teardown),
        cmocka_unit_test_setup_teardown(a_store_that_is_not_written_is_told, setup, teardown),
        cmocka_unit_test_setup_teardown(labels_that_fill_their_memory_and_floods_of_series_are_told,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(
            hosts_that_are_silent_or_off_in_time_are_named_and_not_all_of_them, setup, teardown),
        cmocka_unit_test_setup_teardown(
            ledgers_are_wrong_where_they_do_not_add_up_or_lost_something_of_late, setup, teardown),
        cmocka_unit_test_setup_teardown(the_page_has_what_is_known_and_the_first_ten_of_lists,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(json_has_findings_numbers_and_lists, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clock_that_is_right_is_not_minus_nothing_ahead, setup,
                                        teardown),
    };

    return cmocka_run_group_tests_name("doctor", tests, NULL, NULL);
}
