// frame - one data message of an agent: a prefix made when sending, and a record made once.
//
// at  prefix, 16 bytes            at  record header, 44 bytes
//  0  'Z' 'P'                      0  u32 length (low 24 bits, header included) | type << 24
//  2  u8  version major << 4|minor 4  u32 crc32c of bytes 0 to 3 and 8 to length
//  3  u8  flags                    8  u32 count
//  4  u64 base                    12  u64 stream
// 12  u32 crc32c of bytes 0 to 11 20  u64 seq
//                                 28  u64 total
//                                 36  i64 t0, then the body
//
// Two checksums, since the two parts have two lives: a record is sealed when it is made and may lie
// in a spool for days; a prefix is made anew each time that it is sent.

#include "shared/wire/frame.h"

#include "shared/base/crc32c.h"
#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"

// A record must fit a frame even where it is read from a file: it may have to be sent.
#define RECORD_MAX        (FRAME_MAX - FRAME_PREFIX_SIZE)
#define RECORD_LENGTH     0x00ffffffu // bits of the first word
#define RECORD_TYPE_SHIFT 24
#define PREFIX_CRC_AT     12u
#define RECORD_CRC_AT     4u
#define RECORD_CRC_END    8u

static int s_take_prefix(struct frame_prefix *prefix, const uint8_t *at);
static uint32_t s_record_crc(const uint8_t *at, size_t length);

void
frame_put_prefix(uint8_t *out, const struct frame_prefix *prefix)
{
    struct wbuf w;

    wbuf_init(&w, out, FRAME_PREFIX_SIZE);
    wbuf_u8(&w, 'Z');
    wbuf_u8(&w, 'P');
    wbuf_u8(&w, FRAME_VERSION_MAJOR << 4 | FRAME_VERSION_MINOR);
    wbuf_u8(&w, prefix->flags);
    wbuf_u64(&w, prefix->base);
    wbuf_u32(&w, crc32c(0, out, PREFIX_CRC_AT));
}

ptrdiff_t
frame_put_record(uint8_t *out, size_t size, const struct record *record)
{
    size_t length = FRAME_RECORD_HEADER + (size_t) record->body_len;
    struct wbuf w;

    if (record->body_len > FRAME_BODY_MAX || length > size)
        return ERR_LIMIT;
    wbuf_init(&w, out, size);
    wbuf_u32(&w, (uint32_t) length | (uint32_t) record->type << RECORD_TYPE_SHIFT);
    wbuf_u32(&w, 0); // the crc: known once all the rest stands
    wbuf_u32(&w, record->count);
    wbuf_u64(&w, record->stream);
    wbuf_u64(&w, record->seq);
    wbuf_u64(&w, record->total);
    wbuf_u64(&w, (uint64_t) record->t0_ms);
    // An encoder may have made the body where it belongs already.
    if (record->body != out + FRAME_RECORD_HEADER && record->body_len > 0)
        wbuf_bytes(&w, record->body, record->body_len);

    wbuf_init(&w, out + RECORD_CRC_AT, sizeof(uint32_t));
    wbuf_u32(&w, s_record_crc(out, length));
    return (ptrdiff_t) length;
}

int
frame_take(struct frame_prefix *prefix, struct record *record, const void *at, size_t n)
{
    size_t used;
    int rc;

    if (n > FRAME_MAX)
        return ERR_LIMIT;
    if (n < FRAME_PREFIX_SIZE)
        return ERR_FORMAT;
    rc = s_take_prefix(prefix, at);
    if (rc < 0)
        return rc;
    rc = frame_take_record(record, (const uint8_t *) at + FRAME_PREFIX_SIZE, n - FRAME_PREFIX_SIZE,
                           &used);
    if (rc < 0)
        return rc;
    return used == n - FRAME_PREFIX_SIZE ? 0 : ERR_FORMAT;
}

int
frame_take_record(struct record *record, const void *at, size_t n, size_t *used_ret)
{
    struct rbuf r;
    uint32_t word;
    uint32_t length;
    uint32_t crc;

    rbuf_init(&r, at, n);
    word = rbuf_u32(&r);
    length = word & RECORD_LENGTH;
    crc = rbuf_u32(&r);
    // Room that was only preallocated is zeros, and so a length of 0.
    if (rbuf_rc(&r) < 0 || length < FRAME_RECORD_HEADER)
        return ERR_FORMAT;
    if (length > RECORD_MAX)
        return ERR_LIMIT;
    if (length > n || crc != s_record_crc(at, length))
        return ERR_FORMAT;

    record->type = (uint8_t) (word >> RECORD_TYPE_SHIFT);
    record->count = rbuf_u32(&r);
    record->stream = rbuf_u64(&r);
    record->seq = rbuf_u64(&r);
    record->total = rbuf_u64(&r);
    record->t0_ms = (int64_t) rbuf_u64(&r);
    // No field was missing: the length, which the crc vouches for, spans the whole header.
    record->body = r.at;
    record->body_len = length - FRAME_RECORD_HEADER;
    if (record->stream == 0)
        return ERR_FORMAT;
    *used_ret = length;
    return 0;
}

const char *
record_type_str(uint8_t type)
{
    static const char *const names[] = {
        [RECORD_IDENT] = "ident", [RECORD_TABLE] = "table", [RECORD_DEF] = "def",
        [RECORD_KEY] = "key",     [RECORD_DELTA] = "delta", [RECORD_GAP] = "gap",
        [RECORD_END] = "end",     [RECORD_EVENT] = "event",
    };

    if (type >= sizeof names / sizeof names[0] || names[type] == NULL)
        return "unknown";
    return names[type];
}

// The version is looked at before the crc: magic and version stand where they are in every
// version to come, the rest need not.
static int
s_take_prefix(struct frame_prefix *prefix, const uint8_t *at)
{
    struct rbuf r;
    uint8_t major;

    rbuf_init(&r, at, FRAME_PREFIX_SIZE);
    if (rbuf_u8(&r) != 'Z' || rbuf_u8(&r) != 'P')
        return ERR_FORMAT;
    major = rbuf_u8(&r) >> 4;
    if (major > FRAME_VERSION_MAJOR)
        return ERR_VERSION;
    prefix->flags = rbuf_u8(&r);
    prefix->base = rbuf_u64(&r);
    if (major < FRAME_VERSION_MAJOR || rbuf_u32(&r) != crc32c(0, at, PREFIX_CRC_AT) ||
        (prefix->flags & ~FRAME_FLAGS_KNOWN) != 0)
        return ERR_FORMAT;
    return 0;
}

// Of all bytes but those of the crc itself.
static uint32_t
s_record_crc(const uint8_t *at, size_t length)
{
    return crc32c(crc32c(0, at, RECORD_CRC_AT), at + RECORD_CRC_END, length - RECORD_CRC_END);
}
