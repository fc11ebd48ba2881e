// import_link - see the header.

#include "collector/ctl/import_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/map.h"
#include "shared/base/random.h"
#include "shared/base/xalloc.h"
#include "shared/net/option.h"
#include "shared/net/service.h"
#include "shared/net/sock.h"
#include "shared/wire/import_host.h"

#define ENDPOINT_SIZE 1024
#define CONTROL_QUEUE 1000 // HELLOs of many instances
#define DATA_QUEUE    64
#define LINGER_MS     200 // for BYE
#define HELLO_MS      1000
#define RETRY_MS      3000  // without progress, before all is sent again
#define RENEW_MS      10000 // without a word, before the sockets are made anew
#define TURN_MOST     64    // frames, before the collector is listened to again
#define WAKE_MS       250   // for what is due by time
#define HELLO_SIZE    (BODY_NAME_MAX + 2048u)
#define INTERVAL_MS   1000 // an importer has none: what a HELLO must say

struct import_link {
    char data_endpoint[ENDPOINT_SIZE];
    char control_endpoint[ENDPOINT_SIZE];
    zsock_t *data;    // PUSH
    zsock_t *control; // DEALER
    int signals;
    uint64_t nonce;
    struct import_instance **instances;
    uint32_t n;
    uint32_t size;    // allocated
    map_t *streams;   // id -> instance
    uint32_t turn;    // which may send first
    bool full;        // the data socket did not take a frame
    bool heard;       // ever
    int64_t heard_ms; // monotonic: anything of the collector, or the beginning
    int64_t renew_ms; // monotonic: when the sockets were made, or it was heard
    int64_t away_ms;  // monotonic: not before then are HELLOs said
    int64_t taken_ms; // monotonic: since when another importer is in the way; 0: it is not
    int rc;           // what ends it
};

static int s_open(import_link_t *self);
static void s_record(void *arg, const struct record *record, uint32_t slots);
static void s_table(void *arg, const struct record *ahead_of, uint32_t slots);
static void s_listen(import_link_t *self, int64_t now_ms);
static void s_take(import_link_t *self, const struct control_msg *msg, int64_t now_ms);
static void s_hellos(import_link_t *self, int64_t now_ms);
static bool s_send_frames(import_link_t *self, int64_t now_ms);
static int s_look_at_time(import_link_t *self, int64_t now_ms);
static int s_wait(import_link_t *self, int wait_ms);

int
import_link_open(import_link_t **ret, const char *collector, int signals)
{
    import_link_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->signals = signals;
    self->nonce = random_u64();
    self->streams = map_new();
    self->heard_ms = self->renew_ms = clock_mono_ms();
    rc = sock_endpoint(self->data_endpoint, ENDPOINT_SIZE, collector, SOCK_DATA);
    rc = rc < 0 ? rc
                : sock_endpoint(self->control_endpoint, ENDPOINT_SIZE, collector, SOCK_CONTROL);
    rc = rc < 0 ? rc : s_open(self);
    if (rc < 0) {
        import_link_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

static int
s_open(import_link_t *self)
{
    static const struct sock_spec data = { .type = ZMQ_PUSH,
                                           .send_hwm = DATA_QUEUE,
                                           .recv_hwm = 2,
                                           .max_bytes = 1024,
                                           .immediate = true };
    static const struct sock_spec control = { .type = ZMQ_DEALER,
                                              .send_hwm = CONTROL_QUEUE,
                                              .recv_hwm = SOCK_NO_LIMIT,
                                              .max_bytes = CONTROL_MAX,
                                              .linger_ms = LINGER_MS,
                                              .immediate = true };
    int rc;

    zsock_destroy(&self->data);
    zsock_destroy(&self->control);
    rc = sock_new(&self->data, &data, NULL);
    rc = rc < 0 ? rc : sock_connect(self->data, self->data_endpoint);
    rc = rc < 0 ? rc : sock_new(&self->control, &control, NULL);
    return rc < 0 ? rc : sock_connect(self->control, self->control_endpoint);
}

static bool
s_say(const import_link_t *self, const struct control_msg *msg)
{
    uint8_t bytes[HELLO_SIZE];
    const ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    return n > 0 && sock_send(self->control, bytes, (size_t) n, false) == 0;
}

void
import_link_close(import_link_t **self_p)
{
    import_link_t *self = *self_p;

    if (self == NULL)
        return;
    for (uint32_t i = 0; i < self->n; i++) {
        struct import_instance *is = self->instances[i];

        if (is->welcomed)
            (void) s_say(
                self, &(struct control_msg){ .type = CONTROL_BYE,
                                             .bye = { .host = is->host, .nonce = self->nonce } });
        import_stream_destroy(&is->stream);
        import_window_destroy(&is->window);
        free(is->name);
        free(is);
    }
    free(self->instances);
    map_destroy(&self->streams);
    zsock_destroy(&self->data);
    zsock_destroy(&self->control);
    free(self);
    *self_p = NULL;
}

static struct identity
s_identity(const struct import_instance *is)
{
    return (struct identity){ .host = is->host,
                              .name = is->name,
                              .name_len = strlen(is->name),
                              .version = zpulse_version,
                              .version_len = strlen(zpulse_version),
                              .interval_ms = INTERVAL_MS };
}

struct import_instance *
import_link_add(import_link_t *self, const char *name, uint64_t stream)
{
    struct import_instance *is = xcalloc(1, sizeof *is);
    struct identity id;

    is->name = xstrdup(name);
    is->host = import_host_id(name, strlen(name));
    is->link = self;
    // Its record must be the same by whatever version: HELLO says which one it is.
    id = s_identity(is);
    id.version_len = 0;
    is->stream = import_stream_new(stream, &id, s_record, is);
    is->window = import_window_new(stream, s_table, is);
    if (self->n == self->size) {
        self->size = self->size == 0 ? 16 : 2 * self->size;
        self->instances = xrealloc(self->instances, self->size, sizeof(struct import_instance *));
    }
    self->instances[self->n++] = is;
    map_put_u64(self->streams, stream, is);
    return is;
}

uint32_t
import_link_count(const import_link_t *self)
{
    return self->n;
}

struct import_instance *
import_link_at(const import_link_t *self, uint32_t i)
{
    return self->instances[i];
}

static void
s_fail(import_link_t *self, int rc)
{
    if (self->rc == 0)
        self->rc = rc;
}

static void
s_record(void *arg, const struct record *record, uint32_t slots)
{
    struct import_instance *is = arg;
    const int rc = import_window_push(is->window, record, slots);

    if (rc < 0)
        s_fail(is->link, rc);
}

static void
s_table_record(void *arg, const struct record *record, uint32_t slots)
{
    (void) slots;
    import_window_table(((struct import_instance *) arg)->window, record);
}

static void
s_table(void *arg, const struct record *ahead_of, uint32_t slots)
{
    struct import_instance *is = arg;

    import_stream_table(is->stream, slots, ahead_of, s_table_record, is);
}

int
import_link_pump(import_link_t *self, int wait_ms)
{
    const int64_t now_ms = clock_mono_ms();
    bool busy;

    s_listen(self, now_ms);
    s_hellos(self, now_ms);
    busy = s_send_frames(self, now_ms);
    s_fail(self, s_look_at_time(self, now_ms));
    s_fail(self, s_wait(self, busy ? 0 : wait_ms));
    return self->rc;
}

static void
s_listen(import_link_t *self, int64_t now_ms)
{
    static struct control_msg msg; // too large for the stack of a loop
    zmq_msg_t body;

    zmq_msg_init(&body);
    while (sock_recv(self->control, &body) == 1) {
        const int rc = control_take(&msg, zmq_msg_data(&body), zmq_msg_size(&body));

        self->heard = true;
        self->heard_ms = self->renew_ms = now_ms;
        if (rc == ERR_VERSION)
            s_fail(self, rc);
        else if (rc == 0)
            s_take(self, &msg, now_ms);
    }
    zmq_msg_close(&body);
}

static void
s_welcome(import_link_t *self, const struct welcome *w, int64_t now_ms)
{
    for (uint32_t i = 0; i < w->n_streams; i++) {
        struct import_instance *is = map_get_u64(self->streams, w->streams[i].stream);

        if (is == NULL)
            continue;
        if (import_window_welcome(is->window, &w->streams[i],
                                  !is->welcomed || is->epoch != w->epoch) < 0)
            s_fail(self, ERR_CLOSED);
        is->welcomed = true;
        is->epoch = w->epoch;
        is->hello_ms = now_ms + HELLO_MS;
    }
    self->taken_ms = 0;
}

// It does not say which instance it is about.
static void
s_goaway(import_link_t *self, const struct goaway *goaway, int64_t now_ms)
{
    switch (goaway->reason) {
    case GOAWAY_VERSION:
        s_fail(self, ERR_VERSION);
        break;
    case GOAWAY_ROLE:
        s_fail(self, -EPERM);
        break;
    case GOAWAY_LIMIT:
        s_fail(self, -EAGAIN);
        break;
    case GOAWAY_CLONE:
        // One that was killed a moment ago is known to be gone soon.
        if (self->taken_ms == 0)
            self->taken_ms = now_ms;
        if (now_ms - self->taken_ms >= IMPORT_TAKEN_MS)
            s_fail(self, -EBUSY);
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
        s_welcome(self, &msg->welcome, now_ms);
        break;
    case CONTROL_ACK:
        is = map_get_u64(self->streams, msg->ack.stream);
        if (is != NULL && import_window_ack(is->window, &msg->ack) < 0)
            s_fail(self, ERR_CLOSED);
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

static void
s_hellos(import_link_t *self, int64_t now_ms)
{
    static struct control_msg msg; // as above; its streams are mostly empty
    bool taken = now_ms >= self->away_ms;

    for (uint32_t i = 0; i < self->n && taken; i++) {
        struct import_instance *is = self->instances[i];

        if (now_ms < is->hello_ms)
            continue;
        msg.type = CONTROL_HELLO;
        msg.hello = (struct hello){ .id = s_identity(is),
                                    .nonce = self->nonce,
                                    .max_frame = FRAME_MAX,
                                    .n_streams = 1,
                                    .streams = { import_window_hello(is->window) },
                                    .flags = HELLO_IMPORT };
        taken = s_say(self, &msg);
        if (taken)
            is->hello_ms = now_ms + HELLO_MS;
    }
}

// Frames of one instance, at most `most`. How many.
static unsigned
s_send_some(import_link_t *self, struct import_instance *is, unsigned most)
{
    const uint8_t *frame;
    unsigned n = 0;
    size_t len;

    while (n < most && !self->full && (frame = import_window_next(is->window, &len)) != NULL) {
        const int rc = sock_send(self->data, frame, len, false);

        self->full = rc == -EAGAIN;
        if (rc < 0 && rc != -EAGAIN)
            s_fail(self, rc);
        if (rc < 0)
            break;
        import_window_sent(is->window);
        n++;
    }
    return n;
}

// True if there may be more. Who has not moved for long has lost something on the way.
static bool
s_send_frames(import_link_t *self, int64_t now_ms)
{
    unsigned left = TURN_MOST;

    self->full = false;
    for (uint32_t i = 0; i < self->n; i++) {
        struct import_instance *is = self->instances[(self->turn + i) % self->n];
        const uint64_t base = import_window_hello(is->window).base;

        if (!import_window_flying(is->window) || base != is->base)
            is->progress_ms = now_ms;
        is->base = base;
        if (now_ms - is->progress_ms >= RETRY_MS) {
            import_window_rewind(is->window);
            is->progress_ms = now_ms;
        }
        left -= s_send_some(self, is, left);
    }
    self->turn++;
    return left == 0;
}

static int
s_look_at_time(import_link_t *self, int64_t now_ms)
{
    if (self->n == 0) {
        self->heard_ms = self->renew_ms = now_ms;
        return 0;
    }
    if (now_ms - self->heard_ms >= (self->heard ? IMPORT_AWAY_MS : IMPORT_FIRST_MS))
        return -ETIMEDOUT;
    if (now_ms - self->renew_ms < RENEW_MS)
        return 0;
    self->renew_ms = now_ms;
    for (uint32_t i = 0; i < self->n; i++)
        import_window_rewind(self->instances[i]->window);
    return s_open(self);
}

static bool
s_stopped(const import_link_t *self)
{
    enum service_event event;
    bool stop = false;

    while (self->signals >= 0 && (event = service_next(self->signals)) != SERVICE_NONE)
        stop = stop || event == SERVICE_STOP || event == SERVICE_RELOAD;
    return stop;
}

static int
s_wait(import_link_t *self, int wait_ms)
{
    zmq_pollitem_t items[3] = {
        { .socket = sock_raw(self->control), .events = ZMQ_POLLIN },
        { .socket = sock_raw(self->data), .events = self->full ? ZMQ_POLLOUT : 0 },
        { .fd = self->signals, .events = ZMQ_POLLIN },
    };

    if (zmq_poll(items, self->signals >= 0 ? 3 : 2, wait_ms < WAKE_MS ? wait_ms : WAKE_MS) == -1 &&
        errno != EINTR)
        return -errno;
    return s_stopped(self) ? -EINTR : 0;
}

bool
import_link_was_heard(const import_link_t *self)
{
    return self->heard;
}

uint64_t
import_link_bytes(const import_link_t *self)
{
    uint64_t bytes = 0;

    for (uint32_t i = 0; i < self->n; i++)
        bytes += import_window_bytes(self->instances[i]->window);
    return bytes;
}

bool
import_link_done(const import_link_t *self)
{
    for (uint32_t i = 0; i < self->n; i++)
        if (!import_window_done(self->instances[i]->window))
            return false;
    return true;
}
