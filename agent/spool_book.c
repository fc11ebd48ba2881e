// spool_book - see the header.

#include "agent/spool_book.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/crc32c.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/xalloc.h"

#define MAGIC      0x4b42505au // "ZPBK" as bytes
#define VERSION    1
#define SLOT_HEAD  24u // bytes ahead of the contents
#define CRC_AT     20u
#define SLOTS      2u
#define FILE_BYTES (SLOTS * SPOOL_BOOK_SLOT)

static void s_put_stream(struct wbuf *w, const struct spool_stream *st);
static void s_put_gap(struct wbuf *w, const struct spool_gap *gap);
static void s_take_stream(struct rbuf *r, struct spool_stream *st);
static void s_take_gap(struct rbuf *r, struct spool_gap *gap);
static int s_take_body(struct rbuf *r, struct spool_book *book);
static uint32_t s_sum(const uint8_t *at, size_t n);
static int s_fill(int fd);
static int s_read(struct spool_book_file *file, struct spool_book *book, bool *damaged_ret);

struct spool_stream *
spool_book_stream(struct spool_book *book, uint64_t stream)
{
    for (size_t i = book->n_streams; i > 0; i--) // the newest is asked for most
        if (book->streams[i - 1].stream == stream)
            return &book->streams[i - 1];
    return NULL;
}

struct spool_stream *
spool_book_add_stream(struct spool_book *book, uint64_t stream)
{
    struct spool_stream *st = &book->streams[book->n_streams];

    if (book->n_streams == SPOOL_STREAMS_MAX)
        return NULL;
    book->n_streams++;
    *st = (struct spool_stream){ .stream = stream };
    return st;
}

void
spool_book_remove_stream(struct spool_book *book, uint64_t stream)
{
    struct spool_stream *st = spool_book_stream(book, stream);
    size_t kept = 0;

    for (size_t i = 0; i < book->n_gaps; i++)
        if (book->gaps[i].stream != stream)
            book->gaps[kept++] = book->gaps[i];
    book->n_gaps = kept;
    if (st == NULL)
        return;
    book->n_streams--;
    memmove(st, st + 1, (size_t) (book->streams + book->n_streams - st) * sizeof *st);
}

struct spool_gap *
spool_book_gap(struct spool_book *book, uint64_t stream, uint64_t seq)
{
    for (size_t i = 0; i < book->n_gaps; i++)
        if (book->gaps[i].stream == stream && book->gaps[i].to >= seq)
            return &book->gaps[i];
    return NULL;
}

// Whether the two are one. Where room is short, also with different causes: the larger one's
// stands.
static bool
s_join(struct spool_gap *a, const struct spool_gap *b, bool any_cause)
{
    if (a->stream != b->stream || a->to + 1 != b->from || a->told || b->told ||
        (a->cause != b->cause && !any_cause))
        return false;
    if (b->samples > a->samples)
        a->cause = b->cause;
    a->to = b->to;
    a->samples += b->samples;
    return true;
}

static bool
s_make_room(struct spool_book *book)
{
    for (size_t i = 0; i + 1 < book->n_gaps; i++)
        if (s_join(&book->gaps[i], &book->gaps[i + 1], true)) {
            spool_book_remove_gap(book, &book->gaps[i + 1]);
            return true;
        }
    return false;
}

bool
spool_book_add_gap(struct spool_book *book, const struct spool_gap *gap)
{
    struct spool_gap new = *gap;
    size_t at = book->n_gaps;
    bool passed = false;

    // Before the stream's first one that lies behind it, or behind its last.
    for (size_t i = 0; i < book->n_gaps && !passed; i++)
        if (book->gaps[i].stream == gap->stream) {
            passed = book->gaps[i].from > gap->from;
            at = passed ? i : i + 1;
        }
    if (at > 0 && s_join(&book->gaps[at - 1], gap, false)) {
        if (at < book->n_gaps && s_join(&book->gaps[at - 1], &book->gaps[at], false))
            spool_book_remove_gap(book, &book->gaps[at]);
        return true;
    }
    if (at < book->n_gaps && s_join(&new, &book->gaps[at], false)) {
        book->gaps[at] = new;
        return true;
    }
    if (book->n_gaps == SPOOL_GAPS_MAX)
        return s_make_room(book) && spool_book_add_gap(book, gap);
    memmove(&book->gaps[at + 1], &book->gaps[at], (book->n_gaps - at) * sizeof *gap);
    book->gaps[at] = new;
    book->n_gaps++;
    return true;
}

struct spool_gap *
spool_book_split_gap(struct spool_book *book, struct spool_gap *gap, uint64_t seq, uint64_t total)
{
    struct spool_gap *rest = gap + 1;
    uint64_t samples = total > gap->total ? total - gap->total : 0;

    if (book->n_gaps == SPOOL_GAPS_MAX)
        return NULL;
    if (samples > gap->samples)
        samples = gap->samples;
    memmove(rest, gap, (size_t) (book->gaps + book->n_gaps - gap) * sizeof *gap);
    book->n_gaps++;
    gap->to = seq - 1;
    gap->samples = samples;
    rest->from = seq;
    rest->total += samples;
    rest->samples -= samples;
    return rest;
}

void
spool_book_remove_gap(struct spool_book *book, struct spool_gap *gap)
{
    book->n_gaps--;
    memmove(gap, gap + 1, (size_t) (book->gaps + book->n_gaps - gap) * sizeof *gap);
}

ptrdiff_t
spool_book_put(uint8_t *out, size_t size, const struct spool_book *book, uint64_t counter)
{
    struct wbuf w;
    size_t len;

    wbuf_init(&w, out, size);
    wbuf_u32(&w, MAGIC);
    wbuf_u16(&w, VERSION);
    wbuf_u16(&w, (uint16_t) (book->frame_bytes / 1024));
    wbuf_u64(&w, counter);
    wbuf_u32(&w, 0); // the length, and
    wbuf_u32(&w, 0); // the crc: known once all the rest stands
    ledger_put(&w, &book->ledger);
    wbuf_varint(&w, book->n_streams);
    for (size_t i = 0; i < book->n_streams; i++)
        s_put_stream(&w, &book->streams[i]);
    wbuf_varint(&w, book->n_gaps);
    for (size_t i = 0; i < book->n_gaps; i++)
        s_put_gap(&w, &book->gaps[i]);
    wbuf_u64(&w, (uint64_t) book->last_ms);
    if (wbuf_finish(&w) < 0)
        return ERR_LIMIT;
    len = w.len;
    wbuf_init(&w, out + CRC_AT - 4, 8);
    wbuf_u32(&w, (uint32_t) (len - SLOT_HEAD));
    wbuf_u32(&w, s_sum(out, len));
    return (ptrdiff_t) len;
}

// Of a slot that is `n` bytes long: all but the crc.
static uint32_t
s_sum(const uint8_t *at, size_t n)
{
    return crc32c(crc32c(0, at, CRC_AT), at + SLOT_HEAD, n - SLOT_HEAD);
}

static void
s_put_stream(struct wbuf *w, const struct spool_stream *st)
{
    wbuf_u64(w, st->stream);
    wbuf_u64(w, st->base);
    wbuf_u64(w, st->base_total);
    wbuf_u64(w, st->head);
    wbuf_u64(w, st->head_total);
    wbuf_u64(w, (uint64_t) st->last_ms);
    wbuf_u8(w, st->ended);
    wbuf_u8(w, st->n_acked);
    for (unsigned i = 0; i < st->n_acked; i++) {
        wbuf_u64(w, st->acked[i].collector);
        wbuf_u64(w, st->acked[i].next);
    }
}

static void
s_put_gap(struct wbuf *w, const struct spool_gap *gap)
{
    wbuf_u64(w, gap->stream);
    wbuf_u64(w, gap->from);
    wbuf_u64(w, gap->to);
    wbuf_u64(w, gap->total);
    wbuf_u64(w, gap->samples);
    wbuf_u64(w, (uint64_t) gap->t0_ms);
    wbuf_u8(w, (uint8_t) gap->cause);
    wbuf_u8(w, gap->told);
}

int
spool_book_take(struct spool_book *book, uint64_t *counter_ret, const uint8_t *at, size_t n)
{
    struct rbuf r;
    uint16_t version, frame_kib;
    uint32_t len, crc;
    int rc;

    rbuf_init(&r, at, n);
    if (rbuf_u32(&r) != MAGIC)
        return ERR_FORMAT;
    version = rbuf_u16(&r);
    frame_kib = rbuf_u16(&r);
    *counter_ret = rbuf_u64(&r);
    len = rbuf_u32(&r);
    crc = rbuf_u32(&r);
    if (rbuf_rc(&r) < 0 || len > rbuf_left(&r) || crc != s_sum(at, SLOT_HEAD + len))
        return ERR_FORMAT;
    if (version != VERSION)
        return ERR_VERSION;
    rbuf_init(&r, at + SLOT_HEAD, len);
    rc = s_take_body(&r, book);
    book->frame_bytes = (uint32_t) frame_kib * 1024;
    return rc;
}

static int
s_take_body(struct rbuf *r, struct spool_book *book)
{
    *book = (struct spool_book){ 0 };
    ledger_take(r, &book->ledger);
    book->n_streams = (size_t) rbuf_count(r, SPOOL_STREAMS_MAX);
    for (size_t i = 0; i < book->n_streams; i++)
        s_take_stream(r, &book->streams[i]);
    book->n_gaps = (size_t) rbuf_count(r, SPOOL_GAPS_MAX);
    for (size_t i = 0; i < book->n_gaps; i++)
        s_take_gap(r, &book->gaps[i]);
    if (rbuf_left(r) > 0) // books have not always had it
        book->last_ms = (int64_t) rbuf_u64(r);
    return rbuf_finish(r);
}

static void
s_take_stream(struct rbuf *r, struct spool_stream *st)
{
    st->stream = rbuf_u64(r);
    st->base = rbuf_u64(r);
    st->base_total = rbuf_u64(r);
    st->head = rbuf_u64(r);
    st->head_total = rbuf_u64(r);
    st->last_ms = (int64_t) rbuf_u64(r);
    st->ended = rbuf_u8(r) != 0;
    st->n_acked = rbuf_u8(r);
    if (st->stream == 0 || st->n_acked > SPOOL_COLLECTORS_MAX || st->base_total > st->head_total ||
        st->head_total > SPOOL_COUNT_MAX || st->head > SPOOL_COUNT_MAX || st->base > st->head + 1) {
        st->n_acked = 0;
        rbuf_fail(r);
    }
    for (unsigned i = 0; i < st->n_acked; i++) {
        st->acked[i].collector = rbuf_u64(r);
        st->acked[i].next = rbuf_u64(r);
    }
}

static void
s_take_gap(struct rbuf *r, struct spool_gap *gap)
{
    uint8_t cause;

    gap->stream = rbuf_u64(r);
    gap->from = rbuf_u64(r);
    gap->to = rbuf_u64(r);
    gap->total = rbuf_u64(r);
    gap->samples = rbuf_u64(r);
    gap->t0_ms = (int64_t) rbuf_u64(r);
    cause = rbuf_u8(r);
    gap->told = rbuf_u8(r) != 0;
    if (gap->from > gap->to || gap->to > SPOOL_COUNT_MAX || gap->total > SPOOL_COUNT_MAX ||
        gap->samples > SPOOL_COUNT_MAX || cause >= LOST_CAUSES)
        rbuf_fail(r);
    else
        gap->cause = (enum lost_cause) cause;
}

int
spool_book_open(struct spool_book_file *file, int dir_fd, const char *name, struct spool_book *book,
                bool *damaged_ret)
{
    struct stat st;
    int rc = 0;

    *file = (struct spool_book_file){ .fd = -1 };
    *book = (struct spool_book){ 0 };
    *damaged_ret = false;
    file->fd = openat(dir_fd, name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (file->fd == -1)
        return -errno;
    if (fstat(file->fd, &st) == -1)
        rc = -errno;
    else if (st.st_size > 0)
        rc = s_read(file, book, damaged_ret);
    if (rc >= 0 && st.st_size < (off_t) FILE_BYTES) {
        const int full = s_fill(file->fd);

        rc = full < 0 ? full : rc;
    }
    if (rc < 0)
        spool_book_close(file);
    return rc;
}

void
spool_book_close(struct spool_book_file *file)
{
    if (file->fd != -1)
        close(file->fd);
    file->fd = -1;
}

// Zeros behind what is there: room that was written to can be written to again, whatever else
// happens on the disk.
static int
s_fill(int fd)
{
    static const uint8_t zeros[4096];
    struct stat st;

    if (fstat(fd, &st) == -1)
        return -errno;
    for (off_t at = st.st_size; at < (off_t) FILE_BYTES;) {
        const size_t left = (size_t) ((off_t) FILE_BYTES - at);
        const ssize_t n = pwrite(fd, zeros, left < sizeof zeros ? left : sizeof zeros, at);

        if (n == -1 && errno == EINTR)
            continue;
        if (n <= 0)
            return n == -1 ? -errno : -EIO;
        at += n;
    }
    return fsync(fd) == -1 ? -errno : 0;
}

static int
s_read(struct spool_book_file *file, struct spool_book *book, bool *damaged_ret)
{
    struct spool_book *other = xcalloc(1, sizeof *other);
    struct buf bytes = { 0 };
    const ptrdiff_t n = file_read_fd(&bytes, file->fd, FILE_BYTES);
    int rc = n < 0 && n != ERR_LIMIT ? (int) n : 0;
    bool marked = false;

    for (unsigned slot = 0; slot < SLOTS && rc >= 0; slot++) {
        const size_t at = slot * SPOOL_BOOK_SLOT;
        const size_t left = bytes.len > at ? bytes.len - at : 0;
        uint64_t counter;
        int one;

        if (left == 0)
            continue;
        one = spool_book_take(other, &counter, bytes.at + at,
                              left < SPOOL_BOOK_SLOT ? left : SPOOL_BOOK_SLOT);
        marked = marked || bytes.at[at] != 0;
        if (one == ERR_VERSION)
            rc = one;
        if (one == 0 && (rc == 0 || counter > file->counter)) {
            file->counter = counter;
            *book = *other;
            rc = 1;
        }
    }
    *damaged_ret = rc == 0 && marked;
    if (rc == 0)
        *book = (struct spool_book){ 0 };
    buf_release(&bytes);
    free(other);
    return rc;
}

int
spool_book_write(struct spool_book_file *file, const struct spool_book *book)
{
    uint8_t *slot = xmalloc(SPOOL_BOOK_SLOT);
    const uint64_t counter = file->counter + 1;
    const off_t at = (off_t) (counter % SLOTS * SPOOL_BOOK_SLOT);
    const ptrdiff_t n = spool_book_put(slot, SPOOL_BOOK_SLOT, book, counter);
    int rc = n < 0 ? (int) n : 0;

    for (ptrdiff_t done = 0; rc == 0 && done < n;) {
        const ssize_t wrote = pwrite(file->fd, slot + done, (size_t) (n - done), at + done);

        if (wrote == -1 && errno == EINTR)
            continue;
        if (wrote <= 0)
            rc = wrote == -1 ? -errno : -EIO;
        else
            done += wrote;
    }
    if (rc == 0 && fdatasync(file->fd) == -1)
        rc = -errno;
    // A write that failed may have left anything in its slot: the next one goes there again.
    if (rc == 0)
        file->counter = counter;
    free(slot);
    return rc;
}
