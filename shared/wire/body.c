// body - what stands inside a record: identity, definitions, values, gaps.
//
// Fields stand in the order of the `put` functions. Takers leave r behind the last field that they
// know: whether more may follow is for the caller to say, since an identity is a body by itself and
// also the beginning of HELLO.

#include "shared/wire/body.h"

#include <string.h>

#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"

// An agent that samples less than once an hour is taken for a mistake.
#define INTERVAL_MAX_MS 3600000u

void
identity_put(struct wbuf *w, const struct identity *id)
{
    wbuf_u64(w, id->host);
    wbuf_bytes(w, id->boot_id, sizeof id->boot_id);
    wbuf_u32(w, id->interval_ms);
    wbuf_strn(w, id->name, id->name_len);
    wbuf_strn(w, id->version, id->version_len);
}

int
identity_take(struct rbuf *r, struct identity *id)
{
    const uint8_t *boot_id;

    id->host = rbuf_u64(r);
    boot_id = rbuf_bytes(r, sizeof id->boot_id);
    if (boot_id != NULL)
        memcpy(id->boot_id, boot_id, sizeof id->boot_id);
    id->interval_ms = rbuf_u32(r);
    id->name = rbuf_str(r, BODY_NAME_MAX, &id->name_len);
    id->version = rbuf_str(r, BODY_VERSION_MAX, &id->version_len);
    if (id->host == 0 || id->name_len == 0 || id->interval_ms == 0 ||
        id->interval_ms > INTERVAL_MAX_MS)
        rbuf_fail(r);
    return rbuf_rc(r);
}

void
slot_def_put(struct wbuf *w, const struct slot_def *def)
{
    wbuf_varint(w, def->slot);
    wbuf_u8(w, (uint8_t) def->kind);
    wbuf_u8(w, def->form.exponent);
    wbuf_varint(w, def->form.unit);
    label_set_put(w, &def->labels);
}

int
slot_def_take(struct rbuf *r, struct slot_def *def)
{
    uint8_t kind;

    def->slot = (uint32_t) rbuf_count(r, BODY_SLOTS_MAX - 1);
    kind = rbuf_u8(r);
    def->form.exponent = rbuf_u8(r);
    def->form.unit = (uint32_t) rbuf_count(r, UINT32_MAX);
    // A form out of range would be a table index or a division later.
    if (kind > METRIC_KIND_MAX || !metric_form_valid(def->form))
        rbuf_fail(r);
    def->kind = (enum metric_kind) kind;
    if (label_set_take(r, &def->labels) < 0)
        return rbuf_rc(r);

    if (label_set_metric(&def->labels)[0] == '\0')
        rbuf_fail(r);
    if (rbuf_rc(r) < 0)
        label_set_release(&def->labels);
    return rbuf_rc(r);
}

void
gap_put(struct wbuf *w, const struct gap *gap)
{
    wbuf_u64(w, gap->to);
    wbuf_u64(w, gap->samples);
    wbuf_u8(w, gap->cause);
}

int
gap_take(struct rbuf *r, struct gap *gap)
{
    gap->to = rbuf_u64(r);
    gap->samples = rbuf_u64(r);
    gap->cause = rbuf_u8(r);
    if (gap->cause == 0) // "have not come": what a receiver says, never a sender
        rbuf_fail(r);
    return rbuf_rc(r);
}
