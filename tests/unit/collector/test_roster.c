// roster - who belongs survives any crash, and nobody comes in by one.
//
// Past 500 lines: what a crash may have done to the file is tried on the same bed as what it holds.

#include "collector/roster.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "collector/roster_log.h"
#include "collector/try_limit.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/net/key_file.h"
#include "tests/support/folder.h"

#define NOW     INT64_C(1700000000000)
#define HOUR_MS INT64_C(3600000)
#define HOST    "10.0.0.7:4000"

struct bed {
    char dir[64];
    char path[80];
    roster_t *roster;
    struct roster_member member; // of the last join
    size_t torn;                 // of the last open
};

static int
set_up(void **state)
{
    struct bed *b = calloc(1, sizeof *b);

    snprintf(b->dir, sizeof b->dir, "/tmp/test_roster.XXXXXX");
    *state = b;
    if (mkdtemp(b->dir) == NULL)
        return -1;
    snprintf(b->path, sizeof b->path, "%s/roster", b->dir);
    return roster_open(&b->roster, &b->torn, b->dir, NOW);
}

static int
tear_down(void **state)
{
    struct bed *b = *state;

    roster_close(&b->roster);
    folder_remove(b->dir);
    free(b);
    return 0;
}

static void
restart(struct bed *b)
{
    roster_close(&b->roster);
    assert_int_equal(roster_open(&b->roster, &b->torn, b->dir, NOW), 0);
}

static const uint8_t *
key(unsigned number)
{
    static uint8_t keys[64][ENROL_KEY_BYTES];

    memset(keys[number], (int) number + 1, sizeof keys[number]);
    return keys[number];
}

static const struct enrol_text nobody = { "", 0 };

static struct enrol_text
text(const char *word)
{
    return (struct enrol_text){ word, strlen(word) };
}

static int
invite(struct bed *b, char token[TOKEN_TEXT_SIZE], const char *name, uint32_t uses)
{
    const struct enrol_text wish = text(name);
    int64_t expires_ms;

    return roster_invite(b->roster, token, &expires_ms, ROLE_AGENT, &wish, uses, HOUR_MS, NOW);
}

static int
join_at(struct bed *b, unsigned number, const char *token, const char *name, const char *address,
        int64_t now_ms)
{
    const struct enrol_text said = text(token), wish = text(name);

    return roster_join(b->roster, &b->member,
                       &(struct roster_joiner){
                           .key = key(number), .token = &said, .name = &wish, .address = address },
                       now_ms);
}

static int
join(struct bed *b, unsigned number, const char *token, const char *name)
{
    return join_at(b, number, token, name, HOST, NOW);
}

static enum roster_answer
knock(struct bed *b, unsigned number, enum sock_port door)
{
    return roster_admit(b->roster, door, key(number), NOW);
}

static void
each_role_has_its_doors(void **state)
{
    static const struct {
        enum key_role role;
        int open[5]; // data, control, live, query, enrolment
    } rows[] = {
        { ROLE_AGENT, { 200, 200, 400, 400, 200 } },
        { ROLE_DASHBOARD, { 400, 400, 200, 200, 200 } },
        { ROLE_OPERATOR, { 200, 200, 200, 200, 200 } },
    };
    struct bed *b = *state;
    char name[8];

    for (unsigned i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "n%u", i);
        assert_int_equal(roster_enrol(b->roster, key(i), rows[i].role, name, NOW), 0);
        for (int door = SOCK_DATA; door <= SOCK_ENROL; door++)
            assert_int_equal(knock(b, i, (enum sock_port) door), rows[i].open[door]);
    }
    assert_int_equal(roster_admit(b->roster, (enum sock_port) 5, key(0), NOW), ROSTER_NEVER);
}

static void
an_unknown_key_is_told_to_come_again_and_may_enrol(void **state)
{
    struct bed *b = *state;

    for (int door = SOCK_DATA; door < SOCK_ENROL; door++)
        assert_int_equal(knock(b, 9, (enum sock_port) door), ROSTER_LATER);
    assert_int_equal(knock(b, 9, SOCK_ENROL), ROSTER_IN);
}

static void
a_token_lets_one_key_in_and_is_burnt(void **state)
{
    struct bed *b = *state;
    char token[TOKEN_TEXT_SIZE];

    assert_int_equal(invite(b, token, "web", 1), 0);
    assert_int_equal(join(b, 1, token, "whatever"), 0);
    assert_string_equal(b->member.name, "web");
    assert_int_equal(b->member.role, ROLE_AGENT);
    assert_int_equal(knock(b, 1, SOCK_DATA), ROSTER_IN);
    assert_int_equal(join(b, 2, token, "other"), REFUSAL_TOKEN);
    assert_int_equal(knock(b, 2, SOCK_DATA), ROSTER_LATER);
    // The answer was lost: who asks again is the same.
    assert_int_equal(join(b, 1, token, "other"), 0);
    assert_string_equal(b->member.name, "web");
    restart(b);
    assert_int_equal(join(b, 2, token, "other"), REFUSAL_TOKEN);
    assert_int_equal(join(b, 1, token, "other"), 0);
}

static void
a_token_of_many_uses_takes_names_from_who_joins(void **state)
{
    struct bed *b = *state;
    char token[TOKEN_TEXT_SIZE];

    assert_int_equal(invite(b, token, "web", 2), REFUSAL_FORMAT);
    assert_int_equal(invite(b, token, "", 2), 0);
    assert_int_equal(join(b, 1, token, ""), REFUSAL_FORMAT);
    assert_int_equal(join(b, 1, token, "a b"), REFUSAL_FORMAT);
    assert_int_equal(join(b, 1, token, "a"), 0);
    // A name that is taken burns nothing.
    assert_int_equal(join(b, 2, token, "a"), REFUSAL_NAME);
    restart(b);
    assert_int_equal(join(b, 2, token, "b"), 0);
    assert_int_equal(join(b, 3, token, "c"), REFUSAL_TOKEN);
}

static void
a_token_of_another_role_is_refused_and_not_spent(void **state)
{
    struct bed *b = *state;
    char token[TOKEN_TEXT_SIZE];
    unsigned number = 0;

    for (unsigned of = ROLE_AGENT; of <= ROLE_OPERATOR; of++) {
        for (unsigned as = ROLE_AGENT; as <= ROLE_OPERATOR + 1; as++) {
            const struct enrol_text none = text("");
            char name[8];
            struct enrol_text said, wish;
            struct roster_joiner joiner = { .token = &said, .name = &wish, .address = HOST };
            int64_t expires_ms;

            if (as == of)
                continue;
            assert_int_equal(roster_invite(b->roster, token, &expires_ms, (enum key_role) of, &none,
                                           1, HOUR_MS, NOW),
                             0);
            snprintf(name, sizeof name, "n%u", ++number);
            said = text(token);
            wish = text(name);
            joiner.key = key(number);
            joiner.role = (uint8_t) as;
            // However often: who has the token guesses nothing.
            for (int i = 0; i < 20; i++)
                assert_int_equal(roster_join(b->roster, &b->member, &joiner, NOW), REFUSAL_FOR);
            restart(b);
            joiner.role = (uint8_t) of;
            assert_int_equal(roster_join(b->roster, &b->member, &joiner, NOW), 0);
            assert_int_equal(b->member.role, of);
            // As what it is, the same again; as another, never: the token is spent by now.
            assert_int_equal(roster_join(b->roster, &b->member, &joiner, NOW), 0);
            joiner.role = (uint8_t) as;
            assert_int_equal(roster_join(b->roster, &b->member, &joiner, NOW), REFUSAL_KEY);
        }
    }
}

static void
an_expired_token_is_none(void **state)
{
    struct bed *b = *state;
    char token[TOKEN_TEXT_SIZE];

    assert_int_equal(invite(b, token, "", 5), 0);
    assert_int_equal(join_at(b, 1, token, "a", HOST, NOW + HOUR_MS), REFUSAL_TOKEN);
    assert_int_equal(join_at(b, 1, token, "a", HOST, NOW + HOUR_MS - 1), 0);
}

static void
the_disk_has_no_token(void **state)
{
    struct bed *b = *state;
    char token[TOKEN_TEXT_SIZE];
    struct buf disk = { 0 };
    struct stat st;

    assert_int_equal(invite(b, token, "web", 1), 0);
    assert_true(file_read(&disk, AT_FDCWD, b->path, 1 << 20) > 0);
    // Neither as it is said, nor a good piece of it.
    for (size_t i = 0; i + 8 <= disk.len; i++)
        assert_memory_not_equal(disk.at + i, token + 3, 8);
    assert_int_equal(stat(b->path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    buf_release(&disk);
}

static void
who_guesses_has_to_wait_and_nobody_else(void **state)
{
    struct bed *b = *state;
    char token[TOKEN_TEXT_SIZE];
    int refusal = 0;

    assert_int_equal(invite(b, token, "web", 1), 0);
    for (int i = 0; i < TRY_LIMIT_BURST; i++)
        assert_int_equal(join(b, 1, "ze1guess", "a"), REFUSAL_TOKEN);
    assert_int_equal(join(b, 1, "ze1guess", "a"), REFUSAL_RATE);
    // Even with the right one, so that it cannot be found by trying.
    assert_int_equal(join(b, 1, token, "a"), REFUSAL_RATE);
    for (int i = 20; i < 40 && refusal != REFUSAL_TOKEN; i++) { // addresses may share a place
        char address[32];

        snprintf(address, sizeof address, "10.0.0.%d:1", i);
        refusal = join_at(b, 1, "ze1guess", "a", address, NOW);
    }
    assert_int_equal(refusal, REFUSAL_TOKEN);
    assert_int_equal(join_at(b, 1, token, "a", HOST, NOW + TRY_LIMIT_EVERY_MS), 0);
}

static void
revoked_is_revoked_at_once_and_after_a_restart(void **state)
{
    struct bed *b = *state;
    const struct enrol_text web = text("web"), other = text("db");
    char user[KEY_TEXT_SIZE], token[TOKEN_TEXT_SIZE];
    struct roster_member member;
    uint32_t keys;

    assert_int_equal(invite(b, token, "web", 1), 0);
    assert_int_equal(join(b, 1, token, ""), 0);
    key_to_text(user, key(1));
    assert_true(roster_member(b->roster, &member, user, NOW));
    assert_string_equal(member.name, "web");
    assert_int_equal(roster_revoke(b->roster, &keys, &other, NOW), REFUSAL_UNKNOWN);
    assert_int_equal(roster_revoke(b->roster, &keys, &web, NOW), 0);
    assert_int_equal(keys, 1);
    for (int i = 0; i < 2; i++) {
        assert_false(roster_member(b->roster, &member, user, NOW));
        for (int door = SOCK_DATA; door <= SOCK_ENROL; door++)
            assert_int_equal(knock(b, 1, (enum sock_port) door), ROSTER_NEVER);
        assert_int_equal(join(b, 1, token, ""), REFUSAL_TOKEN);
        restart(b);
    }
    // The name is free for another key.
    assert_int_equal(invite(b, token, "web", 1), 0);
    assert_int_equal(join(b, 1, token, ""), REFUSAL_KEY);
    assert_int_equal(join(b, 2, token, ""), 0);
}

static void
nobody_is_a_member_by_a_strange_user(void **state)
{
    struct bed *b = *state;
    struct roster_member member;
    char user[KEY_TEXT_SIZE];

    assert_false(roster_member(b->roster, &member, NULL, NOW));
    assert_false(roster_member(b->roster, &member, "", NOW));
    assert_false(roster_member(b->roster, &member, "web", NOW));
    key_to_text(user, key(1));
    assert_false(roster_member(b->roster, &member, user, NOW));
}

static void
a_rotated_key_and_its_heir_are_one_name(void **state)
{
    struct bed *b = *state;
    char user[KEY_TEXT_SIZE];
    struct roster_member member;
    int64_t until_ms;

    assert_int_equal(roster_enrol(b->roster, key(1), ROLE_AGENT, "web", NOW), 0);
    assert_int_equal(roster_rotate(b->roster, key(9), key(2), NOW, 10, &until_ms), REFUSAL_KEY);
    assert_int_equal(roster_rotate(b->roster, key(1), key(2), NOW, 10, &until_ms), 0);
    assert_int_equal(until_ms, NOW + 10);
    // Again is the same, and no longer an overlap.
    assert_int_equal(roster_rotate(b->roster, key(1), key(2), NOW + 5, 10, &until_ms), 0);
    assert_int_equal(until_ms, NOW + 10);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(knock(b, 1, SOCK_DATA), ROSTER_IN);
        assert_int_equal(knock(b, 2, SOCK_DATA), ROSTER_IN);
        key_to_text(user, key(2));
        assert_true(roster_member(b->roster, &member, user, NOW));
        assert_string_equal(member.name, "web");
        assert_int_equal(roster_admit(b->roster, SOCK_DATA, key(1), NOW + 10), ROSTER_NEVER);
        restart(b);
    }
}

static void
readers_that_are_gone_are_counted_and_agents_are_not(void **state)
{
    struct bed *b = *state;
    const struct enrol_text web = text("web"), board = text("board");
    int64_t until_ms;
    uint32_t keys;

    assert_int_equal(roster_enrol(b->roster, key(1), ROLE_AGENT, "web", NOW), 0);
    assert_int_equal(roster_enrol(b->roster, key(2), ROLE_DASHBOARD, "board", NOW), 0);
    assert_int_equal(roster_enrol(b->roster, key(3), ROLE_OPERATOR, "operator", NOW), 0);
    assert_int_equal(roster_revoke(b->roster, &keys, &web, NOW), 0);
    assert_int_equal(roster_readers_gone(b->roster, NOW), 0);
    assert_int_equal(roster_revoke(b->roster, &keys, &board, NOW), 0);
    assert_int_equal(roster_readers_gone(b->roster, NOW), 1);
    // One that is replaced is gone when its time is over.
    assert_int_equal(roster_rotate(b->roster, key(3), key(4), NOW, 10, &until_ms), 0);
    assert_int_equal(roster_readers_gone(b->roster, NOW + 9), 1);
    assert_int_equal(roster_readers_gone(b->roster, NOW + 10), 2);
}

static void
keys_of_this_machine_are_enrolled_once(void **state)
{
    struct bed *b = *state;

    assert_int_equal(roster_enrol(b->roster, key(1), ROLE_AGENT, "web", NOW), 0);
    restart(b);
    assert_int_equal(roster_enrol(b->roster, key(1), ROLE_AGENT, "web", NOW), 0);
    assert_int_equal(roster_enrol(b->roster, key(1), ROLE_OPERATOR, "web", NOW), REFUSAL_KEY);
    assert_int_equal(roster_enrol(b->roster, key(2), ROLE_AGENT, "web", NOW), REFUSAL_NAME);
    assert_int_equal(roster_enrol(b->roster, key(2), ROLE_AGENT, "", NOW), REFUSAL_FORMAT);
}

static void
the_list_comes_in_pages_and_by_name(void **state)
{
    struct bed *b = *state;
    static struct enrol_msg msg;
    struct buf hold = { 0 };
    uint8_t many[ENROL_KEY_BYTES] = { 0 };
    const struct enrol_text one = text("n7");
    char name[16];
    uint64_t from = 0;
    uint32_t n = 0, pages = 0;

    for (unsigned i = 0; i < 300; i++) {
        memcpy(many, &i, sizeof i);
        snprintf(name, sizeof name, "n%u", i);
        assert_int_equal(roster_enrol(b->roster, many, ROLE_AGENT, name, NOW), 0);
    }
    do {
        roster_list(b->roster, &msg, &hold, from, &nobody, NOW);
        for (uint32_t i = 0; i < msg.keys.n_keys; i++, n++) {
            snprintf(name, sizeof name, "n%u", n);
            assert_int_equal(msg.keys.keys[i].name.len, strlen(name));
            assert_memory_equal(msg.keys.keys[i].name.at, name, strlen(name));
            assert_memory_equal(msg.keys.keys[i].key, &n, sizeof n);
        }
        from = msg.keys.next;
        pages++;
    } while (from != 0);
    assert_int_equal(n, 300);
    assert_int_equal(pages, 3);
    roster_list(b->roster, &msg, &hold, 0, &one, NOW);
    assert_int_equal(msg.keys.n_keys, 1);
    assert_int_equal(msg.keys.keys[0].state, KEY_VALID);
    buf_release(&hold);
}

// A file in which each kind of change stands, the revocation last.
static void
fill(struct bed *b)
{
    const struct enrol_text web = text("web");
    char token[TOKEN_TEXT_SIZE];
    int64_t until_ms;
    uint32_t keys;

    assert_int_equal(roster_enrol(b->roster, key(1), ROLE_OPERATOR, "me", NOW), 0);
    assert_int_equal(invite(b, token, "web", 1), 0);
    assert_int_equal(join(b, 2, token, ""), 0);
    assert_int_equal(roster_rotate(b->roster, key(2), key(3), NOW, HOUR_MS, &until_ms), 0);
    assert_int_equal(roster_revoke(b->roster, &keys, &web, NOW), 0);
    assert_int_equal(keys, 2);
}

static void
a_file_cut_at_any_byte_holds_a_prefix_of_the_changes(void **state)
{
    struct bed *b = *state;
    struct buf whole = { 0 };
    char token[TOKEN_TEXT_SIZE];

    fill(b);
    assert_true(file_read(&whole, AT_FDCWD, b->path, 1 << 20) > 0);
    for (size_t cut = 8; cut < whole.len; cut++) {
        roster_close(&b->roster);
        assert_int_equal(file_write_atomic(b->path, whole.at, cut, 0600), 0);
        assert_int_equal(roster_open(&b->roster, &b->torn, b->dir, NOW), 0);
        // Nobody who was not let in before; and what comes next is whole again.
        assert_int_equal(knock(b, 9, SOCK_DATA), ROSTER_LATER);
        assert_int_equal(invite(b, token, "new", 1), 0);
        assert_int_equal(join(b, 9, token, ""), 0);
        restart(b);
        assert_int_equal(b->torn, 0);
        assert_int_equal(knock(b, 9, SOCK_DATA), ROSTER_IN);
    }
    buf_release(&whole);
}

static void
a_magic_that_is_cut_or_other_is_refused(void **state)
{
    struct bed *b = *state;

    roster_close(&b->roster);
    for (size_t cut = 0; cut < 8; cut++) {
        assert_int_equal(file_write_atomic(b->path, "ZPROSTER", cut, 0600), 0);
        assert_int_equal(roster_open(&b->roster, &b->torn, b->dir, NOW), ERR_FORMAT);
    }
    assert_int_equal(file_write_atomic(b->path, "ZPROSTES", 8, 0600), 0);
    assert_int_equal(roster_open(&b->roster, &b->torn, b->dir, NOW), ERR_FORMAT);
}

static void
a_change_that_is_damaged_is_never_passed_over(void **state)
{
    struct bed *b = *state;
    struct buf whole = { 0 };
    size_t refused = 0, tails = 0;

    fill(b);
    assert_true(file_read(&whole, AT_FDCWD, b->path, 1 << 20) > 0);
    roster_close(&b->roster);
    for (size_t at = 8; at < whole.len; at++) {
        whole.at[at] ^= 0x10;
        assert_int_equal(file_write_atomic(b->path, whole.at, whole.len, 0600), 0);
        if (roster_open(&b->roster, &b->torn, b->dir, NOW) < 0) {
            refused++;
        } else {
            // It may be taken for what a crash cut off: of the last change, and told.
            assert_true(b->torn > 0);
            assert_int_equal(at + b->torn >= whole.len, 1);
            tails++;
            roster_close(&b->roster);
        }
        whole.at[at] ^= 0x10;
    }
    // The four bytes of the last one's length.
    assert_true(tails <= 4);
    assert_int_equal(refused + tails, whole.len - 8);
    buf_release(&whole);
}

static void
zeros_at_the_end_are_what_was_not_written_yet(void **state)
{
    struct bed *b = *state;
    const uint8_t zeros[600] = { 0 };
    FILE *file;

    fill(b);
    roster_close(&b->roster);
    file = fopen(b->path, "a");
    assert_int_equal(fwrite(zeros, 1, sizeof zeros, file), sizeof zeros);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(roster_open(&b->roster, &b->torn, b->dir, NOW), 0);
    assert_int_equal(b->torn, sizeof zeros);
    assert_int_equal(knock(b, 2, SOCK_DATA), ROSTER_NEVER);
    assert_int_equal(knock(b, 1, SOCK_DATA), ROSTER_IN);
}

static void
a_file_that_others_may_write_lets_nobody_in(void **state)
{
    struct bed *b = *state;

    fill(b);
    roster_close(&b->roster);
    assert_int_equal(chmod(b->path, 0620), 0);
    assert_int_equal(roster_open(&b->roster, &b->torn, b->dir, NOW), -EPERM);
    assert_int_equal(chmod(b->path, 0600), 0);
    assert_int_equal(roster_open(&b->roster, &b->torn, b->dir, NOW), 0);
}

static void
a_file_of_many_changes_is_written_anew_and_says_the_same(void **state)
{
    struct bed *b = *state;
    struct stat before, after;
    char token[TOKEN_TEXT_SIZE], left[TOKEN_TEXT_SIZE];
    int64_t until_ms;

    fill(b);
    assert_int_equal(invite(b, left, "late", 1), 0);
    assert_int_equal(roster_enrol(b->roster, key(4), ROLE_DASHBOARD, "board", NOW), 0);
    assert_int_equal(roster_rotate(b->roster, key(4), key(5), NOW, HOUR_MS, &until_ms), 0);
    for (int i = 0; i < 1100; i++) { // tokens that expire unused
        int64_t expires_ms;

        assert_int_equal(
            roster_invite(b->roster, token, &expires_ms, ROLE_AGENT, &nobody, 1, 1, NOW - 1000 + i),
            0);
    }
    assert_int_equal(stat(b->path, &before), 0);
    for (int i = 0; i < 2; i++) {
        restart(b);
        assert_int_equal(stat(b->path, &after), 0);
        assert_true(after.st_size < before.st_size / 10);
        assert_int_equal(knock(b, 1, SOCK_QUERY), ROSTER_IN);
        assert_int_equal(knock(b, 2, SOCK_DATA), ROSTER_NEVER);
        assert_int_equal(knock(b, 3, SOCK_DATA), ROSTER_NEVER);
        assert_int_equal(knock(b, 4, SOCK_LIVE), ROSTER_IN);
        assert_int_equal(knock(b, 5, SOCK_LIVE), ROSTER_IN);
        assert_int_equal(roster_admit(b->roster, SOCK_LIVE, key(4), NOW + HOUR_MS), ROSTER_NEVER);
    }
    assert_int_equal(join(b, 6, left, ""), 0);
    assert_string_equal(b->member.name, "late");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(each_role_has_its_doors),
        TEST(an_unknown_key_is_told_to_come_again_and_may_enrol),
        TEST(a_token_lets_one_key_in_and_is_burnt),
        TEST(a_token_of_many_uses_takes_names_from_who_joins),
        TEST(a_token_of_another_role_is_refused_and_not_spent),
        TEST(an_expired_token_is_none),
        TEST(the_disk_has_no_token),
        TEST(who_guesses_has_to_wait_and_nobody_else),
        TEST(revoked_is_revoked_at_once_and_after_a_restart),
        TEST(nobody_is_a_member_by_a_strange_user),
        TEST(a_rotated_key_and_its_heir_are_one_name),
        TEST(readers_that_are_gone_are_counted_and_agents_are_not),
        TEST(keys_of_this_machine_are_enrolled_once),
        TEST(the_list_comes_in_pages_and_by_name),
        TEST(a_file_cut_at_any_byte_holds_a_prefix_of_the_changes),
        TEST(a_magic_that_is_cut_or_other_is_refused),
        TEST(a_change_that_is_damaged_is_never_passed_over),
        TEST(zeros_at_the_end_are_what_was_not_written_yet),
        TEST(a_file_that_others_may_write_lets_nobody_in),
        TEST(a_file_of_many_changes_is_written_anew_and_says_the_same),
    };

    return cmocka_run_group_tests_name("roster", tests, NULL, NULL);
}
