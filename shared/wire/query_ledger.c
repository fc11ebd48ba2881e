// query_ledger - see the header.
//
// varint length of what follows, u64 host, u8 state, u8 flags, i64 told, ledger, varints stored,
// elsewhere, refused by cause, before, duplicates, conflicts, svarint unbalanced, text name,
// varint n, n gaps: u8 kind, u8 cause, i64 from, varint duration, varint count;
// and where there are any: varint n, n limits: u8 limit, varint series, varint samples, text
// metric, text label.

#include "shared/wire/query_ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/wbuf.h"
#include "shared/base/xalloc.h"
#include "shared/wire/body.h"
#include "shared/wire/import_host.h"
#include "shared/wire/live.h"
#include "shared/wire/sized.h"

#define FLAG_SETTLED 1u
#define GAP_LOST     0u
#define GAP_MISSED   1u
#define GAP_SIZE     30u // bytes at most
#define LIMIT_SIZE   (25u + 2u * QUERY_LIMIT_TEXT)
#define FIXED_SIZE   (18u + LEDGER_SIZE_MAX + 14u * 10u + BODY_NAME_MAX)

static void s_put(struct wbuf *w, const struct query_ledger *l);
static int s_take(struct rbuf *r, struct query_ledger *l);
static void s_take_gap(struct rbuf *r, struct query_gap *gap);
static void s_take_limit(struct rbuf *r, struct query_limit *limit);

const char *
refused_cause_str(unsigned cause)
{
    static const char *const names[] = {
        [REFUSED_FUTURE] = "future",
        [REFUSED_LIMIT] = "limit",
        [REFUSED_UNREADABLE] = "unreadable",
        [REFUSED_EARLIER] = "earlier",
    };

    return cause < REFUSED_CAUSES ? names[cause] : "unknown";
}

const char *
refused_limit_str(unsigned limit)
{
    static const char *const names[] = {
        [LIMIT_NONE] = "none",
        [LIMIT_SERIES] = "series",
        [LIMIT_NEW_SERIES] = "new-series",
        [LIMIT_SAMPLES] = "samples",
        [LIMIT_LABEL_BYTES] = "label-bytes",
        [LIMIT_FRAME_BYTES] = "frame-bytes",
        [LIMIT_ROOM] = "room",
    };

    return limit < REFUSED_LIMITS ? names[limit] : "unknown";
}

const char *
query_gap_cause_str(const struct query_gap *gap)
{
    return gap->missed ? missed_cause_str(gap->cause) : lost_cause_str(gap->cause);
}

void
query_ledger_release(struct query_ledger *ledger)
{
    free(ledger->name);
    ledger->name = NULL;
}

uint64_t
query_ledger_refused(const struct query_ledger *ledger)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < REFUSED_CAUSES; i++)
        sum += ledger->refused[i];
    return sum;
}

bool
query_ledger_check(const struct query_ledger *l, char *why, size_t size)
{
    const struct ledger *told = &l->told;
    int n = 0;

    // Nobody keeps a book of what was imported: its file has it all.
    const bool has_agent = l->name == NULL || l->host != import_host_id(l->name, strlen(l->name));

    if (l->told_ms == 0 && has_agent) {
        snprintf(why, size, "its agent has not told its book yet");
        return false;
    }
    if (l->unbalanced != 0) {
        snprintf(why, size,
                 l->unbalanced > 0 ? "unbalanced: %" PRIu64 " samples are acknowledged in its "
                                     "agent's book and are not here"
                                   : "unbalanced: %" PRIu64 " samples are here and not "
                                     "acknowledged in its agent's book",
                 l->unbalanced > 0 ? (uint64_t) l->unbalanced : -(uint64_t) l->unbalanced);
        return false;
    }
    if (!ledger_balanced(told)) {
        snprintf(why, size,
                 "unbalanced: its agent's book has %" PRIu64 " samples produced, and %" PRIu64
                 " acknowledged, pending or lost",
                 told->produced, told->acked + told->pending + ledger_lost(told));
        return false;
    }
    if (ledger_lost(told) == 0)
        return true;
    n = snprintf(why, size, "lost: %" PRIu64 " samples", ledger_lost(told));
    for (unsigned i = 0; i < LOST_CAUSES; i++)
        if (told->lost[i] > 0 && n > 0 && (size_t) n < size)
            n += snprintf(why + n, size - (size_t) n, ", %s %" PRIu64, lost_cause_str(i),
                          told->lost[i]);
    return false;
}

void
query_put_ledger(struct buf *out, const struct query_ledger *l)
{
    uint8_t bytes[FIXED_SIZE + QUERY_GAPS_MAX * GAP_SIZE + REFUSED_LIMITS * LIMIT_SIZE];
    struct wbuf w;
    ptrdiff_t n;

    // Aside first, since the length goes ahead.
    wbuf_init(&w, bytes, sizeof bytes);
    s_put(&w, l);
    n = wbuf_finish(&w);
    sized_put(out, bytes, (size_t) n);
}

static void
s_put(struct wbuf *w, const struct query_ledger *l)
{
    wbuf_u64(w, l->host);
    wbuf_u8(w, l->state);
    wbuf_u8(w, l->settled ? FLAG_SETTLED : 0);
    wbuf_u64(w, (uint64_t) l->told_ms);
    ledger_put(w, &l->told);
    wbuf_varint(w, l->stored);
    wbuf_varint(w, l->elsewhere);
    for (unsigned i = 0; i < REFUSED_CAUSES; i++)
        wbuf_varint(w, l->refused[i]);
    wbuf_varint(w, l->before);
    wbuf_varint(w, l->duplicates);
    wbuf_varint(w, l->conflicts);
    wbuf_svarint(w, l->unbalanced);
    wbuf_str(w, l->name != NULL ? l->name : "");
    wbuf_varint(w, l->n_gaps);
    for (uint32_t i = 0; i < l->n_gaps; i++) {
        const struct query_gap *gap = &l->gaps[i];

        wbuf_u8(w, gap->missed ? GAP_MISSED : GAP_LOST);
        wbuf_u8(w, gap->cause);
        wbuf_u64(w, (uint64_t) gap->from_ms);
        wbuf_varint(w, (uint64_t) gap->to_ms - (uint64_t) gap->from_ms);
        wbuf_varint(w, gap->count);
    }
    // As an earlier version has it, where no limit has refused anything.
    if (l->n_limits > 0)
        wbuf_varint(w, l->n_limits);
    for (uint32_t i = 0; i < l->n_limits; i++) {
        wbuf_u8(w, l->limits[i].limit);
        wbuf_varint(w, l->limits[i].series);
        wbuf_varint(w, l->limits[i].samples);
        wbuf_str(w, l->limits[i].metric);
        wbuf_str(w, l->limits[i].label);
    }
}

int
query_take_ledger(struct rbuf *r, struct query_ledger *ret)
{
    struct rbuf in;

    *ret = (struct query_ledger){ 0 };
    if (!sized_take(r, &in))
        return ERR_FORMAT;
    if (s_take(&in, ret) < 0) {
        rbuf_fail(r);
        return ERR_FORMAT;
    }
    return 0;
}

// What a later version has behind the limits is passed over; an earlier one has none.
static int
s_take(struct rbuf *r, struct query_ledger *l)
{
    const char *name;
    size_t n;

    l->host = rbuf_u64(r);
    l->state = rbuf_u8(r);
    l->settled = (rbuf_u8(r) & FLAG_SETTLED) != 0;
    l->told_ms = (int64_t) rbuf_u64(r);
    if (ledger_take(r, &l->told) < 0 || l->state > HOST_STATE_MAX)
        return ERR_FORMAT;
    l->stored = rbuf_varint(r);
    l->elsewhere = rbuf_varint(r);
    for (unsigned i = 0; i < REFUSED_CAUSES; i++)
        l->refused[i] = rbuf_varint(r);
    l->before = rbuf_varint(r);
    l->duplicates = rbuf_varint(r);
    l->conflicts = rbuf_varint(r);
    l->unbalanced = rbuf_svarint(r);
    name = rbuf_str(r, BODY_NAME_MAX, &n);
    l->n_gaps = (uint32_t) rbuf_count(r, QUERY_GAPS_MAX);
    for (uint32_t i = 0; i < l->n_gaps && rbuf_rc(r) == 0; i++)
        s_take_gap(r, &l->gaps[i]);
    l->n_limits = rbuf_left(r) > 0 ? (uint32_t) rbuf_count(r, REFUSED_LIMITS) : 0;
    for (uint32_t i = 0; i < l->n_limits && rbuf_rc(r) == 0; i++)
        s_take_limit(r, &l->limits[i]);
    if (rbuf_rc(r) == 0)
        l->name = xstrndup(name, n);
    return rbuf_rc(r);
}

static void
s_take_gap(struct rbuf *r, struct query_gap *gap)
{
    const uint8_t kind = rbuf_u8(r);
    uint64_t duration;

    gap->missed = kind == GAP_MISSED;
    gap->cause = rbuf_u8(r);
    gap->from_ms = (int64_t) rbuf_u64(r);
    duration = rbuf_varint(r);
    gap->count = rbuf_varint(r);
    if (kind > GAP_MISSED || __builtin_add_overflow(gap->from_ms, duration, &gap->to_ms))
        rbuf_fail(r);
}

static void
s_take_text(struct rbuf *r, char ret[QUERY_LIMIT_TEXT + 1])
{
    size_t n;
    const char *text = rbuf_str(r, QUERY_LIMIT_TEXT, &n);

    if (text == NULL)
        return;
    memcpy(ret, text, n);
    ret[n] = '\0';
}

static void
s_take_limit(struct rbuf *r, struct query_limit *limit)
{
    limit->limit = rbuf_u8(r);
    limit->series = rbuf_varint(r);
    limit->samples = rbuf_varint(r);
    s_take_text(r, limit->metric);
    s_take_text(r, limit->label);
}
