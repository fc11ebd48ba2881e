// query_away - who was sent away comes through whole, or not at all.

#include "shared/wire/query_away.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"

static const struct query_away s_said = {
    .cause = AWAY_KEY,
    .host = 0x1122334455667788,
    .nonce = 9,
    .first_ms = 1700000000000,
    .last_ms = 1700000005000,
    .times = 400,
    .name = "web-1",
    .key = "web-2",
    .address = "fe80::1",
};

// From a place of the exact size, so that a sanitizer sees a read past the end.
static int
take(struct query_away *ret, const struct buf *bytes, size_t n)
{
    uint8_t *copy = xmemdup(bytes->at, n);
    struct rbuf r;
    int rc;

    rbuf_init(&r, copy, n);
    rc = query_take_away(&r, ret);
    free(copy);
    return rc;
}

static void
what_was_put_is_taken(void **state)
{
    struct buf bytes = { 0 };
    struct query_away heard;

    (void) state;
    query_put_away(&bytes, &s_said);
    assert_int_equal(take(&heard, &bytes, bytes.len), 0);
    assert_memory_equal(&heard, &s_said, sizeof heard);
    buf_release(&bytes);
}

static void
cut_anywhere_it_is_none(void **state)
{
    struct buf bytes = { 0 };
    struct query_away heard;

    (void) state;
    query_put_away(&bytes, &s_said);
    for (size_t n = 1; n < bytes.len; n++)
        if (take(&heard, &bytes, n) != ERR_FORMAT)
            fail_msg("%zu bytes are taken", n);
    buf_release(&bytes);
}

static void
a_text_longer_than_may_be_is_none(void **state)
{
    struct buf bytes = { 0 };
    struct query_away heard;

    (void) state;
    query_put_away(&bytes, &s_said);
    bytes.at[1 + 1 + 32 + 2] = 0xfd; // of the name: 253 would be more than there is
    assert_int_equal(take(&heard, &bytes, bytes.len), ERR_FORMAT);
    buf_release(&bytes);
}

static void
causes_have_words(void **state)
{
    (void) state;
    for (unsigned i = AWAY_NAME; i <= AWAY_REVOKED; i++) {
        assert_string_not_equal(away_cause_str((uint8_t) i), "unknown");
        assert_true(strlen(away_cause_why((uint8_t) i)) > 10);
    }
    assert_string_equal(away_cause_str(0), "unknown");
    assert_string_equal(away_cause_str(255), "unknown");
    assert_non_null(away_cause_why(0));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_taken),
        cmocka_unit_test(cut_anywhere_it_is_none),
        cmocka_unit_test(a_text_longer_than_may_be_is_none),
        cmocka_unit_test(causes_have_words),
    };

    return cmocka_run_group_tests_name("query_away", tests, NULL, NULL);
}
