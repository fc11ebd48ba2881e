// segment - see the header.

#include "shared/base/segment.h"

#include <assert.h>
#include <string.h>

#include "shared/base/crc32c.h"
#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"

#define MAGIC      0x4753505au // "ZPSG" as bytes
#define END        UINT32_MAX  // length of the record that closes a file
#define CHECKED    60u         // bytes of the header under its checksum
#define MARKER_LEN 4u
#define SUM_AT     12u // in what stands ahead of a payload

static bool s_plausible(uint32_t *len_ret, uint32_t *synced_ret, const uint8_t *at, uint64_t salt,
                        uint32_t place);

static uint32_t
s_marker(uint64_t salt)
{
    return (uint32_t) salt | 1;
}

void
segment_header_put(uint8_t out[SEGMENT_HEADER_BYTES], const struct segment_header *h)
{
    struct wbuf w;

    memset(out, 0, SEGMENT_HEADER_BYTES);
    wbuf_init(&w, out, SEGMENT_HEADER_BYTES);
    wbuf_u32(&w, MAGIC);
    wbuf_u16(&w, SEGMENT_VERSION);
    wbuf_u16(&w, SEGMENT_HEADER_BYTES);
    wbuf_u64(&w, h->owner);
    wbuf_u64(&w, h->number);
    wbuf_u64(&w, h->salt);
    wbuf_u64(&w, (uint64_t) h->made_ms);
    wbuf_init(&w, out + CHECKED, SEGMENT_HEADER_BYTES - CHECKED);
    wbuf_u32(&w, crc32c(0, out, CHECKED));
}

int
segment_header_take(struct segment_header *ret, const void *at, size_t n)
{
    uint16_t version, length;
    struct rbuf r, sum;

    if (n < SEGMENT_HEADER_BYTES)
        return ERR_FORMAT;
    rbuf_init(&r, at, n);
    rbuf_init(&sum, (const uint8_t *) at + CHECKED, SEGMENT_HEADER_BYTES - CHECKED);
    if (rbuf_u32(&r) != MAGIC || rbuf_u32(&sum) != crc32c(0, at, CHECKED))
        return ERR_FORMAT;
    version = rbuf_u16(&r);
    length = rbuf_u16(&r);
    if (version != SEGMENT_VERSION)
        return ERR_VERSION;
    ret->owner = rbuf_u64(&r);
    ret->number = rbuf_u64(&r);
    ret->salt = rbuf_u64(&r);
    ret->made_ms = (int64_t) rbuf_u64(&r);
    return length == SEGMENT_HEADER_BYTES ? 0 : ERR_FORMAT;
}

// Of all that makes a record the one at this place of this life: `fixed` is length and synced.
static uint32_t
s_sum(uint64_t salt, uint32_t place, const uint8_t fixed[8], const struct segment_payload *payload)
{
    uint8_t life[12];
    struct wbuf w;
    uint32_t crc;

    wbuf_init(&w, life, sizeof life);
    wbuf_u64(&w, salt);
    wbuf_u32(&w, place);
    crc = crc32c(crc32c(0, life, sizeof life), fixed, 8);
    crc = crc32c(crc, payload->head, payload->head_len);
    return payload->body_len > 0 ? crc32c(crc, payload->body, payload->body_len) : crc;
}

static void
s_put(uint8_t out[SEGMENT_RECORD_BYTES], uint64_t salt, uint32_t place, uint32_t len,
      uint32_t synced, const struct segment_payload *payload)
{
    struct wbuf w;

    wbuf_init(&w, out, SEGMENT_RECORD_BYTES);
    wbuf_u32(&w, s_marker(salt));
    wbuf_u32(&w, len);
    wbuf_u32(&w, synced);
    wbuf_u32(&w, s_sum(salt, place, out + MARKER_LEN, payload));
}

void
segment_record_put(uint8_t out[SEGMENT_RECORD_BYTES], uint64_t salt, uint32_t place,
                   uint32_t synced, const struct segment_payload *payload)
{
    const size_t len = payload->head_len + payload->body_len;

    assert(len <= SEGMENT_RECORD_MAX && synced <= place);
    s_put(out, salt, place, (uint32_t) len, synced, payload);
}

void
segment_end_put(uint8_t out[SEGMENT_RECORD_BYTES], uint64_t salt, uint32_t place, uint32_t synced)
{
    s_put(out, salt, place, END, synced, &(struct segment_payload){ .head = "" });
}

enum segment_found
segment_read(struct segment_record *ret, const uint8_t *at, size_t n, bool whole, uint64_t salt,
             uint32_t place)
{
    const enum segment_found missing = whole ? SEGMENT_NONE : SEGMENT_SHORT;
    struct segment_payload payload = { .head = "" };
    uint32_t len, synced, sum;
    struct rbuf r;

    if (n < SEGMENT_RECORD_BYTES)
        return missing;
    if (!s_plausible(&len, &synced, at, salt, place))
        return SEGMENT_NONE;
    rbuf_init(&r, at, n);
    (void) rbuf_bytes(&r, SUM_AT);
    sum = rbuf_u32(&r);
    if (len != END) {
        if (rbuf_left(&r) < len)
            return missing;
        payload.head = r.at;
        payload.head_len = len;
    }
    if (s_sum(salt, place, at + MARKER_LEN, &payload) != sum)
        return SEGMENT_NONE;
    *ret = (struct segment_record){
        .at = payload.head,
        .len = (uint32_t) payload.head_len,
        .synced = synced,
        .next = place + SEGMENT_RECORD_BYTES + (uint32_t) payload.head_len,
    };
    return len == END ? SEGMENT_ENDED : SEGMENT_RECORD;
}

// Whether the 16 bytes at `at` may be ahead of a record of this life, at this place.
static bool
s_plausible(uint32_t *len_ret, uint32_t *synced_ret, const uint8_t *at, uint64_t salt,
            uint32_t place)
{
    struct rbuf r;

    rbuf_init(&r, at, SEGMENT_RECORD_BYTES);
    if (rbuf_u32(&r) != s_marker(salt))
        return false;
    *len_ret = rbuf_u32(&r);
    *synced_ret = rbuf_u32(&r);
    return (*len_ret <= SEGMENT_RECORD_MAX || *len_ret == END) && *synced_ret <= place;
}

// Of the next marker of this life, or NULL.
static const uint8_t *
s_next_marker(const uint8_t *at, size_t n, uint64_t salt)
{
    uint8_t wanted[MARKER_LEN];
    struct wbuf w;

    wbuf_init(&w, wanted, sizeof wanted);
    wbuf_u32(&w, s_marker(salt));
    return n > 0 ? memmem(at, n, wanted, sizeof wanted) : NULL;
}

bool
segment_search(uint32_t *place_ret, const uint8_t *at, size_t n, uint64_t salt, uint32_t place)
{
    size_t i = 0;
    const uint8_t *marker;

    while (i < n && (marker = s_next_marker(at + i, n - i, salt)) != NULL) {
        struct segment_record record;
        enum segment_found found;

        i = (size_t) (marker - at);
        found = segment_read(&record, marker, n - i, true, salt, place + (uint32_t) i);
        if (found == SEGMENT_RECORD || found == SEGMENT_ENDED) {
            *place_ret = place + (uint32_t) i;
            return true;
        }
        i++;
    }
    return false;
}

// Records that follow one another from *place on: *place is then behind the last of them.
static enum segment_found
s_run(struct segment_scan *scan, uint32_t *place, const uint8_t *file, size_t size, uint64_t salt)
{
    struct segment_record record;
    enum segment_found found;

    while (*place <= size) {
        found = segment_read(&record, file + *place, size - *place, true, salt, *place);
        if (found != SEGMENT_RECORD && found != SEGMENT_ENDED)
            return found;
        if (record.synced > scan->synced)
            scan->synced = record.synced;
        if (found == SEGMENT_ENDED)
            return found;
        scan->records++;
        *place = record.next;
    }
    return SEGMENT_NONE;
}

// Behind the last record that was ever begun at or behind `end`, as far as its first bytes tell.
static uint32_t
s_trace(const uint8_t *file, size_t size, uint64_t salt, uint32_t end)
{
    uint32_t trace = end, len, synced;
    const uint8_t *marker;

    for (size_t i = end; i < size && (marker = s_next_marker(file + i, size - i, salt)) != NULL;
         i = (size_t) (marker - file) + 1) {
        const size_t place = (size_t) (marker - file);

        if (size - place < SEGMENT_RECORD_BYTES)
            trace = (uint32_t) size;
        else if (s_plausible(&len, &synced, marker, salt, (uint32_t) place))
            trace = (uint32_t) (place + SEGMENT_RECORD_BYTES + (len == END ? 0 : len));
    }
    return trace < size ? trace : (uint32_t) size;
}

void
segment_scan(struct segment_scan *ret, const uint8_t *file, size_t size, uint64_t salt)
{
    uint32_t place = SEGMENT_HEADER_BYTES;
    struct segment_scan beyond = { 0 };
    uint32_t resume;

    if (size < place) { // not even a header
        *ret = (struct segment_scan){ .end = place, .tail = place, .trace = place };
        ret->resume = place;
        return;
    }
    *ret = (struct segment_scan){ .resume = (uint32_t) size };
    ret->ended = s_run(ret, &place, file, size, salt) == SEGMENT_ENDED;
    ret->end = place;
    // Whatever of this life stands further on may say that the break was durable once.
    while (!ret->ended && place < size &&
           segment_search(&resume, file + place + 1, size - place - 1, salt, place + 1)) {
        if (ret->resume == size)
            ret->resume = resume;
        place = resume;
        (void) s_run(&beyond, &place, file, size, salt);
    }
    if (beyond.synced > ret->synced)
        ret->synced = beyond.synced;
    ret->damaged = ret->synced > ret->end;
    ret->tail = place;
    ret->trace = ret->ended ? place : s_trace(file, size, salt, ret->end);
}
