// spool_reader - a stream read back in order: its records, a GAP for what is lost, the END.
//
// One segment after the other, each with a cursor of its own. What the run of records leaves out is
// a gap that is booked already, or damage that is found only now: it is booked, and told. So are
// the DELTAs behind it up to the next KEY: nobody can read them without what is missing. What is
// missing may have defined series, too: behind a gap definitions are given again.

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/spool_state.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"
#include "shared/wire/body.h"

#define GAP_BODY_MAX    32
#define UNREADABLE_NAME "unreadable"
#define UNREADABLE_HEAD 16u // u64 segment, u32 offset, u32 length, ahead of the bytes

// Where a stream is to be read from.
struct target {
    struct segment_place from; // of the first record that is wanted; segment 0: there is none
    struct segment_place key;  // of the last KEY before it; segment 0: there is none
    uint64_t start;            // segment that has the TABLE
    uint64_t total;            // samples of the stream before what is wanted
    bool hole;                 // damage lies between that KEY and what is wanted
};

static int s_go_to(spool_files_t *self, const struct spool_stream *st, uint64_t from,
                   uint64_t total, bool repeat);
static bool s_is_booked(const spool_files_t *self, const struct record *record);
static bool s_is_lost(spool_files_t *self, const struct record *record);
static bool s_is_behind_gap(const spool_files_t *self, uint64_t stream, uint64_t seq);
static const struct spool_segment *s_start(const spool_files_t *self, uint64_t stream,
                                           uint64_t from);
static const struct spool_segment *s_after(const spool_files_t *self, uint64_t stream,
                                           uint64_t number);
static void s_aim(spool_files_t *self, struct target *ret, const struct spool_stream *st,
                  uint64_t from);
static void s_repeat(spool_files_t *self, const struct target *target, uint64_t stream,
                     uint64_t from);
static int s_define_again(spool_files_t *self, struct record *record, struct segment_place place,
                          size_t *given);
static int s_seek(spool_files_t *self, uint64_t stream, struct segment_place place);
static int s_next(spool_files_t *self, struct record *record, enum spool_kind *kind,
                  struct segment_place *place);
static size_t s_missing(spool_files_t *self, const struct spool_stream *st, uint64_t to_seq,
                        uint64_t total);
static size_t s_give_gap(spool_files_t *self, struct spool_gap *gap);
static size_t s_give_end(spool_files_t *self, const struct spool_stream *st);

int
spool_take(struct record *record, enum spool_kind *kind_ret, const struct segment_entry *entry,
           uint64_t stream)
{
    size_t used;

    if (entry->len < 1 || (entry->at[0] != SPOOL_RECORD && entry->at[0] != SPOOL_ASIDE) ||
        frame_take_record(record, entry->at + 1, entry->len - 1, &used) < 0 ||
        used != entry->len - 1 || (stream != 0 && record->stream != stream) ||
        record->seq >= SPOOL_COUNT_MAX || record->total >= SPOOL_COUNT_MAX - UINT32_MAX)
        return ERR_FORMAT;
    *kind_ret = (enum spool_kind) entry->at[0];
    return 0;
}

void
spool_keep_unreadable(spool_files_t *self, const struct segment_entry *entry)
{
    uint8_t head[UNREADABLE_HEAD];
    struct stat st;
    struct wbuf w;
    int fd;

    if (entry->place.segment < self->kept.segment ||
        (entry->place.segment == self->kept.segment && entry->place.offset <= self->kept.offset))
        return;
    self->kept = entry->place;
    self->unreadable++;
    log_error("a record of the spool can't be read: kept aside, and told as lost",
              "segment=%llu offset=%u bytes=%u file=" UNREADABLE_NAME,
              (unsigned long long) entry->place.segment, entry->place.offset, entry->len);
    fd = openat(self->dir_fd, UNREADABLE_NAME,
                O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (fd == -1)
        return;
    wbuf_init(&w, head, sizeof head);
    wbuf_u64(&w, entry->place.segment);
    wbuf_u32(&w, entry->place.offset);
    wbuf_u32(&w, entry->len);
    if (fstat(fd, &st) == 0 &&
        st.st_size + (off_t) (sizeof head + entry->len) <= (off_t) SPOOL_UNREADABLE_BYTES) {
        (void) !write(fd, head, sizeof head);
        (void) !write(fd, entry->at, entry->len);
    }
    close(fd);
}

void
spool_reader_close(spool_files_t *self)
{
    segment_cursor_close(&self->reader.cursor);
    self->reader.segment = 0;
    self->reader.stream = 0;
}

int
spool_files_read(spool_files_t *self, uint64_t stream, uint64_t from, uint64_t total, size_t bytes,
                 bool repeat, uint64_t *next_ret, bool *end_ret)
{
    const struct spool_stream *st = spool_book_stream(self->book, stream);
    const int flushed = spool_files_flush(self);
    enum spool_kind kind;
    struct record record;
    size_t given = 0;
    int rc = 1;

    *next_ret = from;
    *end_ret = true;
    if (st == NULL)
        return ERR_UNKNOWN;
    if (from <= st->base) {
        from = st->base;
        total = st->base_total;
    }
    if (repeat || self->reader.stream != stream || self->reader.next != from)
        rc = s_go_to(self, st, from, total, repeat);
    while (rc >= 0 && given < bytes) {
        struct segment_place place;

        rc = s_next(self, &record, &kind, &place);
        if (rc != 1)
            break;
        if (kind == SPOOL_ASIDE || record.seq < self->reader.next || s_is_lost(self, &record))
            continue;
        given += s_missing(self, st, record.seq, record.total);
        if (record.seq < self->reader.next) // in a gap: it was told as lost
            continue;
        if (self->reader.behind_gap) {
            rc = s_define_again(self, &record, place, &given);
            if (rc != 1)
                break;
        }
        self->handler.read(self->handler.arg, &record, false);
        given += FRAME_RECORD_HEADER + record.body_len;
        self->reader.next = record.seq + 1;
        self->reader.next_total = record.total + record.count;
    }
    if (rc == 0 && flushed == 0) {
        (void) s_missing(self, st, st->head, st->head_total);
        if (st->ended && self->reader.next == st->head)
            (void) s_give_end(self, st);
    }
    *next_ret = self->reader.next;
    *end_ret = rc != 1;
    return rc < 0 ? rc : 0;
}

// The reader goes on at `from`, with or without a repeat of what is needed there. 1 or an error.
static int
s_go_to(spool_files_t *self, const struct spool_stream *st, uint64_t from, uint64_t total,
        bool repeat)
{
    struct target target;
    int rc = 1;

    s_aim(self, &target, st, from);
    if (repeat)
        s_repeat(self, &target, st->stream, from);
    // Where there is none yet the reader stands behind the last one already.
    if (target.start == 0 || target.from.segment != 0)
        rc = s_seek(self, st->stream, target.from);
    self->reader.next = from;
    self->reader.next_total = total != SPOOL_TOTAL_UNKNOWN ? total : target.total;
    self->reader.unread = target.hole;
    self->reader.behind_gap = !repeat && s_is_behind_gap(self, st->stream, from);
    return rc < 0 ? rc : 1;
}

// It is there, and booked as lost all the same.
static bool
s_is_booked(const spool_files_t *self, const struct record *record)
{
    const struct spool_gap *gap = spool_book_gap(self->book, record->stream, record->seq);

    return gap != NULL && gap->from <= record->seq;
}

// The reader comes to this record. True if it is left out, since it is booked as lost, or damage
// before it makes it unreadable: then it is missed together with that when the next one is given.
// Behind other losses a segment begins, which can be read alone.
static bool
s_is_lost(spool_files_t *self, const struct record *record)
{
    if (s_is_booked(self, record))
        return true;
    if (record->seq > self->reader.next) {
        const struct spool_gap *gap = spool_book_gap(self->book, record->stream, record->seq - 1);

        if (gap == NULL || gap->from >= record->seq || gap->cause == LOST_DAMAGE)
            self->reader.unread = true;
    }
    if (record->type == RECORD_KEY)
        self->reader.unread = false;
    return self->reader.unread && record->type == RECORD_DELTA;
}

static bool
s_is_behind_gap(const spool_files_t *self, uint64_t stream, uint64_t seq)
{
    const struct spool_gap *gap = seq > 0 ? spool_book_gap(self->book, stream, seq - 1) : NULL;

    return gap != NULL && gap->from < seq;
}

// Where the last segment begins that has records up to `from`, or what it needs to be read.
static const struct spool_segment *
s_start(const spool_files_t *self, uint64_t stream, uint64_t from)
{
    const struct spool_segment *start = NULL, *alone = NULL;

    for (size_t i = 0; i < self->n_segments; i++) {
        const struct spool_segment *seg = &self->segments[i];

        if (seg->stream != stream || (seg->first_seq > from && start != NULL))
            continue;
        start = seg;
        if (seg->alone || alone == NULL)
            alone = seg;
        if (seg->first_seq > from)
            break;
    }
    return alone;
}

static const struct spool_segment *
s_after(const spool_files_t *self, uint64_t stream, uint64_t number)
{
    for (size_t i = 0; i < self->n_segments; i++)
        if (self->segments[i].stream == stream && self->segments[i].number > number)
            return &self->segments[i];
    return NULL;
}

// Whether something is booked as lost between the two.
static bool
s_gap_behind(spool_files_t *self, uint64_t stream, uint64_t after, uint64_t before)
{
    const struct spool_gap *gap = spool_book_gap(self->book, stream, after);

    return gap != NULL && gap->to < before;
}

static void
s_aim(spool_files_t *self, struct target *ret, const struct spool_stream *st, uint64_t from)
{
    const struct spool_segment *start = s_start(self, st->stream, from);
    const struct spool_gap *gap;
    struct segment_place place;
    struct record record;
    enum spool_kind kind;

    *ret = (struct target){ .total = st->base_total };
    if (from == st->head + st->ended)
        ret->total = st->head_total;
    for (size_t i = 0; (gap = spool_book_gap(self->book, st->stream, i)) != NULL && gap->to < from;
         i = gap->to + 1) {
        ret->total = gap->total + gap->samples;
        ret->hole = gap->cause == LOST_DAMAGE;
    }
    if (gap != NULL && gap->from < from) // nobody has said: its records are taken for alike
        ret->total = gap->total + (uint64_t) ((double) gap->samples * (double) (from - gap->from) /
                                              (double) (gap->to - gap->from + 1));
    if (start == NULL || s_seek(self, st->stream, (struct segment_place){ start->number, 0 }) < 0)
        return;
    ret->start = start->number;
    while (s_next(self, &record, &kind, &place) == 1) {
        if (kind == SPOOL_ASIDE)
            continue;
        if (record.seq >= from) {
            ret->from = place;
            if (record.seq == from)
                ret->total = record.total;
            return;
        }
        if (record.type == RECORD_KEY) {
            ret->key = place;
            ret->hole = ret->hole && s_gap_behind(self, st->stream, record.seq, from);
        }
        if (record.total + record.count > ret->total)
            ret->total = record.total + record.count;
    }
}

// What a decoder needs before the record that is wanted: definitions as they stand where the last
// KEY before it is, then all from that KEY on.
static void
s_repeat(spool_files_t *self, const struct target *target, uint64_t stream, uint64_t from)
{
    struct segment_place place;
    struct record record;
    enum spool_kind kind;
    bool keyed = target->key.segment == 0;

    if (target->start == 0 || s_seek(self, stream, (struct segment_place){ target->start, 0 }) < 0)
        return;
    while (s_next(self, &record, &kind, &place) == 1) {
        if (kind == SPOOL_RECORD && record.seq >= from)
            return;
        keyed = keyed ||
                (place.segment == target->key.segment && place.offset == target->key.offset);
        if (record.type == RECORD_DELTA && s_is_booked(self, &record))
            continue;
        if (keyed || kind == SPOOL_ASIDE || record.type == RECORD_DEF)
            self->handler.read(self->handler.arg, &record, true);
    }
}

// The first record behind a gap stands at `place`: definitions as they are there go ahead of it, as
// a repeat. 1, and the record again, since it was read over; 0 or an error where it is gone.
static int
s_define_again(spool_files_t *self, struct record *record, struct segment_place place,
               size_t *given)
{
    const uint64_t stream = record->stream;
    const struct spool_segment *start = s_start(self, stream, record->seq);
    struct segment_place at;
    enum spool_kind kind;
    int rc = 0;

    self->reader.behind_gap = false;
    if (start != NULL)
        rc = s_seek(self, stream, (struct segment_place){ start->number, 0 });
    while (
        start != NULL && rc >= 0 && (rc = s_next(self, record, &kind, &at)) == 1 &&
        (at.segment < place.segment || (at.segment == place.segment && at.offset < place.offset))) {
        if (kind != SPOOL_ASIDE && (record->type != RECORD_DEF || s_is_booked(self, record)))
            continue;
        self->handler.read(self->handler.arg, record, true);
        *given += FRAME_RECORD_HEADER + record->body_len;
    }
    if (rc < 0)
        return rc;
    rc = s_seek(self, stream, place);
    return rc < 0 ? rc : s_next(self, record, &kind, &at);
}

// The reader stands at `place` of the stream; segment 0: at its first one.
static int
s_seek(spool_files_t *self, uint64_t stream, struct segment_place place)
{
    const struct spool_segment *first = s_after(self, stream, 0);
    int rc;

    spool_reader_close(self);
    self->reader.stream = stream;
    if (place.segment == 0 && first != NULL)
        place.segment = first->number;
    if (place.segment == 0)
        return 0; // there are only gaps
    rc = segment_cursor_open(&self->reader.cursor, self->opt.dir, SPOOL_OWNER, place);
    if (rc == 0)
        self->reader.segment = place.segment;
    return rc;
}

// 1 and the next record, 0 if there is none yet, or -errno. What is no record is put aside.
static int
s_next(spool_files_t *self, struct record *record, enum spool_kind *kind,
       struct segment_place *place)
{
    while (self->reader.cursor != NULL) {
        const uint64_t number = self->reader.segment;
        const bool newest = number == segment_log_newest(self->log);
        const struct segment_place until = newest ? segment_log_end(self->log)
                                                  : (struct segment_place){ number + 1, 0 };
        const struct spool_segment *after;
        struct segment_entry entry;
        int rc = segment_cursor_next(self->reader.cursor, until, &entry);

        if (rc == 1) {
            *place = entry.place;
            if (spool_take(record, kind, &entry, self->reader.stream) == 0)
                return 1;
            spool_keep_unreadable(self, &entry);
            continue;
        }
        if (rc == ERR_FORMAT) // its records are missed when the next one comes
            continue;
        if (rc < 0 && rc != ERR_CLOSED)
            return rc;
        after = s_after(self, self->reader.stream, number);
        if (after == NULL)
            return 0;
        rc = s_seek(self, self->reader.stream, (struct segment_place){ after->number, 0 });
        if (rc < 0)
            return rc;
    }
    return 0;
}

// The reader goes on at `seq`, which has `total` samples before it. What is between is given as
// GAPs. Bytes given.
static size_t
s_missing(spool_files_t *self, const struct spool_stream *st, uint64_t seq, uint64_t total)
{
    size_t given = 0;

    while (self->reader.next < seq) {
        struct spool_gap *gap = spool_book_gap(self->book, st->stream, self->reader.next);

        if (gap == NULL || gap->from > self->reader.next) {
            const bool ahead = gap != NULL && gap->from < seq;
            const struct spool_range range = { .from = self->reader.next,
                                               .to = ahead ? gap->from - 1 : seq - 1,
                                               .total = self->reader.next_total,
                                               .total_end = ahead ? gap->total : total,
                                               .t0_ms = st->last_ms };

            spool_lose(self, st, &range, LOST_DAMAGE);
            gap = spool_book_gap(self->book, st->stream, self->reader.next);
            if (gap == NULL || gap->from > self->reader.next) { // no place in the book for it
                self->reader.next = range.to + 1;
                self->reader.next_total = range.total_end;
                continue;
            }
        }
        given += s_give_gap(self, gap);
    }
    return given;
}

static size_t
s_give_gap(spool_files_t *self, struct spool_gap *gap)
{
    uint8_t body[GAP_BODY_MAX];
    struct wbuf w;
    struct record record = { .type = RECORD_GAP, .body = body };

    // What comes before has been sent as records, before it was lost: who acknowledges that has
    // them, and was not told of a GAP.
    if (gap->from < self->reader.next) {
        struct spool_gap *rest = spool_book_split_gap(self->book, gap, self->reader.next,
                                                      self->reader.next_total);

        gap->told = gap->told && rest == NULL;
        gap = rest != NULL ? rest : gap;
    }
    record.stream = gap->stream;
    record.seq = gap->from;
    record.total = gap->total;
    record.t0_ms = gap->t0_ms;
    wbuf_init(&w, body, sizeof body);
    gap_put(&w, &(const struct gap){
                    .to = gap->to, .samples = gap->samples, .cause = (uint8_t) (gap->cause + 1) });
    record.body_len = (uint32_t) wbuf_finish(&w);
    // What was handed out stays as it is: sent again, it must be the same.
    gap->told = true;
    self->book_changed = true;
    self->reader.next = gap->to + 1;
    self->reader.next_total = gap->total + gap->samples;
    self->reader.behind_gap = true;
    self->handler.read(self->handler.arg, &record, false);
    return FRAME_RECORD_HEADER + record.body_len;
}

static size_t
s_give_end(spool_files_t *self, const struct spool_stream *st)
{
    const struct record record = { .type = RECORD_END,
                                   .stream = st->stream,
                                   .seq = st->head,
                                   .total = st->head_total,
                                   .t0_ms = st->last_ms };

    self->reader.next = st->head + 1;
    self->handler.read(self->handler.arg, &record, false);
    return FRAME_RECORD_HEADER;
}

uint64_t
spool_total_at(spool_files_t *self, const struct spool_stream *st, uint64_t seq)
{
    struct target target;

    if (seq >= st->head)
        return st->head_total;
    s_aim(self, &target, st, seq);
    spool_reader_close(self);
    return target.total;
}
