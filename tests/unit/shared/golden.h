// golden - one of the messages that are kept for ever: how it is made, and how it is told.

#ifndef TESTS_UNIT_SHARED_GOLDEN_H
#define TESTS_UNIT_SHARED_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>

#include "shared/base/buf.h"
#include "shared/wire/body.h"

#define HOST UINT64_C(0x00c0ffee00c0ffee)
#define T0   INT64_C(1700000000000)

struct golden {
    const char *name;
    void (*make)(struct buf *out);
    void (*tell)(struct buf *out, const uint8_t *at, size_t n);
};

static const struct identity golden_identity = {
    .host = HOST,
    .name = "web-01",
    .name_len = 6,
    .boot_id = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
    .version = "1.0.0",
    .version_len = 5,
    .interval_ms = 1000,
};

static inline void
tell_identity(struct buf *out, const struct identity *id)
{
    buf_printf(out, "host %016" PRIx64 " name %.*s version %.*s interval %" PRIu32 " ms boot ",
               id->host, (int) id->name_len, id->name, (int) id->version_len, id->version,
               id->interval_ms);
    for (int i = 0; i < 16; i++)
        buf_printf(out, "%02x", id->boot_id[i]);
    buf_byte(out, '\n');
}

#endif
