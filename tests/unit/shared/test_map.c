// map - a table that is put to and taken from at random stays what a plain list says it is.

#include "shared/base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define KEYS 500

static void
a_value_is_found_under_its_key_only(void **state)
{
    map_t *map = map_new();
    int one = 1, two = 2;

    (void) state;
    assert_null(map_put(map, "alpha", 5, &one));
    assert_null(map_put(map, "alphabets", 9, &two));
    assert_ptr_equal(map_get(map, "alpha", 5), &one);
    assert_ptr_equal(map_get(map, "alphabets", 9), &two);
    assert_null(map_get(map, "alph", 4));
    assert_null(map_get(map, "", 0));
    assert_int_equal(map_count(map), 2);
    map_destroy(&map);
    assert_null(map);
    map_destroy(&map);
}

static void
a_second_put_replaces_and_returns_the_first(void **state)
{
    map_t *map = map_new();
    int one = 1, two = 2;

    (void) state;
    map_put(map, "", 0, &one);
    assert_ptr_equal(map_put(map, "", 0, &two), &one);
    assert_ptr_equal(map_remove(map, "", 0), &two);
    assert_null(map_remove(map, "", 0));
    assert_int_equal(map_count(map), 0);
    map_destroy(&map);
}

static void
the_key_is_copied(void **state)
{
    map_t *map = map_new();
    char key[] = "a key longer than eight bytes";
    int value;

    (void) state;
    map_put(map, key, sizeof key, &value);
    key[0] = 'b';
    assert_null(map_get(map, key, sizeof key));
    assert_ptr_equal(map_get(map, "a key longer than eight bytes", sizeof key), &value);
    map_destroy(&map);
}

// Keys of every length from 1 to 20, put and removed in a fixed pseudo-random order.
static void
many_puts_and_removes_agree_with_a_list(void **state)
{
    map_t *map = map_new();
    bool present[KEYS] = { false };
    int values[KEYS];
    uint32_t random = 1;
    size_t count = 0;

    (void) state;
    for (int step = 0; step < 50000; step++) {
        char key[24];
        size_t i, len;

        random = random * 1664525 + 1013904223;
        i = (random >> 8) % KEYS;
        len = (size_t) snprintf(key, sizeof key, "%zu%.*s", i, (int) (i % 18),
                                "abcdefghijklmnopqrst");
        assert_ptr_equal(map_get(map, key, len), present[i] ? &values[i] : NULL);
        if (random >> 31) {
            assert_ptr_equal(map_put(map, key, len, &values[i]), present[i] ? &values[i] : NULL);
            count += !present[i];
            present[i] = true;
        } else {
            assert_ptr_equal(map_remove(map, key, len), present[i] ? &values[i] : NULL);
            count -= present[i];
            present[i] = false;
        }
        assert_int_equal(map_count(map), count);
    }
    map_destroy(&map);
}

static void
numbers_are_keys_too(void **state)
{
    map_t *map = map_new();
    int values[1000];

    (void) state;
    for (uint64_t i = 0; i < 1000; i++)
        map_put_u64(map, i << 32, &values[i]);
    for (uint64_t i = 0; i < 1000; i++)
        assert_ptr_equal(map_get_u64(map, i << 32), &values[i]);
    assert_null(map_get_u64(map, 1));
    for (uint64_t i = 0; i < 1000; i += 2)
        assert_ptr_equal(map_remove_u64(map, i << 32), &values[i]);
    for (uint64_t i = 0; i < 1000; i++)
        assert_ptr_equal(map_get_u64(map, i << 32), i % 2 ? &values[i] : NULL);
    map_destroy(&map);
}

static void
a_walk_meets_each_entry_once(void **state)
{
    map_t *map = map_new();
    struct map_entry entry;
    int seen[100] = { 0 };
    size_t at = 0, n = 0;

    (void) state;
    assert_false(map_next(map, &at, &entry));
    for (uint64_t i = 0; i < 100; i++)
        map_put_u64(map, i, &seen[i]);
    at = 0;
    while (map_next(map, &at, &entry)) {
        uint64_t key;

        assert_int_equal(entry.len, sizeof key);
        memcpy(&key, entry.key, sizeof key);
        assert_ptr_equal(entry.value, &seen[key]);
        seen[key]++;
        n++;
    }
    assert_int_equal(n, 100);
    for (size_t i = 0; i < 100; i++)
        assert_int_equal(seen[i], 1);
    map_destroy(&map);
}

static void
each_byte_and_the_length_change_the_hash(void **state)
{
    char text[40] = { 0 };
    uint64_t hash = map_hash(text, sizeof text);

    (void) state;
    assert_true(map_hash(text, sizeof text) == hash);
    for (size_t i = 0; i < sizeof text; i++) {
        assert_true(map_hash(text, i) != hash);
        text[i] = 1;
        assert_true(map_hash(text, sizeof text) != hash);
        text[i] = 0;
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_found_under_its_key_only),
        cmocka_unit_test(a_second_put_replaces_and_returns_the_first),
        cmocka_unit_test(the_key_is_copied),
        cmocka_unit_test(many_puts_and_removes_agree_with_a_list),
        cmocka_unit_test(numbers_are_keys_too),
        cmocka_unit_test(a_walk_meets_each_entry_once),
        cmocka_unit_test(each_byte_and_the_length_change_the_hash),
    };
    return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
