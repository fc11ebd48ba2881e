// test_hwmon - names of sensors' files, and the chips of a laptop.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/proc/hwmon.h"
#include "agent/proc/hwmon_name.h"
#include "shared/base/log.h"
#include "tests/unit/agent/family_bench.h"
#include "tests/unit/agent/temp_tree.h"

#define DEADLINE_MS 20000

static void
a_files_name_is_type_number_and_property(void **state)
{
    static const struct {
        const char *name;
        const char *type; // NULL: no file of a sensor
        uint32_t number;
        const char *property;
    } names[] = {
        { "temp1_input", "temp", 1, "input" },
        { "temp12_crit_alarm", "temp", 12, "crit_alarm" },
        { "in0_input", "in", 0, "input" },
        { "pwm1", "pwm", 1, "" },
        { "pwm1_auto_point1_pwm", "pwm", 1, "auto_point1_pwm" },
        { "fan4294967295_input", "fan", UINT32_MAX, "input" },
        { "temp", "temp", 0, "" },
        { "beep_enable", "beep_enable", 0, "" },
        { "update_interval", "update_interval", 0, "" },
        { "temp01_input", "temp", 1, "input" },
        { "in_voltage0-1_raw", "in", 0, "voltage0-1_raw" }, // the expression goes back to '_'
        { "temp_label", NULL, 0, "" },
        { "temp1x", NULL, 0, "" },
        { "temp1_", NULL, 0, "" },
        { "_1x", NULL, 0, "" },
        { "fan4294967296_input", NULL, 0, "" },
        { "fan99999999999999999999_input", NULL, 0, "" },
        { "name", NULL, 0, "" },
        { "uevent", NULL, 0, "" },
        { "temperature1_input", NULL, 0, "" },
        { "1_input", NULL, 0, "" },
        { "", NULL, 0, "" },
    };
    struct hwmon_file file;

    (void) state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (hwmon_name_split(&file, names[i].name) != (names[i].type != NULL))
            fail_msg("\"%s\" is %staken", names[i].name, names[i].type != NULL ? "not " : "");
        if (names[i].type == NULL)
            continue;
        assert_string_equal(file.type, names[i].type);
        assert_int_equal(file.number, names[i].number);
        assert_string_equal(file.property, names[i].property);
    }
}

static void
a_word_is_cleaned_for_use_in_a_name(void **state)
{
    static const char *const words[][2] = {
        { "coretemp", "coretemp" },
        { "Package id 0", "package_id_0" },
        { "0000:00:1d.0", "0000:00:1d_0" },
        { "__a--b__", "a__b" },
        { "T\xc3\xa4st\xff!", "t_st" }, // one character, one '_'
        { "...", "" },
        { "", "" },
    };
    char clean[HWMON_WORD_SIZE], lengthy[600];

    (void) state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        hwmon_name_clean(clean, words[i][0], strlen(words[i][0]));
        assert_string_equal(clean, words[i][1]);
    }
    memset(lengthy, 'x', sizeof lengthy);
    hwmon_name_clean(clean, lengthy, sizeof lengthy);
    assert_int_equal(strlen(clean), HWMON_WORD_SIZE - 1);
}

static void
a_chip_is_called_after_its_device(void **state)
{
    static const char *const devices[][2] = {
        { "/sys/devices/platform/coretemp.0", "platform_coretemp_0" },
        { "/sys/devices/pci0000:00/0000:00:1d.0/nvme/nvme0", "nvme_nvme0" },
        { "/sys/devices/virtual/thermal/thermal_zone0", "thermal_thermal_zone0" },
        { "/sys/.../coretemp", "coretemp" },
        { "/coretemp", "coretemp" },
        { "/sys/...", "" },
        { "/", "" },
        { "", "" },
    };
    char chip[HWMON_CHIP_SIZE];

    (void) state;
    for (size_t i = 0; i < sizeof devices / sizeof devices[0]; i++) {
        hwmon_name_chip(chip, devices[i][0]);
        assert_string_equal(chip, devices[i][1]);
    }
}

static void
each_property_has_its_metric_and_unit(void **state)
{
    static const struct {
        const char *file;
        bool has_bare;
        const char *metric; // NULL: none
        uint8_t exponent;
    } files[] = {
        { "temp1_input", false, "node_hwmon_temp_celsius", 3 },
        { "temp0_input", true, "node_hwmon_temp_input_celsius", 3 },
        { "temp", true, "node_hwmon_temp_celsius", 3 },
        { "temp1_max", false, "node_hwmon_temp_max_celsius", 3 },
        { "temp1_type", false, "node_hwmon_temp_type", 0 },
        { "temp1_alarm", false, "node_hwmon_temp_alarm", 0 },
        { "temp1_fault", false, "node_hwmon_temp_fault", 0 },
        { "temp1_label", false, NULL, 0 },
        { "fan1_input", false, "node_hwmon_fan_rpm", 0 },
        { "fan1_target", false, "node_hwmon_fan_target_rpm", 0 },
        { "fan1_div", false, "node_hwmon_fan_div", 0 },
        { "fan1_beep", false, "node_hwmon_fan_beep_enabled", 0 },
        { "in0_input", false, "node_hwmon_in_volts", 3 },
        { "cpu0_vid", false, "node_hwmon_cpu_vid_volts", 3 },
        { "curr1_crit", false, "node_hwmon_curr_crit_amps", 3 },
        { "power1_average", false, "node_hwmon_power_average_watt", 6 },
        { "power1_input", false, "node_hwmon_power_watt", 6 },
        { "power1_accuracy", false, "node_hwmon_power_accuracy", 6 },
        { "power1_average_interval", false, "node_hwmon_power_average_interval_seconds", 3 },
        { "energy1_input", false, "node_hwmon_energy_joule_total", 6 },
        { "humidity1_input", false, "node_hwmon_humidity", 6 },
        { "intrusion0_alarm", false, "node_hwmon_intrusion_alarm", 0 },
        { "pwm1", true, "node_hwmon_pwm", 0 },
        { "pwm1_Auto Point", true, "node_hwmon_pwm_auto_point", 0 },
        { "beep_enable", true, "node_hwmon_beep_enabled", 0 },
        { "vrm", true, "node_hwmon_voltage_regulator_version", 0 },
        { "vrm1_input", false, NULL, 0 },
        { "update_interval", true, "node_hwmon_update_interval_seconds", 3 },
    };
    struct hwmon_metric metric;
    struct hwmon_file file;

    (void) state;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_true(hwmon_name_split(&file, files[i].file));
        assert_int_equal(hwmon_name_metric(&metric, &file, files[i].has_bare),
                         files[i].metric != NULL);
        if (files[i].metric == NULL)
            continue;
        assert_string_equal(metric.name, files[i].metric);
        assert_int_equal(metric.exponent, files[i].exponent);
        assert_int_equal(metric.kind,
                         strcmp(file.type, "energy") == 0 ? METRIC_COUNTER : METRIC_GAUGE);
    }
}

static struct family_bench
bench(proc_root_t *root)
{
    struct family_bench b = family_bench(&hwmon_family, &(struct proc_setup){ .root = root });

    b.family->settle(b.state, DEADLINE_MS);
    family_tick(&b, NULL, 0);
    return b;
}

// The whole of it was compared with node_exporter 1.5 on this same tree.
static void
the_chips_of_a_laptop_are_told_as_node_exporter_tells_them(void **state)
{
    static const char *const wanted[] = {
        "node_hwmon_chip_names{chip=\"platform_coretemp_0\",chip_name=\"coretemp\",job=\"node\"} 1",
        "node_hwmon_chip_names{chip=\"virt_sensor__2\",chip_name=\"virt_sensor__2\",job=\"node\"} "
        "1",
        "node_hwmon_sensor_label{chip=\"platform_coretemp_0\",job=\"node\",label=\"Package id 0\","
        "sensor=\"temp1\"} 1",
        "node_hwmon_temp_celsius{chip=\"platform_coretemp_0\",job=\"node\",sensor=\"temp1\"} 41.5",
        "node_hwmon_temp_celsius{chip=\"nvme_nvme0\",job=\"node\",sensor=\"temp1\"} 37.85",
        "node_hwmon_temp_min_celsius{chip=\"nvme_nvme0\",job=\"node\",sensor=\"temp1\"} -273.15",
        "node_hwmon_temp_celsius{chip=\"thermal_thermal_zone0\",job=\"node\",sensor=\"temp0\"} "
        "27.8",
        "node_hwmon_temp_celsius{chip=\"hwmon6\",job=\"node\",sensor=\"temp1\"} 31",
        "node_hwmon_fan_rpm{chip=\"platform_nct6775_656\",job=\"node\",sensor=\"fan1\"} 1180",
        "node_hwmon_in_volts{chip=\"pci0000:00_0000:00:02_0\",job=\"node\",sensor=\"in1\"} 0.775",
        "node_hwmon_energy_joule_total{chip=\"pci0000:00_0000:00:02_0\",job=\"node\","
        "sensor=\"energy1\"} 123456.789012",
    };
    proc_root_t *root;
    struct family_bench b;

    (void) state;
    assert_int_equal(proc_root_open(&root, "tests/data/proc/laptop"), 0);
    b = bench(root);
    assert_int_equal(family_samples(&b), 76);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++)
        if (!family_tells(&b, wanted[i]))
            fail_msg("not told: %s", wanted[i]);
    family_bench_end(&b);
    proc_root_close(&root);
}

static void
a_file_of_the_device_counts_before_that_of_the_chip(void **state)
{
    struct temp_tree tree = temp_tree();
    struct family_bench b;

    (void) state;
    temp_tree_write(&tree, "sys/class/hwmon/hwmon0/temp1_input", "1000\n");
    temp_tree_write(&tree, "sys/class/hwmon/hwmon0/temp2_input", "2000\n");
    temp_tree_write(&tree, "sys/class/hwmon/hwmon0/temp2_label", "\xff\n"); // no label
    temp_tree_write(&tree, "sys/class/hwmon/hwmon0/device/temp1_input", "3000\n");
    temp_tree_write(&tree, "sys/class/hwmon/hwmon0/device/power/control", "auto\n");
    b = bench(tree.root);
    assert_int_equal(family_samples(&b), 2);
    assert_true(family_tells(
        &b, "node_hwmon_temp_celsius{chip=\"hwmon0_device\",job=\"node\",sensor=\"temp1\"} 3"));
    assert_true(family_tells(
        &b, "node_hwmon_temp_celsius{chip=\"hwmon0_device\",job=\"node\",sensor=\"temp2\"} 2"));
    family_bench_end(&b);
    temp_tree_end(&tree);
}

static void
a_machine_without_sensors_has_no_series(void **state)
{
    struct temp_tree tree = temp_tree();
    struct family_bench b = bench(tree.root);

    (void) state;
    assert_int_equal(family_samples(&b), 0);
    family_bench_end(&b);
    temp_tree_end(&tree);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_files_name_is_type_number_and_property),
        cmocka_unit_test(a_word_is_cleaned_for_use_in_a_name),
        cmocka_unit_test(a_chip_is_called_after_its_device),
        cmocka_unit_test(each_property_has_its_metric_and_unit),
        cmocka_unit_test(the_chips_of_a_laptop_are_told_as_node_exporter_tells_them),
        cmocka_unit_test(a_file_of_the_device_counts_before_that_of_the_chip),
        cmocka_unit_test(a_machine_without_sensors_has_no_series),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("hwmon", tests, NULL, NULL);
}
