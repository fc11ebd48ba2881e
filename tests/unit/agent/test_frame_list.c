// test_frame_list - records come back as the frames they are, by seq.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "agent/frame_list.h"

static struct record
record_of(uint64_t seq)
{
    return (struct record){ .type = RECORD_DELTA,
                            .count = 2,
                            .stream = 5,
                            .seq = seq,
                            .total = 2 * seq,
                            .body = (const uint8_t *) "body",
                            .body_len = 4 };
}

static void
a_record_is_whole_in_its_frame(void **state)
{
    struct frame_list list = { 0 };
    struct frame_prefix prefix = { .base = 3 };
    const struct record made = record_of(7);
    struct frame_entry *entry = frame_list_push(&list, &made);
    struct record record;
    uint32_t crc;

    (void) state;
    frame_put_prefix(entry->frame, &prefix);
    assert_int_equal(frame_take(&prefix, &record, entry->frame, entry->len), 0);
    assert_int_equal(record.seq, 7);
    assert_memory_equal(record.body, "body", 4);
    memcpy(&crc, entry->frame + FRAME_PREFIX_SIZE + 4, sizeof crc);
    assert_int_equal(frame_entry_crc(entry), crc);
    assert_int_equal(list.bytes, frame_list_cost(4));
    frame_list_release(&list);
}

static void
seqs_are_found_while_the_list_grows_and_is_freed(void **state)
{
    struct frame_list list = { 0 };
    uint64_t first = 0;

    (void) state;
    for (uint64_t seq = 0; seq < 3000; seq += 3) {
        const struct record made = record_of(seq);

        frame_list_push(&list, &made);
        if (list.n > 40) {
            frame_list_drop(&list, 7);
            first += 21;
        }
        assert_int_equal(frame_list_at(&list, 0)->record.seq, first);
        assert_non_null(frame_list_find(&list, seq));
        assert_null(frame_list_find(&list, seq + 1));
        assert_int_equal(frame_list_from(&list, seq + 1), list.n);
        assert_int_equal(frame_list_from(&list, first + 1), list.n > 1 ? 1 : list.n);
        assert_int_equal(frame_list_from(&list, 0), 0);
        assert_int_equal(list.bytes, list.n * frame_list_cost(4));
    }
    frame_list_clear(&list);
    assert_int_equal(list.bytes, 0);
    assert_null(frame_list_find(&list, first));
    frame_list_release(&list);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_whole_in_its_frame),
        cmocka_unit_test(seqs_are_found_while_the_list_grows_and_is_freed),
    };

    return cmocka_run_group_tests_name("frame_list", tests, NULL, NULL);
}
