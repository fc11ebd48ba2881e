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
segment_read(struct segment_record *ret, const uint8_t *file, size_t size, bool whole,
             uint64_t salt, uint32_t place)
{
    const enum segment_found missing = whole ? SEGMENT_NONE : SEGMENT_SHORT;
    struct segment_payload payload = { .head = "" };
    uint32_t len, synced, sum;
    struct rbuf r;

    if (place > size || size - place < SEGMENT_RECORD_BYTES)
        return missing;
    rbuf_init(&r, file + place, size - place);
    if (rbuf_u32(&r) != s_marker(salt))
        return SEGMENT_NONE;
    len = rbuf_u32(&r);
    synced = rbuf_u32(&r);
    sum = rbuf_u32(&r);
    if ((len > SEGMENT_RECORD_MAX && len != END) || synced > place)
        return SEGMENT_NONE;
    if (len != END) {
        if (rbuf_left(&r) < len)
            return missing;
        payload.head = r.at;
        payload.head_len = len;
    }
    if (s_sum(salt, place, file + place + MARKER_LEN, &payload) != sum)
        return SEGMENT_NONE;
    *ret = (struct segment_record){
        .at = payload.head,
        .len = (uint32_t) payload.head_len,
        .synced = synced,
        .next = place + SEGMENT_RECORD_BYTES + (uint32_t) payload.head_len,
    };
    return len == END ? SEGMENT_ENDED : SEGMENT_RECORD;
}

bool
segment_search(uint32_t *place_ret, const uint8_t *file, size_t size, uint64_t salt, uint32_t place)
{
    const uint32_t marker = s_marker(salt);
    uint8_t wanted[MARKER_LEN];
    struct segment_record record;
    struct wbuf w;

    wbuf_init(&w, wanted, sizeof wanted);
    wbuf_u32(&w, marker);
    while (place < size) {
        const uint8_t *at = memmem(file + place, size - place, wanted, sizeof wanted);
        enum segment_found found;

        if (at == NULL)
            return false;
        place = (uint32_t) (at - file);
        found = segment_read(&record, file, size, true, salt, place);
        if (found == SEGMENT_RECORD || found == SEGMENT_ENDED) {
            *place_ret = place;
            return true;
        }
        place++;
    }
    return false;
}

// Records that follow one another from *place on: *place is then behind the last of them.
static enum segment_found
s_run(struct segment_scan *scan, uint32_t *place, const uint8_t *file, size_t size, uint64_t salt)
{
    struct segment_record record;
    enum segment_found found;

    while ((found = segment_read(&record, file, size, true, salt, *place)) == SEGMENT_RECORD ||
           found == SEGMENT_ENDED) {
        if (record.synced > scan->synced)
            scan->synced = record.synced;
        if (found == SEGMENT_ENDED)
            return found;
        scan->records++;
        *place = record.next;
    }
    return found;
}

void
segment_scan(struct segment_scan *ret, const uint8_t *file, size_t size, uint64_t salt)
{
    uint32_t place = SEGMENT_HEADER_BYTES;
    struct segment_scan beyond = { 0 };
    uint32_t resume;

    *ret = (struct segment_scan){ .resume = (uint32_t) size };
    ret->ended = s_run(ret, &place, file, size, salt) == SEGMENT_ENDED;
    ret->end = place;
    // Whatever of this life stands further on may say that the break was durable once.
    while (!ret->ended && segment_search(&resume, file, size, salt, place + 1)) {
        if (ret->resume == size)
            ret->resume = resume;
        place = resume;
        (void) s_run(&beyond, &place, file, size, salt);
    }
    if (beyond.synced > ret->synced)
        ret->synced = beyond.synced;
    ret->damaged = ret->synced > ret->end;
    ret->tail = place;
}
