// test_spool_files - records through segments and book, and what becomes of them; the ledger is
// balanced after every step.

#include "tests/unit/agent/spool_files_bed.h"

#include <errno.h>

#include "shared/base/err.h"
#include "tests/support/seeded.h"

static void
what_was_appended_is_read_back_in_order_with_its_end(void **state)
{
    struct bed *b = *state;

    append(b, 500);
    assert_int_equal(drain(b, 1, 0, false), 500);
    assert_false(b->ended);
    append(b, 100); // the reader goes on where it was
    assert_int_equal(drain(b, 1, 500, false), 600);
    spool_files_end(b->files, 1);
    assert_int_equal(drain(b, 1, 0, false), 601);
    assert_true(b->ended);
    assert_int_equal(b->records, 600);
    assert_int_equal(b->samples, spool_files_book(b->files)->ledger.pending);
    reopen(b);
    assert_int_equal(drain(b, 1, 0, false), 601);
    assert_int_equal(drain(b, 1, 0, true), 601);
    assert_int_equal(b->repeats, 0); // nothing is before 0
    ack(b, 1, 601);
    assert_int_equal(spool_files_book(b->files)->ledger.acked, b->samples);
}

static void
a_decoder_is_given_definitions_and_all_from_the_last_key_on(void **state)
{
    struct bed *b = *state;

    append(b, 200);
    for (uint64_t from = 1; from <= 200; from++) {
        const uint64_t before = from - 1;

        assert_int_equal(drain(b, 1, from, true), 200);
        if (from <= 2) { // there is no KEY yet: all there is
            assert_int_equal(b->repeats, from);
            continue;
        }
        assert_true(b->repeat_type == RECORD_TABLE || b->repeat_type == RECORD_DEF);
        if (b->repeat_first == UINT64_MAX) // a segment begins here
            continue;
        assert_int_equal(b->repeat_last, before);
        // From a KEY, or from the first record of a segment: which is one, in the agent's hands.
        assert_true(before - b->repeat_first < BED_KEY_EVERY);
    }
}

static void
acknowledged_segments_go_and_the_next_record_can_still_be_read(void **state)
{
    struct bed *b = *state;
    uint64_t most = 0;

    for (int i = 0; i < 60; i++) {
        append(b, 20);
        ack(b, 1, b->next - 3);
        if (spool_files_stat(b->files).bytes > most)
            most = spool_files_stat(b->files).bytes;
        assert_int_equal(drain(b, 1, b->next - 3, true), b->next);
        assert_int_equal(b->records, 3);
        assert_int_equal(b->repeat_type, i == 0 ? RECORD_DEF : b->repeat_type);
    }
    assert_true(most <= 5 * SEGMENT);
    spool_files_end(b->files, 1);
    ack(b, 1, b->next + 1);
    assert_int_equal(spool_files_book(b->files)->ledger.pending, 0);
    b->stream = 2;
    b->next = 0;
    append(b, 1);
    assert_int_equal(spool_files_book(b->files)->n_streams, 1);
    assert_int_equal(spool_files_read(b->files, 1, 0, 0, 1, false, &(uint64_t){ 0 }, &(bool){ 0 }),
                     ERR_UNKNOWN);
}

static void
the_oldest_go_where_there_is_no_room_and_a_gap_tells_of_them(void **state)
{
    struct bed *b = *state;
    const struct ledger *ledger = &spool_files_book(b->files)->ledger;

    b->opt.bytes_most = 8 * SEGMENT;
    reopen(b);
    ledger = &spool_files_book(b->files)->ledger;
    b->next = 0;
    for (int i = 0; i < 100; i++) {
        append(b, 10);
        spool_files_limit(b->files, b->now_ms);
        assert_true(spool_files_stat(b->files).bytes <= 8 * SEGMENT);
    }
    assert_true(ledger->lost[LOST_SPOOL_BYTES] > 0);
    assert_int_equal(ledger->lost[LOST_SPOOL_BYTES], b->lost[LOST_SPOOL_BYTES]);
    assert_int_equal(drain(b, b->stream, 0, false), 1000);
    assert_int_equal(b->gaps, 1); // neighbours became one
    assert_int_equal(b->gap_cause, LOST_SPOOL_BYTES + 1);
    assert_int_equal(b->samples + b->gap_samples, bed_total(1000));
    // It stays, until it is acknowledged; then the loss stays in the ledger.
    reopen(b);
    ledger = &spool_files_book(b->files)->ledger;
    assert_int_equal(drain(b, b->stream - 1, 0, false), 1000);
    assert_int_equal(b->gaps, 1);
    ack(b, b->stream - 1, 1000);
    assert_int_equal(ledger->acked, b->samples);
    assert_int_equal(ledger->lost[LOST_SPOOL_BYTES], b->gap_samples);
    assert_int_equal(ledger->pending, 0);
    assert_int_equal(spool_files_book(b->files)->n_gaps, 0);
}

// What is lost may have defined what comes behind it.
static void
behind_a_gap_definitions_are_given_again(void **state)
{
    struct bed *b = *state;
    uint64_t next = 0, from;
    bool end = false;

    b->opt.bytes_most = 8 * SEGMENT;
    reopen(b);
    append(b, 300);
    spool_files_limit(b->files, b->now_ms);
    b->expected = UINT64_MAX;
    assert_int_equal(spool_files_read(b->files, b->stream, 0, 0, 1, false, &next, &end), 0);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->records, 1);
    assert_int_equal(b->repeats, 2); // TABLE and DEF
    assert_int_equal(b->repeat_type, RECORD_TABLE);
    from = next - 1; // the first record behind the gap
    // Where the reader has been elsewhere meanwhile, or is asked for what a decoder needs: once.
    drain(b, b->stream, from + 1, false);
    assert_int_equal(b->repeats, 0);
    drain(b, b->stream, from, false);
    assert_int_equal(b->repeats, 2);
    drain(b, b->stream, from, true);
    assert_int_equal(b->repeats, 2);
}

static void
what_is_older_than_the_age_goes(void **state)
{
    struct bed *b = *state;

    b->opt.age_most_ms = 300 * 1000; // 300 records
    reopen(b);
    for (int i = 0; i < 100; i++) {
        append(b, 10);
        b->now_ms = BED_T0_MS + (int64_t) b->next * 1000;
        spool_files_limit(b->files, b->now_ms);
    }
    assert_int_equal(drain(b, b->stream, 0, false), 1000);
    assert_int_equal(b->gap_cause, LOST_SPOOL_AGE + 1);
    assert_true(b->records >= 300 && b->records < 360);
    // After a long time away, all but the segment that was written last.
    b->now_ms += 3600 * 1000;
    reopen(b);
    assert_int_equal(drain(b, b->stream - 1, 0, false), 1000);
    assert_true(b->records < 60);
    append(b, 1);
    spool_files_limit(b->files, b->now_ms);
    assert_int_equal(drain(b, b->stream - 1, 0, false), 1000);
    assert_int_equal(b->records, 0);
    assert_int_equal(b->gap_samples, bed_total(1000));
}

static void
what_was_refused_and_not_acknowledged_is_lost_at_the_next_table(void **state)
{
    struct bed *b = *state;
    struct record r;

    append(b, 100);
    b->next += 10; // never came here
    r = bed_record(1, b->next, LEN);
    assert_int_equal(spool_files_append(b->files, &r), -EAGAIN);
    b->next++;
    r = bed_record(1, b->next, LEN);
    assert_int_equal(spool_files_append(b->files, &r), -EAGAIN);
    // Some of it was acknowledged, from memory.
    ack(b, 1, 105);
    r = bed_table(1, b->next, RECORD_TABLE);
    assert_int_equal(spool_files_table(b->files, &r), 0);
    append(b, 20);
    assert_int_equal(b->lost[LOST_QUEUE], bed_total(111) - bed_total(105));
    assert_int_equal(drain(b, 1, 105, false), b->next);
    assert_int_equal(b->gaps, 1);
    assert_int_equal(b->gap_cause, LOST_QUEUE + 1);
}

static void
what_was_given_up_is_taken_back_where_it_is_acknowledged_after_all(void **state)
{
    struct bed *b = *state;
    const struct ledger *ledger = &spool_files_book(b->files)->ledger;
    struct record r;

    append(b, 100);
    b->next += 10;
    r = bed_table(1, b->next, RECORD_TABLE);
    assert_int_equal(spool_files_table(b->files, &r), 0);
    append(b, 20);
    assert_int_equal(ledger->lost[LOST_QUEUE], bed_total(110) - bed_total(100));
    ack(b, 1, 104);
    assert_int_equal(ledger->lost[LOST_QUEUE], bed_total(110) - bed_total(104));
    ack(b, 1, 120);
    assert_int_equal(ledger->lost[LOST_QUEUE], 0);
    assert_int_equal(ledger->acked, bed_total(120));
}

static void
an_acknowledgement_without_a_total_is_looked_up(void **state)
{
    struct bed *b = *state;

    append(b, 300);
    for (uint64_t next = 10; next <= 300; next += 7) {
        spool_files_acked(b->files, 1, next, SPOOL_TOTAL_UNKNOWN, COLLECTOR);
        check(b);
        assert_int_equal(spool_files_book(b->files)->ledger.acked, bed_total(next));
    }
}

static void
the_last_four_collectors_are_remembered(void **state)
{
    struct bed *b = *state;
    const struct spool_stream *st;

    append(b, 50);
    for (uint64_t c = 1; c <= 6; c++)
        spool_files_acked(b->files, 1, 10 + c, SPOOL_TOTAL_UNKNOWN, c);
    spool_files_acked(b->files, 1, 5, SPOOL_TOTAL_UNKNOWN, 4); // an old one again
    assert_int_equal(spool_files_write_book(b->files), 0);
    reopen(b);
    st = &spool_files_book(b->files)->streams[0];
    assert_int_equal(st->base, 16);
    assert_int_equal(st->n_acked, 4);
    assert_int_equal(st->acked[0].collector, 4);
    assert_int_equal(st->acked[0].next, 14);
    assert_int_equal(st->acked[1].collector, 6);
    assert_int_equal(st->acked[3].collector, 3);
}

// Everything at once. What is read and what is told as lost is everything, each once.
static void
a_random_life_accounts_for_every_sample(void **state)
{
    struct bed *b = *state;
    uint64_t seed = 2027, acked[256] = { 0 };
    const struct ledger *ledger;

    b->opt.bytes_most = 12 * SEGMENT;
    reopen(b);
    for (int step = 0; step < 3000; step++) {
        const uint32_t dice = seeded_below(&seed, 1000);

        if (dice < 600) {
            append(b, 1 + seeded_below(&seed, 4));
        } else if (dice < 750 && b->next > 0) {
            acked[b->stream] += seeded_below(&seed, (uint32_t) (b->next - acked[b->stream]) + 1);
            ack(b, b->stream, acked[b->stream]);
        } else if (dice < 850) {
            assert_int_equal(spool_files_sync(b->files), 0);
            assert_int_equal(spool_files_write_book(b->files), 0);
        } else if (dice < 880 && b->next > 0) {
            struct record r;

            b->next += 1 + seeded_below(&seed, 9);
            r = bed_table(b->stream, b->next, RECORD_TABLE);
            assert_int_equal(spool_files_table(b->files, &r), 0);
            append(b, 1);
        } else if (dice < 980) {
            spool_files_limit(b->files, b->now_ms);
        } else if (b->stream < 200 && b->next > 0) {
            if (dice % 2 == 0)
                spool_files_end(b->files, b->stream);
            reopen(b);
        }
    }
    // Now a collector takes it all.
    for (uint64_t stream = 1; stream <= b->stream; stream++) {
        struct spool_stream *st = spool_book_stream(
            (struct spool_book *) (uintptr_t) spool_files_book(b->files), stream);
        uint64_t next;

        if (st == NULL)
            continue;
        spool_files_end(b->files, stream);
        next = drain(b, stream, st->base, false);
        assert_true(b->ended);
        ack(b, stream, next);
    }
    ledger = &spool_files_book(b->files)->ledger;
    assert_int_equal(ledger->pending, 0);
    assert_int_equal(ledger->acked + ledger_lost(ledger), ledger->produced);
    assert_int_equal(spool_files_book(b->files)->n_gaps, 0);
    assert_true(ledger->lost[LOST_SPOOL_BYTES] > 0 && ledger->lost[LOST_QUEUE] > 0);
    assert_int_equal(ledger->lost[LOST_DAMAGE], 0);
}

static void
two_spools_do_not_share_a_folder(void **state)
{
    struct bed *b = *state;
    spool_files_t *first = b->files;

    assert_int_equal(try_open(b), ERR_LOCKED);
    b->files = first;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        files_test(what_was_appended_is_read_back_in_order_with_its_end),
        files_test(a_decoder_is_given_definitions_and_all_from_the_last_key_on),
        files_test(acknowledged_segments_go_and_the_next_record_can_still_be_read),
        files_test(the_oldest_go_where_there_is_no_room_and_a_gap_tells_of_them),
        files_test(behind_a_gap_definitions_are_given_again),
        files_test(what_is_older_than_the_age_goes),
        files_test(what_was_refused_and_not_acknowledged_is_lost_at_the_next_table),
        files_test(what_was_given_up_is_taken_back_where_it_is_acknowledged_after_all),
        files_test(an_acknowledgement_without_a_total_is_looked_up),
        files_test(the_last_four_collectors_are_remembered),
        files_test(a_random_life_accounts_for_every_sample),
        files_test(two_spools_do_not_share_a_folder),
    };
    return cmocka_run_group_tests_name("spool_files", tests, NULL, NULL);
}
