// fuzz_spool - a spool whose segments and book are sound by their checksums and say anything:
// opened, read, acknowledged and written to. Nothing hangs, and the ledger is balanced throughout.
//
// A first byte of 0 to 63: the rest is a slot of the book. Else it is steps: an opcode and
// operands.

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/spool_state.h"
#include "shared/base/rbuf.h"
#include "shared/base/xalloc.h"

#define SEGMENT     4096u
#define STREAMS     3u
#define RECORDS_MAX 10000u // that a read gives, of a few hundred bytes of input

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

static char dir[64];
static uint64_t given;

static void
s_expect(bool claim)
{
    if (!claim)
        abort();
}

static void
s_see(void *arg, const struct record *record, bool repeat)
{
    (void) arg;
    (void) repeat;
    s_expect(record->stream != 0 && ++given < RECORDS_MAX);
}

// A number as a stranger would choose it: small, or at an end of its range.
static uint64_t
s_number(struct rbuf *r)
{
    const uint8_t b = rbuf_u8(r);

    return b < 200 ? b : b < 230 ? UINT64_MAX - (b - 200u) : (uint64_t) 1 << (b - 192u);
}

static void
s_append(segment_log_t *log, struct rbuf *r, uint8_t op)
{
    uint8_t bytes[1 + FRAME_RECORD_HEADER + 8] = { op & 8 ? SPOOL_ASIDE : SPOOL_RECORD };
    struct segment_place place;
    const struct record record = { .type = op % 8 + 1,
                                   .stream = 1 + op / 16 % STREAMS,
                                   .seq = s_number(r),
                                   .total = s_number(r),
                                   .count = rbuf_u8(r),
                                   .t0_ms = rbuf_u8(r),
                                   .body = bytes,
                                   .body_len = 8 };
    const ptrdiff_t n = frame_put_record(bytes + 1, sizeof bytes - 1, &record);

    s_expect(n > 0);
    s_expect(segment_log_append(log,
                                &(const struct segment_payload){ bytes, 1 + (size_t) n, "", 0 },
                                &place) == 0);
}

static void
s_book(struct spool_book *book, struct rbuf *r, uint8_t op)
{
    const uint64_t id = 1 + op / 16 % STREAMS;
    struct spool_stream *st = spool_book_stream(book, id);

    if (st == NULL)
        st = spool_book_add_stream(book, id);
    st->base = s_number(r);
    st->head = s_number(r);
    st->base_total = s_number(r);
    st->head_total = s_number(r);
    st->ended = op & 8;
    if (op & 4) {
        const struct spool_gap gap = { .stream = id,
                                       .from = s_number(r),
                                       .to = s_number(r),
                                       .total = s_number(r),
                                       .samples = s_number(r),
                                       .cause = rbuf_u8(r) % LOST_CAUSES,
                                       .told = rbuf_u8(r) & 1 };

        (void) spool_book_add_gap(book, &gap);
    }
}

static void
s_build(struct rbuf *r)
{
    const struct segment_log_options opt = {
        .dir = dir, .owner = SPOOL_OWNER, .segment_bytes = SEGMENT, .holes = true
    };
    struct spool_book *book = xcalloc(1, sizeof *book), *old = xcalloc(1, sizeof *old);
    struct segment_log_found found;
    struct spool_book_file file;
    segment_log_t *log;
    bool damaged;
    int dir_fd;

    s_expect(segment_log_open(&log, &found, &opt) == 0);
    while (rbuf_left(r) > 2) {
        const uint8_t op = rbuf_u8(r);

        if (op < 128)
            s_append(log, r, op);
        else if (op < 200)
            s_book(book, r, op);
        else if (op < 250)
            s_expect(segment_log_roll(log) == 0);
        else
            break;
    }
    segment_log_close(&log);
    dir_fd = open(dir, O_RDONLY | O_DIRECTORY);
    s_expect(spool_book_open(&file, dir_fd, SPOOL_BOOK_NAME, old, &damaged) == 0);
    if (book->n_streams > 0)
        s_expect(spool_book_write(&file, book) == 0);
    spool_book_close(&file);
    close(dir_fd);
    free(old);
    free(book);
}

static void
s_read(spool_files_t *files, uint64_t stream, uint64_t from)
{
    bool end = false, repeat = true;

    given = 0;
    for (uint32_t turns = 0; !end; turns++) {
        const uint64_t total = repeat ? from * 2 : SPOOL_TOTAL_UNKNOWN;
        const int rc = spool_files_read(files, stream, from, total, 1000, repeat, &from, &end);

        s_expect(turns < RECORDS_MAX);
        s_expect(ledger_balanced(&spool_files_book(files)->ledger));
        repeat = false;
        if (rc < 0)
            return;
    }
}

static void
s_use(struct rbuf *r)
{
    const struct spool_files_options opt = {
        .dir = dir, .bytes_most = 20 * SEGMENT, .age_most_ms = 100, .segment_bytes = SEGMENT
    };
    const struct spool_files_handler handler = { s_see, NULL, NULL };
    struct record record = { .type = RECORD_IDENT, .stream = 9, .count = 3 };
    struct spool_files_found found;
    spool_files_t *files;

    if (spool_files_open(&files, &found, &opt, &handler, 120) < 0)
        return;
    s_expect(ledger_balanced(&spool_files_book(files)->ledger));
    for (uint64_t stream = 1; stream <= STREAMS; stream++) {
        s_read(files, stream, s_number(r));
        spool_files_acked(files, stream, s_number(r),
                          rbuf_u8(r) & 1 ? SPOOL_TOTAL_UNKNOWN : s_number(r), 4);
        spool_files_end(files, stream);
        s_read(files, stream, 0);
    }
    (void) spool_files_append(files, &record);
    s_expect(ledger_balanced(&spool_files_book(files)->ledger));
    spool_files_limit(files, 300);
    (void) spool_files_write_book(files);
    spool_files_close(&files);
    // What it made of it, it can read itself.
    s_expect(spool_files_open(&files, &found, &opt, &handler, 300) == 0);
    s_expect(!found.book_damaged && ledger_balanced(&spool_files_book(files)->ledger));
    spool_files_close(&files);
}

static void
s_clear(void)
{
    DIR *d = opendir(dir);

    s_expect(d != NULL);
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *at, size_t n)
{
    struct rbuf r;

    if (dir[0] == '\0') {
        strcpy(dir, access("/dev/shm", W_OK) == 0 ? "/dev/shm/zpulse-fuzz-XXXXXX"
                                                  : "/tmp/zpulse-fuzz-XXXXXX");
        s_expect(mkdtemp(dir) != NULL);
    }
    if (n == 0)
        return 0;
    if (at[0] < 64) {
        struct spool_book *book = xcalloc(1, sizeof *book);
        uint64_t counter;

        (void) spool_book_take(book, &counter, at + 1, n - 1);
        free(book);
        return 0;
    }
    rbuf_init(&r, at + 1, n - 1);
    s_build(&r);
    s_use(&r);
    s_clear();
    return 0;
}
