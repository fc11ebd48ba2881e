// test_proc_number - numbers as kernels print them: signed, of 64 bits, hexadecimal, and none.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/proc/proc_number.h"
#include "shared/base/err.h"
#include "shared/model/sample.h"

typedef int take_fn(struct proc_text *line, struct proc_number *ret);

static int
take(take_fn *fn, const char *text, struct proc_number *ret)
{
    struct proc_text line = proc_text(text, strlen(text));

    return fn(&line, ret);
}

static void
every_number_of_64_bits_is_taken(void **state)
{
    static const struct {
        const char *text;
        uint64_t magnitude;
        bool negative;
    } wants[] = {
        { "0", 0, false },
        { " \t7 8", 7, false },
        { "-1", 1, true },
        { "9223372036854775807", INT64_MAX, false },
        { "18446744073709551615", UINT64_MAX, false },
        { "-9223372036854775808", UINT64_C(1) << 63, true },
        { "000000000000000000000000012", 12, false },
    };
    struct proc_number number;

    (void) state;
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        if (take(proc_number_take, wants[i].text, &number) != 1)
            fail_msg("refused: %s", wants[i].text);
        assert_true(number.magnitude == wants[i].magnitude);
        assert_int_equal(number.negative, wants[i].negative);
    }
}

static void
hexadecimal_has_either_case_and_64_bits(void **state)
{
    static const struct {
        const char *text;
        uint64_t magnitude;
    } wants[] = {
        { "0000000a", 10 },
        { "ffffFFFF 1", UINT32_MAX },
        { "ffffffffffffffff", UINT64_MAX },
        { "00000000000000000000001", 1 },
    };
    struct proc_number number;

    (void) state;
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        if (take(proc_number_take_hex, wants[i].text, &number) != 1)
            fail_msg("refused: %s", wants[i].text);
        assert_true(number.magnitude == wants[i].magnitude);
        assert_false(number.negative);
    }
}

static void
the_end_of_a_line_is_no_number_and_no_error(void **state)
{
    struct proc_number number;

    (void) state;
    assert_int_equal(take(proc_number_take, "", &number), 0);
    assert_int_equal(take(proc_number_take, " \t", &number), 0);
    assert_int_equal(take(proc_number_take_hex, " ", &number), 0);
}

static void
what_is_no_number_is_refused(void **state)
{
    static const char *const decimal[] = {
        "-",
        "--1",
        "+1",
        "1x",
        "x",
        "1.5",
        "18446744073709551616",
        "-9223372036854775809",
        "1-2",
        "0x1",
        "1e3",
        "1,",
        "\r",
        "184467440737095516150",
    };
    static const char *const hexadecimal[] = { "-1", "0x1", "g", "1g", "10000000000000000" };
    struct proc_number number;

    (void) state;
    for (size_t i = 0; i < sizeof decimal / sizeof decimal[0]; i++)
        if (take(proc_number_take, decimal[i], &number) != ERR_FORMAT)
            fail_msg("taken: %s", decimal[i]);
    for (size_t i = 0; i < sizeof hexadecimal / sizeof hexadecimal[0]; i++)
        if (take(proc_number_take_hex, hexadecimal[i], &number) != ERR_FORMAT)
            fail_msg("taken: %s", hexadecimal[i]);
}

static void
a_number_beyond_an_integer_is_set_as_a_double(void **state)
{
    static const struct series_spec spec = {
        .name = "x", .kind = METRIC_COUNTER, .form = { 0, 1 }, .job = "node"
    };
    series_table_t *table = series_table_new();
    const uint32_t slot = series_table_slot(table, &spec, NULL, 0);
    const struct cell *cell = series_table_cells(table);

    (void) state;
    proc_number_set(table, slot, (struct proc_number){ .magnitude = 5, .negative = true });
    assert_int_equal(cell->state, CELL_INTEGER);
    assert_int_equal(cell->m, -5);
    proc_number_set(table, slot, (struct proc_number){ .magnitude = UINT64_MAX });
    assert_int_equal(cell->state, CELL_RAW);
    assert_true(sample_from_bits(cell->bits) == 18446744073709551616.0);
    proc_number_set(table, slot,
                    (struct proc_number){ .magnitude = UINT64_C(1) << 63, .negative = true });
    assert_true(sample_from_bits(cell->bits) == -9223372036854775808.0);
    proc_number_set(table, SERIES_NONE, (struct proc_number){ .magnitude = UINT64_MAX });
    series_table_destroy(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_64_bits_is_taken),
        cmocka_unit_test(hexadecimal_has_either_case_and_64_bits),
        cmocka_unit_test(the_end_of_a_line_is_no_number_and_no_error),
        cmocka_unit_test(what_is_no_number_is_refused),
        cmocka_unit_test(a_number_beyond_an_integer_is_set_as_a_double),
    };
    return cmocka_run_group_tests_name("proc_number", tests, NULL, NULL);
}
