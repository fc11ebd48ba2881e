// test_control - what agent and collector say to each other comes through whole, or not at all.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/wire/control.h"

static uint8_t bytes[CONTROL_MAX + 1];
static struct control_msg said, heard;

static const struct identity someone = {
    .host = 7,
    .name = "h\xc3\xb6st",
    .name_len = 5,
    .version = "1",
    .version_len = 1,
    .interval_ms = 250,
    .boot_id = { 9 },
};

static size_t
put(void)
{
    ptrdiff_t n = control_put(bytes, sizeof bytes, &said);

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
    return control_take(&heard, n > 0 ? copy : bytes, n);
}

static void
say(uint8_t type)
{
    memset(&said, 0, sizeof said);
    said.type = type;
}

static void
hello_names_the_agent_and_its_streams(void **state)
{
    (void) state;
    say(CONTROL_HELLO);
    said.hello = (struct hello){
        .id = someone, .nonce = 11, .max_frame = 12, .collector = 13, .n_streams = 2
    };
    said.hello.streams[0] = (struct hello_stream){ 1, 2, 3, 1 };
    said.hello.streams[1] = (struct hello_stream){ UINT64_MAX, 5, 6, UINT64_MAX };
    said.hello.ledger = (struct ledger){ .produced = 7, .lost = { [LOST_DAMAGE] = 8 } };
    assert_int_equal(take(put()), 0);
    assert_int_equal(heard.type, CONTROL_HELLO);
    assert_int_equal(heard.hello.id.host, 7);
    assert_int_equal(heard.hello.id.name_len, 5);
    assert_memory_equal(heard.hello.id.name, someone.name, 5);
    assert_int_equal(heard.hello.id.interval_ms, 250);
    assert_int_equal(heard.hello.nonce, 11);
    assert_int_equal(heard.hello.max_frame, 12);
    assert_int_equal(heard.hello.collector, 13);
    assert_int_equal(heard.hello.n_streams, 2);
    assert_memory_equal(heard.hello.streams, said.hello.streams, 2 * sizeof said.hello.streams[0]);
    assert_memory_equal(&heard.hello.ledger, &said.hello.ledger, sizeof said.hello.ledger);
}

static void
welcome_comes_through(void **state)
{
    (void) state;
    say(CONTROL_WELCOME);
    said.welcome = (struct welcome){
        .collector = 1, .epoch = 2, .now_ms = -3, .max_frame = 4, .n_streams = CONTROL_STREAMS_MAX
    };
    for (int i = 0; i < CONTROL_STREAMS_MAX; i++) {
        said.welcome.streams[i].stream = 9;
        said.welcome.streams[i].next = (uint64_t) i;
        said.welcome.streams[i].crc = UINT32_MAX - (uint32_t) i;
        said.welcome.streams[i].limit = UINT64_MAX;
    }
    assert_int_equal(take(put()), 0);
    assert_memory_equal(&heard.welcome, &said.welcome, sizeof said.welcome);
    // Totals stand behind all of them, where any is known.
    said.welcome.streams[1].total = 77;
    assert_int_equal(take(put()), 0);
    assert_memory_equal(&heard.welcome, &said.welcome, sizeof said.welcome);
    assert_int_equal(take(put() - 1), 0); // less than all are none
    assert_int_equal(heard.welcome.streams[1].total, 0);
}

static void
the_small_ones_come_through(void **state)
{
    (void) state;
    say(CONTROL_PING);
    said.ping = (struct ping){ 1, 2, 3, -4, -5, -1, 7, { .acked = 8 } };
    assert_int_equal(take(put()), 0);
    assert_memory_equal(&heard.ping, &said.ping, sizeof said.ping);
    say(CONTROL_PONG);
    said.pong = (struct pong){ 1, INT64_MIN, 3, INT64_MAX };
    assert_int_equal(take(put()), 0);
    assert_memory_equal(&heard.pong, &said.pong, sizeof said.pong);
    say(CONTROL_ACK);
    said.ack = (struct ack){ 1, 2, UINT64_MAX, 4, 5, 6, 0 };
    for (; said.ack.total < 2; said.ack.total++) {
        assert_int_equal(take(put()), 0);
        assert_memory_equal(&heard.ack, &said.ack, sizeof said.ack);
    }
    say(CONTROL_NAK);
    said.nak.reason = NAK_KEY;
    said.nak.stream = 2;
    said.nak.next = 3;
    assert_int_equal(take(put()), 0);
    assert_memory_equal(&heard.nak, &said.nak, sizeof said.nak);
    say(CONTROL_GOAWAY);
    said.goaway.reason = GOAWAY_CLONE;
    said.goaway.delay_ms = 60000;
    assert_int_equal(take(put()), 0);
    assert_memory_equal(&heard.goaway, &said.goaway, sizeof said.goaway);
    say(CONTROL_BYE);
    said.bye = (struct bye){ 1, 2 };
    assert_int_equal(take(put()), 0);
    assert_memory_equal(&heard.bye, &said.bye, sizeof said.bye);
}

static void
fields_stand_in_the_order_of_the_format(void **state)
{
    static const uint8_t nak[] = { 'Z', 'C', 0x10, 5, 2, 1, 0, 0, 0, 0, 0,
                                   0,   0,   2,    0, 0, 0, 0, 0, 0, 0 };

    (void) state;
    say(CONTROL_NAK);
    said.nak.reason = NAK_KEY;
    said.nak.stream = 1;
    said.nak.next = 2;
    assert_int_equal(put(), sizeof nak);
    assert_memory_equal(bytes, nak, sizeof nak);
}

// So that what agents say is to the byte what it was before there were any.
static void
flags_of_hello_stand_at_its_end_and_none_are_left_out(void **state)
{
    size_t n;

    (void) state;
    say(CONTROL_HELLO);
    said.hello.id = someone;
    n = put();
    heard.hello.flags = 7;
    assert_int_equal(take(n), 0);
    assert_int_equal(heard.hello.flags, 0);
    said.hello.flags = HELLO_IMPORT;
    assert_int_equal(put(), n + 1);
    assert_int_equal(bytes[n], HELLO_IMPORT);
    assert_int_equal(take(n + 1), 0);
    assert_int_equal(heard.hello.flags, HELLO_IMPORT);
}

static void
every_cut_is_refused_and_what_follows_is_skipped(void **state)
{
    (void) state;
    for (unsigned type = CONTROL_HELLO; type <= CONTROL_ACK; type++) {
        size_t n;

        say((uint8_t) type);
        if (type == CONTROL_HELLO) {
            said.hello.id = someone;
            said.hello.n_streams = 1;
            said.hello.streams[0].stream = 1;
        }
        n = put();
        for (size_t cut = 0; cut < n; cut++)
            assert_int_equal(take(cut), ERR_FORMAT);
        memset(bytes + n, 0xff, 9);
        bytes[2] = 0x1f; // a later minor version
        assert_int_equal(take(n + 9), 0);
    }
}

static void
other_versions_types_and_magics_are_told_apart(void **state)
{
    size_t n;

    (void) state;
    say(CONTROL_BYE);
    n = put();
    bytes[3] = CONTROL_ACK + 1;
    assert_int_equal(take(n), ERR_UNKNOWN);
    bytes[3] = 0;
    assert_int_equal(take(n), ERR_UNKNOWN);
    bytes[2] = 0x20;
    assert_int_equal(take(n), ERR_VERSION);
    bytes[2] = 0x00;
    assert_int_equal(take(n), ERR_FORMAT);
    bytes[1] = 'P';
    assert_int_equal(take(n), ERR_FORMAT);
}

static void
what_is_past_a_limit_is_refused(void **state)
{
    size_t n, count_at;

    (void) state;
    say(CONTROL_WELCOME);
    n = put();
    count_at = n - 4;
    bytes[count_at] = CONTROL_STREAMS_MAX + 1;
    assert_int_equal(take(sizeof bytes - 1), ERR_LIMIT);
    bytes[count_at] = 1; // a stream that is 0
    memset(bytes + n, 0, 28);
    assert_int_equal(take(n + 28), ERR_FORMAT);
    bytes[count_at] = 0;
    assert_int_equal(take(CONTROL_MAX), 0);
    assert_int_equal(take(CONTROL_MAX + 1), ERR_LIMIT);
    for (size_t size = 0; size < n; size++)
        assert_int_equal(control_put(bytes, size, &said), ERR_LIMIT);
}

static void
a_stream_that_ends_before_it_begins_is_refused(void **state)
{
    (void) state;
    say(CONTROL_HELLO);
    said.hello.id = someone;
    said.hello.n_streams = 1;
    said.hello.streams[0] = (struct hello_stream){ .stream = 1, .base = 3, .head = 3 };
    assert_int_equal(take(put()), 0);
    said.hello.streams[0].head = 2;
    assert_int_equal(take(put()), ERR_FORMAT);
}

static void
numbers_have_names(void **state)
{
    (void) state;
    assert_string_equal(control_type_str(CONTROL_GOAWAY), "goaway");
    assert_string_equal(control_type_str(0), "unknown");
    assert_string_equal(control_type_str(255), "unknown");
    assert_string_equal(goaway_reason_str(GOAWAY_LIMIT), "limit");
    assert_string_equal(goaway_reason_str(99), "unknown");
    assert_string_equal(nak_reason_str(NAK_STORAGE), "storage");
    assert_string_equal(nak_reason_str(NAK_NEXT), "next");
    assert_string_equal(nak_reason_str(0), "unknown");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hello_names_the_agent_and_its_streams),
        cmocka_unit_test(welcome_comes_through),
        cmocka_unit_test(the_small_ones_come_through),
        cmocka_unit_test(fields_stand_in_the_order_of_the_format),
        cmocka_unit_test(flags_of_hello_stand_at_its_end_and_none_are_left_out),
        cmocka_unit_test(every_cut_is_refused_and_what_follows_is_skipped),
        cmocka_unit_test(other_versions_types_and_magics_are_told_apart),
        cmocka_unit_test(what_is_past_a_limit_is_refused),
        cmocka_unit_test(a_stream_that_ends_before_it_begins_is_refused),
        cmocka_unit_test(numbers_have_names),
    };

    return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
