// roster_record - see the header.

#include "collector/roster_record.h"

#include <assert.h>
#include <string.h>

#include "shared/base/crc32c.h"
#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"

#define BODY_MOST (ROSTER_RECORD_MOST - ROSTER_RECORD_HEAD)

static uint32_t s_crc(const uint8_t *record, size_t body);
static void s_take_body(struct rbuf *r, struct roster_record *ret);

size_t
roster_record_put(uint8_t out[ROSTER_RECORD_MOST], const struct roster_record *record)
{
    struct wbuf body, head;
    ptrdiff_t n;

    wbuf_init(&body, out + ROSTER_RECORD_HEAD, BODY_MOST);
    wbuf_u8(&body, record->type);
    if (record->type == ROSTER_KEY || record->type == ROSTER_TOKEN || record->type == ROSTER_HELD)
        wbuf_u8(&body, record->role);
    if (record->type == ROSTER_HELD)
        wbuf_u8(&body, record->state);
    if (record->type == ROSTER_TOKEN)
        wbuf_u32(&body, record->uses);
    if (record->type != ROSTER_TOKEN)
        wbuf_u64(&body, (uint64_t) record->at_ms);
    if (record->type != ROSTER_KEY && record->type != ROSTER_REVOKE)
        wbuf_u64(&body, (uint64_t) record->until_ms);
    if (record->type != ROSTER_REVOKE && record->type != ROSTER_TOKEN)
        wbuf_bytes(&body, record->key, sizeof record->key);
    if (record->type != ROSTER_REVOKE)
        wbuf_bytes(&body, record->token, sizeof record->token);
    if (record->type != ROSTER_ROTATE)
        wbuf_str(&body, record->name);
    n = wbuf_finish(&body);
    assert(n > 0); // the longest name fits
    wbuf_init(&head, out, ROSTER_RECORD_HEAD);
    wbuf_u32(&head, (uint32_t) n);
    wbuf_u32(&head, s_crc(out, (size_t) n));
    return ROSTER_RECORD_HEAD + (size_t) n;
}

ptrdiff_t
roster_record_take(struct roster_record *ret, const uint8_t *at, size_t n)
{
    struct rbuf r;
    uint32_t len, crc;

    memset(ret, 0, sizeof *ret);
    if (n < ROSTER_RECORD_HEAD)
        return ERR_LIMIT;
    rbuf_init(&r, at, n);
    len = rbuf_u32(&r);
    crc = rbuf_u32(&r);
    if (len == 0 || len > BODY_MOST)
        return ERR_FORMAT;
    if (len > n - ROSTER_RECORD_HEAD)
        return ERR_LIMIT;
    if (crc != s_crc(at, len))
        return ERR_FORMAT;
    rbuf_init(&r, at + ROSTER_RECORD_HEAD, len);
    s_take_body(&r, ret);
    return rbuf_finish(&r) < 0 ? ERR_FORMAT : (ptrdiff_t) (ROSTER_RECORD_HEAD + len);
}

// Of the length and the body: a length that was damaged finds no other record to be.
static uint32_t
s_crc(const uint8_t *record, size_t body)
{
    return crc32c(crc32c(0, record, 4), record + ROSTER_RECORD_HEAD, body);
}

static void
s_take_key(struct rbuf *r, uint8_t key[ENROL_KEY_BYTES])
{
    const uint8_t *at = rbuf_bytes(r, ENROL_KEY_BYTES);

    if (at != NULL)
        memcpy(key, at, ENROL_KEY_BYTES);
}

static void
s_take_name(struct rbuf *r, struct roster_record *ret)
{
    size_t len = 0;
    const char *name = rbuf_str(r, ENROL_NAME_MAX, &len);

    if (name == NULL || rbuf_rc(r) < 0)
        return;
    if (!enrol_name_ok(name, len) && !(len == 0 && ret->type == ROSTER_TOKEN))
        rbuf_fail(r);
    memcpy(ret->name, name, len);
}

// The order of roster_record_put.
static void
s_take_body(struct rbuf *r, struct roster_record *ret)
{
    ret->type = rbuf_u8(r);
    if (ret->type < ROSTER_KEY || ret->type > ROSTER_HELD)
        rbuf_fail(r);
    if (ret->type == ROSTER_KEY || ret->type == ROSTER_TOKEN || ret->type == ROSTER_HELD) {
        ret->role = rbuf_u8(r);
        if (ret->role < ROLE_AGENT || ret->role > ROLE_OPERATOR)
            rbuf_fail(r);
    }
    if (ret->type == ROSTER_HELD) {
        ret->state = rbuf_u8(r);
        if (ret->state < KEY_VALID || ret->state > KEY_REVOKED)
            rbuf_fail(r);
    }
    if (ret->type == ROSTER_TOKEN)
        ret->uses = rbuf_u32(r);
    if (ret->type != ROSTER_TOKEN)
        ret->at_ms = (int64_t) rbuf_u64(r);
    if (ret->type != ROSTER_KEY && ret->type != ROSTER_REVOKE)
        ret->until_ms = (int64_t) rbuf_u64(r);
    if (ret->type != ROSTER_REVOKE && ret->type != ROSTER_TOKEN)
        s_take_key(r, ret->key);
    if (ret->type != ROSTER_REVOKE)
        s_take_key(r, ret->token);
    if (ret->type != ROSTER_ROTATE)
        s_take_name(r, ret);
}
