// test_fnv - known answers.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "shared/base/fnv.h"

static void
the_published_answers_come_out(void **state)
{
    (void) state;
    assert_true(fnv_add(FNV_BEGIN, "", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(fnv_add(FNV_BEGIN, "a", 1) == UINT64_C(0xaf63dc4c8601ec8c));
    assert_true(fnv_add(FNV_BEGIN, "foobar", 6) == UINT64_C(0x85944171f73967e8));
}

static void
pieces_are_as_the_whole(void **state)
{
    (void) state;
    assert_true(fnv_add(fnv_add(FNV_BEGIN, "foo", 3), "bar", 3) == fnv_add(FNV_BEGIN, "foobar", 6));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_answers_come_out),
        cmocka_unit_test(pieces_are_as_the_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
