// host_facts - what the series of a host tell about it.

#include "dashboard/host_facts.h"

#include "shared/model/sample.h"
#include "tests/unit/dashboard/room.h"

static void
take(struct host_facts *f, const char *metric, const char *a, const char *a_value, const char *b,
     const char *b_value, int64_t time_ms, double value)
{
    struct label_set set = room_labels(metric, a, a_value, b, b_value);

    host_facts_take(f, &set, time_ms, value);
    label_set_release(&set);
}

static void
expect(struct host_facts *f, const char *text)
{
    struct buf out = { 0 };
    struct json j;

    json_init(&j, &out);
    host_facts_put(&j, f);
    assert_string_equal(buf_cstr(&out), text);
    buf_release(&out);
}

static void
what_is_not_known_is_left_out(void **state)
{
    struct host_facts f = { 0 };

    (void) state;
    expect(&f, "{}");
    take(&f, "node_load1", NULL, NULL, NULL, NULL, 5, 1);
    expect(&f, "{}");
    take(&f, "node_memory_MemTotal_bytes", NULL, NULL, NULL, NULL, 5, 25276510208.0);
    expect(&f, "{\"mem\":25276510208}");
    host_facts_release(&f);
}

static void
all_of_it_comes_from_five_series(void **state)
{
    struct host_facts f = { 0 }, copy;

    (void) state;
    take(&f, "node_os_info", "pretty_name", "Debian GNU/Linux 12 (bookworm)", "id", "debian", 5, 1);
    take(&f, "node_uname_info", "release", "6.1.0-13", "machine", "x86_64", 5, 1);
    for (int i = 0; i < 4; i++) {
        const char *cpus[] = { "0", "1", "2", "3" };

        take(&f, "node_cpu_seconds_total", "cpu", cpus[i], "mode", "idle", 5, 100);
        take(&f, "node_cpu_seconds_total", "cpu", cpus[i], "mode", "user", 5, 100);
    }
    take(&f, "node_memory_MemTotal_bytes", NULL, NULL, NULL, NULL, 5, 1024);
    take(&f, "node_boot_time_seconds", NULL, NULL, NULL, NULL, 5, 1700000000.25);
    host_facts_copy(&copy, &f);
    host_facts_release(&f);
    expect(&copy, "{\"os\":\"Debian GNU/Linux 12 (bookworm)\",\"kernel\":\"6.1.0-13\","
                  "\"arch\":\"x86_64\",\"cpus\":4,\"mem\":1024,\"boot\":1700000000250}");
    host_facts_release(&copy);
}

// The series of the old kernel ended when the host started anew; both are in the last minutes.
static void
after_an_upgrade_the_newest_counts(void **state)
{
    struct host_facts f = { 0 };

    (void) state;
    take(&f, "node_uname_info", "release", "new", NULL, NULL, 9, 1);
    take(&f, "node_uname_info", "release", "old", NULL, NULL, 5, 1);
    take(&f, "node_uname_info", "release", "gone", NULL, NULL, 20,
         sample_from_bits(SAMPLE_STALE_BITS));
    expect(&f, "{\"kernel\":\"new\"}");
    host_facts_release(&f);
}

static void
what_no_host_would_say_is_survived(void **state)
{
    static const double values[] = { NAN, INFINITY, -INFINITY, 1e300, -5 };

    (void) state;
    for (size_t i = 0; i < N_OF(values); i++) {
        struct host_facts f = { 0 };

        take(&f, "node_boot_time_seconds", NULL, NULL, NULL, NULL, 5, values[i]);
        expect(&f, "{}");
        host_facts_release(&f);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(all_of_it_comes_from_five_series),
        cmocka_unit_test(after_an_upgrade_the_newest_counts),
        cmocka_unit_test(what_no_host_would_say_is_survived),
    };

    return cmocka_run_group_tests_name("host_facts", tests, NULL, NULL);
}
