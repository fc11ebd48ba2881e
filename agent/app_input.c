// app_input - see the header.
//
// A socket's budget grows with time, up to a second's worth. One that has spent it is not polled
// until there is a turn's worth again, some 32 ms: polled, it would keep the loop turning for
// nothing, and paused for longer, it would keep those waiting who send little.

#include "agent/app_input.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent/app_json.h"
#include "agent/own_series.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/net/sock.h"

// Messages of one peer that wait here: as many as make the worst of them, times a thousand peers,
// no more than a machine can give. What waits behind them is in the kernel and at the peer.
#define HWM             16
#define MESSAGE_MOST    (2 * APP_JSON_MAX) // one that is only too long is said, not cut
#define LINGER_MS       0                  // nothing is sent
#define TURN_MESSAGES   INT64_C(64)
#define TURN_BYTES      (INT64_C(2) * APP_JSON_MAX)
#define SECOND_MESSAGES INT64_C(2000)
#define SECOND_BYTES    (INT64_C(16) * APP_JSON_MAX)
#define SECOND_MS       INT64_C(1000)
#define SAY_MS          60000
#define IPC_MODE        0660 // of the socket: whom its folder lets in may send

struct source {
    struct app_endpoint at;
    zsock_t *sock;
    int fd;           // of it: readable when something comes to it that was empty
    int64_t messages; // that may be taken now, in thousandths: a millisecond is SECOND_MESSAGES
    int64_t bytes;    // the same
    bool spent;       // not polled
    bool empty;       // it was, when it was last read
    bool waited;      // in this second: it was spent
    bool said_bad;
    bool in_parts;  // the next part belongs to a message that was dropped
    uint64_t waits; // seconds
    uint32_t waits_slot;
    int64_t waits_log_ms;
};

struct app_input {
    app_series_t *series;
    series_table_t *table;
    unsigned io_thread; // as sock_spec's
    int64_t budget_ms;  // monotonic, when the budgets last grew
    int64_t second_ms;  // the same, when the second began
    struct source sources[APP_INPUT_MOST];
    size_t n;
    struct app_message message; // the one at hand
};

static int s_open_list(app_input_t *self, int type, const struct app_endpoint_list *list,
                       const char **culprit_ret);
static int s_open(app_input_t *self, int type, const char *text);
static int s_attach(const struct source *source);
static int s_prepare_path(const char *path);
static bool s_is_listened(const char *path);
static void s_grow(struct source *source, int64_t ms);
static int64_t s_pause_ms(const struct source *source);
static zmq_pollitem_t s_item(const struct source *source);
static void s_second(struct source *source);
static void s_drain(app_input_t *self, struct source *source);
static void s_take(app_input_t *self, struct source *source, zmq_msg_t *msg);
static bool s_is_part(struct source *source, zmq_msg_t *msg);
static void s_bad(struct source *source, const char *why, const void *at, size_t len);

int
app_input_open(app_input_t **ret, const struct app_input_options *opt, const char **culprit_ret)
{
    app_input_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->series = opt->series;
    self->table = opt->table;
    self->io_thread = opt->io_thread;
    self->budget_ms = self->second_ms = clock_mono_ms();
    rc = s_open_list(self, ZMQ_SUB, &opt->sub, culprit_ret);
    if (rc == 0)
        rc = s_open_list(self, ZMQ_PULL, &opt->pull, culprit_ret);
    if (rc < 0) {
        app_input_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

// A default that can not be had is left out: this machine may well have its port in use.
static int
s_open_list(app_input_t *self, int type, const struct app_endpoint_list *list,
            const char **culprit_ret)
{
    for (size_t i = 0; i < list->n; i++) {
        const int rc = s_open(self, type, list->endpoints[i]);

        if (rc < 0 && list->given) {
            *culprit_ret = list->endpoints[i];
            return rc;
        }
        if (rc < 0)
            log_warn("an endpoint for applications can not be had; the agent goes on without it",
                     "endpoint=%s error=%s", log_quote(list->endpoints[i]), log_quote(err_str(rc)));
    }
    return 0;
}

static int
s_open(app_input_t *self, int type, const char *text)
{
    const struct sock_spec spec = {
        .type = type,
        .send_hwm = HWM,
        .recv_hwm = HWM,
        .max_bytes = MESSAGE_MOST,
        .linger_ms = LINGER_MS,
        .io_thread = self->io_thread,
    };
    struct source *source = &self->sources[self->n];
    const char *why;
    int rc;

    if (self->n == APP_INPUT_MOST)
        return ERR_LIMIT;
    *source = (struct source){ .waits_slot = SERIES_NONE };
    rc = app_endpoint_parse(&source->at, &why, text);
    if (rc == 0)
        rc = sock_new(&source->sock, &spec, NULL);
    if (rc == 0 && type == ZMQ_SUB &&
        zmq_setsockopt(sock_raw(source->sock), ZMQ_SUBSCRIBE, "", 0) == -1)
        rc = -errno;
    if (rc == 0)
        rc = s_attach(source);
    if (rc < 0) {
        zsock_destroy(&source->sock);
        return rc;
    }
    source->fd = sock_fd(source->sock);
    s_grow(source, SECOND_MS);
    self->n++;
    return 0;
}

static int
s_attach(const struct source *source)
{
    const char *path = app_endpoint_path(&source->at);
    int rc = 0;

    if (!source->at.bind)
        return sock_connect(source->sock, source->at.address);
    if (path != NULL)
        rc = s_prepare_path(path);
    if (rc == 0)
        rc = sock_bind(source->sock, source->at.address);
    // Ours from here on; what the umask left of it would keep a group out that its folder lets in.
    if (rc == 0 && path != NULL && chmod(path, IPC_MODE) == -1)
        rc = -errno;
    return rc;
}

// The folder, 0750 if we make it; and nobody at the path: libzmq would take it away from a program
// that is alive, which then waits for ever.
static int
s_prepare_path(const char *path)
{
    const char *slash = strrchr(path, '/');
    int rc = 0;

    if (slash != NULL && slash > path) {
        char *folder = xstrndup(path, (size_t) (slash - path));

        rc = file_make_dirs(folder);
        free(folder);
    }
    return rc == 0 && s_is_listened(path) ? -EADDRINUSE : rc;
}

static bool
s_is_listened(const char *path)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    bool yes;

    if (fd == -1)
        return false;
    memcpy(at.sun_path, path, strlen(path)); // app_endpoint_parse has measured it
    // A full queue of who listens there is EAGAIN.
    yes = connect(fd, (const struct sockaddr *) &at, sizeof at) == 0 || errno == EAGAIN;
    close(fd);
    return yes;
}

// Its budget after so many milliseconds more.
static void
s_grow(struct source *source, int64_t ms)
{
    if (ms > SECOND_MS)
        ms = SECOND_MS;
    source->messages += ms * SECOND_MESSAGES;
    source->bytes += ms * SECOND_BYTES;
    if (source->messages > SECOND_MS * SECOND_MESSAGES)
        source->messages = SECOND_MS * SECOND_MESSAGES;
    if (source->bytes > SECOND_MS * SECOND_BYTES)
        source->bytes = SECOND_MS * SECOND_BYTES;
    source->spent = source->spent && s_pause_ms(source) > 0;
}

// Until it has a turn's worth again; 0 if it has.
static int64_t
s_pause_ms(const struct source *source)
{
    const int64_t messages = TURN_MESSAGES * SECOND_MS - source->messages;
    const int64_t bytes = TURN_BYTES * SECOND_MS - source->bytes;
    const int64_t a = messages > 0 ? messages / SECOND_MESSAGES + 1 : 0;
    const int64_t b = bytes > 0 ? bytes / SECOND_BYTES + 1 : 0;

    return a > b ? a : b;
}

void
app_input_close(app_input_t **self_p)
{
    app_input_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++)
        zsock_destroy(&self->sources[i].sock);
    free(self);
    *self_p = NULL;
}

size_t
app_input_items(const app_input_t *self)
{
    return self->n;
}

int64_t
app_input_poll(app_input_t *self, zmq_pollitem_t *items, int64_t mono_ms)
{
    const int64_t passed_ms = mono_ms - self->budget_ms;
    const bool next = mono_ms - self->second_ms >= SECOND_MS;
    int64_t pause_ms = -1;

    self->budget_ms = mono_ms;
    if (next)
        self->second_ms = mono_ms;
    for (size_t i = 0; i < self->n; i++) {
        struct source *source = &self->sources[i];

        s_grow(source, passed_ms);
        if (next)
            s_second(source);
        items[i] = s_item(source);
        if (source->spent && (pause_ms < 0 || s_pause_ms(source) < pause_ms))
            pause_ms = s_pause_ms(source);
    }
    return pause_ms;
}

// zmq_poll asks a socket what it has by two or four system calls. The descriptor of one that was
// found empty becomes readable when something comes (ZMQ_FD of zmq_getsockopt(3): on the edge, so
// only for one that was read until there was nothing), and costs none.
static zmq_pollitem_t
s_item(const struct source *source)
{
    if (source->spent)
        return (zmq_pollitem_t){ .fd = -1 };
    if (source->empty)
        return (zmq_pollitem_t){ .fd = source->fd, .events = ZMQ_POLLIN };
    return (zmq_pollitem_t){ .socket = sock_raw(source->sock), .events = ZMQ_POLLIN };
}

// A second is over.
static void
s_second(struct source *source)
{
    if (source->waited) {
        source->waits++;
        if (log_allow(&source->waits_log_ms, SAY_MS))
            log_warn("applications send more than is read; the rest waits or is dropped by them",
                     "endpoint=%s", log_quote(source->at.address));
    }
    source->waited = source->spent;
}

void
app_input_receive(app_input_t *self, const zmq_pollitem_t *items)
{
    for (size_t i = 0; i < self->n; i++)
        if ((items[i].revents & ZMQ_POLLIN) != 0 || !self->sources[i].empty)
            s_drain(self, &self->sources[i]);
}

static void
s_drain(app_input_t *self, struct source *source)
{
    const int64_t bytes_least = source->bytes - TURN_BYTES * SECOND_MS;
    zmq_msg_t msg;
    int rc = 1;

    zmq_msg_init(&msg);
    for (int i = 0; i < TURN_MESSAGES && source->bytes > bytes_least && !source->spent; i++) {
        rc = sock_recv(source->sock, &msg);
        if (rc <= 0)
            break;
        s_take(self, source, &msg);
        source->spent = source->messages <= 0 || source->bytes <= 0;
    }
    source->empty = rc == 0;
    source->waited = source->waited || source->spent;
    zmq_msg_close(&msg);
    if (rc < 0)
        log_error("a socket of applications fails", "endpoint=%s error=%s",
                  log_quote(source->at.address), log_quote(err_str(rc)));
}

// Each part costs as much as a message: so nobody has us read parts for ever.
static void
s_take(app_input_t *self, struct source *source, zmq_msg_t *msg)
{
    const struct app_now now = { .real_ms = clock_real_ms(), .mono_ms = clock_mono_ms() };
    const char *why;

    source->messages -= SECOND_MS;
    source->bytes -= (int64_t) zmq_msg_size(msg) * SECOND_MS;
    if (s_is_part(source, msg))
        return;
    selfstat_add(AGENT_APP_MESSAGES, 1);
    if (app_json_parse(&self->message, &why, zmq_msg_data(msg), zmq_msg_size(msg)) < 0)
        s_bad(source, why, zmq_msg_data(msg), zmq_msg_size(msg));
    else
        app_series_put(self->series, &self->message, source->at.address, now);
}

// True for each part of a message that has several: it is counted as bad at its first one.
static bool
s_is_part(struct source *source, zmq_msg_t *msg)
{
    const bool first = !source->in_parts;

    source->in_parts = zmq_msg_more(msg) != 0;
    if (first && !source->in_parts)
        return false;
    if (first) {
        selfstat_add(AGENT_APP_MESSAGES, 1);
        s_bad(source, "more than one part", zmq_msg_data(msg), zmq_msg_size(msg));
    }
    return true;
}

// Counted each time, said once a socket: an application that is wrong is wrong each second.
static void
s_bad(struct source *source, const char *why, const void *at, size_t len)
{
    char start[64];
    const size_t n = len < sizeof start ? len : sizeof start - 1;

    selfstat_add(AGENT_APP_BAD, 1);
    if (source->said_bad)
        return;
    source->said_bad = true;
    memcpy(start, at, n);
    start[n] = '\0';
    log_warn("a message of an application is dropped; others like it are only counted",
             "endpoint=%s rule=%s bytes=%zu begins=%s", log_quote(source->at.address),
             log_quote(why), len, log_quote(start));
}

void
app_input_sample(app_input_t *self)
{
    const struct series_spec spec = {
        .name = "zpulse_agent_app_waits_total",
        .kind = METRIC_COUNTER,
        .form = { .exponent = 0, .unit = 1 },
        .job = "zpulse",
        .help = "Seconds in which more messages came by an endpoint than are read.",
    };

    for (size_t i = 0; i < self->n; i++) {
        struct source *source = &self->sources[i];
        const struct label labels[] = { { .name = "program", .value = "agent" },
                                        { .name = "endpoint", .value = source->at.address } };

        if (source->waits_slot == SERIES_NONE)
            source->waits_slot = series_table_slot(self->table, &spec, labels, 2);
        series_table_set(self->table, source->waits_slot, (int64_t) source->waits);
    }
}
