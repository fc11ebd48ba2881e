// test_loadavg - /proc/loadavg, and the boot id: one line each.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/proc/boot_id.h"
#include "agent/proc/loadavg.h"
#include "shared/base/err.h"
#include "tests/unit/agent/fixture.h"

static void
loads_are_hundredths(void **state)
{
    static const struct {
        const char *text;
        int64_t wants[LOADAVG_TERMS];
    } cases[] = {
        { "0.20 0.18 0.12 1/80 11206\n", { 20, 18, 12 } },
        { "0.00 1.05 123.99 1/80 11206\n", { 0, 105, 12399 } },
        { "2000.01 3000.02 4000.03 4000/9000 1\n", { 200001, 300002, 400003 } },
        { "1.00 2.00 3.00\n", { 100, 200, 300 } },
    };
    struct loadavg load;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(loadavg_parse(&load, cases[i].text, strlen(cases[i].text)), 0);
        assert_memory_equal(load.hundredths, cases[i].wants, sizeof load.hundredths);
    }
}

static void
a_file_cut_at_any_byte_tells_nothing(void **state)
{
    struct buf text = fixture("two", "loadavg");
    struct loadavg load;

    (void) state;
    assert_int_equal(loadavg_parse(&load, (const char *) text.at, text.len), 0);
    for (size_t n = 0; n < text.len; n++) {
        char *copy = exactly(text.at, n);

        assert_int_equal(loadavg_parse(&load, copy, n), ERR_FORMAT);
        free(copy);
    }
    buf_release(&text);
}

static void
what_is_not_loadavg_is_refused(void **state)
{
    static const char *const bad[] = {
        "\n",
        "1.00 2.00\n",
        "1 2 3\n",
        "1.0 2.0 3.0 1/2 3\n",
        "1.000 2.000 3.000 1/2 3\n",
        ".10 .20 .30 1/2 3\n",
        "-1.00 2.00 3.00 1/2 3\n",
        "1.0x 2.00 3.00 1/2 3\n",
        "nan inf 3.00 1/2 3\n",
        "99999999999999999999.00 1.00 1.00\n",
        "92233720368547758.08 1.00 1.00\n",
    };
    struct loadavg load;

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (loadavg_parse(&load, bad[i], strlen(bad[i])) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
}

static void
three_series_come_of_it(void **state)
{
    static const char *const names[] = { "node_load1", "node_load5", "node_load15" };
    void *family = loadavg_family.make(NULL);
    series_table_t *table = series_table_new();

    (void) state;
    series_table_begin(table);
    assert_int_equal(loadavg_family.sample(family, table, 0, "0.10 0.20 0.30 1/2 3\n", 21), 0);
    series_table_end(table);
    assert_int_equal(series_table_count(table), 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_string_equal(label_set_metric(&series_table_def(table, i)->labels), names[i]);
        assert_int_equal(series_table_cells(table)[i].m, (i + 1) * 10);
        assert_int_equal(series_table_def(table, i)->form.exponent, 2);
    }
    loadavg_family.end(&family);
    series_table_destroy(&table);
}

static void
a_boot_id_is_sixteen_bytes(void **state)
{
    static const uint8_t wants[BOOT_ID_SIZE] = { 0xf8, 0x1d, 0x4f, 0xae, 0x7d, 0xec, 0x11, 0xd0,
                                                 0xa7, 0x65, 0x00, 0xa0, 0xc9, 0x1e, 0x6b, 0xf6 };
    struct buf text = fixture("two", "sys/kernel/random/boot_id");
    uint8_t id[BOOT_ID_SIZE];

    (void) state;
    assert_int_equal(boot_id_parse(id, (const char *) text.at, text.len), 0);
    assert_memory_equal(id, wants, sizeof id);
    assert_int_equal(boot_id_parse(id, (const char *) text.at, text.len - 1), 0);
    buf_release(&text);
}

static void
what_is_no_boot_id_is_zeros(void **state)
{
    static const char *const bad[] = {
        "",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf6x",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bfg",
        "F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
        "f81d4fae07dec-11d0-a765-00a0c91e6bf6",
    };
    static const uint8_t zeros[BOOT_ID_SIZE];
    uint8_t id[BOOT_ID_SIZE];

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char *copy = exactly(bad[i], strlen(bad[i]));

        assert_int_equal(boot_id_parse(id, copy, strlen(bad[i])), ERR_FORMAT);
        assert_memory_equal(id, zeros, sizeof id);
        free(copy);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_are_hundredths),
        cmocka_unit_test(a_file_cut_at_any_byte_tells_nothing),
        cmocka_unit_test(what_is_not_loadavg_is_refused),
        cmocka_unit_test(three_series_come_of_it),
        cmocka_unit_test(a_boot_id_is_sixteen_bytes),
        cmocka_unit_test(what_is_no_boot_id_is_zeros),
    };
    return cmocka_run_group_tests_name("loadavg", tests, NULL, NULL);
}
