// test_golden - messages written once are read for ever, and FORMAT.md tells the truth.
//
// tests/data/wire holds, for each version of the format, messages and what they say in words. All
// of them are read; those of today's version are also what the writers still write. The hex in
// FORMAT.md is compared with the same files.
//
// usage: test_golden [--write]    --write adds the files that are missing; it replaces none

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/file.h"
#include "tests/support/hex_block.h"
#include "tests/unit/shared/golden.h"
#include "tests/unit/shared/golden_enrol.h"
#include "tests/unit/shared/golden_frame.h"
#include "tests/unit/shared/golden_ledger.h"
#include "tests/unit/shared/golden_message.h"
#include "tests/unit/shared/golden_number.h"

#define FOLDER   "tests/data/wire/"
#define FORMAT   "shared/wire/FORMAT.md"
#define FILE_MAX (1u << 20)
#define FENCE    "```hex "

static const struct golden golden_all[] = {
    { "1.0-frame-ident", make_ident, tell_frame },
    { "1.0-frame-table", make_table, tell_frame },
    { "1.0-frame-def", make_def, tell_frame },
    { "1.0-frame-key", make_key, tell_frame },
    { "1.0-frame-delta", make_delta, tell_frame },
    { "1.0-frame-delta-all", make_delta_all, tell_frame },
    { "1.0-frame-gap", make_gap, tell_frame },
    { "1.0-frame-end", make_end, tell_frame },
    { "1.0-frame-event", make_event, tell_frame_anew },
    { "1.0-control-hello", make_hello, tell_control },
    { "1.0-control-welcome", make_welcome, tell_control },
    { "1.0-control-ping", make_ping, tell_control },
    { "1.0-control-pong", make_pong, tell_control },
    { "1.0-control-nak", make_nak, tell_control },
    { "1.0-control-ack", make_ack, tell_control },
    { "1.0-control-goaway", make_goaway, tell_control },
    { "1.0-control-bye", make_bye, tell_control },
    { "1.0-live-table", make_live_table, tell_live },
    { "1.0-live-row", make_live_row, tell_live },
    { "1.0-live-host", make_live_host, tell_live },
    { "1.0-live-filled", make_live_filled, tell_live },
    { "1.0-live-event", make_live_event, tell_live },
    { "1.0-query-select", make_question, tell_question },
    { "1.0-reply-hosts", make_answer_hosts, tell_answer },
    { "1.0-reply-ledger", make_answer_ledger, tell_answer },
    { "1.0-reply-events", make_answer_events, tell_answer },
    { "1.0-reply-status", make_answer_status, tell_answer },
    { "1.0-reply-cardinality", make_answer_cardinality, tell_answer },
    { "1.0-reply-away", make_answer_away, tell_answer },
    { "1.0-reply-select", make_answer_select, tell_answer },
    { "1.0-reply-refused", make_answer_refused, tell_answer },
    { "1.0-enrol-join", make_join, tell_enrol },
    { "1.0-enrol-join-role", make_join_role, tell_enrol },
    { "1.0-enrol-joined", make_joined, tell_enrol },
    { "1.0-enrol-refused", make_refused, tell_enrol },
    { "1.0-enrol-rotate", make_rotate, tell_enrol },
    { "1.0-enrol-rotated", make_rotated, tell_enrol },
    { "1.0-enrol-invite", make_invite, tell_enrol },
    { "1.0-enrol-invited", make_invited, tell_enrol },
    { "1.0-enrol-list", make_list, tell_enrol },
    { "1.0-enrol-keys", make_keys, tell_enrol },
    { "1.0-enrol-revoke", make_revoke, tell_enrol },
    { "1.0-enrol-revoked", make_revoked, tell_enrol },
    { NULL, NULL, NULL },
};

static void
path_of(char *path, size_t size, const char *name, const char *ending)
{
    assert_true(snprintf(path, size, FOLDER "%s%s", name, ending) < (int) size);
}

static void
slurp(struct buf *into, const char *name, const char *ending)
{
    char path[128];

    path_of(path, sizeof path, name, ending);
    if (file_read(into, AT_FDCWD, path, FILE_MAX) < 0)
        fail_msg("%s can not be read", path);
}

static void
every_golden_message_says_what_it_said(void **state)
{
    struct buf bytes = { 0 }, words = { 0 }, should_say = { 0 };

    (void) state;
    golden_begin();
    for (const struct golden *g = golden_all; g->name != NULL; g++) {
        slurp(&bytes, g->name, ".bin");
        slurp(&should_say, g->name, ".txt");
        buf_clear(&words);
        g->tell(&words, bytes.at, bytes.len);
        if (strcmp(buf_cstr(&words), buf_cstr(&should_say)) != 0)
            fail_msg("%s says:\n%s", g->name, buf_cstr(&words));
    }
    golden_end();
    buf_release(&bytes);
    buf_release(&words);
    buf_release(&should_say);
}

static void
writers_write_what_they_wrote(void **state)
{
    struct buf bytes = { 0 }, made = { 0 };

    (void) state;
    for (const struct golden *g = golden_all; g->name != NULL; g++) {
        slurp(&bytes, g->name, ".bin");
        buf_clear(&made);
        g->make(&made);
        if (made.len != bytes.len || memcmp(made.at, bytes.at, made.len) != 0)
            fail_msg("%s is written in another way", g->name);
    }
    buf_release(&bytes);
    buf_release(&made);
}

static void
the_examples_of_the_format_are_these_files(void **state)
{
    struct buf text = { 0 }, shown = { 0 }, bytes = { 0 };
    unsigned blocks = 0;

    (void) state;
    assert_true(file_read(&text, AT_FDCWD, FORMAT, FILE_MAX) > 0);
    for (const char *at = buf_cstr(&text); (at = strstr(at, FENCE)) != NULL; blocks++) {
        char name[64];

        assert_int_equal(sscanf(at, FENCE "%63s", name), 1);
        slurp(&bytes, name, ".bin");
        buf_clear(&shown);
        at = hex_block_take(&shown, strchr(at, '\n') + 1);
        if (shown.len != bytes.len || memcmp(shown.at, bytes.at, bytes.len) != 0)
            fail_msg(FORMAT " shows another %s", name);
    }
    assert_true(blocks >= 6);
    buf_release(&text);
    buf_release(&shown);
    buf_release(&bytes);
}

static void
write_if_missing(const char *name, const char *ending, const struct buf *bytes)
{
    char path[128];

    path_of(path, sizeof path, name, ending);
    if (access(path, F_OK) != 0 && file_write_atomic(path, bytes->at, bytes->len, 0644) == 0)
        printf("%s\n", path);
}

static void
write_missing(void)
{
    struct buf bytes = { 0 }, words = { 0 };

    golden_begin();
    for (const struct golden *g = golden_all; g->name != NULL; g++) {
        buf_clear(&bytes);
        buf_clear(&words);
        g->make(&bytes);
        g->tell(&words, bytes.at, bytes.len);
        write_if_missing(g->name, ".bin", &bytes);
        write_if_missing(g->name, ".txt", &words);
    }
    golden_end();
    buf_release(&bytes);
    buf_release(&words);
}

int
main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_golden_message_says_what_it_said),
        cmocka_unit_test(writers_write_what_they_wrote),
        cmocka_unit_test(the_examples_of_the_format_are_these_files),
    };

    if (argc == 2 && strcmp(argv[1], "--write") == 0) {
        write_missing();
        return 0;
    }
    return cmocka_run_group_tests_name("golden", tests, NULL, NULL);
}
