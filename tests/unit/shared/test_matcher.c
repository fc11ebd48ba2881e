// matcher - selectors that are understood, those that are refused and where, and what they mean.

#include "shared/model/matcher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define N_OF(table) (sizeof(table) / sizeof(table)[0])

static matchers_t *
parsed(const char *text)
{
    char error[MATCHERS_ERROR_SIZE] = "";
    matchers_t *m = NULL;

    if (matchers_parse(&m, text, error) != 0)
        fail_msg("%s: %s", text, error);
    return m;
}

// Does the selector mean web_requests{app="shop",path="/a\nb"}?
static bool
means(const char *text)
{
    static const struct label labels[] = { { "__name__", "web_requests" },
                                           { "app", "shop" },
                                           { "path", "/a\nb" } };
    struct label_set set;
    matchers_t *m = parsed(text);
    bool yes;

    assert_int_equal(label_set_init(&set, labels, N_OF(labels)), 0);
    yes = matchers_match(m, &set);
    assert_false(matchers_limited(m));
    label_set_release(&set);
    matchers_destroy(&m);
    return yes;
}

static void
selectors_mean_what_promql_says(void **state)
{
    static const struct {
        const char *text;
        bool yes;
    } cases[] = {
        { "web_requests", true },
        { "  web_requests\n", true },
        { "web_request", false },
        { "web_requests{}", true },
        { "web_requests { app = \"shop\" , }", true },
        { "{__name__=\"web_requests\"}", true },
        { "{__name__=~\"web_.*\",app!=\"\"}", true },
        { "{app='shop'}", true },
        { "{app=`shop`}", true },
        { "{app=\"sh\"}", false },
        { "{app!=\"sho\",app=~\".+\"}", true },
        { "{app=~\"sho\"}", false },   // anchored at the end
        { "{app=~\"hop\"}", false },   // and at the beginning
        { "{app=~\"s|shop\"}", true }, // each branch by itself
        { "{app=~\"shop|s\"}", true },
        { "{app=~\"SHOP\"}", false },
        { "{app=~\"(?i)SHOP\"}", true },
        { "{app!~\"shop\",path!=\"\"}", false },
        { "{app!~\"sh\",path!=\"\"}", true },
        { "{app=\"shop\",gone=\"\"}", true }, // a label that is not there is empty
        { "{app=\"shop\",gone!=\"\"}", false },
        { "{app=\"shop\",gone=~\".*\"}", true },
        { "{app=\"shop\",gone!~\".+\"}", true },
        { "{path=\"/a\\nb\"}", true },
        { "{path=~\"/a.b\"}", true },   // "." is any character
        { "{path=~\"/a$.*\"}", false }, // "$" is the end only
        { "{path=`/a\nb`}", true },
        { "{app=\"\\x73\\150\\u006f\\U00000070\"}", true },
        { "{app=\"shop\",app!=\"x\",app=~\"s.*\"}", true },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++)
        if (means(cases[i].text) != cases[i].yes)
            fail_msg("%s", cases[i].text);
}

static void
escapes_are_gos(void **state)
{
    const struct label label = { "a", "\a\b\f\n\r\t\v\\\"'\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" };
    matchers_t *m = parsed("{a=\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"'\\u00e9\\u20AC\\U0001f600\"}");
    struct label_set set;

    (void) state;
    assert_int_equal(label_set_init(&set, &label, 1), 0);
    assert_true(matchers_match(m, &set));
    label_set_release(&set);
    matchers_destroy(&m);
}

static void
a_bad_selector_is_refused_with_place_and_rule(void **state)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        { "", "column 1: expected a metric's name or '{', but the selector ends" },
        { "  ", "column 3: expected a metric's name or '{', but the selector ends" },
        { "1up", "column 1: expected a metric's name or '{', found '1'" },
        { "\"up\"", "column 1: expected a metric's name or '{', found '\"'" },
        { "up down", "column 4: expected the end of the selector, found 'd'" },
        { "up[5m]", "column 3: expected the end of the selector, found '['" },
        { "up{} x", "column 6: expected the end of the selector, found 'x'" },
        { "up{", "column 4: expected a label's name or '}', but the selector ends" },
        { "up{,}", "column 4: expected a label's name or '}', found ','" },
        { "up{a=\"1\",,}", "column 10: expected a label's name or '}', found ','" },
        { "up{a:b=\"1\"}", "column 5: expected one of = != =~ !~, found ':'" },
        { "up{a", "column 5: expected one of = != =~ !~, but the selector ends" },
        { "up{a!\"1\"}", "column 5: expected one of = != =~ !~, found '!'" },
        { "up{a==\"1\"}", "column 6: expected a value in quotes, found '='" },
        { "up{a=}", "column 6: expected a value in quotes, found '}'" },
        { "up{a=1}", "column 6: expected a value in quotes, found '1'" },
        { "up{a=\"1\" b=\"2\"}", "column 10: expected ',' or '}', found 'b'" },
        { "up{a=\"1\"", "column 9: expected ',' or '}', but the selector ends" },
        { "up{a=\"1", "column 6: this \" is not closed on its line" },
        { "up{a='1\"}", "column 6: this ' is not closed on its line" },
        { "up{a=\"1\n\"}", "column 6: this \" is not closed on its line" },
        { "up{a=`1}", "column 6: this ` is never closed" },
        { "up{a=\"x\\", "column 8: no such escape; a \\ itself is written \\\\" },
        { "up{a=\"\\.\"}", "column 7: no such escape; a \\ itself is written \\\\" },
        { "up{a=\"\\'\"}", "column 7: no such escape; a \\ itself is written \\\\" },
        { "up{a=\"\\x1\"}", "column 7: this escape needs 2 digits" },
        { "up{a=\"\\19\"}", "column 7: this escape needs 3 digits" },
        { "up{a=\"\\777\"}", "column 7: this escape is no byte" },
        { "up{a=\"\\ud800\"}", "column 7: this escape is no character" },
        { "up{a=\"\\U00110000\"}", "column 7: this escape is no character" },
        { "up{a=\"\\x00\"}", "column 6: a value must be UTF-8 without NUL" },
        { "up{a=\"\\xff\"}", "column 6: a value must be UTF-8 without NUL" },
        { "up{a=\"\xff\"}", "column 6: a value must be UTF-8 without NUL" },
        { "up{\xc3\xa9=\"1\"}", "column 4: expected a label's name or '}', found byte 0xc3" },
        { "up{b=\"\",__name__=\"x\"}", "column 9: the metric's name must not be given twice" },
        { "up{a=~\"(\"}",
          "column 7: no regular expression: missing closing parenthesis at its byte 2" },
        { "up{a=~\"a**\"}",
          "column 7: no regular expression: quantifier does not follow a repeatable "
          "item at its byte 3" },
        { "{}", "column 1: at least one matcher must not match the empty text" },
        { "{a=\"\"}", "column 1: at least one matcher must not match the empty text" },
        { "{a!=\"x\"}", "column 1: at least one matcher must not match the empty text" },
        { "{a=~\".*\"}", "column 1: at least one matcher must not match the empty text" },
        { "{a!~\"x\"}", "column 1: at least one matcher must not match the empty text" },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        char error[MATCHERS_ERROR_SIZE] = "";
        matchers_t *m = NULL;

        assert_int_equal(matchers_parse(&m, cases[i].text, error), ERR_FORMAT);
        assert_null(m);
        assert_string_equal(error, cases[i].error);
    }
}

static void
limits_hold(void **state)
{
    char error[MATCHERS_ERROR_SIZE];
    struct buf text = { 0 };
    matchers_t *m = NULL;

    (void) state;
    for (size_t i = 0; i < MATCHERS_TEXT_MAX; i++)
        buf_byte(&text, 'a');
    assert_int_equal(matchers_parse(&m, buf_cstr(&text), error), 0);
    matchers_destroy(&m);
    buf_byte(&text, 'a');
    assert_int_equal(matchers_parse(&m, buf_cstr(&text), error), ERR_LIMIT);
    assert_string_equal(error, "column 1: a selector has at most 4096 bytes");

    buf_clear(&text);
    buf_str(&text, "up{");
    for (size_t i = 0; i < 31; i++)
        buf_str(&text, "a!=\"x\",");
    buf_str(&text, "}");
    assert_int_equal(matchers_parse(&m, buf_cstr(&text), error), 0);
    matchers_destroy(&m);
    text.len--;
    buf_str(&text, "a!=\"x\"}");
    assert_int_equal(matchers_parse(&m, buf_cstr(&text), error), ERR_LIMIT);
    assert_string_equal(error, "column 221: a selector has at most 32 matchers");

    buf_clear(&text);
    buf_str(&text, "{");
    for (size_t i = 0; i <= LABEL_NAME_MAX; i++)
        buf_byte(&text, 'a');
    buf_str(&text, "=\"x\"}");
    assert_int_equal(matchers_parse(&m, buf_cstr(&text), error), ERR_LIMIT);
    assert_string_equal(error, "column 2: a label's name has at most 128 bytes");
    assert_null(m);
    buf_release(&text);
}

static void
cut_at_any_length_it_neither_breaks_nor_leaks(void **state)
{
    static const char text[] = "up{a=\"\\u20ac\\x41\\n\",b=~'x(y|z)+',c!~`w`,d!=\"\\\\\",}";

    (void) state;
    for (size_t cut = 0; cut <= sizeof text - 1; cut++) {
        char *own = xstrndup(text, cut);
        char error[MATCHERS_ERROR_SIZE];
        matchers_t *m = NULL;
        int rc = matchers_parse(&m, own, error);

        // Only the bare name and the whole are selectors.
        assert_int_equal(rc, cut == 1 || cut == 2 || cut == sizeof text - 1 ? 0 : ERR_FORMAT);
        matchers_destroy(&m);
        free(own);
    }
}

static void
an_expression_that_exceeds_its_limits_accepts_nothing_and_says_so(void **state)
{
    static const char *const hostile[] = { "{a=~\"(x+x+)+[yz]\",b=\"\"}",
                                           "{a!~\"(x+x+)+[yz]\",a!=\"\"}" };
    const struct label label = { "a",
                                 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" };
    struct label_set set;

    (void) state;
    assert_int_equal(label_set_init(&set, &label, 1), 0);
    for (size_t i = 0; i < N_OF(hostile); i++) {
        matchers_t *m = parsed(hostile[i]);

        assert_false(matchers_limited(m));
        assert_false(matchers_match(m, &set));
        assert_true(matchers_limited(m));
        assert_false(matchers_limited(m));
        matchers_destroy(&m);
    }
    label_set_release(&set);
}

static void
the_metric_is_known_only_where_it_is_demanded_exactly(void **state)
{
    static const struct {
        const char *text, *metric;
    } cases[] = {
        { "up", "up" },
        { "job:up:sum{a=\"1\"}", "job:up:sum" },
        { "{a=\"1\",__name__=\"up\"}", "up" },
        { "{__name__=~\"up\"}", NULL },
        { "{__name__!=\"up\",a=\"1\"}", NULL },
        { "{__name__=\"\",a=\"1\"}", NULL },
        { "{a=\"1\"}", NULL },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        matchers_t *m = parsed(cases[i].text);

        if (cases[i].metric == NULL)
            assert_null(matchers_metric(m));
        else
            assert_string_equal(matchers_metric(m), cases[i].metric);
        matchers_destroy(&m);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(selectors_mean_what_promql_says),
        cmocka_unit_test(escapes_are_gos),
        cmocka_unit_test(a_bad_selector_is_refused_with_place_and_rule),
        cmocka_unit_test(limits_hold),
        cmocka_unit_test(cut_at_any_length_it_neither_breaks_nor_leaks),
        cmocka_unit_test(an_expression_that_exceeds_its_limits_accepts_nothing_and_says_so),
        cmocka_unit_test(the_metric_is_known_only_where_it_is_demanded_exactly),
    };
    return cmocka_run_group_tests_name("matcher", tests, NULL, NULL);
}
