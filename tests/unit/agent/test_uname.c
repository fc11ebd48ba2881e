// test_uname - the kernel's name and the machine's, and a machine that is renamed.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/proc/uname.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"

static void
five_files_are_one_series(void **state)
{
    struct family_bench b = family_bench(&uname_family, NULL);

    (void) state;
    assert_int_equal(FAMILY_TICK(&b, "Linux\n", "6.1.0-13\n", "#1 SMP\n", "web-1\n", "(none)\n"),
                     0);
    assert_int_equal(family_samples(&b), 1);
    assert_non_null(strstr(buf_cstr(&b.text), "nodename=\"web-1\",release=\"6.1.0-13\""));
    assert_non_null(strstr(buf_cstr(&b.text), "domainname=\"(none)\""));
    family_bench_end(&b);
}

static void
another_name_is_another_series_and_the_old_one_ends(void **state)
{
    struct family_bench b = family_bench(&uname_family, NULL);

    (void) state;
    FAMILY_TICK(&b, "Linux\n", "6.1\n", "#1\n", "web-1\n", "(none)\n");
    FAMILY_TICK(&b, "Linux\n", "6.1\n", "#1\n", "web-2\n", "(none)\n");
    assert_int_equal(series_table_count(b.table), 2);
    assert_int_equal(series_table_cells(b.table)[0].state, CELL_RAW);
    assert_int_equal(series_table_cells(b.table)[1].m, 1);
    FAMILY_TICK(&b, "Linux\n", "6.1\n", "#1\n", "web-2\n", "(none)\n");
    assert_int_equal(family_samples(&b), 1);
    family_bench_end(&b);
}

static void
a_line_that_is_cut_too_long_or_no_text_is_refused(void **state)
{
    struct family_bench b = family_bench(&uname_family, NULL);
    char long_line[300];

    (void) state;
    memset(long_line, 'x', sizeof long_line);
    long_line[sizeof long_line - 2] = '\n';
    long_line[sizeof long_line - 1] = '\0';
    assert_int_equal(FAMILY_TICK(&b, ""), ERR_FORMAT);
    assert_int_equal(FAMILY_TICK(&b, "Linux"), ERR_FORMAT);
    assert_int_equal(FAMILY_TICK(&b, long_line), ERR_FORMAT);
    assert_int_equal(FAMILY_TICK(&b, "Lin\xffux\n"), ERR_FORMAT);
    assert_int_equal(family_samples(&b), 0);
    family_bench_end(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_files_are_one_series),
        cmocka_unit_test(another_name_is_another_series_and_the_old_one_ends),
        cmocka_unit_test(a_line_that_is_cut_too_long_or_no_text_is_refused),
    };
    return cmocka_run_group_tests_name("uname", tests, NULL, NULL);
}
