// question_table - replies are put together, deadlines kept, strangers ignored.

#include "dashboard/question_table.h"

#include "tests/unit/dashboard/room.h"

static uint64_t
ask(question_table_t *table, enum question_use use, uint64_t host, int64_t deadline_ms)
{
    const struct question q = {
        .id = question_table_id(table), .use = use, .host = host, .deadline_ms = deadline_ms
    };

    question_table_put(table, &q);
    return q.id;
}

static bool
reply(question_table_t *table, uint64_t id, uint8_t flags, uint8_t status, const char *bytes,
      struct question *done)
{
    const struct query_reply r = { .id = id, .flags = flags, .status = status };

    return question_table_take(table, &r, bytes, strlen(bytes), done);
}

static void
replies_of_mixed_questions_are_put_together_in_order(void **state)
{
    question_table_t *table = question_table_new();
    const uint64_t a = ask(table, USE_REQUEST, 0, 100), b = ask(table, USE_PING, 0, 100);
    struct question done;

    (void) state;
    assert_int_not_equal(a, b);
    assert_false(reply(table, a, QUERY_MORE, QUERY_OK, "a1", &done));
    assert_false(reply(table, b, QUERY_MORE, QUERY_OK, "b1", &done));
    assert_true(reply(table, a, 0, QUERY_OK, "a2", &done));
    assert_int_equal(done.use, USE_REQUEST);
    assert_int_equal(done.n_replies, 2);
    assert_memory_equal(done.replies[0].at, "a1", 2);
    assert_memory_equal(done.replies[1].at, "a2", 2);
    question_release(&done);
    assert_true(reply(table, b, 0, QUERY_OK, "b2", &done));
    question_release(&done);
    question_table_destroy(&table);
}

static void
an_error_ends_a_question_whatever_its_flags_say(void **state)
{
    question_table_t *table = question_table_new();
    const uint64_t a = ask(table, USE_REQUEST, 0, 100);
    struct question done;

    (void) state;
    assert_true(reply(table, a, QUERY_MORE, QUERY_BUSY, "x", &done));
    question_release(&done);
    assert_false(reply(table, a, 0, QUERY_OK, "x", &done)); // nobody waits any more
    assert_false(reply(table, 999, 0, QUERY_OK, "x", &done));
    question_table_destroy(&table);
}

static void
what_is_past_its_deadline_is_given_back_once(void **state)
{
    question_table_t *table = question_table_new();
    const uint64_t a = ask(table, USE_PING, 0, 100), b = ask(table, USE_PING, 0, 200);
    struct question late;

    (void) state;
    assert_false(question_table_late(table, 99, &late));
    assert_true(question_table_late(table, 100, &late));
    assert_int_equal(late.id, a);
    assert_false(question_table_late(table, 100, &late));
    assert_true(question_table_late(table, INT64_MAX, &late));
    assert_int_equal(late.id, b);
    question_table_destroy(&table);
}

static void
only_the_window_of_that_host_is_given_up(void **state)
{
    question_table_t *table = question_table_new();
    const uint64_t a = ask(table, USE_WINDOW, 1, 100), b = ask(table, USE_WINDOW, 2, 100);
    struct question done;

    (void) state;
    assert_false(reply(table, a, QUERY_MORE, QUERY_OK, "part", &done));
    question_table_drop_window(table, 1);
    assert_false(reply(table, a, 0, QUERY_OK, "rest", &done));
    assert_true(reply(table, b, 0, QUERY_OK, "all", &done));
    question_release(&done);
    question_table_destroy(&table);
}

static void
a_full_table_says_so(void **state)
{
    question_table_t *table = question_table_new();

    (void) state;
    for (int i = 0; i < QUESTIONS_MAX; i++) {
        assert_false(question_table_full(table));
        ask(table, USE_PING, 0, 100);
    }
    assert_true(question_table_full(table));
    question_table_destroy(&table);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_of_mixed_questions_are_put_together_in_order),
        cmocka_unit_test(an_error_ends_a_question_whatever_its_flags_say),
        cmocka_unit_test(what_is_past_its_deadline_is_given_back_once),
        cmocka_unit_test(only_the_window_of_that_host_is_given_up),
        cmocka_unit_test(a_full_table_says_so),
    };

    return cmocka_run_group_tests_name("question_table", tests, NULL, NULL);
}
