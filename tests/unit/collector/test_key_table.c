// key_table - one living owner of a name, and no way back into the table.

#include "collector/key_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "shared/base/err.h"

#define MOST 4
#define NOW  INT64_C(1000)

static key_table_t *table;

static int
set_up(void **state)
{
    (void) state;
    table = key_table_new(MOST);
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    key_table_destroy(&table);
    return 0;
}

static const uint8_t *
key(unsigned number)
{
    static uint8_t keys[64][ENROL_KEY_BYTES];

    memset(keys[number], (int) number, sizeof keys[number]);
    return keys[number];
}

static int
add(unsigned number, const char *name)
{
    struct key_entry entry = { .name = name, .role = ROLE_AGENT, .since_ms = NOW };

    memcpy(entry.key, key(number), sizeof entry.key);
    return key_table_add(table, &entry, NOW);
}

static enum key_state
state_of(unsigned number, int64_t now_ms)
{
    const struct key_entry *entry = key_table_get(table, key(number));

    assert_non_null(entry);
    return key_entry_state(entry, now_ms);
}

static void
a_key_has_the_name_and_role_it_came_with(void **state)
{
    const struct key_entry *entry;

    (void) state;
    assert_int_equal(add(1, "web"), 0);
    entry = key_table_get(table, key(1));
    assert_string_equal(entry->name, "web");
    assert_int_equal(entry->role, ROLE_AGENT);
    assert_int_equal(entry->state, KEY_VALID);
    assert_null(key_table_get(table, key(2)));
    key_table_seen(table, key(1), 7);
    key_table_seen(table, key(2), 7);
    assert_int_equal(entry->seen_ms, 7);
}

static void
a_living_name_is_one_owners(void **state)
{
    (void) state;
    assert_int_equal(add(1, "web"), 0);
    assert_int_equal(add(2, "web"), -EADDRINUSE);
    assert_int_equal(add(1, "db"), -EEXIST);
    assert_int_equal(key_table_revoke(table, "web", NOW), 1);
    assert_int_equal(add(2, "web"), 0);
    assert_int_equal(state_of(1, NOW), KEY_REVOKED);
}

static void
a_revoked_key_never_comes_back(void **state)
{
    (void) state;
    assert_int_equal(add(1, "web"), 0);
    assert_int_equal(key_table_revoke(table, "web", NOW), 1);
    assert_int_equal(key_table_revoke(table, "web", NOW), 0);
    assert_int_equal(key_table_revoke(table, "nobody", NOW), 0);
    assert_int_equal(add(1, "web"), -EEXIST);
    assert_int_equal(key_table_rotate(table, key(1), key(2), NOW, NOW + 9), ERR_UNKNOWN);
    assert_null(key_table_get(table, key(2)));
}

static void
rotation_lets_both_in_for_the_overlap(void **state)
{
    (void) state;
    assert_int_equal(add(1, "web"), 0);
    assert_int_equal(key_table_rotate(table, key(1), key(2), NOW, NOW + 10), 0);
    assert_int_equal(state_of(1, NOW + 9), KEY_RETIRING);
    assert_int_equal(state_of(1, NOW + 10), KEY_RETIRED);
    assert_int_equal(state_of(2, NOW), KEY_VALID);
    assert_string_equal(key_table_get(table, key(2))->name, "web");
    // What retires cannot name an heir, nor a key that is here already be one.
    assert_int_equal(key_table_rotate(table, key(1), key(3), NOW, NOW + 10), ERR_UNKNOWN);
    assert_int_equal(key_table_rotate(table, key(2), key(1), NOW, NOW + 10), -EEXIST);
    // A second rotation ends the first one's overlap.
    assert_int_equal(key_table_rotate(table, key(2), key(3), NOW + 1, NOW + 20), 0);
    assert_int_equal(state_of(1, NOW + 1), KEY_RETIRED);
    assert_int_equal(state_of(2, NOW + 1), KEY_RETIRING);
}

static void
revocation_takes_all_living_keys_of_the_name(void **state)
{
    (void) state;
    assert_int_equal(add(1, "web"), 0);
    assert_int_equal(key_table_rotate(table, key(1), key(2), NOW, NOW + 10), 0);
    assert_int_equal(key_table_revoke(table, "web", NOW + 1), 2);
    assert_int_equal(state_of(1, NOW + 1), KEY_REVOKED);
    assert_int_equal(state_of(2, NOW + 1), KEY_REVOKED);
}

static void
a_full_table_forgets_only_who_is_not_let_in(void **state)
{
    (void) state;
    assert_int_equal(add(1, "a"), 0);
    assert_int_equal(add(2, "b"), 0);
    assert_int_equal(add(3, "c"), 0);
    assert_int_equal(add(4, "d"), 0);
    assert_int_equal(add(5, "e"), ERR_LIMIT);
    assert_int_equal(key_table_revoke(table, "b", NOW), 1);
    assert_int_equal(add(5, "e"), 0);
    assert_null(key_table_get(table, key(2)));
    assert_int_equal(add(6, "f"), ERR_LIMIT);
    // A full table can still rotate.
    assert_int_equal(key_table_rotate(table, key(1), key(7), NOW, NOW + 10), 0);
    assert_int_equal(key_table_count(table), MOST + 1);
}

static void
a_forgotten_key_leaves_its_names_other_keys_in_order(void **state)
{
    (void) state;
    // Revoked one after the other, all of one name; then the oldest, middle and newest are
    // forgotten.
    for (unsigned i = 1; i <= 3; i++) {
        assert_int_equal(add(i, "web"), 0);
        assert_int_equal(key_table_revoke(table, "web", NOW), 1);
    }
    assert_int_equal(add(4, "web"), 0);
    for (unsigned i = 5; i <= 7; i++) {
        char name[8];

        snprintf(name, sizeof name, "n%u", i);
        assert_int_equal(add(i, name), 0);
    }
    assert_null(key_table_get(table, key(3)));
    assert_int_equal(add(8, "web"), -EADDRINUSE);
    assert_int_equal(key_table_revoke(table, "web", NOW), 1);
    assert_int_equal(add(8, "web"), 0);
    assert_null(key_table_get(table, key(4)));
    assert_int_equal(key_table_revoke(table, "web", NOW), 1);
}

static void
entries_come_in_the_order_of_their_serials(void **state)
{
    const struct key_entry *entry;
    uint64_t after = 0;
    unsigned n = 0;

    (void) state;
    assert_null(key_table_next(table, 0));
    assert_int_equal(add(1, "a"), 0);
    assert_int_equal(add(2, "b"), 0);
    assert_int_equal(add(3, "c"), 0);
    for (; (entry = key_table_next(table, after)) != NULL; after = entry->serial)
        assert_memory_equal(entry->key, key(++n), ENROL_KEY_BYTES);
    assert_int_equal(n, 3);
    assert_null(key_table_next(table, UINT64_MAX));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_key_has_the_name_and_role_it_came_with),
        TEST(a_living_name_is_one_owners),
        TEST(a_revoked_key_never_comes_back),
        TEST(rotation_lets_both_in_for_the_overlap),
        TEST(revocation_takes_all_living_keys_of_the_name),
        TEST(a_full_table_forgets_only_who_is_not_let_in),
        TEST(a_forgotten_key_leaves_its_names_other_keys_in_order),
        TEST(entries_come_in_the_order_of_their_serials),
    };

    return cmocka_run_group_tests_name("key_table", tests, NULL, NULL);
}
