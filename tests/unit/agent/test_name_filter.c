// test_name_filter - which names pass, and what is said of a wrong expression.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/proc/name_filter.h"
#include "shared/base/err.h"

static bool
passes(const char *include, const char *exclude, const char *name)
{
    char error[NAME_FILTER_ERROR_SIZE];
    name_filter_t *filter;
    bool yes;

    assert_int_equal(name_filter_new(&filter, include, exclude, error), 0);
    yes = name_filter_passes(filter, name, strlen(name));
    name_filter_destroy(&filter);
    assert_null(filter);
    return yes;
}

static void
without_expressions_everything_passes(void **state)
{
    (void) state;
    assert_true(passes(NULL, NULL, "sda"));
    assert_true(passes("", "", ""));
    assert_true(name_filter_passes(NULL, "sda", 3));
}

static void
exclude_leaves_out_and_include_takes_in_only_what_it_matches(void **state)
{
    static const char disks[] = "^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$";

    (void) state;
    assert_true(passes(NULL, disks, "sda"));
    assert_false(passes(NULL, disks, "sda1"));
    assert_false(passes(NULL, disks, "nvme0n1p2"));
    assert_true(passes(NULL, disks, "nvme0n1"));
    assert_false(passes(NULL, disks, "loop17"));
    assert_true(passes("^eth", NULL, "eth0"));
    assert_false(passes("^eth", NULL, "veth0"));
    assert_false(passes("^eth", "0$", "eth0"));
    assert_true(passes("eth", "0$", "veth1"));
}

static void
a_name_is_bytes_and_need_not_be_text(void **state)
{
    (void) state;
    assert_true(passes(NULL, "^sda$", "\xff\xfe"));
    assert_false(passes(NULL, "^\\xff", "\xff\xfe"));
}

static void
a_wrong_expression_is_refused_with_its_place(void **state)
{
    char error[NAME_FILTER_ERROR_SIZE] = "";
    name_filter_t *filter = NULL;

    (void) state;
    assert_int_equal(name_filter_new(&filter, NULL, "a(b", error), ERR_FORMAT);
    assert_null(filter);
    assert_non_null(strstr(error, "exclude: \"a(b\": at column 4"));
    assert_int_equal(name_filter_new(&filter, "[", NULL, error), ERR_FORMAT);
    assert_non_null(strstr(error, "include: \"[\": at column"));
}

static void
an_expression_without_end_gives_up(void **state)
{
    char name[64];

    (void) state;
    memset(name, 'a', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_true(passes(NULL, "^(a+)+b$", name));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_expressions_everything_passes),
        cmocka_unit_test(exclude_leaves_out_and_include_takes_in_only_what_it_matches),
        cmocka_unit_test(a_name_is_bytes_and_need_not_be_text),
        cmocka_unit_test(a_wrong_expression_is_refused_with_its_place),
        cmocka_unit_test(an_expression_without_end_gives_up),
    };
    return cmocka_run_group_tests_name("name_filter", tests, NULL, NULL);
}
