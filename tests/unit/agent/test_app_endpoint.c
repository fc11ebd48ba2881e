// test_app_endpoint - which endpoints applications may use, and what is said of the others.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "agent/app_endpoint.h"
#include "shared/base/err.h"

static void
the_prefix_says_who_connects(void **state)
{
    static const struct {
        const char *text;
        bool bind;
        const char *address;
    } cases[] = {
        { "@tcp://127.0.0.1:5555", true, "tcp://127.0.0.1:5555" },
        { "tcp://127.0.0.1:5555", true, "tcp://127.0.0.1:5555" },
        { ">tcp://127.0.0.1:5556", false, "tcp://127.0.0.1:5556" },
        { ">tcp://localhost:5556", false, "tcp://localhost:5556" },
        { "@tcp://localhost:5555", true, "tcp://127.0.0.1:5555" }, // a name can not be bound
        { "@tcp://[::1]:5555", true, "tcp://[::1]:5555" },
        { "@ipc:///run/zpulse/apps", true, "ipc:///run/zpulse/apps" },
        { "ipc://@zpulse", true, "ipc://@zpulse" },
    };
    struct app_endpoint at;
    const char *why;

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(app_endpoint_parse(&at, &why, cases[i].text), 0);
        assert_int_equal(at.bind, cases[i].bind);
        assert_string_equal(at.address, cases[i].address);
    }
}

static void
only_a_file_has_a_path(void **state)
{
    struct app_endpoint at;
    const char *why;

    (void) state;
    assert_int_equal(app_endpoint_parse(&at, &why, "@ipc:///run/zpulse/apps"), 0);
    assert_string_equal(app_endpoint_path(&at), "/run/zpulse/apps");
    assert_int_equal(app_endpoint_parse(&at, &why, "@ipc://@zpulse"), 0);
    assert_null(app_endpoint_path(&at));
    assert_int_equal(app_endpoint_parse(&at, &why, "@tcp://127.0.0.1:5555"), 0);
    assert_null(app_endpoint_path(&at));
}

static void
what_is_not_of_this_machine_is_refused(void **state)
{
    static const char *const bad[] = {
        "@tcp://0.0.0.0:5555",     "@tcp://*:5555",           ">tcp://192.0.2.1:5556",
        ">tcp://example.com:5556", "@tcp://eth0:5555",        "@tcp://[::]:5555",
        "udp://127.0.0.1:5555",    "@tcp://127.0.0.1:",       "tcp://127.0.0.1",
        "@tcp://localhost.:5555",  "@tcp://127.0.0.1:123456",
    };
    struct app_endpoint at;
    const char *why;

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (app_endpoint_parse(&at, &why, bad[i]) != ERR_RANGE)
            fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(why, "not an address of this machine"));
    }
}

static void
what_no_application_can_reach_is_refused(void **state)
{
    char text[200];
    struct app_endpoint at;
    const char *why;

    (void) state;
    assert_int_equal(app_endpoint_parse(&at, &why, "@inproc://apps"), ERR_FORMAT);
    snprintf(text, sizeof text, "@ipc:///%0106d", 0);
    assert_int_equal(app_endpoint_parse(&at, &why, text), 0);
    snprintf(text, sizeof text, "@ipc:///%0107d", 0);
    assert_int_equal(app_endpoint_parse(&at, &why, text), ERR_FORMAT);
    assert_non_null(strstr(why, "107 bytes"));
}

static void
lists_are_equal_by_what_they_say(void **state)
{
    const char *const one[] = { "@tcp://127.0.0.1:1", "@tcp://127.0.0.1:2" };
    char copy[] = "@tcp://127.0.0.1:1";
    const char *const two[] = { copy, ">tcp://127.0.0.1:2" };
    struct app_endpoint_list a = { .endpoints = one, .n = 1 };
    struct app_endpoint_list b = { .endpoints = two, .n = 1, .given = true };

    (void) state;
    assert_true(app_endpoint_list_equal(&a, &b));
    a.n = 2;
    assert_false(app_endpoint_list_equal(&a, &b));
    b.n = 2;
    assert_false(app_endpoint_list_equal(&a, &b));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_prefix_says_who_connects),
        cmocka_unit_test(only_a_file_has_a_path),
        cmocka_unit_test(what_is_not_of_this_machine_is_refused),
        cmocka_unit_test(what_no_application_can_reach_is_refused),
        cmocka_unit_test(lists_are_equal_by_what_they_say),
    };
    return cmocka_run_group_tests_name("app_endpoint", tests, NULL, NULL);
}
