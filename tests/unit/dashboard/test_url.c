// url - escapes are decoded whole or not at all.

#include "dashboard/url.h"

#include "tests/unit/dashboard/room.h"

static void
escapes_are_decoded(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        { "", "" },
        { "/h/web-1", "/h/web-1" },
        { "%2e%2E/%2f", "../"
                        "/" },
        { "a%20b+c", "a b+c" },
        { "%C3%A4", "\xc3\xa4" },
        { "%25%32%35", "%25" }, // once, not twice
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        char *out = url_decode(cases[i].in);

        assert_non_null(out);
        assert_string_equal(out, cases[i].out);
        free(out);
    }
}

static void
what_is_no_escape_nul_or_not_utf8_is_refused(void **state)
{
    static const char *const bad[] = { "%",     "%2",  "%zz", "a%",   "%2g",   "%00",
                                       "x%00y", "%ff", "%C3", "\xff", "%c0%80" };

    (void) state;
    for (size_t i = 0; i < N_OF(bad); i++)
        if (url_decode(bad[i]) != NULL)
            fail_msg("\"%s\" was decoded", bad[i]);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_are_decoded),
        cmocka_unit_test(what_is_no_escape_nul_or_not_utf8_is_refused),
    };

    return cmocka_run_group_tests_name("url", tests, NULL, NULL);
}
