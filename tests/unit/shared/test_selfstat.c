// test_selfstat - counters of our own, and what the kernel says of this process.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/net/selfstat.h"

enum { TICKS, DROPPED_FULL, DROPPED_OLD, AGENTS, N_DEFS };

static const struct selfstat_def defs[N_DEFS] = {
    [TICKS] = { "zpulse_ticks_total", METRIC_COUNTER, "Ticks taken.", NULL, NULL },
    [DROPPED_FULL] = { "zpulse_dropped_total", METRIC_COUNTER, "Lost.", "reason", "full" },
    [DROPPED_OLD] = { "zpulse_dropped_total", METRIC_COUNTER, "Lost.", "reason", "old" },
    [AGENTS] = { "zpulse_agents", METRIC_GAUGE, "Agents.", NULL, NULL },
};

struct seen {
    unsigned n;
    double cpu, resident, fds, dropped_old;
};

static void
note(void *arg, const char *name, const char *label, const char *label_value, enum metric_kind kind,
     double value)
{
    struct seen *seen = arg;

    seen->n++;
    assert_non_null(selfstat_help(name));
    if (strcmp(name, "process_cpu_seconds_total") == 0) {
        assert_int_equal(kind, METRIC_COUNTER);
        seen->cpu = value;
    } else if (strcmp(name, "process_resident_memory_bytes") == 0) {
        seen->resident = value;
    } else if (strcmp(name, "process_open_fds") == 0) {
        seen->fds = value;
    } else if (label != NULL && strcmp(label_value, "old") == 0) {
        assert_string_equal(label, "reason");
        seen->dropped_old = value;
    }
}

static void *
add_many(void *arg)
{
    for (int i = 0; i < 10000; i++)
        selfstat_add(TICKS, 1);
    return arg;
}

static void
counters_of_all_threads_add_up(void **state)
{
    pthread_t threads[4];

    (void) state;
    selfstat_init(defs, N_DEFS);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, add_many, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(selfstat_value(TICKS), 40000);
    selfstat_set(AGENTS, -3);
    assert_int_equal(selfstat_value(AGENTS), -3);
}

static void
each_tells_every_counter_and_the_process(void **state)
{
    struct seen seen = { 0 };

    (void) state;
    selfstat_init(defs, N_DEFS);
    selfstat_add(DROPPED_OLD, 7);
    selfstat_each(note, &seen);
    assert_int_equal(seen.n, N_DEFS + 6);
    assert_true(seen.dropped_old == 7);
    assert_true(seen.resident > 100000 && seen.fds >= 3 && seen.cpu >= 0);
    assert_null(selfstat_help("no_such_thing"));
}

static void
a_new_descriptor_is_seen(void **state)
{
    struct selfstat_process before, after;
    int fd;

    (void) state;
    selfstat_process(&before);
    fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    selfstat_process(&after);
    close(fd);
    assert_int_equal(after.open_fds, before.open_fds + 1);
    assert_true(after.max_fds >= after.open_fds);
}

static void
the_start_is_in_the_past_minute_and_a_strange_name_does_no_harm(void **state)
{
    struct selfstat_process p;
    const double now = (double) clock_real_ms() / 1000;

    (void) state;
    prctl(PR_SET_NAME, ") 9 (x 1");
    selfstat_process(&p);
    assert_true(p.start_time_seconds <= now + 0.1 && p.start_time_seconds > now - 600);
    assert_true(p.virtual_bytes > p.resident_bytes);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counters_of_all_threads_add_up),
        cmocka_unit_test(each_tells_every_counter_and_the_process),
        cmocka_unit_test(a_new_descriptor_is_seen),
        cmocka_unit_test(the_start_is_in_the_past_minute_and_a_strange_name_does_no_harm),
    };
    return cmocka_run_group_tests_name("selfstat", tests, NULL, NULL);
}
