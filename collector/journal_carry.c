// journal_carry - see the header.

#include "collector/journal_carry.h"

#include <stdlib.h>

#include "collector/journal_fetch.h"
#include "shared/base/wbuf.h"
#include "shared/base/xalloc.h"

#define BASIS_BYTES (512u * 1024u) // of one BASIS, before the last record in it
#define BELOW_AT    8u             // of `below` in it

// Of one lane. Entries come by place, so lanes alternate, and each gathers its own.
struct carry {
    struct journal_id id; // first: bsearch and qsort look at it
    struct buf basis;     // empty: none begun
};

struct gather {
    const struct journal_carry_options *is;
    struct carry *carries; // sorted by id
    size_t n;
    int rc;
};

static int
s_compare(const void *a, const void *b)
{
    const struct journal_id *x = a, *y = b;

    if (x->host != y->host)
        return x->host < y->host ? -1 : 1;
    return (x->stream > y->stream) - (x->stream < y->stream);
}

static void
s_flush(struct gather *gather, struct carry *carry, uint64_t below)
{
    struct wbuf w;

    if (carry->basis.len == 0)
        return;
    wbuf_init(&w, carry->basis.at + BELOW_AT, 8);
    wbuf_u64(&w, below);
    if (gather->rc == 0)
        gather->rc = gather->is->basis(gather->is->arg, &carry->id, &carry->basis);
    buf_clear(&carry->basis);
}

static void
s_add(struct gather *gather, struct carry *carry, const uint8_t *at, size_t len)
{
    if (carry->basis.len > BASIS_BYTES)
        s_flush(gather, carry, 0);
    if (carry->basis.len == 0)
        journal_basis_put(&carry->basis, carry->id.stream, 0);
    buf_bytes(&carry->basis, at, len);
}

static void
s_entry(void *arg, const struct journal_wish *wish, struct journal_entry *entry)
{
    struct gather *gather = arg;
    const struct journal_id id = { wish->host, wish->stream };
    struct carry *carry = bsearch(&id, gather->carries, gather->n, sizeof *gather->carries,
                                  s_compare);
    struct record record;
    const uint8_t *at;
    size_t len;

    if (carry == NULL)
        return;
    if (entry->kind == JOURNAL_RECORD)
        s_add(gather, carry, entry->bytes, entry->len);
    while (entry->kind == JOURNAL_BASIS && journal_basis_next(entry, &record, &at, &len) == 1)
        s_add(gather, carry, at, len);
}

int
journal_carry(const lane_table_t *lanes, const struct journal_carry_options *opt)
{
    struct gather gather = { .is = opt };
    struct journal_wish *wishes = NULL;
    const struct lane_entry *lane;
    size_t at = 0, n = 0, size = 0, carries_size = 0;

    while ((lane = lane_table_next(lanes, &at)) != NULL) {
        const size_t before = n;

        for (uint32_t i = 0; lane->n_defs >= opt->least && i < lane->n_defs; i++) {
            if (lane->defs[i].segment >= opt->below)
                continue;
            if (n == size) {
                size = size == 0 ? 256 : 2 * size;
                wishes = xrealloc(wishes, size, sizeof *wishes);
            }
            wishes[n++] = (struct journal_wish){ lane->defs[i], lane->host, lane->stream };
        }
        if (n == before)
            continue;
        if (gather.n == carries_size) {
            carries_size = carries_size == 0 ? 64 : 2 * carries_size;
            gather.carries = xrealloc(gather.carries, carries_size, sizeof *gather.carries);
        }
        gather.carries[gather.n++] = (struct carry){ .id = { lane->host, lane->stream } };
    }
    if (n > 0) {
        qsort(gather.carries, gather.n, sizeof *gather.carries, s_compare);
        gather.rc = journal_fetch(opt->dir, opt->owner, opt->until, wishes, n, s_entry, &gather);
        for (size_t i = 0; i < gather.n; i++) {
            s_flush(&gather, &gather.carries[i], opt->below);
            buf_release(&gather.carries[i].basis);
        }
    }
    free(gather.carries);
    free(wishes);
    return gather.rc;
}
