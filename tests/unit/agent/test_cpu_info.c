// test_cpu_info - /proc/cpuinfo of machines large and small, whole, cut and wrong.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/proc/cpu_info.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "tests/unit/agent/family_bench.h"
#include "tests/unit/agent/temp_tree.h"

static int
parse(struct cpu_info *info, const char *text)
{
    return cpu_info_parse(info, text, strlen(text));
}

static bool
is(const struct cpu_info *info, uint32_t cpu, enum cpu_info_field field, const char *wanted)
{
    const struct cpu_info_word *word = &info->cpus[cpu].fields[field];

    return word->len == strlen(wanted) &&
           (word->len == 0 || memcmp(word->at, wanted, word->len) == 0);
}

static void
machines_of_any_size_are_read_whole(void **state)
{
    static const struct {
        const char *root;
        uint32_t cpus;
        const char *model_name, *core_of_last;
    } machines[] = {
        { "laptop", 4, "Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz", "1" },
        { "sixtyfour", 64, "AMD EPYC 7543 32-Core Processor", "31" },
        { "one", 1, "", "" },
    };
    struct cpu_info info = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof machines / sizeof machines[0]; i++) {
        struct buf text = fixture(machines[i].root, "cpuinfo");

        assert_int_equal(cpu_info_parse(&info, (const char *) text.at, text.len), machines[i].cpus);
        assert_true(is(&info, info.n - 1, CPU_INFO_MODEL_NAME, machines[i].model_name));
        assert_true(is(&info, info.n - 1, CPU_INFO_CORE, machines[i].core_of_last));
        buf_release(&text);
    }
    cpu_info_release(&info);
}

static void
what_is_said_of_the_whole_machine_is_no_processors(void **state)
{
    struct cpu_info info = { 0 };

    (void) state;
    assert_int_equal(
        parse(&info, "vendor_id : all\n\nprocessor : 3\nmodel : 7\n\nmodel : IBM,9009\n"), 1);
    assert_true(is(&info, 0, CPU_INFO_CPU, "3"));
    assert_true(is(&info, 0, CPU_INFO_MODEL, "7"));
    assert_true(is(&info, 0, CPU_INFO_VENDOR, ""));
    cpu_info_release(&info);
}

static void
a_value_may_hold_colons_be_empty_or_too_long(void **state)
{
    struct cpu_info info = { 0 };
    struct buf text = { 0 };

    (void) state;
    assert_int_equal(parse(&info, "processor:0\nmodel name\t: a: b  c \npower management:\n"), 1);
    assert_true(is(&info, 0, CPU_INFO_MODEL_NAME, "a: b  c"));
    buf_str(&text, "processor : 0\nmodel name : ");
    for (unsigned i = 0; i <= CPU_INFO_VALUE_MAX; i++)
        buf_byte(&text, 'x');
    buf_str(&text, "\nflags : ");
    for (int i = 0; i < 100000; i++)
        buf_str(&text, "flag ");
    buf_str(&text, "\nstepping : 5\n");
    assert_int_equal(parse(&info, buf_cstr(&text)), 1);
    assert_true(is(&info, 0, CPU_INFO_MODEL_NAME, ""));
    assert_true(is(&info, 0, CPU_INFO_STEPPING, "5"));
    buf_release(&text);
    cpu_info_release(&info);
}

static void
a_file_cut_at_any_byte_tells_nothing_wrong(void **state)
{
    struct buf text = fixture("laptop", "cpuinfo");
    struct cpu_info whole = { 0 }, cut = { 0 };

    (void) state;
    assert_int_equal(cpu_info_parse(&whole, (const char *) text.at, text.len), 4);
    for (size_t n = 0; n < text.len; n++) {
        char *copy = exactly(text.at, n);
        const int rc = cpu_info_parse(&cut, copy, n);

        assert_true(rc > 0 || rc == ERR_FORMAT);
        for (uint32_t i = 0; rc > 0 && i < cut.n; i++)
            for (size_t f = 0; f < CPU_INFO_FIELDS; f++) {
                const struct cpu_info_word *word = &cut.cpus[i].fields[f];

                assert_true(word->len == 0 || word->len == whole.cpus[i].fields[f].len);
                assert_true(word->len == 0 ||
                            memcmp(word->at, whole.cpus[i].fields[f].at, word->len) == 0);
            }
        free(copy);
    }
    cpu_info_release(&whole);
    cpu_info_release(&cut);
    buf_release(&text);
}

static void
what_is_not_cpuinfo_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "\n",
        "processor : 0",
        "processor : x\n",
        "processor : -1\n",
        "processor :\n",
        "processor : 0 1\n",
        "no colon\n",
        "MemTotal: 16 kB\n",
        "processor : 0\nmodel 5\n",
        "processor : 99999999999999999999\n",
    };
    struct cpu_info info = { 0 };

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(&info, bad[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    cpu_info_release(&info);
}

static void
labels_have_the_names_of_node_exporter(void **state)
{
    proc_root_t *root;
    struct family_bench b;

    (void) state;
    assert_int_equal(proc_root_open(&root, "tests/data/proc/laptop"), 0);
    b = family_bench(&cpu_info_family, &(struct proc_setup){ .root = root });
    family_tick(&b, NULL, 0);
    assert_int_equal(family_samples(&b), 4);
    assert_true(family_tells(
        &b,
        "node_cpu_info{cachesize=\"6144 KB\",core=\"1\",cpu=\"2\",family=\"6\",job=\"node\","
        "microcode=\"0xf4\",model=\"142\",model_name=\"Intel(R) Core(TM) i5-8250U CPU @ 1.60GHz\","
        "package=\"0\",stepping=\"10\",vendor=\"GenuineIntel\"} 1"));
    family_bench_end(&b);
    proc_root_close(&root);
}

static void
the_file_is_read_again_when_a_processor_comes_or_goes(void **state)
{
    struct temp_tree tree = temp_tree();
    struct family_bench b;

    (void) state;
    temp_tree_write(&tree, "proc/cpuinfo", "processor : 0\n\nprocessor : 1\n\n");
    temp_tree_write(&tree, "sys/devices/system/cpu/online", "0-1\n");
    b = family_bench(&cpu_info_family, &(struct proc_setup){ .root = tree.root });
    family_tick(&b, NULL, 0);
    assert_int_equal(family_samples(&b), 2);
    temp_tree_write(&tree, "proc/cpuinfo", "processor : 0\n\n");
    family_tick(&b, NULL, 0);
    assert_true(family_tells(&b, "node_cpu_info{cpu=\"1\",job=\"node\"} 1"));
    temp_tree_write(&tree, "sys/devices/system/cpu/online", "0\n");
    family_tick(&b, NULL, 0);
    assert_true(family_tells(&b, "node_cpu_info{cpu=\"1\",job=\"node\"} NaN")); // its end
    family_tick(&b, NULL, 0);
    assert_int_equal(family_samples(&b), 1);
    temp_tree_remove(&tree, "proc/cpuinfo");
    temp_tree_write(&tree, "sys/devices/system/cpu/online", "0-1\n");
    family_tick(&b, NULL, 0);
    family_tick(&b, NULL, 0);
    assert_int_equal(family_samples(&b), 0);
    family_bench_end(&b);
    temp_tree_end(&tree);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(machines_of_any_size_are_read_whole),
        cmocka_unit_test(what_is_said_of_the_whole_machine_is_no_processors),
        cmocka_unit_test(a_value_may_hold_colons_be_empty_or_too_long),
        cmocka_unit_test(a_file_cut_at_any_byte_tells_nothing_wrong),
        cmocka_unit_test(what_is_not_cpuinfo_is_refused),
        cmocka_unit_test(labels_have_the_names_of_node_exporter),
        cmocka_unit_test(the_file_is_read_again_when_a_processor_comes_or_goes),
    };
    log_init("test", LOG_LEVEL_ERROR);
    return cmocka_run_group_tests_name("cpu_info", tests, NULL, NULL);
}
