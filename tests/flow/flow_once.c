// flow_once - zpulse-agent --once: one sample of everything, from this machine or another root.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/exposition.h"
#include "tests/support/stage.h"

// Text of --once over `root`; the process's until the stage ends.
static const char *
s_once(stage_t *s, const char *root)
{
    process_t *p = stage_run(s, "zpulse-agent", "--once", "--rootfs", root, "--data", stage_dir(s),
                             NULL);

    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(p) == 0);
    return process_out(p);
}

static void
one_sample_of_this_machine_is_exposition(void **state)
{
    static const char *const names[] = {
        "node_cpu_seconds_total",
        "node_context_switches_total",
        "node_intr_total",
        "node_forks_total",
        "node_procs_running",
        "node_procs_blocked",
        "node_boot_time_seconds",
        "node_memory_MemTotal_bytes",
        "node_memory_MemFree_bytes",
        "node_load1",
        "node_memory_MemAvailable_bytes",
        "node_load5",
        "node_load15",
    };
    stage_t *s = *state;
    const char *text = s_once(s, "/");
    char fault[256];

    if (exposition_fault(text, fault, sizeof fault) != NULL)
        fail_msg("not exposition: %s", fault);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (isnan(exposition_value(text, names[i])))
            fail_msg("%s is missing in:\n%s", names[i], text);
    claim(s, exposition_samples(text) > 50);
}

static void
another_root_gives_its_numbers(void **state)
{
    static const char stat[] = "cpu  300 0 30 0 0 0 0 0 0 0\n"
                               "cpu0 100 1 10 1000 5 6 7 8 9 0\n"
                               "cpu1 200 2 20 2000 5 6 7 8 9 0\n"
                               "intr 12345 1 2 3\n"
                               "ctxt 67890\n"
                               "btime 1700000000\n"
                               "processes 4242\n"
                               "procs_running 3\n"
                               "procs_blocked 1\n";
    static const struct {
        const char *series;
        double value;
    } wants[] = {
        { "node_cpu_seconds_total{cpu=\"0\",mode=\"user\"}", 1 },
        { "node_cpu_seconds_total{cpu=\"1\",mode=\"idle\"}", 20 },
        { "node_intr_total", 12345 },
        { "node_context_switches_total", 67890 },
        { "node_boot_time_seconds", 1700000000 },
        { "node_forks_total", 4242 },
        { "node_procs_running", 3 },
        { "node_memory_MemTotal_bytes", 1024.0 * 1024 },
        { "node_memory_Active_anon_bytes", 7.0 * 1024 },
        { "node_memory_HugePages_Total", 4 },
        { "node_load1", 0.25 },
        { "node_load15", 123.5 },
    };
    stage_t *s = *state;
    char root[300];
    const char *text;

    snprintf(root, sizeof root, "%s/root", stage_dir(s));
    free(stage_file(s, "root/proc/stat", stat));
    free(stage_file(s, "root/proc/meminfo",
                    "MemTotal:     1024 kB\nActive(anon):    7 kB\nHugePages_Total:   4\n"));
    free(stage_file(s, "root/proc/loadavg", "0.25 0.50 123.50 3/80 4242\n"));
    text = s_once(s, root);
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++)
        if (!(exposition_value(text, wants[i].series) == wants[i].value))
            fail_msg("%s is not %.17g in:\n%s", wants[i].series, wants[i].value, text);
    // What this kernel lacks is not there; never a zero.
    claim(s, isnan(exposition_value(text, "node_memory_MemAvailable_bytes")));
}

static void
a_file_that_is_missing_takes_only_its_own_series(void **state)
{
    stage_t *s = *state;
    char root[300];
    const char *text;

    snprintf(root, sizeof root, "%s/root", stage_dir(s));
    free(stage_file(s, "root/proc/loadavg", "1.00 2.00 3.00 1/2 3\n"));
    text = s_once(s, root);
    claim(s, exposition_value(text, "node_load5") == 2);
    claim(s, isnan(exposition_value(text, "node_memory_MemTotal_bytes")));
    claim(s, isnan(exposition_value(text, "node_cpu_seconds_total")));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(one_sample_of_this_machine_is_exposition),
        stage_test(another_root_gives_its_numbers),
        stage_test(a_file_that_is_missing_takes_only_its_own_series),
    };
    return cmocka_run_group_tests_name("flow_once", tests, NULL, NULL);
}
