// test_os_release - values as a shell reads them, and the version as a number.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/proc/os_release.h"
#include "shared/base/err.h"
#include "tests/unit/agent/family_bench.h"

static int
parse(struct os_release *os, const char *text)
{
    char *copy = exactly(text, strlen(text));
    const int rc = os_release_parse(os, copy, strlen(text));

    free(copy);
    return rc;
}

static void
values_are_read_as_a_shell_reads_them(void **state)
{
    static const struct {
        const char *text, *value;
    } cases[] = {
        { "NAME=Fedora\n", "Fedora" },
        { "NAME=\"Debian GNU/Linux\"\n", "Debian GNU/Linux" },
        { "NAME='Arch $Linux'\n", "Arch $Linux" },
        { "NAME=\"a \\\"b\\\" \\$c\"\n", "a \"b\" $c" },
        { "# NAME=no\n\nOTHER=1\nNAME=yes\n", "yes" },
        { "NAME=\n", "" },
    };
    struct os_release os;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(parse(&os, cases[i].text), 1);
        assert_string_equal(os.values[OS_NAME], cases[i].value);
        assert_string_equal(os.values[OS_ID], "");
    }
}

static void
what_is_no_os_release_is_refused(void **state)
{
    static const char *const bad[] = {
        "",          "NAME=x",     "HOME_URL=x\n",    "NAME=\"x\n",
        "NAME='x\n", "NAME=x\\\n", "NAME=\xff\xfe\n", "name=x\n",
    };
    struct buf text = { 0 };
    struct os_release os;

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (parse(&os, bad[i]) != ERR_FORMAT)
            fail_msg("taken: %s", bad[i]);
    buf_str(&text, "NAME=");
    for (size_t i = 0; i < OS_RELEASE_VALUE_SIZE; i++)
        buf_byte(&text, 'x');
    buf_byte(&text, '\n');
    assert_int_equal(parse(&os, buf_cstr(&text)), ERR_FORMAT);
    buf_release(&text);
}

static void
the_version_is_a_number_up_to_its_second_point(void **state)
{
    static const struct {
        const char *text, *line;
    } cases[] = {
        { "ID=debian\nVERSION_ID=\"12\"\n", "node_os_version{id=\"debian\",job=\"node\"} 12" },
        { "ID=ubuntu\nVERSION_ID=22.04.1\n", "node_os_version{id=\"ubuntu\",job=\"node\"} 22.04" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct family_bench b = family_bench(&os_family, NULL);

        assert_int_equal(FAMILY_TICK(&b, cases[i].text), 0);
        assert_int_equal(family_samples(&b), 2);
        assert_true(family_tells(&b, cases[i].line));
        family_bench_end(&b);
    }
}

static void
a_system_without_a_version_has_only_its_info(void **state)
{
    struct family_bench b = family_bench(&os_family, NULL);

    (void) state;
    assert_int_equal(FAMILY_TICK(&b, "ID=arch\nBUILD_ID=rolling\n"), 0);
    assert_int_equal(family_samples(&b), 1);
    assert_true(family_tells(&b, "node_os_info{build_id=\"rolling\",id=\"arch\",job=\"node\"} 1"));
    family_bench_end(&b);
}

static void
the_second_file_stands_in_for_the_first(void **state)
{
    struct family_bench b = family_bench(&os_family, NULL);

    (void) state;
    assert_int_equal(FAMILY_TICK(&b, NULL, "ID=b\n"), 0);
    assert_true(family_tells(&b, "node_os_info{id=\"b\",job=\"node\"} 1"));
    assert_int_equal(FAMILY_TICK(&b, "ID=a\n", "ID=b\n"), 0);
    assert_true(family_tells(&b, "node_os_info{id=\"a\",job=\"node\"} 1"));
    assert_int_equal(FAMILY_TICK(&b, NULL, NULL), 0);
    assert_null(strstr(buf_cstr(&b.text), "} 1"));
    family_bench_end(&b);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read_as_a_shell_reads_them),
        cmocka_unit_test(what_is_no_os_release_is_refused),
        cmocka_unit_test(the_version_is_a_number_up_to_its_second_point),
        cmocka_unit_test(a_system_without_a_version_has_only_its_info),
        cmocka_unit_test(the_second_file_stands_in_for_the_first),
    };
    return cmocka_run_group_tests_name("os_release", tests, NULL, NULL);
}
