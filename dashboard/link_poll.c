// link_poll - requests that want what a view has now, and wait where it has nothing yet.

#include <stdlib.h>

#include "dashboard/collector_link_inner.h"
#include "shared/base/xalloc.h"

#define WAIT_MS 10000 // a view that has not joined by then will not

static bool s_try(struct link_request *request);

void
link_poll_begin(collector_link_t *self, struct link_request *request)
{
    bool there = s_try(request);

    if (!there) {
        // It is noted as wanted: a view that has joined makes it here.
        live_views_check(self->views, self->now_ms);
        there = s_try(request);
    }
    if (there) {
        link_request_end(request, LINK_OK, "");
        return;
    }
    if (self->n_polls == self->polls_size) {
        self->polls_size = self->polls_size == 0 ? 16 : self->polls_size * 2;
        self->polls = xrealloc(self->polls, self->polls_size, sizeof *self->polls);
    }
    self->polls[self->n_polls++] = (struct link_poll){ .request = request,
                                                       .deadline_ms = self->now_ms + WAIT_MS };
}

void
link_poll_check(collector_link_t *self, int64_t now_ms)
{
    size_t left = 0;

    for (size_t i = 0; i < self->n_polls; i++) {
        const struct link_poll poll = self->polls[i];

        if (now_ms != INT64_MAX && s_try(poll.request))
            link_request_end(poll.request, LINK_OK, "");
        else if (now_ms >= poll.deadline_ms)
            link_request_end(poll.request, LINK_UNAVAILABLE, "the host's numbers have not come");
        else
            self->polls[left++] = poll;
    }
    self->n_polls = left;
}

// True if the request has what it wants: the ring from `resume` on, or a snapshot.
static bool
s_try(struct link_request *request)
{
    struct event *next = NULL;
    uint64_t behind;
    bool asked;

    if (request->resume != 0 &&
        event_ring_read(request->ring, request->resume + 1, &next, &behind) != EVENT_PASSED) {
        event_unref(&next);
        return true;
    }
    request->snap = event_ring_snap(request->ring, &asked);
    return request->snap != NULL;
}
