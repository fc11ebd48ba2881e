// test_thermal - thermal zones, cooling devices and clock rates of a laptop, and of many
// processors.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/proc/cpufreq.h"
#include "agent/proc/thermal.h"
#include "shared/base/log.h"
#include "tests/unit/agent/family_bench.h"
#include "tests/unit/agent/temp_tree.h"

#define DEADLINE_MS 20000

static struct family_bench
bench(const struct proc_family *family, proc_root_t *root)
{
    struct family_bench b = family_bench(family, &(struct proc_setup){ .root = root });

    b.family->settle(b.state, DEADLINE_MS);
    family_tick(&b, NULL, 0);
    return b;
}

static void
tells(const struct proc_family *family, const char *const *lines, size_t n)
{
    proc_root_t *root;
    struct family_bench b;

    assert_int_equal(proc_root_open(&root, "tests/data/proc/laptop"), 0);
    b = bench(family, root);
    assert_int_equal(family_samples(&b), n);
    for (size_t i = 0; i < n; i++)
        if (!family_tells(&b, lines[i]))
            fail_msg("not told: %s", lines[i]);
    family_bench_end(&b);
    proc_root_close(&root);
}

static void
zones_and_what_cools_them_are_told(void **state)
{
    static const char *const lines[] = {
        "node_thermal_zone_temp{job=\"node\",type=\"acpitz\",zone=\"0\"} 27.8",
        "node_thermal_zone_temp{job=\"node\",type=\"x86_pkg_temp\",zone=\"1\"} -1.5",
        "node_cooling_device_cur_state{job=\"node\",name=\"0\",type=\"Processor\"} 0",
        "node_cooling_device_cur_state{job=\"node\",name=\"1\",type=\"Fan\"} 1",
        "node_cooling_device_max_state{job=\"node\",name=\"0\",type=\"Processor\"} 10",
        "node_cooling_device_max_state{job=\"node\",name=\"1\",type=\"Fan\"} 1",
    };

    (void) state;
    tells(&thermal_family, lines, sizeof lines / sizeof lines[0]);
}

static void
a_zone_without_a_type_is_left_out(void **state)
{
    struct temp_tree tree = temp_tree();
    struct family_bench b;

    (void) state;
    temp_tree_write(&tree, "sys/class/thermal/thermal_zone0/temp", "1000\n");
    temp_tree_write(&tree, "sys/class/thermal/thermal_zone1/temp", "2000\n");
    temp_tree_write(&tree, "sys/class/thermal/thermal_zone1/type", "soc\n");
    temp_tree_write(&tree, "sys/class/thermal/thermal_zone2/type", "no temp\n");
    temp_tree_write(&tree, "sys/class/thermal/other/type", "other\n");
    b = bench(&thermal_family, tree.root);
    assert_int_equal(family_samples(&b), 1);
    assert_true(family_tells(&b, "node_thermal_zone_temp{job=\"node\",type=\"soc\",zone=\"1\"} 2"));
    family_bench_end(&b);
    temp_tree_end(&tree);
}

#define CPU(metric, cpu) "node_cpu_" metric "{cpu=\"" cpu "\",job=\"node\"} "

static void
clock_rates_are_told_in_hertz(void **state)
{
    static const char *const lines[] = {
        CPU("frequency_hertz", "0") "1200000000",
        CPU("frequency_min_hertz", "0") "400000000",
        CPU("frequency_min_hertz", "1") "400000000",
        CPU("frequency_min_hertz", "2") "400000000",
        CPU("frequency_min_hertz", "3") "400000000",
        CPU("frequency_max_hertz", "0") "4200000000",
        CPU("frequency_max_hertz", "1") "4200000000",
        CPU("frequency_max_hertz", "2") "4200000000",
        CPU("frequency_max_hertz", "3") "4200000000",
        CPU("scaling_frequency_hertz", "0") "1200125000",
        CPU("scaling_frequency_hertz", "1") "1200126000",
        CPU("scaling_frequency_hertz", "2") "1200127000",
        CPU("scaling_frequency_hertz", "3") "1200128000",
        CPU("scaling_frequency_min_hertz", "0") "400000000",
        CPU("scaling_frequency_min_hertz", "1") "400000000",
        CPU("scaling_frequency_min_hertz", "2") "400000000",
        CPU("scaling_frequency_min_hertz", "3") "400000000",
        CPU("scaling_frequency_max_hertz", "0") "4200000000",
        CPU("scaling_frequency_max_hertz", "1") "4200000000",
        CPU("scaling_frequency_max_hertz", "2") "4200000000",
        CPU("scaling_frequency_max_hertz", "3") "4200000000",
    };

    (void) state;
    tells(&cpufreq_family, lines, sizeof lines / sizeof lines[0]);
}

static void
only_processors_are_asked_and_all_256_of_them(void **state)
{
    struct temp_tree tree = temp_tree();
    struct family_bench b;
    char path[80];

    (void) state;
    for (int i = 0; i < 256; i++) {
        snprintf(path, sizeof path, "sys/devices/system/cpu/cpu%d/cpufreq/scaling_cur_freq", i);
        temp_tree_write(&tree, path, "2800000\n");
    }
    temp_tree_write(&tree, "sys/devices/system/cpu/cpufreq/cpufreq/scaling_cur_freq", "1\n");
    temp_tree_write(&tree, "sys/devices/system/cpu/cpu/cpufreq/scaling_cur_freq", "1\n");
    temp_tree_write(&tree, "sys/devices/system/cpu/cpu1x/cpufreq/scaling_cur_freq", "1\n");
    temp_tree_write(&tree, "sys/devices/system/cpu/cpu9999/topology/core_id", "1\n");
    b = bench(&cpufreq_family, tree.root);
    assert_int_equal(family_samples(&b), 256);
    assert_true(family_tells(&b, CPU("scaling_frequency_hertz", "255") "2800000000"));
    family_bench_end(&b);
    temp_tree_end(&tree);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zones_and_what_cools_them_are_told),
        cmocka_unit_test(a_zone_without_a_type_is_left_out),
        cmocka_unit_test(clock_rates_are_told_in_hertz),
        cmocka_unit_test(only_processors_are_asked_and_all_256_of_them),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("thermal", tests, NULL, NULL);
}
