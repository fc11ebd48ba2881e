// series_run - see the header.

#include "collector/store/series_run.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"

// A row of SQLite wastes least of a page of 8 KiB where several go into one. Hosts have a few
// hundred series of about eight bytes each, so that most of them have few runs.
#define RUN_BYTES 1000u

// What of a label is as the label at the same place of the series before has it.
enum same {
    SAME_NOTHING,
    SAME_NAME,
    SAME_BOTH,
    SAME_BITS = 2, // of a label's first number, below the length of its value
};

// The series that was read last, and room for the texts of the next one.
struct reading {
    struct label_set before;
    char *texts; // room for all texts of a run, each with its NUL
    size_t used; // by the series at hand
};

static void s_put_label(struct buf *out, const struct label *label, const struct label *before);
static void s_put_varint(struct buf *out, uint64_t v);
static int s_take_series(struct rbuf *r, struct reading *reading, struct label_set *ret);
static bool s_take_label(struct rbuf *r, struct reading *reading, size_t i, struct label *ret);
static const char *s_take_text(struct rbuf *r, struct reading *reading, uint64_t len);

bool
series_run_takes(const struct series_run *run, const struct meta_series *series)
{
    return run->n == 0 || (run->host == series->host && series->id == run->first + run->n &&
                           run->bytes.len < RUN_BYTES);
}

void
series_run_add(struct series_run *run, const struct meta_series *series)
{
    if (run->n == 0) {
        run->host = series->host;
        run->first = series->id;
    }
    buf_byte(&run->bytes, (uint8_t) series->kind);
    s_put_varint(&run->bytes, series->labels->count);
    for (size_t i = 0; i < series->labels->count; i++)
        s_put_label(&run->bytes, &series->labels->at[i],
                    run->before != NULL && i < run->before->count ? &run->before->at[i] : NULL);
    run->before = series->labels;
    run->n++;
}

void
series_run_clear(struct series_run *run)
{
    buf_clear(&run->bytes);
    run->before = NULL;
    run->n = 0;
}

int
series_run_read(uint64_t host, series_id first, uint32_t n, const void *at, size_t len,
                int (*fn)(void *arg, const struct meta_series *series), void *arg)
{
    // Each text follows its length, whose byte is room for the NUL.
    struct reading reading = { .texts = xmalloc(len + 1) };
    struct rbuf r;
    int rc = 0;

    rbuf_init(&r, at, len);
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        const uint8_t kind = rbuf_u8(&r);
        struct label_set labels;

        rc = s_take_series(&r, &reading, &labels);
        if (rc == 0 && kind > METRIC_KIND_MAX)
            rc = ERR_FORMAT;
        if (rc == 0)
            rc = fn(arg, &(struct meta_series){ .id = first + i,
                                                .host = host,
                                                .kind = (enum metric_kind) kind,
                                                .labels = &labels });
        label_set_release(&reading.before);
        reading.before = labels;
    }
    label_set_release(&reading.before);
    free(reading.texts);
    return rc != 0 ? rc : rbuf_finish(&r) < 0 ? ERR_FORMAT : 0;
}

static void
s_put_label(struct buf *out, const struct label *label, const struct label *before)
{
    const size_t len = strlen(label->value);
    enum same same = SAME_NOTHING;

    if (before != NULL && strcmp(before->name, label->name) == 0)
        same = strcmp(before->value, label->value) == 0 ? SAME_BOTH : SAME_NAME;
    if (same == SAME_BOTH) {
        s_put_varint(out, SAME_BOTH);
        return;
    }
    s_put_varint(out, len << SAME_BITS | same);
    if (same == SAME_NOTHING) {
        s_put_varint(out, strlen(label->name));
        buf_str(out, label->name);
    }
    buf_bytes(out, label->value, len);
}

static void
s_put_varint(struct buf *out, uint64_t v)
{
    struct wbuf w;

    buf_reserve(out, 10);
    wbuf_init(&w, out->at + out->len, 10);
    wbuf_varint(&w, v);
    out->len += (size_t) wbuf_finish(&w);
}

// 0 and *ret, for label_set_release; or ERR_FORMAT, and *ret is empty.
static int
s_take_series(struct rbuf *r, struct reading *reading, struct label_set *ret)
{
    const size_t n = (size_t) rbuf_count(r, LABEL_SET_MAX);
    struct label labels[LABEL_SET_MAX];

    *ret = (struct label_set){ 0 };
    reading->used = 0;
    for (size_t i = 0; i < n; i++)
        if (!s_take_label(r, reading, i, &labels[i]))
            return ERR_FORMAT;
    return rbuf_rc(r) < 0 || label_set_init(ret, labels, n) < 0 || ret->count != n ? ERR_FORMAT : 0;
}

static bool
s_take_label(struct rbuf *r, struct reading *reading, size_t i, struct label *ret)
{
    const uint64_t head = rbuf_varint(r);
    const unsigned same = head & ((1u << SAME_BITS) - 1);

    if (same > SAME_BOTH || (same != SAME_NOTHING && i >= reading->before.count))
        return false;
    if (same == SAME_BOTH) {
        *ret = reading->before.at[i];
        return head == SAME_BOTH;
    }
    ret->name = same == SAME_NAME ? reading->before.at[i].name
                                  : s_take_text(r, reading, rbuf_varint(r));
    ret->value = s_take_text(r, reading, head >> SAME_BITS);
    return ret->name != NULL && ret->value != NULL;
}

// The next bytes as a string, or NULL for what is none.
static const char *
s_take_text(struct rbuf *r, struct reading *reading, uint64_t len)
{
    char *text = reading->texts + reading->used;
    const uint8_t *at;

    if (len > rbuf_left(r) || (at = rbuf_bytes(r, (size_t) len)) == NULL ||
        memchr(at, '\0', (size_t) len) != NULL)
        return NULL;
    memcpy(text, at, (size_t) len);
    text[len] = '\0';
    reading->used += (size_t) len + 1;
    return text;
}
