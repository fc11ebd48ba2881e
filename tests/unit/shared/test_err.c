// err - every number has words.

#include "shared/base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
our_errors_have_our_phrases(void **state)
{
    (void) state;
    assert_string_equal(err_str(ERR_FORMAT), "not in the expected format");
    assert_string_equal(err_str(ERR_CLOSED), "closed by the other side");
}

static void
errno_is_told_in_lower_case(void **state)
{
    (void) state;
    assert_string_equal(err_str(-ENOENT), "no such file or directory");
    assert_string_equal(err_str(-ERFKILL), "operation not possible due to RF-kill");
}

static void
every_number_has_a_text(void **state)
{
    static const int numbers[] = { INT32_MIN, -100000, ERR_CLOSED - 1, -4095, 0, 1, INT32_MAX };

    (void) state;
    assert_string_equal(err_str(ERR_CLOSED - 1), "error -4104");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        assert_true(strlen(err_str(numbers[i])) > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_errors_have_our_phrases),
        cmocka_unit_test(errno_is_told_in_lower_case),
        cmocka_unit_test(every_number_has_a_text),
    };
    return cmocka_run_group_tests_name("err", tests, NULL, NULL);
}
