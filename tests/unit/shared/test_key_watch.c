// key_watch - keys that were replaced on the disk are taken up whole, or not at all.

#include "shared/net/key_watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "shared/base/file.h"
#include "shared/net/enrol_client.h"
#include "tests/support/folder.h"

#define NAME "agent"

struct bed {
    char dir[64];
    struct client_keys keys;
    struct key_watch watch;
    struct buf why;
};

static int
set_up(void **state)
{
    struct bed *b = calloc(1, sizeof *b);
    struct key_pair pair, server;
    bool made;

    snprintf(b->dir, sizeof b->dir, "/tmp/test_key_watch.XXXXXX");
    *state = b;
    if (mkdtemp(b->dir) == NULL || key_pair_make(&server) < 0 ||
        key_file_load_or_make(&pair, &made, b->dir, NAME, &b->why) < 0 ||
        key_file_save_public(b->dir, ENROL_COLLECTOR_NAME, server.public_text, &b->why) < 0)
        return -1;
    key_watch_init(&b->watch, b->dir, NAME, &b->keys, 0);
    return client_keys_load(&b->keys, b->dir, NAME, &b->why);
}

static int
tear_down(void **state)
{
    struct bed *b = *state;

    folder_remove(b->dir);
    buf_release(&b->why);
    free(b);
    return 0;
}

static void
replace(struct bed *b, struct key_pair *fresh)
{
    assert_int_equal(key_pair_make(fresh), 0);
    assert_int_equal(key_file_replace(fresh, b->dir, NAME, &b->why), 0);
}

static void
what_is_as_it_was_changes_nothing(void **state)
{
    struct bed *b = *state;

    for (int64_t now_ms = 0; now_ms < 4 * KEY_WATCH_MS; now_ms += KEY_WATCH_MS)
        assert_false(key_watch_turn(&b->watch, now_ms));
}

static void
a_key_that_was_replaced_is_taken_up_once(void **state)
{
    struct bed *b = *state;
    struct key_pair fresh;

    replace(b, &fresh);
    assert_false(key_watch_turn(&b->watch, KEY_WATCH_MS - 1)); // it does not look yet
    assert_true(key_watch_turn(&b->watch, KEY_WATCH_MS));
    assert_string_equal(b->keys.own.public_text, fresh.public_text);
    assert_string_equal(b->keys.own.secret_text, fresh.secret_text);
    assert_ptr_equal(b->keys.curve.own, &b->keys.own);
    assert_false(key_watch_turn(&b->watch, 2 * KEY_WATCH_MS));
}

static void
asked_to_hurry_it_looks_at_once(void **state)
{
    struct bed *b = *state;
    struct key_pair fresh;

    replace(b, &fresh);
    key_watch_hurry(&b->watch);
    assert_true(key_watch_turn(&b->watch, 1));
}

static void
another_collectors_key_is_taken_up_too(void **state)
{
    struct bed *b = *state;
    struct key_pair server;

    assert_int_equal(key_pair_make(&server), 0);
    assert_int_equal(
        key_file_save_public(b->dir, ENROL_COLLECTOR_NAME, server.public_text, &b->why), 0);
    assert_true(key_watch_turn(&b->watch, KEY_WATCH_MS));
    assert_string_equal(b->keys.server, server.public_text);
}

static void
the_same_key_in_another_file_is_no_news(void **state)
{
    struct bed *b = *state;
    const struct key_pair same = b->keys.own;

    assert_int_equal(key_file_replace(&same, b->dir, NAME, &b->why), 0);
    assert_false(key_watch_turn(&b->watch, KEY_WATCH_MS));
}

static void
a_key_that_breaks_a_rule_is_left_and_looked_at_again(void **state)
{
    struct bed *b = *state;
    const struct key_pair old = b->keys.own;
    struct key_pair fresh;
    char path[96];

    replace(b, &fresh);
    snprintf(path, sizeof path, "%s/" NAME ".key", b->dir);
    assert_int_equal(chmod(path, 0644), 0);
    assert_false(key_watch_turn(&b->watch, KEY_WATCH_MS));
    assert_string_equal(b->keys.own.public_text, old.public_text);
    // By another file: the time of one that chmod mends may be the same, so short after.
    assert_int_equal(key_file_replace(&fresh, b->dir, NAME, &b->why), 0);
    assert_true(key_watch_turn(&b->watch, 2 * KEY_WATCH_MS));
    assert_string_equal(b->keys.own.public_text, fresh.public_text);
}

static void
files_that_are_gone_leave_what_is_known(void **state)
{
    struct bed *b = *state;
    const struct key_pair old = b->keys.own;

    assert_int_equal(key_file_remove(b->dir, NAME, &b->why), 0);
    assert_false(key_watch_turn(&b->watch, KEY_WATCH_MS));
    assert_string_equal(b->keys.own.public_text, old.public_text);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(what_is_as_it_was_changes_nothing),
        TEST(a_key_that_was_replaced_is_taken_up_once),
        TEST(asked_to_hurry_it_looks_at_once),
        TEST(another_collectors_key_is_taken_up_too),
        TEST(the_same_key_in_another_file_is_no_news),
        TEST(a_key_that_breaks_a_rule_is_left_and_looked_at_again),
        TEST(files_that_are_gone_leave_what_is_known),
    };

    return cmocka_run_group_tests_name("key_watch", tests, NULL, NULL);
}
