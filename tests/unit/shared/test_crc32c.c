// crc32c - known answers, and two ways that agree.

#include "shared/base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "shared/base/crc32c_impl.h"

// RFC 3720, B.4: 32 bytes each.
static void
the_standards_answers_come_out(void **state)
{
    uint8_t bytes[32];

    (void) state;
    assert_int_equal(crc32c(0, "", 0), 0);
    assert_int_equal(crc32c(0, "123456789", 9), 0xE3069283);
    memset(bytes, 0, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x8a9136aa);
    memset(bytes, 0xff, sizeof bytes);
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x62a8ab43);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t) i;
    assert_int_equal(crc32c(0, bytes, sizeof bytes), 0x46dd794e);
}

static void
instruction_and_table_agree_at_every_length_and_offset(void **state)
{
    uint8_t bytes[100];

    (void) state;
    if (!crc32c_has_instruction())
        skip();
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t) (i * 167 + 13);
    for (size_t from = 0; from < 16; from++)
        for (size_t n = 0; n <= sizeof bytes - from; n++)
            assert_int_equal(crc32c_by_instruction(7, bytes + from, n),
                             crc32c_by_table(7, bytes + from, n));
}

static void
calls_chain(void **state)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";

    (void) state;
    for (size_t cut = 0; cut < sizeof text; cut++)
        assert_int_equal(crc32c(crc32c(0, text, cut), text + cut, sizeof text - cut),
                         crc32c(0, text, sizeof text));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_standards_answers_come_out),
        cmocka_unit_test(instruction_and_table_agree_at_every_length_and_offset),
        cmocka_unit_test(calls_chain),
    };
    return cmocka_run_group_tests_name("crc32c", tests, NULL, NULL);
}
