// import_talk - what an importer says to the collector on the control socket, and hears.

#include <errno.h>

#include "collector/ctl/import_link_inner.h"
#include "shared/base/err.h"

#define HELLO_MS   1000
#define STALE_MS   2000 // since a HELLO: a collector may have let go of its streams, or is about to
#define HELLO_SIZE (BODY_NAME_MAX + 2048u)

static void s_take(import_link_t *self, const struct control_msg *msg, int64_t now_ms);

static bool
s_say(const import_link_t *self, const struct control_msg *msg)
{
    uint8_t bytes[HELLO_SIZE];
    const ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    return n > 0 && sock_send(self->control, bytes, (size_t) n, false) == 0;
}

void
import_talk_listen(import_link_t *self, int64_t now_ms)
{
    static struct control_msg msg; // too large for the stack of a loop
    zmq_msg_t body;

    zmq_msg_init(&body);
    while (sock_recv(self->control, &body) == 1) {
        const int rc = control_take(&msg, zmq_msg_data(&body), zmq_msg_size(&body));

        self->heard = true;
        self->heard_ms = self->renew_ms = now_ms;
        if (rc == ERR_VERSION)
            import_link_fail(self, rc);
        else if (rc == 0)
            s_take(self, &msg, now_ms);
    }
    zmq_msg_close(&body);
}

static void
s_welcome(import_link_t *self, const struct welcome *w)
{
    for (uint32_t i = 0; i < w->n_streams; i++) {
        struct import_instance *is = map_get_u64(self->streams, w->streams[i].stream);

        if (is == NULL)
            continue;
        if (import_window_welcome(is->window, &w->streams[i],
                                  !is->welcomed || is->epoch != w->epoch) < 0)
            import_link_fail(self, ERR_CLOSED);
        is->welcomed = true;
        is->epoch = w->epoch;
    }
    self->taken_ms = 0;
}

// It does not say which instance it is about.
static void
s_goaway(import_link_t *self, const struct goaway *goaway, int64_t now_ms)
{
    switch (goaway->reason) {
    case GOAWAY_VERSION:
        import_link_fail(self, ERR_VERSION);
        break;
    case GOAWAY_ROLE:
    case GOAWAY_REVOKED:
        import_link_fail(self, -EPERM);
        break;
    case GOAWAY_LIMIT:
        import_link_fail(self, -EAGAIN);
        break;
    case GOAWAY_CLONE:
        // One that was killed a moment ago is known to be gone soon.
        if (self->taken_ms == 0)
            self->taken_ms = now_ms;
        if (now_ms - self->taken_ms >= IMPORT_TAKEN_MS)
            import_link_fail(self, -EBUSY);
        break;
    default: // it ends, and will be there again
        self->away_ms = now_ms + (goaway->delay_ms < HELLO_MS ? goaway->delay_ms : HELLO_MS);
        for (uint32_t i = 0; i < self->n; i++) {
            self->instances[i]->welcomed = false;
            import_window_gone(self->instances[i]->window);
        }
    }
}

static void
s_nak(import_link_t *self, const struct nak *nak)
{
    struct import_instance *is = map_get_u64(self->streams, nak->stream);

    for (uint32_t i = 0; nak->reason == NAK_HELLO && i < self->n; i++)
        self->instances[i]->hello_ms = 0;
    if (is != NULL)
        import_window_nak(is->window, nak);
}

static void
s_take(import_link_t *self, const struct control_msg *msg, int64_t now_ms)
{
    struct import_instance *is;

    switch (msg->type) {
    case CONTROL_WELCOME:
        s_welcome(self, &msg->welcome);
        break;
    case CONTROL_ACK:
        is = map_get_u64(self->streams, msg->ack.stream);
        if (is != NULL && import_window_ack(is->window, &msg->ack) < 0)
            import_link_fail(self, ERR_CLOSED);
        break;
    case CONTROL_NAK:
        s_nak(self, &msg->nak);
        break;
    case CONTROL_GOAWAY:
        s_goaway(self, &msg->goaway, now_ms);
        break;
    default: // a PONG that looks whether we are there
        break;
    }
}

void
import_talk_bye(const import_link_t *self, struct import_instance *is)
{
    const struct control_msg msg = { .type = CONTROL_BYE,
                                     .bye = { .host = is->host, .nonce = self->nonce } };

    if (is->welcomed)
        (void) s_say(self, &msg);
    is->welcomed = false;
}

// Who is spoken of: those that want to be, as many as may.
static void
s_choose(import_link_t *self, int64_t now_ms)
{
    for (uint32_t i = 0; i < self->n; i++) {
        struct import_instance *is = self->instances[i];

        if (!is->active || import_window_wants(is->window))
            continue;
        is->active = false;
        self->active--;
        if (import_window_done(is->window))
            import_talk_bye(self, is);
    }
    for (uint32_t i = 0; i < self->n && self->active < IMPORT_ACTIVE_MOST; i++) {
        struct import_instance *is = self->instances[i];

        if (is->active || !import_window_wants(is->window))
            continue;
        is->active = true;
        self->active++;
        is->progress_ms = now_ms;
    }
}

// We may have been stopped, or had nothing to say: what the collector needs to read on goes again.
static void
s_forget_stale(import_link_t *self, int64_t now_ms)
{
    for (uint32_t i = 0; i < self->n; i++) {
        struct import_instance *is = self->instances[i];

        if (!is->active || !is->welcomed || now_ms - is->said_ms < STALE_MS)
            continue;
        is->welcomed = false;
        import_window_gone(is->window);
    }
}

static void
s_hellos(import_link_t *self, int64_t now_ms)
{
    static struct control_msg msg; // as above; its streams are mostly empty
    bool taken = now_ms >= self->away_ms;

    for (uint32_t i = 0; i < self->n && taken; i++) {
        struct import_instance *is = self->instances[i];

        if (!is->active || now_ms < is->hello_ms)
            continue;
        msg.type = CONTROL_HELLO;
        msg.hello = (struct hello){ .id = import_link_identity(is),
                                    .nonce = self->nonce,
                                    .max_frame = FRAME_MAX,
                                    .n_streams = 1,
                                    .streams = { import_window_hello(is->window) },
                                    .flags = HELLO_IMPORT };
        taken = s_say(self, &msg);
        if (taken)
            is->hello_ms = (is->said_ms = now_ms) + HELLO_MS;
    }
}

void
import_talk_say(import_link_t *self, int64_t now_ms)
{
    s_choose(self, now_ms);
    s_forget_stale(self, now_ms);
    s_hellos(self, now_ms);
}
