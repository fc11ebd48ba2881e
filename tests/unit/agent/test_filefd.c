// test_filefd - open files of the machine.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/proc/filefd.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"

static void
the_first_and_third_number_are_told(void **state)
{
    struct family_bench b = family_bench(&filefd_family, NULL);

    (void) state;
    assert_int_equal(FAMILY_TICK(&b, "627\t0\t2466174\n"), 0);
    assert_int_equal(family_samples(&b), 2);
    assert_true(family_tells(&b, "node_filefd_allocated{job=\"node\"} 627"));
    assert_true(family_tells(&b, "node_filefd_maximum{job=\"node\"} 2466174"));
    // Since 5.x the limit is the largest number there is.
    assert_int_equal(FAMILY_TICK(&b, "627\t0\t9223372036854775807\n"), 0);
    assert_true(family_tells(&b, "node_filefd_maximum{job=\"node\"} 9223372036854776000"));
    family_bench_end(&b);
}

static void
what_is_no_line_of_three_numbers_is_refused(void **state)
{
    static const char whole[] = "627\t0\t2466174\n";
    struct filefd files;

    (void) state;
    for (size_t n = 0; n + 1 < sizeof whole; n++) {
        char *text = exactly(whole, n);

        assert_int_equal(filefd_parse(&files, text, n), ERR_FORMAT);
        free(text);
    }
    assert_int_equal(filefd_parse(&files, "1 2\n", 4), ERR_FORMAT);
    assert_int_equal(filefd_parse(&files, "1 2 x\n", 6), ERR_FORMAT);
    assert_int_equal(filefd_parse(&files, "1 2 9223372036854775808\n", 24), ERR_FORMAT);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_and_third_number_are_told),
        cmocka_unit_test(what_is_no_line_of_three_numbers_is_refused),
    };
    return cmocka_run_group_tests_name("filefd", tests, NULL, NULL);
}
