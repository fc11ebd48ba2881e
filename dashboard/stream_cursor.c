// stream_cursor - where one reader stands in the events of its view, and what it gets next.

#include "dashboard/stream_cursor.h"

#include <stddef.h>

#include "dashboard/event_encode.h"

static void s_resume(struct stream_cursor *c, uint64_t resume);
static bool s_pop_ahead(struct stream_cursor *c, struct event **ret);
static enum cursor_step s_join(struct stream_cursor *c, struct event **ret, uint64_t *skipped_ret);

void
stream_cursor_init(struct stream_cursor *c, event_ring_t *ring, struct event *hello,
                   uint64_t resume)
{
    *c = (struct stream_cursor){ .ring = event_ring_ref(ring), .ahead = { hello } };
    if (resume != 0)
        s_resume(c, resume);
}

void
stream_cursor_init_plain(struct stream_cursor *c, event_ring_t *ring)
{
    *c = (struct stream_cursor){ .ring = event_ring_ref(ring),
                                 .next = event_ring_last(ring) + 1,
                                 .joined = true,
                                 .plain = true };
}

void
stream_cursor_release(struct stream_cursor *c)
{
    event_unref(&c->ahead[0]);
    event_unref(&c->ahead[1]);
    event_ring_unref(&c->ring);
}

enum cursor_step
stream_cursor_next(struct stream_cursor *c, bool stalled, struct event **ret, uint64_t *skipped_ret)
{
    uint64_t behind = 0;
    struct event *e = NULL;
    enum event_read found;

    *skipped_ret = 0;
    if (s_pop_ahead(c, ret))
        return CURSOR_EVENT;
    if (!c->joined)
        return s_join(c, ret, skipped_ret);
    found = event_ring_read(c->ring, c->next, &e, &behind);
    if (found == EVENT_NONE)
        return CURSOR_NONE;
    // One alone may be large, and there is nothing better to skip to.
    if (found == EVENT_FOUND && (e->kind == EVENT_SNAP || c->plain))
        behind -= e->len;
    if (found == EVENT_FOUND && behind <= CURSOR_BEHIND_MAX && !stalled) {
        c->next++;
        *ret = e;
        return CURSOR_EVENT;
    }
    event_unref(&e);
    if (c->plain) {
        *skipped_ret = event_ring_last(c->ring) + 1 - c->next;
        c->next += *skipped_ret;
        return CURSOR_NONE;
    }
    c->joined = false;
    return s_join(c, ret, skipped_ret);
}

static void
s_resume(struct stream_cursor *c, uint64_t resume)
{
    struct event *missed[EVENT_RING_SIZE];
    uint64_t behind, snap = 0;
    size_t n = 0, ticks = 0;
    enum event_read found;

    while ((found = event_ring_read(c->ring, resume + 1 + n, &missed[n], &behind)) == EVENT_FOUND) {
        snap = missed[n]->kind == EVENT_SNAP ? missed[n]->seq : snap;
        ticks += missed[n]->kind == EVENT_TICK;
        if (++n == EVENT_RING_SIZE) // more may have come meanwhile: they follow one by one
            break;
    }
    c->joined = n > 0 || found == EVENT_NONE;
    c->next = snap != 0 ? snap : resume + 1;
    if (snap == 0 && ticks > 0) {
        c->ahead[1] = event_encode_fill(missed, n);
        c->next = resume + 1 + n;
    }
    if (!c->joined)
        c->next = 0;
    for (size_t i = 0; i < n; i++)
        event_unref(&missed[i]);
}

static bool
s_pop_ahead(struct stream_cursor *c, struct event **ret)
{
    if (c->ahead[0] == NULL)
        return false;
    *ret = c->ahead[0];
    c->ahead[0] = c->ahead[1];
    c->ahead[1] = NULL;
    return true;
}

// From the newest snapshot, with a word on what is left out before it.
static enum cursor_step
s_join(struct stream_cursor *c, struct event **ret, uint64_t *skipped_ret)
{
    bool asked;
    struct event *snap = event_ring_snap(c->ring, &asked);

    if (snap == NULL)
        return asked ? CURSOR_ASK : CURSOR_NONE;
    c->joined = true;
    // The snapshot is a few events old, and the reader stopped within those: it needs no skip.
    if (c->next > snap->seq) {
        uint64_t behind;

        event_unref(&snap);
        if (event_ring_read(c->ring, c->next, ret, &behind) != EVENT_FOUND)
            return CURSOR_NONE;
        c->next++;
        return CURSOR_EVENT;
    }
    if (c->next != 0)
        *skipped_ret = snap->seq + 1 - c->next;
    c->next = snap->seq + 1;
    if (*skipped_ret == 0) {
        *ret = snap;
        return CURSOR_EVENT;
    }
    *ret = event_encode_skip(*skipped_ret);
    c->ahead[0] = snap;
    return CURSOR_EVENT;
}
