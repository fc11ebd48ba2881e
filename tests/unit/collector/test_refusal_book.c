// refusal_book - who was sent away is known until it is welcome, and a flood of them is bounded.

#include "collector/refusal_book.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static struct query_away s_list[REFUSAL_BOOK_MOST];

static int
set_up(void **state)
{
    *state = refusal_book_new();
    return 0;
}

static int
tear_down(void **state)
{
    refusal_book_destroy((refusal_book_t **) state);
    return 0;
}

static void
add(refusal_book_t *book, uint8_t cause, uint64_t host, uint64_t nonce, const char *name,
    int64_t now_ms)
{
    struct query_away away = { .cause = cause, .host = host, .nonce = nonce };

    refusal_text(away.name, sizeof away.name, name, strlen(name));
    refusal_text(away.address, sizeof away.address, "10.0.0.7", 8);
    refusal_book_add(book, &away, now_ms);
}

static void
tries_of_one_agent_are_one_entry(void **state)
{
    refusal_book_t *book = *state;

    add(book, AWAY_CLONE, 1, 10, "web", 1000);
    add(book, AWAY_CLONE, 1, 10, "web", 3000);
    add(book, AWAY_CLONE, 1, 11, "web", 5000); // started anew
    add(book, AWAY_NAME, 2, 10, "web", 6000);
    assert_int_equal(refusal_book_list(book, s_list, 6000), 2);
    assert_int_equal(s_list[0].times, 3);
    assert_int_equal(s_list[0].first_ms, 1000);
    assert_int_equal(s_list[0].last_ms, 5000);
    assert_int_equal(s_list[0].nonce, 11);
    assert_string_equal(s_list[0].address, "10.0.0.7");
    assert_int_equal(s_list[1].times, 1);
}

static void
a_welcome_takes_away_what_was_said_of_that_start_alone(void **state)
{
    refusal_book_t *book = *state;

    add(book, AWAY_CLONE, 1, 10, "web", 1000);
    add(book, AWAY_NAME, 2, 20, "web", 1000);
    add(book, AWAY_REVOKED, 0, 0, "old", 1000);
    refusal_book_welcome(book, 1, 11, "web"); // the one whose clone it is
    assert_int_equal(refusal_book_list(book, s_list, 1000), 3);
    refusal_book_welcome(book, 2, 20, "web-2");
    assert_int_equal(refusal_book_list(book, s_list, 1000), 2);
    refusal_book_welcome(book, 9, 90, "old"); // enrolled anew, by another key
    assert_int_equal(refusal_book_list(book, s_list, 1000), 1);
    assert_int_equal(s_list[0].cause, AWAY_CLONE);
}

static void
after_a_day_it_is_forgotten(void **state)
{
    refusal_book_t *book = *state;

    add(book, AWAY_CLONE, 1, 10, "web", 1000);
    assert_int_equal(refusal_book_list(book, s_list, 1000 + REFUSAL_BOOK_MS - 1), 1);
    assert_int_equal(refusal_book_list(book, s_list, 1000 + REFUSAL_BOOK_MS), 0);
}

static void
of_too_many_the_one_refused_least_recently_goes(void **state)
{
    refusal_book_t *book = *state;
    char name[16];

    for (uint64_t i = 0; i < REFUSAL_BOOK_MOST + 1; i++) {
        snprintf(name, sizeof name, "h%llu", (unsigned long long) i);
        add(book, AWAY_NAME, 100 + i, 1, name, 1000 + (int64_t) i);
        add(book, AWAY_NAME, 100, 1, "h0", 1000 + (int64_t) i); // the first comes again and again
    }
    assert_int_equal(refusal_book_list(book, s_list, 2000), REFUSAL_BOOK_MOST);
    assert_int_equal(s_list[0].host, 100);
    assert_int_equal(s_list[1].host, 102);
}

static void
a_text_that_is_too_long_ends_with_a_whole_character(void **state)
{
    char text[5];

    (void) state;
    refusal_text(text, sizeof text, "abc\xc3\xbc", 5);
    assert_string_equal(text, "abc");
    refusal_text(text, sizeof text, "ab\xc3\xbc", 4);
    assert_string_equal(text, "ab\xc3\xbc");
    refusal_text(text, sizeof text, "", 0);
    assert_string_equal(text, "");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(tries_of_one_agent_are_one_entry),
        TEST(a_welcome_takes_away_what_was_said_of_that_start_alone),
        TEST(after_a_day_it_is_forgotten),
        TEST(of_too_many_the_one_refused_least_recently_goes),
        TEST(a_text_that_is_too_long_ends_with_a_whole_character),
    };

    return cmocka_run_group_tests_name("refusal_book", tests, NULL, NULL);
}
