// spool_files_bed - a spool without its thread, its records, and what its reader sees.

#ifndef TESTS_UNIT_AGENT_SPOOL_FILES_BED_H
#define TESTS_UNIT_AGENT_SPOOL_FILES_BED_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "agent/spool_files.h"
#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"
#include "tests/unit/agent/spool_bed.h"

#define SEGMENT   16384u
#define COLLECTOR 99
#define LEN       400u

struct bed {
    char root[64];
    char dir[80];
    struct spool_files_options opt;
    struct spool_files_found found;
    spool_files_t *files;
    int64_t now_ms;
    uint64_t stream, next;      // being written
    uint64_t lost[LOST_CAUSES]; // as told, in samples
    // What the reader sees.
    uint64_t expected;  // seq that must come next; what is not yet known: UINT64_MAX
    uint64_t records;   // given, but repeats
    uint64_t gaps;      // given
    uint64_t gap_cause; // of the last one
    uint64_t samples;   // in records
    uint64_t gap_samples;
    uint64_t repeats;
    uint64_t repeat_first, repeat_last; // seqs, but of asides
    uint8_t repeat_type;                // of the first one
    bool ended;
};

static inline void
see(void *arg, const struct record *r, bool repeat)
{
    struct bed *b = arg;
    struct record wanted = bed_record(r->stream, r->seq, LEN);

    if (repeat) {
        if (b->repeats++ == 0)
            b->repeat_type = r->type;
        if (r->type != RECORD_TABLE && r->type != RECORD_DEF) {
            if (b->repeat_first == UINT64_MAX)
                b->repeat_first = r->seq;
            else
                assert_int_equal(r->seq, b->repeat_last + 1);
            b->repeat_last = r->seq;
        }
        return;
    }
    if (b->expected != UINT64_MAX)
        assert_int_equal(r->seq, b->expected);
    b->expected = r->seq + 1;
    if (r->type == RECORD_GAP) {
        struct gap gap;
        struct rbuf body;

        rbuf_init(&body, r->body, r->body_len);
        assert_int_equal(gap_take(&body, &gap), 0);
        assert_int_equal(r->total, wanted.total);
        assert_int_equal(gap.samples, bed_total(gap.to + 1) - wanted.total);
        b->expected = gap.to + 1;
        b->gap_cause = gap.cause;
        b->gap_samples += gap.samples;
        b->gaps++;
        return;
    }
    assert_int_equal(r->total, wanted.total);
    if (r->type == RECORD_END) {
        b->ended = true;
        return;
    }
    assert_int_equal(r->type, wanted.type);
    assert_int_equal(r->count, wanted.count);
    assert_int_equal(r->body_len, wanted.body_len);
    assert_memory_equal(r->body, wanted.body, wanted.body_len);
    b->records++;
    b->samples += r->count;
}

static inline void
lose(void *arg, const struct spool_gap *gap)
{
    struct bed *b = arg;

    b->lost[gap->cause] += gap->samples;
}

static inline void
check(const struct bed *b)
{
    const struct spool_book *book = spool_files_book(b->files);
    uint64_t held = 0;

    assert_true(ledger_balanced(&book->ledger));
    for (size_t i = 0; i < book->n_streams; i++)
        held += book->streams[i].head_total - book->streams[i].base_total;
    for (size_t i = 0; i < book->n_gaps; i++)
        held -= book->gaps[i].samples;
    assert_int_equal(held, book->ledger.pending);
}

static inline int
try_open(struct bed *b)
{
    const struct spool_files_handler handler = { see, lose, b };

    return spool_files_open(&b->files, &b->found, &b->opt, &handler, b->now_ms);
}

static inline void
open_files(struct bed *b)
{
    assert_int_equal(try_open(b), 0);
    check(b);
}

static inline void
reopen(struct bed *b)
{
    spool_files_close(&b->files);
    open_files(b);
    b->stream++;
    b->next = 0;
}

static inline int
setup(void **state)
{
    struct bed *b = xcalloc(1, sizeof *b);

    strcpy(b->root, access("/dev/shm", W_OK) == 0 ? "/dev/shm/zpulse-spool-XXXXXX"
                                                  : "/tmp/zpulse-spool-XXXXXX");
    assert_non_null(mkdtemp(b->root));
    snprintf(b->dir, sizeof b->dir, "%s/spool", b->root);
    b->opt = (struct spool_files_options){ .dir = b->dir,
                                           .bytes_most = UINT64_MAX,
                                           .age_most_ms = INT64_MAX / 4,
                                           .segment_bytes = SEGMENT };
    b->now_ms = BED_T0_MS;
    b->stream = 1;
    open_files(b);
    *state = b;
    return 0;
}

static inline int
teardown(void **state)
{
    struct bed *b = *state;

    spool_files_close(&b->files);
    bed_clear(b->dir);
    assert_int_equal(rmdir(b->root), 0);
    free(b);
    return 0;
}

// Records of the stream being written; a segment that is nearly full is followed by another.
static inline void
append(struct bed *b, uint64_t n)
{
    for (; n > 0; n--) {
        struct record r;
        bool table = spool_files_stat(b->files).room < SEGMENT / 4 && b->next > 0;

        if (table) {
            r = bed_table(b->stream, b->next, RECORD_TABLE);
            assert_int_equal(spool_files_table(b->files, &r), 0);
            r = bed_table(b->stream, b->next, RECORD_DEF);
            assert_int_equal(spool_files_table(b->files, &r), 0);
        }
        r = bed_record(b->stream, b->next, LEN);
        assert_int_equal(spool_files_append(b->files, &r), 0);
        b->next++;
        check(b);
    }
    assert_int_equal(spool_files_flush(b->files), 0);
}

// Reads from `from` on to the end of what is there; the seq behind.
static inline uint64_t
drain(struct bed *b, uint64_t stream, uint64_t from, bool repeat)
{
    uint64_t next = from;
    bool end = false;

    b->records = b->gaps = b->samples = b->gap_samples = b->repeats = 0;
    b->repeat_first = UINT64_MAX;
    b->ended = false;
    b->expected = from;
    while (!end) {
        assert_int_equal(spool_files_read(b->files, stream, next, bed_total(next), 5000,
                                          repeat && next == from, &next, &end),
                         0);
        check(b);
    }
    assert_int_equal(next, b->expected);
    return next;
}

static inline void
ack(struct bed *b, uint64_t stream, uint64_t next)
{
    spool_files_acked(b->files, stream, next, bed_total(next), COLLECTOR);
    check(b);
}

#define files_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
