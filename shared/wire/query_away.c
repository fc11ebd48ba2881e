// query_away - see the header.
//
// varint length of what follows, u8 cause, u64 host, u64 nonce, i64 first, i64 last, varint times,
// texts name, key and address.

#include "shared/wire/query_away.h"

#include <string.h>

#include "shared/base/err.h"
#include "shared/wire/sized.h"

#define FIXED_SIZE (1u + 4u * 8u + 4u * APPEND_VARINT_MAX)
#define TEXTS_MAX  (2u * ENROL_NAME_MAX + AWAY_ADDRESS_MAX)

static const struct {
    const char *word, *why;
} s_causes[] = {
    [AWAY_NAME] = { "name", "another host that lives has this name" },
    [AWAY_CLONE] = { "clone", "another agent that lives has its host id: a copied data folder" },
    [AWAY_KEY] = { "key", "its key is enrolled under another name" },
    [AWAY_OWNER] = { "owner", "its host id is that of a host of another name" },
    [AWAY_ROLE] = { "role", "its key is no agent's" },
    [AWAY_LIMIT] = { "limit", "there are as many hosts as may be" },
    [AWAY_REVOKED] = { "revoked", "its key is revoked or retired" },
};
#define N_CAUSES (sizeof s_causes / sizeof s_causes[0])

static void s_take_text(char *into, size_t most, struct rbuf *r);

void
query_put_away(struct buf *out, const struct query_away *refused)
{
    uint8_t bytes[FIXED_SIZE + TEXTS_MAX];
    struct wbuf w;
    ptrdiff_t n;

    // Aside first, since the length goes ahead.
    wbuf_init(&w, bytes, sizeof bytes);
    wbuf_u8(&w, refused->cause);
    wbuf_u64(&w, refused->host);
    wbuf_u64(&w, refused->nonce);
    wbuf_u64(&w, (uint64_t) refused->first_ms);
    wbuf_u64(&w, (uint64_t) refused->last_ms);
    wbuf_varint(&w, refused->times);
    wbuf_strn(&w, refused->name, strlen(refused->name));
    wbuf_strn(&w, refused->key, strlen(refused->key));
    wbuf_strn(&w, refused->address, strlen(refused->address));
    n = wbuf_finish(&w);
    sized_put(out, bytes, (size_t) n);
}

// What a later version has behind them is passed over.
int
query_take_away(struct rbuf *r, struct query_away *ret)
{
    struct rbuf in;

    *ret = (struct query_away){ 0 };
    if (!sized_take(r, &in))
        return ERR_FORMAT;
    ret->cause = rbuf_u8(&in);
    ret->host = rbuf_u64(&in);
    ret->nonce = rbuf_u64(&in);
    ret->first_ms = (int64_t) rbuf_u64(&in);
    ret->last_ms = (int64_t) rbuf_u64(&in);
    ret->times = rbuf_varint(&in);
    s_take_text(ret->name, ENROL_NAME_MAX, &in);
    s_take_text(ret->key, ENROL_NAME_MAX, &in);
    s_take_text(ret->address, AWAY_ADDRESS_MAX, &in);
    if (rbuf_rc(&in) == 0)
        return 0;
    rbuf_fail(r);
    return ERR_FORMAT;
}

static void
s_take_text(char *into, size_t most, struct rbuf *r)
{
    size_t len;
    const char *text = rbuf_str(r, most, &len);

    if (text == NULL)
        return;
    memcpy(into, text, len);
    into[len] = '\0';
}

const char *
away_cause_str(uint8_t cause)
{
    return cause < N_CAUSES && s_causes[cause].word != NULL ? s_causes[cause].word : "unknown";
}

const char *
away_cause_why(uint8_t cause)
{
    return cause < N_CAUSES && s_causes[cause].why != NULL ? s_causes[cause].why
                                                           : "a reason of a newer collector";
}
