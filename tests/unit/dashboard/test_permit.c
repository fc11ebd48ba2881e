// permit - which names a browser may call us by.

#include "dashboard/permit.h"

#include "tests/unit/dashboard/room.h"

static void
only_our_own_names_and_addresses_are_allowed(void **state)
{
    static const char *const names[] = { "pulse.example.org", "Other" };
    static const struct {
        const char *host;
        bool allowed;
    } cases[] = {
        { NULL, true }, // before HTTP/1.1; no browser
        { "localhost", true },
        { "LOCALHOST:8088", true },
        { "localhost.", true },
        { "127.0.0.1:8088", true },
        { "127.1.2.3", true },
        { "[::1]:8088", true },
        { "[::1]", true },
        { "pulse.example.org", true },
        { "Pulse.Example.ORG:443", true },
        { "other", true },
        { "", false },
        { ":8088", false },
        { ".", false },
        { "evil.example", false },
        { "localhost.evil.example", false },
        { "127.0.0.1.evil.example", false },
        { "128.0.0.1", true }, // an address is no name that could be made to point here
        { "10.0.0.1:80", true },
        { "[::2]", true },
        { "10.0.0.1.", true },
        { "10.0.1", false },
        { "0x7f000001", false },
        { "10.0.0.1.evil.example", false },
        { "[::1", false },
        { "localhost:80x", false },
        { "localhost:/evil", false },
        { "[::1]:8 0", false },
        { "localhost:", true },
        { "[::1]evil.example", false },
        { "pulse.example.org.evil.example", false },
        { "example.org", false },
    };
    permit_t *permit = permit_new("127.0.0.1:8088", names, N_OF(names));

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++)
        if (permit_host(permit, cases[i].host) != cases[i].allowed)
            fail_msg("Host: %s", cases[i].host);
    permit_destroy(&permit);
}

// What is no Host would be a name that lets nobody in, and nobody would know why.
static void
a_name_that_no_host_can_have_is_not_taken(void **state)
{
    static const struct {
        const char *name;
        bool taken;
    } cases[] = {
        { "pulse.example.org", true },
        { "Pulse_2.example.org:8443", true },
        { "xn--bcher-kva.example", true },
        { "10.0.0.7", true },
        { "[fd00::7]", true },
        { "", false },
        { "a b", false },
        { "http://pulse.example.org", false },
        { "pulse.example.org/", false },
        { "*.example.org", false },
        { "b\xc3\xbc"
          "cher.example",
          false },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++)
        if (permit_takes(cases[i].name) != cases[i].taken)
            fail_msg("%s", cases[i].name);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_our_own_names_and_addresses_are_allowed),
        cmocka_unit_test(a_name_that_no_host_can_have_is_not_taken),
    };

    return cmocka_run_group_tests_name("permit", tests, NULL, NULL);
}
