// test_subscription_set - who watches what, counted, whatever subscribers say.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "collector/subscription_set.h"

static struct subscription_set set;

static int
setup(void **state)
{
    (void) state;
    subscription_set_init(&set);
    return 0;
}

static int
teardown(void **state)
{
    (void) state;
    subscription_set_release(&set);
    return 0;
}

static void
any_beginning_of_a_topic_covers_it(void **state)
{
    static const char topic[] = "m/00000000000000a1";

    (void) state;
    for (size_t n = 0; n < sizeof topic; n++) {
        assert_false(subscription_set_covers(&set, topic));
        assert_true(subscription_set_join(&set, topic, n));
        assert_true(subscription_set_covers(&set, topic));
        assert_false(n > 0 && subscription_set_covers(&set, "a/00000000000000a1"));
        subscription_set_leave(&set, topic, n);
    }
    assert_true(subscription_set_join(&set, "m/00000000000000a1x", sizeof topic));
    assert_false(subscription_set_covers(&set, topic));
}

static void
a_text_is_watched_until_the_last_one_leaves(void **state)
{
    uint64_t changes = set.changes;

    (void) state;
    assert_true(subscription_set_join(&set, "e/", 2));
    assert_true(subscription_set_join(&set, "e/", 2));
    assert_int_equal(set.open, 2);
    assert_int_equal(set.changes, ++changes); // what is watched changed once
    subscription_set_leave(&set, "e/", 2);
    assert_true(subscription_set_covers(&set, "e/"));
    subscription_set_leave(&set, "e/", 2);
    assert_false(subscription_set_covers(&set, "e/"));
    assert_int_equal(set.changes, ++changes);
    subscription_set_leave(&set, "e/", 2);
    assert_int_equal(set.open, 0);
    assert_int_equal(set.changes, changes);
}

static void
what_is_too_long_or_one_too_many_is_refused(void **state)
{
    char text[SUBSCRIPTION_MAX + 1];

    (void) state;
    memset(text, 'x', sizeof text);
    assert_false(subscription_set_join(&set, text, sizeof text));
    subscription_set_leave(&set, text, sizeof text);
    assert_true(subscription_set_join(&set, text, sizeof text - 1));
    for (unsigned i = 1; i < SUBSCRIPTIONS_MOST; i++)
        assert_true(subscription_set_join(&set, text, (size_t) snprintf(text, 16, "%u", i)));
    assert_false(subscription_set_join(&set, "one more", 8));
    assert_true(subscription_set_join(&set, "7", 1)); // one that is there already
    assert_int_equal(set.open, SUBSCRIPTIONS_MOST + 1);
}

int
main(void)
{
#define set_test(claim) cmocka_unit_test_setup_teardown(claim, setup, teardown)
    const struct CMUnitTest tests[] = {
        set_test(any_beginning_of_a_topic_covers_it),
        set_test(a_text_is_watched_until_the_last_one_leaves),
        set_test(what_is_too_long_or_one_too_many_is_refused),
    };
    return cmocka_run_group_tests_name("subscription_set", tests, NULL, NULL);
}
