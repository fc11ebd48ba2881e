// token_table, try_limit - a token is good so often and so long, and guessing is slow.

#include "collector/token_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/try_limit.h"
#include "shared/base/err.h"

#define NOW INT64_C(1000000)

static struct token_entry
entry(uint8_t number, uint32_t uses, int64_t expires_ms)
{
    struct token_entry made = { .role = ROLE_AGENT, .uses = uses, .expires_ms = expires_ms };

    memset(made.image, number, sizeof made.image);
    return made;
}

static void
a_token_is_a_word_and_leads_to_its_image(void **state)
{
    uint8_t image[ENROL_KEY_BYTES], again[ENROL_KEY_BYTES];
    char text[TOKEN_TEXT_SIZE];

    (void) state;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(token_make(text, image), 0);
        assert_int_equal(strlen(text), TOKEN_TEXT_LEN);
        assert_int_equal(strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789"), TOKEN_TEXT_LEN);
        assert_int_equal(token_image(again, text, TOKEN_TEXT_LEN), 0);
        assert_memory_equal(image, again, sizeof image);
    }
}

static void
other_text_is_no_token(void **state)
{
    uint8_t image[ENROL_KEY_BYTES], other[ENROL_KEY_BYTES];
    char text[TOKEN_TEXT_SIZE], *copy;

    (void) state;
    assert_int_equal(token_make(text, image), 0);
    for (size_t cut = 0; cut < TOKEN_TEXT_LEN; cut++) {
        copy = malloc(cut + 1); // its size shows a read past the end
        memcpy(copy, text, cut);
        assert_int_equal(token_image(other, copy, cut), ERR_FORMAT);
        free(copy);
    }
    for (size_t i = 0; i < TOKEN_TEXT_LEN; i++) {
        const char before = text[i];

        text[i] = '0'; // in no token, but for what it begins with
        assert_int_equal(token_image(other, text, TOKEN_TEXT_LEN), ERR_FORMAT);
        text[i] = '\0';
        assert_int_equal(token_image(other, text, TOKEN_TEXT_LEN), ERR_FORMAT);
        text[i] = before;
    }
    // Of the last character one bit counts: with any other there would be 16 texts of one token.
    text[TOKEN_TEXT_LEN - 1] = 'b';
    assert_int_equal(token_image(other, text, TOKEN_TEXT_LEN), ERR_FORMAT);
    text[3] = text[3] == 'a' ? 'b' : 'a';
    text[TOKEN_TEXT_LEN - 1] = 'q';
    if (token_image(other, text, TOKEN_TEXT_LEN) == 0)
        assert_memory_not_equal(image, other, sizeof image);
}

static void
a_token_burns_on_its_last_use(void **state)
{
    token_table_t *table = token_table_new(4);
    const struct token_entry two = entry(1, 2, NOW + 10), one = entry(2, 1, NOW + 10);

    (void) state;
    assert_int_equal(token_table_add(table, &two, NOW), 0);
    assert_int_equal(token_table_add(table, &one, NOW), 0);
    assert_int_equal(token_table_find(table, two.image, NOW)->uses, 2);
    token_table_use(table, two.image);
    assert_int_equal(token_table_find(table, two.image, NOW)->uses, 1);
    token_table_use(table, two.image);
    assert_null(token_table_find(table, two.image, NOW));
    token_table_use(table, two.image);
    assert_null(token_table_find(table, two.image, NOW));
    assert_non_null(token_table_find(table, one.image, NOW));
    token_table_destroy(&table);
}

static void
a_token_is_good_until_its_time_and_not_at_it(void **state)
{
    token_table_t *table = token_table_new(4);
    const struct token_entry one = entry(1, 9, NOW + 10);

    (void) state;
    assert_int_equal(token_table_add(table, &one, NOW), 0);
    assert_non_null(token_table_find(table, one.image, NOW + 9));
    assert_null(token_table_find(table, one.image, NOW + 10));
    token_table_destroy(&table);
}

static void
an_image_that_differs_in_any_bit_is_another(void **state)
{
    token_table_t *table = token_table_new(4);
    struct token_entry one = entry(1, 9, NOW + 10);

    (void) state;
    assert_int_equal(token_table_add(table, &one, NOW), 0);
    for (size_t bit = 0; bit < 8 * sizeof one.image; bit++) {
        one.image[bit / 8] ^= (uint8_t) (1u << bit % 8);
        assert_null(token_table_find(table, one.image, NOW));
        one.image[bit / 8] ^= (uint8_t) (1u << bit % 8);
    }
    token_table_destroy(&table);
}

static void
what_is_used_up_or_expired_makes_room(void **state)
{
    token_table_t *table = token_table_new(2);
    const struct token_entry used = entry(1, 1, NOW + 10), late = entry(2, 1, NOW + 1);
    const struct token_entry more = entry(3, 1, NOW + 10);
    size_t at = 0;

    (void) state;
    assert_int_equal(token_table_add(table, &used, NOW), 0);
    assert_int_equal(token_table_add(table, &late, NOW), 0);
    assert_false(token_table_has_room(table, NOW));
    assert_int_equal(token_table_add(table, &more, NOW), ERR_LIMIT);
    assert_true(token_table_has_room(table, NOW + 1));
    assert_int_equal(token_table_add(table, &more, NOW + 1), 0);
    token_table_use(table, used.image);
    assert_true(token_table_has_room(table, NOW + 1));
    assert_memory_equal(token_table_next(table, &at, NOW + 1)->image, more.image,
                        sizeof more.image);
    assert_null(token_table_next(table, &at, NOW + 1));
    token_table_destroy(&table);
}

// Two addresses may meet in one place of the table, by a seed that is new in each process: twenty
// do not all meet the one.
static bool
others_may(const try_limit_t *limit, bool six)
{
    char address[64];
    unsigned may = 0;

    for (unsigned i = 10; i < 30; i++) {
        snprintf(address, sizeof address, six ? "[2001:db8:0:%u::9]:2" : "10.0.0.%u:4000", i);
        may += try_limit_may(limit, address, NOW);
    }
    return may > 0;
}

static void
an_address_that_fails_too_often_waits(void **state)
{
    try_limit_t *limit = try_limit_new();

    (void) state;
    for (int i = 0; i < TRY_LIMIT_BURST; i++) {
        assert_true(try_limit_may(limit, "10.0.0.7:4000", NOW));
        try_limit_failed(limit, "10.0.0.7:4000", NOW);
    }
    assert_false(try_limit_may(limit, "10.0.0.7:4000", NOW));
    // Another port is the same host, another host is not; time heals.
    assert_false(try_limit_may(limit, "10.0.0.7:5000", NOW));
    assert_false(try_limit_may(limit, "10.0.0.7", NOW));
    assert_true(others_may(limit, false));
    assert_false(try_limit_may(limit, "10.0.0.7:4000", NOW + TRY_LIMIT_EVERY_MS - 1));
    assert_true(try_limit_may(limit, "10.0.0.7:4000", NOW + TRY_LIMIT_EVERY_MS));
    try_limit_failed(limit, "10.0.0.7:4000", NOW + TRY_LIMIT_EVERY_MS);
    assert_false(try_limit_may(limit, "10.0.0.7:4000", NOW + TRY_LIMIT_EVERY_MS));
    try_limit_destroy(&limit);
}

static void
a_host_with_a_whole_net_of_ipv6_is_one(void **state)
{
    try_limit_t *limit = try_limit_new();
    char address[64];

    (void) state;
    for (int i = 0; i < TRY_LIMIT_BURST; i++) {
        snprintf(address, sizeof address, "[2001:db8:0:1::%x]:1", i);
        try_limit_failed(limit, address, NOW);
    }
    assert_false(try_limit_may(limit, "[2001:db8:0:1:ffff::9]:2", NOW));
    assert_false(try_limit_may(limit, "2001:db8:0:1::7", NOW));
    assert_true(others_may(limit, true));
    // Whatever an address is not, it is counted.
    for (int i = 0; i < TRY_LIMIT_BURST; i++)
        try_limit_failed(limit, "", NOW);
    assert_false(try_limit_may(limit, "", NOW));
    try_limit_destroy(&limit);
}

static void
failures_under_load_shut_out_for_a_bounded_time(void **state)
{
    try_limit_t *limit = try_limit_new();
    const int64_t most_ms = (int64_t) TRY_LIMIT_BURST * TRY_LIMIT_EVERY_MS;

    (void) state;
    for (int i = 0; i < 100000; i++)
        try_limit_failed(limit, "h:1", NOW);
    assert_true(try_limit_may(limit, "h:1", NOW + most_ms));
    // And where the clock is set back, for no longer.
    try_limit_failed(limit, "h:1", NOW - 10 * most_ms);
    assert_true(try_limit_may(limit, "h:1", NOW - 9 * most_ms));
    try_limit_destroy(&limit);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_a_word_and_leads_to_its_image),
        cmocka_unit_test(other_text_is_no_token),
        cmocka_unit_test(a_token_burns_on_its_last_use),
        cmocka_unit_test(a_token_is_good_until_its_time_and_not_at_it),
        cmocka_unit_test(an_image_that_differs_in_any_bit_is_another),
        cmocka_unit_test(what_is_used_up_or_expired_makes_room),
        cmocka_unit_test(an_address_that_fails_too_often_waits),
        cmocka_unit_test(a_host_with_a_whole_net_of_ipv6_is_one),
        cmocka_unit_test(failures_under_load_shut_out_for_a_bounded_time),
    };

    return cmocka_run_group_tests_name("token_table", tests, NULL, NULL);
}
