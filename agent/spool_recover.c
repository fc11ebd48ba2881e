// spool_recover - what an agent that starts finds of the one before it.
//
// The book tells what was acknowledged and lost, and how far each stream had come, when it was last
// written. The segments tell what is there. Where they differ:
//     segments reach further     the book is older: they hold
//     the book reaches further   a power cut took the tail: lost, cause power cut
//     something else is missing  damage: lost, cause damage
// Only the first record of each segment is read, and all of the last segment of each open stream.

#include <errno.h>
#include <stdlib.h>

#include "agent/spool_state.h"
#include "shared/base/err.h"

static int s_list(spool_files_t *self, struct spool_files_found *found);
static bool s_first(spool_files_t *self, uint64_t number, struct spool_segment *seg);
static void s_add_stream(spool_files_t *self, const struct spool_segment *seg);
static void s_measure(spool_files_t *self, size_t i);
static void s_scan(spool_files_t *self, struct spool_segment *seg);
static void s_balance(struct spool_book *book);
static void s_explain(spool_files_t *self, const struct spool_stream *st);
static void s_remove_empty(spool_files_t *self);

int
spool_recover(spool_files_t *self, struct spool_files_found *found)
{
    int rc = spool_book_open(&self->book_file, self->dir_fd, SPOOL_BOOK_NAME, self->book,
                             &found->book_damaged);

    if (rc < 0 && segment_no_room(rc) != -ENOSPC)
        return rc;
    rc = s_list(self, found);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < self->n_segments; i++)
        s_measure(self, i);
    s_balance(self->book);
    for (size_t i = 0; i < self->book->n_streams; i++)
        s_explain(self, &self->book->streams[i]);
    s_remove_empty(self);
    return 0;
}

// All segments that have a record, with its stream in the book.
static int
s_list(spool_files_t *self, struct spool_files_found *found)
{
    size_t n;
    const struct segment_file *files = segment_log_files(self->log, &n);
    const uint64_t newest = segment_log_newest(self->log);

    for (size_t i = 0; i < n;) {
        const uint64_t number = files[i].number;
        struct spool_segment seg;

        if (s_first(self, number, &seg)) {
            spool_add_segment(self, &seg);
            s_add_stream(self, &seg);
        } else if (number != newest && segment_log_drop(self->log, number) == 0) {
            found->unreadable++;
            files = segment_log_files(self->log, &n);
            continue;
        }
        i++;
    }
    return 0;
}

static struct segment_place
s_until(const spool_files_t *self, uint64_t number)
{
    return number == segment_log_newest(self->log) ? segment_log_end(self->log)
                                                   : (struct segment_place){ number + 1, 0 };
}

// False: no record of it can be read.
static bool
s_first(spool_files_t *self, uint64_t number, struct spool_segment *seg)
{
    segment_cursor_t *cursor;
    struct segment_entry entry;
    bool found = false;
    int rc;

    if (segment_cursor_open(&cursor, self->opt.dir, SPOOL_OWNER,
                            (struct segment_place){ number, 0 }) < 0)
        return false;
    while (!found && ((rc = segment_cursor_next(cursor, s_until(self, number), &entry)) == 1 ||
                      rc == ERR_FORMAT)) {
        struct record record;
        enum spool_kind kind;

        if (rc != 1 || spool_take(&record, &kind, &entry, 0) < 0)
            continue;
        *seg = (struct spool_segment){ .number = number,
                                       .stream = record.stream,
                                       .first_seq = record.seq,
                                       .first_total = record.total,
                                       .next_seq = record.seq,
                                       .next_total = record.total,
                                       .first_ms = record.t0_ms,
                                       .last_ms = record.t0_ms,
                                       .alone = kind == SPOOL_ASIDE || record.seq == 0 };
        found = true;
    }
    segment_cursor_close(&cursor);
    return found;
}

static void
s_add_stream(spool_files_t *self, const struct spool_segment *seg)
{
    struct spool_stream *st = spool_book_stream(self->book, seg->stream);

    if (st != NULL)
        return;
    st = spool_book_add_stream(self->book, seg->stream);
    if (st == NULL) // more segments than a spool can have: somebody put them there
        return;
    // The book was not written since it began; or it is not the book of these segments. What is
    // before the first one can't be known to have been there.
    st->base = st->head = seg->first_seq;
    st->base_total = st->head_total = seg->first_total;
    st->last_ms = seg->first_ms;
    self->book_changed = true;
}

// How far the segment reaches; and its stream, where it is the last one of it.
static void
s_measure(spool_files_t *self, size_t i)
{
    struct spool_segment *seg = &self->segments[i];
    struct spool_stream *st = spool_book_stream(self->book, seg->stream);

    for (size_t k = i + 1; k < self->n_segments; k++)
        if (self->segments[k].stream == seg->stream) {
            seg->next_seq = self->segments[k].first_seq;
            seg->next_total = self->segments[k].first_total;
            seg->last_ms = self->segments[k].first_ms;
            return;
        }
    if (st == NULL)
        return;
    // The book was durable with all before it when it said that the stream had ended.
    if (st->ended) {
        seg->next_seq = st->head;
        seg->next_total = st->head_total;
        seg->last_ms = st->last_ms;
        return;
    }
    s_scan(self, seg);
    if (seg->next_seq < st->head)
        return;
    st->head = seg->next_seq;
    // Totals only rise, whatever a damaged disk says.
    if (seg->next_total > st->head_total)
        st->head_total = seg->next_total;
    st->last_ms = seg->last_ms;
}

static void
s_scan(spool_files_t *self, struct spool_segment *seg)
{
    segment_cursor_t *cursor;
    struct segment_entry entry;
    int rc;

    if (segment_cursor_open(&cursor, self->opt.dir, SPOOL_OWNER,
                            (struct segment_place){ seg->number, 0 }) < 0)
        return;
    while ((rc = segment_cursor_next(cursor, s_until(self, seg->number), &entry)) == 1 ||
           rc == ERR_FORMAT) {
        struct record record;
        enum spool_kind kind;

        if (rc != 1 || spool_take(&record, &kind, &entry, seg->stream) < 0 ||
            kind != SPOOL_RECORD || record.seq < seg->next_seq)
            continue;
        seg->next_seq = record.seq + 1;
        seg->next_total = record.total + record.count;
        seg->last_ms = record.t0_ms;
    }
    segment_cursor_close(&cursor);
}

// Samples between `base` and `head` are pending or lost. What was acknowledged after the book was
// written is pending again, until a collector says so.
static void
s_balance(struct spool_book *book)
{
    struct ledger *ledger = &book->ledger;
    uint64_t held = 0, lost = 0;

    for (size_t i = 0; i < book->n_streams; i++)
        held += book->streams[i].head_total - book->streams[i].base_total;
    for (size_t i = 0; i < book->n_gaps; i++)
        lost += book->gaps[i].samples;
    ledger->pending = held > lost ? held - lost : 0;
    ledger->produced = ledger->acked + ledger->pending + ledger_lost(ledger);
}

// What the book knows of and no segment has.
static void
s_explain(spool_files_t *self, const struct spool_stream *st)
{
    struct spool_range range = { .from = st->base,
                                 .total = st->base_total,
                                 .to = st->head - 1,
                                 .total_end = st->head_total,
                                 .t0_ms = st->last_ms };
    const struct spool_segment *first = NULL, *last = NULL;

    for (size_t i = 0; i < self->n_segments; i++)
        if (self->segments[i].stream == st->stream) {
            first = first != NULL ? first : &self->segments[i];
            last = &self->segments[i];
        }
    if (first != NULL && first->first_seq > st->base) {
        range.to = first->first_seq - 1;
        range.total_end = first->first_total;
        spool_lose(self, st, &range, LOST_DAMAGE);
    }
    if (last != NULL && last->next_seq < st->head) {
        range = (struct spool_range){ .from = last->next_seq,
                                      .total = last->next_total,
                                      .to = st->head - 1,
                                      .total_end = st->head_total,
                                      .t0_ms = last->last_ms };
        spool_lose(self, st, &range, LOST_POWER_CUT);
    }
    if (last == NULL && st->head > st->base)
        spool_lose(self, st, &range, LOST_DAMAGE);
}

// Streams of which nothing is left to be said; segments of streams that found no place in the book.
static void
s_remove_empty(spool_files_t *self)
{
    for (size_t i = 0; i < self->book->n_streams;) {
        const struct spool_stream st = self->book->streams[i];
        bool held = st.ended ? st.base <= st.head : st.base < st.head;

        for (size_t k = 0; k < self->n_segments && !held; k++)
            held = self->segments[k].stream == st.stream;
        if (held) {
            i++;
            continue;
        }
        spool_book_remove_stream(self->book, st.stream);
        self->book_changed = true;
    }
}
