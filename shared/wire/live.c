// live - what the collector publishes (XPUB): two parts, topic and body.
//
// Header: u8 version, u8 type, u64 collector, u64 epoch, u64 pubseq, u64 number, i64 time,
//   u32 generation.
//   TABLE  varint n, n x { varint id, u8 kind, label set }
//   ROW    varint n, n x varint distance of the id from the one after that before, n x double
//   HOST   a host, with its length ahead so that later versions can say more
//
// Writers trust their caller (a collector's own table, names that came in with their limits) and
// assert; readers trust nobody, since a dashboard may be told to listen to any address.

#include "shared/wire/live.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/wire/append.h"
#include "shared/wire/body.h"

#define HEADER_SIZE   46
#define FILLED_SIZE   24 // what follows the header
#define TOPIC_PREFIX  2  // "m/"
#define TOPIC_DIGITS  16 // of the host id
#define SERIES_LEAST  14 // bytes: id, kind, and the shortest label set with a __name__
#define ROW_LEAST     9  // bytes of one value: id and double
#define HOST_FIXED    85 // bytes of a host's fields before its texts
#define HOST_TEXT_MAX (BODY_NAME_MAX + BODY_VERSION_MAX + 2 * APPEND_VARINT_MAX)

static void s_put_header(struct buf *out, const struct live_header *h, uint8_t type);
static char *s_take_text(struct rbuf *r, size_t most);

const char *
host_state_str(uint8_t state)
{
    static const char *const names[] = {
        [HOST_UP] = "up",
        [HOST_LATE] = "late",
        [HOST_STOPPED] = "stopped",
        [HOST_SILENT] = "silent",
    };

    return state <= HOST_STATE_MAX && names[state] != NULL ? names[state] : "unknown";
}

int
host_info_compare(const void *a, const void *b)
{
    const struct host_info *x = a, *y = b;
    const int by_name = strcmp(x->name, y->name);

    return by_name != 0 ? by_name : (x->host > y->host) - (x->host < y->host);
}

void
host_info_release(struct host_info *info)
{
    free(info->name);
    free(info->version);
    *info = (struct host_info){ 0 };
}

void
host_info_copy(struct host_info *info, const struct host_info *from)
{
    *info = *from;
    info->name = from->name != NULL ? xstrdup(from->name) : NULL;
    info->version = from->version != NULL ? xstrdup(from->version) : NULL;
}

void
live_topic(char out[LIVE_TOPIC_SIZE], char kind, uint64_t host)
{
    out[0] = kind;
    out[1] = '/';
    str_hex64_put(out + TOPIC_PREFIX, host);
}

int
live_topic_take(uint64_t *host_ret, char *kind_ret, const void *topic, size_t n)
{
    const char *text = topic;

    if (n != TOPIC_PREFIX + TOPIC_DIGITS ||
        (text[0] != LIVE_HOST_ROWS && text[0] != LIVE_APP_ROWS) || text[1] != '/' ||
        str_hex64(host_ret, text + TOPIC_PREFIX, TOPIC_DIGITS) < 0)
        return ERR_FORMAT;
    *kind_ret = text[0];
    return 0;
}

void
live_put_table(struct buf *out, const struct live_header *h, const struct live_series *series,
               uint32_t n)
{
    struct wbuf w;

    s_put_header(out, h, LIVE_TABLE);
    append_begin(&w, out, APPEND_VARINT_MAX);
    wbuf_varint(&w, n);
    append_end(out, &w);
    for (uint32_t i = 0; i < n; i++) {
        assert(i == 0 || series[i].id > series[i - 1].id);
        append_begin(&w, out, APPEND_VARINT_MAX + 1 + append_labels_most(&series[i].labels));
        wbuf_varint(&w, series[i].id);
        wbuf_u8(&w, (uint8_t) series[i].kind);
        label_set_put(&w, &series[i].labels);
        append_end(out, &w);
    }
}

void
live_put_row(struct buf *out, const struct live_header *h, const uint32_t *ids,
             const double *values, uint32_t n)
{
    uint32_t next = 0;
    struct wbuf w;

    s_put_header(out, h, LIVE_ROW);
    append_begin(&w, out, APPEND_VARINT_MAX + (size_t) n * (APPEND_VARINT_MAX + sizeof *values));
    wbuf_varint(&w, n);
    for (uint32_t i = 0; i < n; i++) {
        assert(i == 0 || ids[i] >= next);
        wbuf_varint(&w, ids[i] - next);
        next = ids[i] + 1;
    }
    for (uint32_t i = 0; i < n; i++)
        wbuf_f64(&w, values[i]);
    append_end(out, &w);
}

void
live_put_host(struct buf *out, const struct live_header *h, const struct host_info *info)
{
    s_put_header(out, h, LIVE_HOST);
    host_info_put(out, info);
}

void
live_put_filled(struct buf *out, const struct live_header *h, const struct live_filled *filled)
{
    struct wbuf w;

    s_put_header(out, h, LIVE_FILLED);
    append_begin(&w, out, FILLED_SIZE);
    wbuf_u64(&w, filled->host);
    wbuf_u64(&w, (uint64_t) filled->from_ms);
    wbuf_u64(&w, (uint64_t) filled->to_ms);
    append_end(out, &w);
}

void
live_put_event(struct buf *out, const struct live_header *h, const struct host_event *of,
               const void *body, size_t n)
{
    s_put_header(out, h, LIVE_EVENT);
    host_event_put_item(out, of, body, n);
}

int
live_take(struct live_header *h, struct rbuf *r, const void *at, size_t n)
{
    uint8_t major;

    if (n > LIVE_MAX)
        return ERR_FORMAT;
    rbuf_init(r, at, n);
    major = rbuf_u8(r) >> 4;
    if (major > LIVE_VERSION_MAJOR)
        return ERR_VERSION;
    h->type = rbuf_u8(r);
    h->collector = rbuf_u64(r);
    h->epoch = rbuf_u64(r);
    h->pubseq = rbuf_u64(r);
    h->number = rbuf_u64(r);
    h->time_ms = (int64_t) rbuf_u64(r);
    h->generation = rbuf_u32(r);
    return rbuf_rc(r) < 0 || major < LIVE_VERSION_MAJOR ? ERR_FORMAT : 0;
}

int
live_take_table(struct rbuf *r, struct live_series **ret, uint32_t *n_ret)
{
    uint32_t n = (uint32_t) rbuf_count(r, rbuf_left(r) / SERIES_LEAST);
    // The count stands against bytes, so this is at most three times the message.
    struct live_series *series = xcalloc(n > 0 ? n : 1, sizeof *series);
    uint64_t least = 0;
    uint32_t done = 0;

    for (; done < n && rbuf_rc(r) == 0; done++) {
        uint64_t id = rbuf_count(r, UINT32_MAX);
        uint8_t kind = rbuf_u8(r);

        if (id < least || kind > METRIC_KIND_MAX)
            rbuf_fail(r);
        least = id + 1; // 64 bits: the last id of all may be there
        series[done].id = (uint32_t) id;
        series[done].kind = (enum metric_kind) kind;
        if (label_set_take(r, &series[done].labels) == 0 &&
            label_set_metric(&series[done].labels)[0] == '\0')
            rbuf_fail(r);
    }
    if (rbuf_rc(r) < 0) {
        live_series_free(series, done);
        return ERR_FORMAT;
    }
    *ret = series;
    *n_ret = n;
    return 0;
}

void
live_series_free(struct live_series *series, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        label_set_release(&series[i].labels);
    free(series);
}

int
live_take_row(struct rbuf *r, struct live_row *row)
{
    uint32_t n = (uint32_t) rbuf_count(r, rbuf_left(r) / ROW_LEAST);
    const uint8_t *at;
    uint64_t next = 0;

    row->n = 0; // and so it stays if anything below is wrong
    if (n > row->size) {
        row->ids = xrealloc(row->ids, n, sizeof *row->ids);
        row->values = xrealloc(row->values, n, sizeof *row->values);
        row->size = n;
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t id = next + rbuf_count(r, UINT32_MAX);

        if (id > UINT32_MAX || rbuf_rc(r) < 0)
            return ERR_FORMAT;
        row->ids[i] = (uint32_t) id;
        next = id + 1;
    }
    // All values at once: one check of the bounds for the lot.
    at = rbuf_bytes(r, (size_t) n * sizeof *row->values);
    if (at == NULL)
        return ERR_FORMAT;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t bits;

        memcpy(&bits, at + i * sizeof bits, sizeof bits);
        bits = le64toh(bits);
        memcpy(&row->values[i], &bits, sizeof bits);
    }
    row->n = n;
    return 0;
}

void
live_row_release(struct live_row *row)
{
    free(row->ids);
    free(row->values);
    *row = (struct live_row){ 0 };
}

int
live_take_host(struct rbuf *r, struct host_info *info)
{
    return host_info_take(r, info);
}

int
live_take_filled(struct rbuf *r, struct live_filled *ret)
{
    ret->host = rbuf_u64(r);
    ret->from_ms = (int64_t) rbuf_u64(r);
    ret->to_ms = (int64_t) rbuf_u64(r);
    return rbuf_rc(r) < 0 || ret->from_ms > ret->to_ms ? ERR_FORMAT : 0;
}

int
live_take_event(struct rbuf *r, struct host_event *ret)
{
    return host_event_take_item(r, ret);
}

void
host_info_put(struct buf *out, const struct host_info *info)
{
    const char *version = info->version != NULL ? info->version : "";
    uint8_t fields[HOST_FIXED + HOST_TEXT_MAX];
    ptrdiff_t n;
    struct wbuf w;

    // Aside first, since the length goes ahead.
    wbuf_init(&w, fields, sizeof fields);
    wbuf_u64(&w, info->host);
    wbuf_u8(&w, info->state);
    wbuf_u32(&w, info->interval_ms);
    wbuf_u64(&w, (uint64_t) info->since_ms);
    wbuf_u64(&w, (uint64_t) info->first_ms);
    wbuf_u64(&w, (uint64_t) info->last_ms);
    wbuf_u64(&w, (uint64_t) info->offset_ms);
    wbuf_u64(&w, (uint64_t) info->rtt_us);
    wbuf_u64(&w, info->dropped);
    wbuf_u64(&w, info->missed);
    wbuf_bytes(&w, info->boot_id, sizeof info->boot_id);
    wbuf_str(&w, info->name);
    wbuf_str(&w, version);
    n = wbuf_finish(&w);
    assert(n > 0); // name and version came with their limits

    append_begin(&w, out, APPEND_VARINT_MAX + (size_t) n);
    wbuf_varint(&w, (uint64_t) n);
    wbuf_bytes(&w, fields, (size_t) n);
    append_end(out, &w);
}

int
host_info_take(struct rbuf *r, struct host_info *info)
{
    size_t n = (size_t) rbuf_count(r, rbuf_left(r));
    const uint8_t *fields = rbuf_bytes(r, n);
    const uint8_t *boot_id;
    struct rbuf in;

    *info = (struct host_info){ 0 };
    if (fields == NULL)
        return ERR_FORMAT;
    rbuf_init(&in, fields, n);
    info->host = rbuf_u64(&in);
    info->state = rbuf_u8(&in);
    info->interval_ms = rbuf_u32(&in);
    info->since_ms = (int64_t) rbuf_u64(&in);
    info->first_ms = (int64_t) rbuf_u64(&in);
    info->last_ms = (int64_t) rbuf_u64(&in);
    info->offset_ms = (int64_t) rbuf_u64(&in);
    info->rtt_us = (int64_t) rbuf_u64(&in);
    info->dropped = rbuf_u64(&in);
    info->missed = rbuf_u64(&in);
    boot_id = rbuf_bytes(&in, sizeof info->boot_id);
    if (boot_id != NULL)
        memcpy(info->boot_id, boot_id, sizeof info->boot_id);
    info->name = s_take_text(&in, BODY_NAME_MAX);
    info->version = s_take_text(&in, BODY_VERSION_MAX);
    // Bytes left in `in` are fields of a later version.
    if (rbuf_rc(&in) < 0 || info->host == 0 || info->name[0] == '\0' || info->state < HOST_UP ||
        info->state > HOST_STATE_MAX) {
        host_info_release(info);
        rbuf_fail(r);
    }
    return rbuf_rc(r);
}

static void
s_put_header(struct buf *out, const struct live_header *h, uint8_t type)
{
    struct wbuf w;

    append_begin(&w, out, HEADER_SIZE);
    wbuf_u8(&w, LIVE_VERSION_MAJOR << 4 | LIVE_VERSION_MINOR);
    wbuf_u8(&w, type);
    wbuf_u64(&w, h->collector);
    wbuf_u64(&w, h->epoch);
    wbuf_u64(&w, h->pubseq);
    wbuf_u64(&w, h->number);
    wbuf_u64(&w, (uint64_t) h->time_ms);
    wbuf_u32(&w, h->generation);
    append_end(out, &w);
}

// A copy, NUL-terminated; NULL where r has failed.
static char *
s_take_text(struct rbuf *r, size_t most)
{
    size_t len;
    const char *text = rbuf_str(r, most, &len);

    return text != NULL ? xstrndup(text, len) : NULL;
}
