// import_link - see the header.

#include "collector/ctl/import_link_inner.h"

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

#define CONTROL_QUEUE 1000 // HELLOs of many instances
#define DATA_QUEUE    64
#define LINGER_MS     200   // for BYE
#define RETRY_MS      3000  // without progress, before all is sent again
#define RENEW_MS      10000 // without a word, before the sockets are made anew
#define TURN_MOST     64    // frames, before the collector is listened to again
#define WAKE_MS       250   // for what is due by time
#define INTERVAL_MS   1000  // an importer has none: what a HELLO must say

static int s_open(import_link_t *self);
static void s_record(void *arg, const struct record *record, uint32_t slots);
static void s_table(void *arg, const struct record *ahead_of, uint32_t slots);
static bool s_send_frames(import_link_t *self, int64_t now_ms);
static int s_look_at_time(import_link_t *self, int64_t now_ms);
static int s_wait(import_link_t *self, int wait_ms);

int
import_link_open(import_link_t **ret, const char *collector, const struct curve *curve, int signals)
{
    import_link_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->curve = curve;
    self->signals = signals;
    self->nonce = random_u64();
    self->streams = map_new();
    self->heard_ms = self->renew_ms = clock_mono_ms();
    rc = sock_endpoint(self->data_endpoint, IMPORT_ENDPOINT_SIZE, collector, SOCK_DATA);
    rc = rc < 0
             ? rc
             : sock_endpoint(self->control_endpoint, IMPORT_ENDPOINT_SIZE, collector, SOCK_CONTROL);
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
    rc = sock_new(&self->data, &data, self->curve);
    rc = rc < 0 ? rc : sock_connect(self->data, self->data_endpoint);
    rc = rc < 0 ? rc : sock_new(&self->control, &control, self->curve);
    return rc < 0 ? rc : sock_connect(self->control, self->control_endpoint);
}

void
import_link_close(import_link_t **self_p)
{
    import_link_t *self = *self_p;

    if (self == NULL)
        return;
    for (uint32_t i = 0; i < self->n; i++) {
        struct import_instance *is = self->instances[i];

        import_talk_bye(self, is);
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

struct identity
import_link_identity(const struct import_instance *is)
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
    id = import_link_identity(is);
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

void
import_link_fail(import_link_t *self, int rc)
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
        import_link_fail(is->link, rc);
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

    import_talk_listen(self, now_ms);
    import_talk_say(self, now_ms);
    busy = s_send_frames(self, now_ms);
    import_link_fail(self, s_look_at_time(self, now_ms));
    import_link_fail(self, s_wait(self, busy ? 0 : wait_ms));
    return self->rc;
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
            import_link_fail(self, rc);
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
        if (is->active)
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
