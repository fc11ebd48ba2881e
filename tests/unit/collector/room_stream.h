// room_stream - a room in which one agent is about to send, for tests of what its frames come to.

#ifndef TESTS_UNIT_COLLECTOR_ROOM_STREAM_H
#define TESTS_UNIT_COLLECTOR_ROOM_STREAM_H

#include "tests/unit/collector/room.h"

#define HOST   UINT64_C(0xa1)
#define STREAM UINT64_C(0x51)
#define T0     INT64_C(1700000000000)

static struct fake_stream s;

static inline int
setup(void **state)
{
    s = (struct fake_stream){ .id = STREAM, .metric = "m" };
    return room_setup(state);
}

static inline int
teardown(void **state)
{
    row_state_release(&s.rows);
    return room_teardown(state);
}

// HELLO, IDENT, TABLE of n, and one KEY, from 100 on.
static inline void
begin(uint32_t n)
{
    room_begin(&s, HOST, "web", n);
    fake_row(&s, RECORD_KEY, T0, n, 100);
    room_give(&s);
}

#endif
