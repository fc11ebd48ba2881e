// test_enrol - what is said about keys comes through whole, or not at all.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/wire/enrol.h"

static uint8_t bytes[ENROL_MAX + 1];
static struct enrol_msg said, heard;
static const uint8_t key[ENROL_KEY_BYTES] = { 1, 2, 3, [31] = 9 };
static const struct enrol_text name = { "web-01", 6 };

static size_t
put(void)
{
    const ptrdiff_t n = enrol_put(bytes, sizeof bytes, &said);

    assert_true(n > 0);
    return (size_t) n;
}

// From a place of the exact size, so that a sanitizer sees a read past the end.
static int
take(size_t n)
{
    static void *copy;

    free(copy); // heard points into it until the next time
    copy = n > 0 ? xmemdup(bytes, n) : NULL;
    memset(&heard, 0, sizeof heard);
    return enrol_take(&heard, n > 0 ? copy : bytes, n);
}

// The least message of each type that is one.
static void
say(uint8_t type)
{
    memset(&said, 0, sizeof said);
    said.type = type;
    said.n = 7;
    switch (type) {
    case ENROL_JOINED:
        said.joined.name = name;
        said.joined.role = ROLE_AGENT;
        break;
    case ENROL_ROTATE:
        said.rotate.key = key;
        break;
    case ENROL_INVITE:
        said.invite.role = ROLE_OPERATOR;
        break;
    case ENROL_INVITED:
        said.invited.server = key;
        break;
    case ENROL_KEYS:
        said.keys.n_keys = 1;
        said.keys.keys[0] = (struct enrol_key){ .key = key, .name = name, .role = ROLE_AGENT };
        break;
    case ENROL_REVOKE:
        said.revoke.name = name;
        break;
    default:
        break;
    }
}

static void
a_token_and_a_name_come_through(void **state)
{
    size_t n;

    (void) state;
    say(ENROL_JOIN);
    said.join.token = (struct enrol_text){ "secret", 6 };
    said.join.name = name;
    assert_int_equal(take(put()), 0);
    assert_int_equal(heard.n, 7);
    assert_int_equal(heard.join.token.len, 6);
    assert_memory_equal(heard.join.token.at, "secret", 6);
    assert_memory_equal(heard.join.name.at, "web-01", 6);
    assert_int_equal(heard.join.version.len, 0);
    assert_int_equal(heard.join.role, 0);
    // Earlier clients end here; a role is all that a later one has more.
    said.join.role = ROLE_DASHBOARD;
    n = put();
    assert_int_equal(take(n), 0);
    assert_int_equal(heard.join.role, ROLE_DASHBOARD);
    assert_int_equal(take(n - 1), 0);
    assert_int_equal(heard.join.role, 0);
}

static void
collectors_come_with_their_keys(void **state)
{
    (void) state;
    say(ENROL_JOINED);
    said.joined.now_ms = -1;
    said.joined.n_servers = ENROL_SERVERS_MAX;
    for (size_t i = 0; i < ENROL_SERVERS_MAX; i++)
        said.joined.servers[i] = (struct enrol_server){ { "tcp://h:1", 9 }, key };
    assert_int_equal(take(put()), 0);
    assert_int_equal(heard.joined.now_ms, -1);
    assert_int_equal(heard.joined.n_servers, ENROL_SERVERS_MAX);
    assert_memory_equal(heard.joined.servers[7].key, key, sizeof key);
    assert_memory_equal(heard.joined.servers[7].endpoint.at, "tcp://h:1", 9);
}

static void
a_full_list_of_the_longest_names_fits(void **state)
{
    static char longest[ENROL_NAME_MAX];

    (void) state;
    memset(longest, 'n', sizeof longest);
    say(ENROL_KEYS);
    said.keys.n_keys = ENROL_KEYS_MAX;
    for (size_t i = 0; i < ENROL_KEYS_MAX; i++)
        said.keys.keys[i] = (struct enrol_key){
            key, { longest, sizeof longest }, ROLE_DASHBOARD, KEY_REVOKED, 1, 2, 3
        };
    assert_int_equal(take(put()), 0);
    assert_int_equal(heard.keys.n_keys, ENROL_KEYS_MAX);
    assert_int_equal(heard.keys.keys[127].seen_ms, 3);
    assert_int_equal(heard.keys.keys[127].name.len, ENROL_NAME_MAX);
}

static void
every_cut_is_refused_and_what_follows_is_skipped(void **state)
{
    (void) state;
    for (unsigned type = ENROL_JOIN; type <= ENROL_REVOKED; type++) {
        size_t n;

        say((uint8_t) type);
        n = put();
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(take(cut), ERR_FORMAT);
        memset(bytes + n, 0xff, 9);
        bytes[2] = 0x1f; // a later minor version
        assert_int_equal(take(n + 9), 0);
        for (size_t size = 0; size < n; size++)
            assert_int_equal(enrol_put(bytes, size, &said), ERR_LIMIT);
    }
}

static void
other_versions_types_and_magics_are_told_apart(void **state)
{
    size_t n;

    (void) state;
    say(ENROL_REVOKED);
    n = put();
    bytes[3] = ENROL_REVOKED + 1;
    assert_int_equal(take(n), ERR_UNKNOWN);
    bytes[3] = 0;
    assert_int_equal(take(n), ERR_UNKNOWN);
    bytes[2] = 0x20;
    assert_int_equal(take(n), ERR_VERSION);
    bytes[2] = 0x00;
    assert_int_equal(take(n), ERR_FORMAT);
    bytes[1] = 'C';
    assert_int_equal(take(n), ERR_FORMAT);
    assert_int_equal(take(ENROL_MAX + 1), ERR_LIMIT);
}

static void
numbers_past_a_limit_and_roles_that_are_none_are_refused(void **state)
{
    size_t n;

    (void) state;
    say(ENROL_KEYS);
    said.keys.n_keys = 0;
    n = put();
    bytes[n - 4] = ENROL_KEYS_MAX + 1;
    assert_int_equal(take(n), ERR_LIMIT);
    say(ENROL_JOINED);
    n = put();
    bytes[n - 4] = ENROL_SERVERS_MAX + 1;
    assert_int_equal(take(n), ERR_LIMIT);
    for (uint8_t role = ROLE_OPERATOR + 1; role != ROLE_AGENT; role++) {
        say(ENROL_INVITE);
        said.invite.role = role;
        assert_int_equal(take(put()), ERR_FORMAT);
    }
}

static void
names_are_words(void **state)
{
    static const char *const good[] = { "a", "web-01.example.org", "h\xc3\xb6st", "a/b" };
    static const char *const bad[] = { "", " ", "a b", "a\n", "\x01", "a\x7f", "\xff", "\xc3" };
    char longest[ENROL_NAME_MAX + 1];

    (void) state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(enrol_name_ok(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(enrol_name_ok(bad[i], strlen(bad[i])));
        say(ENROL_REVOKE);
        said.revoke.name = (struct enrol_text){ bad[i], strlen(bad[i]) };
        assert_int_equal(take(put()), ERR_FORMAT);
    }
    memset(longest, 'n', sizeof longest);
    assert_true(enrol_name_ok(longest, ENROL_NAME_MAX));
    assert_false(enrol_name_ok(longest, ENROL_NAME_MAX + 1));
    assert_false(enrol_name_ok("a\0b", 3));
}

static void
numbers_have_names(void **state)
{
    enum key_role role;

    (void) state;
    assert_string_equal(enrol_type_str(ENROL_JOIN), "join");
    assert_string_equal(enrol_type_str(0), "unknown");
    assert_string_equal(enrol_reason_str(REFUSAL_RATE), "too many tries");
    assert_string_equal(enrol_reason_str(255), "unknown");
    assert_string_equal(key_state_str(KEY_REVOKED), "revoked");
    assert_string_equal(key_role_str(0), "unknown");
    assert_int_equal(key_role_parse(&role, "operator"), 0);
    assert_int_equal(role, ROLE_OPERATOR);
    assert_int_equal(key_role_parse(&role, "root"), ERR_UNKNOWN);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_and_a_name_come_through),
        cmocka_unit_test(collectors_come_with_their_keys),
        cmocka_unit_test(a_full_list_of_the_longest_names_fits),
        cmocka_unit_test(every_cut_is_refused_and_what_follows_is_skipped),
        cmocka_unit_test(other_versions_types_and_magics_are_told_apart),
        cmocka_unit_test(numbers_past_a_limit_and_roles_that_are_none_are_refused),
        cmocka_unit_test(names_are_words),
        cmocka_unit_test(numbers_have_names),
    };

    return cmocka_run_group_tests_name("enrol", tests, NULL, NULL);
}
