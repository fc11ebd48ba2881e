// spool_ledger - what becomes of each sample.
//
// Appended, a sample is pending; then it is acknowledged or lost. A sample that was given up as
// lost, but was acknowledged after all (it had been sent before), is taken back from the lost ones,
// unless it was a GAP in its place that was acknowledged.

#include <errno.h>
#include <string.h>

#include "agent/spool_state.h"
#include "shared/base/err.h"

static void s_pass_gaps(spool_files_t *self, const struct spool_stream *st, uint64_t next,
                        uint64_t total, uint64_t *covered_ret);
static void s_divide(spool_files_t *self, uint64_t stream, uint64_t next, uint64_t total);
static void s_note_collector(struct spool_stream *st, uint64_t collector, uint64_t next);

void
spool_advance(spool_files_t *self, struct spool_stream *st, uint64_t head, uint64_t total)
{
    if (total > st->head_total) {
        self->book->ledger.produced += total - st->head_total;
        self->book->ledger.pending += total - st->head_total;
        st->head_total = total;
    }
    st->head = head;
    self->book_changed = true;
}

void
spool_skip(spool_files_t *self, struct spool_stream *st, uint64_t seq, uint64_t total)
{
    const struct spool_range range = { .from = st->head,
                                       .to = seq - 1,
                                       .total = st->head_total,
                                       .total_end = total,
                                       .t0_ms = st->last_ms };

    if (seq <= st->head)
        return;
    spool_advance(self, st, seq, total);
    spool_lose(self, st, &range, self->full ? LOST_DISK_FULL : LOST_QUEUE);
}

void
spool_lose(spool_files_t *self, const struct spool_stream *st, const struct spool_range *range,
           enum lost_cause cause)
{
    struct ledger *ledger = &self->book->ledger;
    uint64_t from = range->from, total = range->total;

    if (from < st->base) {
        from = st->base;
        total = total > st->base_total ? total : st->base_total;
    }
    while (from <= range->to && range->to != UINT64_MAX) {
        const struct spool_gap *next = spool_book_gap(self->book, st->stream, from);
        const bool ahead = next != NULL && next->from <= range->to;
        const uint64_t end = ahead ? next->total : range->total_end;
        struct spool_gap gap = { .stream = st->stream,
                                 .from = from,
                                 .to = ahead ? next->from - 1 : range->to,
                                 .total = total,
                                 .samples = end > total ? end - total : 0,
                                 .t0_ms = range->t0_ms,
                                 .cause = cause };

        if (ahead && next->from <= from) { // booked already
            total = next->total + next->samples;
            from = next->to + 1;
            continue;
        }
        if (gap.samples > ledger->pending) // a count that was wrong once must not wrap
            gap.samples = ledger->pending;
        ledger->pending -= gap.samples;
        ledger->lost[cause] += gap.samples;
        self->forgotten += !spool_book_add_gap(self->book, &gap);
        self->book_changed = true;
        if (self->handler.lost != NULL)
            self->handler.lost(self->handler.arg, &gap);
        from = gap.to + 1;
        total = end;
    }
}

void
spool_files_acked(spool_files_t *self, uint64_t stream, uint64_t next, uint64_t total,
                  uint64_t collector)
{
    struct spool_stream *st = spool_book_stream(self->book, stream);
    struct ledger *ledger = &self->book->ledger;
    uint64_t covered, samples;

    if (st == NULL || next == UINT64_MAX)
        return;
    if (next > st->head + st->ended) {
        // Sent from memory, acknowledged, and not yet here: what follows needs a TABLE.
        if (st->stream == self->writing && total != SPOOL_TOTAL_UNKNOWN) {
            spool_advance(self, st, next, total);
            (void) spool_refuse(self, self->full ? -ENOSPC : 0);
        } else {
            next = st->head + st->ended;
        }
    }
    s_note_collector(st, collector, next);
    if (next <= st->base)
        return;
    if (total == SPOOL_TOTAL_UNKNOWN)
        total = spool_total_at(self, st, next);
    if (total < st->base_total)
        total = st->base_total;
    if (total > st->head_total)
        total = st->head_total;
    s_divide(self, stream, next, total);
    s_pass_gaps(self, st, next, total, &covered);
    samples = total - st->base_total;
    samples = samples > covered ? samples - covered : 0;
    if (samples > ledger->pending)
        samples = ledger->pending;
    ledger->pending -= samples;
    ledger->acked += samples;
    st->base = next;
    st->base_total = total;
    self->book_changed = true;
    spool_trim(self);
}

// A gap was cut at `next` before its samples up to there were known: now they are.
static void
s_divide(spool_files_t *self, uint64_t stream, uint64_t next, uint64_t total)
{
    struct spool_gap *rest = spool_book_gap(self->book, stream, next), *gap;
    uint64_t samples, most;

    if (rest == NULL || rest->from != next || rest == self->book->gaps)
        return;
    gap = rest - 1;
    if (gap->stream != stream || gap->to + 1 != next || gap->cause != rest->cause)
        return;
    most = gap->samples + rest->samples;
    samples = total > gap->total ? total - gap->total : 0;
    gap->samples = samples < most ? samples : most;
    rest->samples = most - gap->samples;
    rest->total = gap->total + gap->samples;
}

// What was lost before `next` is settled. *covered_ret: samples of it.
static void
s_pass_gaps(spool_files_t *self, const struct spool_stream *st, uint64_t next, uint64_t total,
            uint64_t *covered_ret)
{
    struct ledger *ledger = &self->book->ledger;
    struct spool_gap *gap;

    *covered_ret = 0;
    while ((gap = spool_book_gap(self->book, st->stream, 0)) != NULL && gap->from < next) {
        const bool whole = gap->to < next;
        uint64_t samples = whole ? gap->samples : total > gap->total ? total - gap->total : 0;

        if (samples > gap->samples)
            samples = gap->samples;
        *covered_ret += samples;
        // Nobody was told of a GAP, or it would have been passed as a whole: so it was the records
        // that were acknowledged.
        if (!gap->told || !whole) {
            const uint64_t back = samples < ledger->lost[gap->cause] ? samples
                                                                     : ledger->lost[gap->cause];

            ledger->lost[gap->cause] -= back;
            ledger->acked += back;
        }
        if (whole) {
            spool_book_remove_gap(self->book, gap);
        } else {
            gap->from = next;
            gap->total = total;
            gap->samples -= samples;
        }
    }
}

static void
s_note_collector(struct spool_stream *st, uint64_t collector, uint64_t next)
{
    struct spool_acked acked = { collector, next };
    unsigned at = 0;

    while (at < st->n_acked && st->acked[at].collector != collector)
        at++;
    if (at < st->n_acked && st->acked[at].next > next)
        acked.next = st->acked[at].next;
    if (at == st->n_acked && at < SPOOL_COLLECTORS_MAX)
        st->n_acked++;
    else if (at == st->n_acked)
        at--; // the one that was heard of longest ago
    memmove(&st->acked[1], &st->acked[0], at * sizeof acked);
    st->acked[0] = acked;
}

void
spool_files_note(spool_files_t *self, const struct spool_note *note)
{
    struct ledger *ledger = &self->book->ledger;
    uint64_t *lost = &ledger->lost[LOST_COLLECTOR];
    uint64_t more = note->collector_lost > *lost ? note->collector_lost - *lost : 0;

    if (more > ledger->acked)
        more = ledger->acked;
    *lost += more;
    ledger->acked -= more;
    ledger->elsewhere = note->elsewhere;
    ledger->refused = note->refused;
    memcpy(ledger->missed, note->missed, sizeof ledger->missed);
    self->book->frame_bytes = (uint32_t) note->frame_bytes;
    self->book_changed = true;
}
