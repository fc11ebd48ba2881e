// fuzz_segment - a segment's bytes; and a folder of segments built from the input, opened, read,
// written to and read again.
//
// A first byte of 0 to 127: the rest is a file. Else the rest is steps, each an opcode and its
// operands, that make files which are nearly right: a checksum is not to be guessed.

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/segment_cursor.h"

#define OWNER 5
#define SALT  UINT64_C(0xfeedfacecafebeef)
#define BYTES 4096u

int LLVMFuzzerTestOneInput(const uint8_t *at, size_t n);

static char dir[64];

static void
s_expect(bool claim)
{
    if (!claim)
        abort();
}

static void
s_file(const uint8_t *at, size_t n)
{
    struct segment_header header = { .salt = SALT };
    struct segment_record record;
    struct segment_scan scan;
    uint8_t *file = malloc(n + 1); // so that reading past the end is seen
    uint32_t place;

    s_expect(file != NULL);
    memcpy(file, at, n);
    (void) segment_header_take(&header, file, n);
    segment_scan(&scan, file, n, header.salt);
    s_expect(scan.end >= SEGMENT_HEADER_BYTES && scan.tail >= scan.end &&
             (n < SEGMENT_HEADER_BYTES || scan.trace <= n + SEGMENT_RECORD_BYTES));
    for (size_t from = 0; from < n; from += 7)
        if (segment_search(&place, file + from, n - from, header.salt, (uint32_t) from)) {
            const enum segment_found found = segment_read(&record, file + place, n - place, true,
                                                          header.salt, place);

            s_expect(place >= from && (found == SEGMENT_RECORD || found == SEGMENT_ENDED));
            s_expect(record.next <= n);
        }
    free(file);
}

// The file of this number, as the steps say, up to one that asks for the next file.
static uint64_t
s_build(struct rbuf *r, uint64_t number)
{
    uint8_t file[BYTES] = { 0 };
    uint32_t end = SEGMENT_HEADER_BYTES, synced = 0, size = BYTES;
    char path[128], name[SEGMENT_NAME_SIZE];
    uint64_t next = number;
    int fd;

    segment_header_put(file, &(const struct segment_header){ OWNER, number, SALT + number, 1 });
    while (rbuf_left(r) > 1 && next == number) {
        const uint8_t op = rbuf_u8(r), arg = rbuf_u8(r);
        const struct segment_payload payload = { "0123456789abcdef", arg % 16, NULL, 0 };
        const uint32_t place = (uint32_t) (arg * 16) + op / 8 % 16;

        switch (op % 8) {
        case 0:
        case 1:
            if (end + 2 * SEGMENT_RECORD_BYTES + payload.head_len > BYTES)
                break;
            segment_record_put(file + end, SALT + number, end, synced, &payload);
            memcpy(file + end + SEGMENT_RECORD_BYTES, payload.head, payload.head_len);
            end += SEGMENT_RECORD_BYTES + (uint32_t) payload.head_len;
            break;
        case 2:
            if (end + SEGMENT_RECORD_BYTES <= BYTES)
                segment_end_put(file + end, SALT + number, end, synced);
            break;
        case 3:
            end += end + arg < BYTES ? arg : 0;
            break;
        case 4:
            synced = end;
            break;
        case 5:
            file[place] ^= (uint8_t) (arg | 1);
            break;
        case 6:
            size = place;
            break;
        default:
            next = number + 1 + arg % 3;
        }
    }
    segment_name(name, number);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    s_expect(fd != -1 && write(fd, file, size) == (ssize_t) size);
    close(fd);
    return next == number ? number + 1 : next;
}

// All that can be read; *last_ret is the last one's first byte.
static uint64_t
s_read(segment_log_t *log, uint8_t *last_ret)
{
    segment_cursor_t *cursor;
    struct segment_entry entry;
    struct segment_place before = { 0, 0 };
    uint64_t n = 0, damage = 0;
    int rc;

    s_expect(segment_cursor_open(&cursor, dir, OWNER, before) == 0);
    segment_cursor_pass_holes(cursor);
    while ((rc = segment_cursor_next(cursor, segment_log_end(log), &entry)) != 0) {
        s_expect(rc == 1 || rc == ERR_FORMAT);
        s_expect(entry.place.segment > before.segment ||
                 (entry.place.segment == before.segment && entry.place.offset >= before.offset));
        s_expect(++damage < 100000);
        before = entry.place;
        n += rc == 1;
        *last_ret = rc == 1 && entry.len > 0 ? entry.at[0] : 0;
    }
    segment_cursor_close(&cursor);
    return n;
}

static void
s_clear(void)
{
    DIR *d = opendir(dir);

    s_expect(d != NULL);
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        if (e->d_name[0] != '.')
            unlinkat(dirfd(d), e->d_name, 0);
    closedir(d);
}

static void
s_folder(struct rbuf *r)
{
    const struct segment_log_options opt = {
        .dir = dir, .owner = OWNER, .segment_bytes = BYTES, .spares = 1, .holes = true
    };
    struct segment_log_found found;
    struct segment_place place;
    segment_log_t *log;
    uint64_t number = 1, n;
    uint8_t last;

    while (rbuf_left(r) > 1 && number < 12)
        number = s_build(r, number);
    if (segment_log_open(&log, &found, &opt) == 0) {
        n = s_read(log, &last);
        s_expect(segment_log_append(log, &(const struct segment_payload){ "new", 3, "", 0 },
                                    &place) == 0);
        segment_log_close(&log);
        // What was found is still there, and nothing came back from behind it.
        s_expect(segment_log_open(&log, &found, &opt) == 0);
        s_expect(s_read(log, &last) == n + 1 && last == 'n');
        s_expect(segment_log_trim(log, segment_log_newest(log)) == 0);
        segment_log_close(&log);
    }
    s_clear();
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
    if (at[0] < 128) {
        s_file(at + 1, n - 1);
        return 0;
    }
    rbuf_init(&r, at + 1, n - 1);
    s_folder(&r);
    return 0;
}
