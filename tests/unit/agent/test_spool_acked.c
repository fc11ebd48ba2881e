// test_spool_acked - what a collector has is acknowledged in the book, and only what it was told of
// as lost is lost there, whenever a GAP is made and whoever is killed.

#include "tests/unit/agent/spool_files_bed.h"

#include "tests/support/seeded.h"

#define PIECES 4096u

// What was read, as a collector is sent it.
struct piece {
    uint64_t from, to; // seqs, inclusive
    uint64_t samples;
    bool gap;
};

// A spool, what was read of it and not taken yet, and a collector that takes in order.
static struct {
    struct piece pieces[PIECES];
    size_t n;
    uint64_t place;         // seq to be read next
    uint64_t next, durable; // the collector's
    uint64_t stored, lost;  // samples it has, and was told of as lost
} c;

static void
take_down(void *arg, const struct record *r, bool repeat)
{
    struct piece *piece = &c.pieces[c.n];

    (void) arg;
    if (repeat || r->type == RECORD_END)
        return;
    assert_true(c.n < PIECES);
    *piece = (struct piece){ .from = r->seq, .to = r->seq, .samples = r->count };
    if (r->type == RECORD_GAP) {
        struct gap gap;
        struct rbuf body;

        rbuf_init(&body, r->body, r->body_len);
        assert_int_equal(gap_take(&body, &gap), 0);
        piece->gap = true;
        piece->to = gap.to;
        piece->samples = gap.samples;
    }
    assert_int_equal(piece->from, c.place);
    c.place = piece->to + 1;
    c.n++;
}

static void
begin(struct bed *b, uint64_t segments)
{
    const struct spool_files_handler handler = { take_down, lose, b };

    spool_files_close(&b->files);
    b->opt.bytes_most = segments * SEGMENT;
    assert_int_equal(spool_files_open(&b->files, &b->found, &b->opt, &handler, b->now_ms), 0);
    check(b);
}

static void
read_some(struct bed *b, uint64_t total, size_t bytes)
{
    uint64_t next;
    bool end;

    assert_int_equal(spool_files_read(b->files, 1, c.place, total, bytes, false, &next, &end), 0);
    assert_int_equal(next, c.place);
    check(b);
}

// So much of what was read arrives, and is durable.
static void
collect(size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct piece *piece = &c.pieces[i];

        assert_int_equal(piece->from, c.next);
        c.next = piece->to + 1;
        *(piece->gap ? &c.lost : &c.stored) += piece->samples;
    }
    c.n -= n;
    memmove(c.pieces, c.pieces + n, c.n * sizeof c.pieces[0]);
}

static void
goes_back_to(uint64_t place)
{
    c.n = 0;
    c.place = place;
}

static void
acknowledge(struct bed *b)
{
    c.durable = c.next;
    ack(b, 1, c.durable);
}

// The rest is delivered.
static void
finish(struct bed *b)
{
    const struct ledger *ledger = &spool_files_book(b->files)->ledger;

    goes_back_to(c.next);
    while (c.place < b->next)
        read_some(b, bed_total(c.place), 1 << 20);
    collect(c.n);
    acknowledge(b);
    assert_int_equal(ledger->pending, 0);
    assert_int_equal(ledger->acked, c.stored);
    assert_int_equal(ledger_lost(ledger), c.lost);
    assert_int_equal(c.stored + c.lost, bed_total(b->next));
}

// Seven segments, of which a collector is sent more than the first, and then only `segments` stay.
static void
sent_and_then_given_up(struct bed *b, uint64_t segments)
{
    memset(&c, 0, sizeof c);
    begin(b, 100);
    append(b, 200);
    read_some(b, 0, SEGMENT + 2000);
    assert_int_equal(spool_files_sync(b->files), 0);
    begin(b, segments);
    assert_true(b->found.torn_bytes == 0 && spool_files_book(b->files)->n_gaps == 1);
    assert_true(spool_files_book(b->files)->gaps[0].to > c.place);
}

static void
what_was_sent_before_it_was_given_up_is_acknowledged(void **state)
{
    struct bed *b = *state;
    size_t sent;

    sent_and_then_given_up(b, 4);
    sent = c.n;
    // Behind what is on its way comes a GAP; all of it is acknowledged at once.
    read_some(b, bed_total(c.place), 1000);
    assert_true(c.pieces[sent].gap);
    collect(c.n);
    acknowledge(b);
    finish(b);
    assert_true(c.lost > 0);
}

static void
what_arrives_after_its_gap_was_told_is_acknowledged(void **state)
{
    struct bed *b = *state;

    sent_and_then_given_up(b, 4);
    collect(c.n);
    // It is not known yet how far the collector has come: the GAP is told from the beginning.
    goes_back_to(0);
    read_some(b, 0, 1000);
    assert_true(c.pieces[0].gap);
    acknowledge(b);
    finish(b);
    assert_true(c.lost > 0);
}

static void
where_a_gap_is_cut_is_made_good_when_it_is_known(void **state)
{
    struct bed *b = *state;
    size_t sent;

    sent_and_then_given_up(b, 4);
    sent = c.n;
    read_some(b, SPOOL_TOTAL_UNKNOWN, 1000); // samples are divided as records are
    assert_true(c.pieces[sent].gap);
    collect(sent);
    acknowledge(b);
    finish(b);
}

// Everything at once: reads and what arrives of them, losses, connections that are lost with what
// was on its way, ends of the agent.
static void
book_and_collector_agree_whatever_happens(void **state)
{
    struct bed *b = *state;
    uint64_t lost = 0;

    for (uint64_t first = 1; first <= 60; first++) {
        uint64_t seed = first;

        memset(&c, 0, sizeof c);
        begin(b, 12);
        for (int step = 0; step < 200; step++) {
            switch (seeded_below(&seed, 8)) {
            case 0:
            case 1:
            case 2:
                append(b, 1 + seeded_below(&seed, 15));
                break;
            case 3:
                if (c.place < b->next)
                    read_some(b, bed_total(c.place), 1 + seeded_below(&seed, SEGMENT));
                break;
            case 4:
                collect(seeded_below(&seed, (uint32_t) c.n + 1));
                break;
            case 5:
                if (c.next > c.durable)
                    acknowledge(b);
                break;
            case 6:
                spool_files_limit(b->files, b->now_ms);
                check(b);
                break;
            default:
                if (seeded_below(&seed, 3) == 0)
                    goes_back_to(c.next); // as WELCOME or NAK says
                break;
            }
        }
        finish(b);
        lost += c.lost;
        spool_files_close(&b->files);
        bed_clear(b->dir);
        b->next = 0;
        begin(b, 12);
    }
    assert_true(lost > 0);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        files_test(what_was_sent_before_it_was_given_up_is_acknowledged),
        files_test(what_arrives_after_its_gap_was_told_is_acknowledged),
        files_test(where_a_gap_is_cut_is_made_good_when_it_is_known),
        files_test(book_and_collector_agree_whatever_happens),
    };

    return cmocka_run_group_tests_name("spool_acked", tests, NULL, NULL);
}
