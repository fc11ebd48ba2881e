// http_edge - the HTTP server: connections, requests, and the door to the stream thread.

#include "dashboard/http_edge.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "dashboard/dashboard_stat.h"
#include "dashboard/event_encode.h"
#include "dashboard/reply.h"
#include "dashboard/url.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"

#define CONNECTIONS_MAX 20000u
#define FD_RESERVE      64          // files, sockets of ZeroMQ, room to accept and refuse
#define MEMORY_BYTES    (16 * 1024) // of a connection: headers, and cookies that others set here too
#define IDLE_S          30
#define SETTLE_S        2 // what is suspended must have come back by then
#define STREAM_BLOCK    256
#define LOG_EVERY_MS    1000
#define EXCHANGE_TAG    0x45584348u // "EXCH"

enum stream_state {
    STREAM_NONE,
    STREAM_HEAD,  // headers, then the retry line
    STREAM_READY, // both are written at the reader's next call
    STREAM_TAKEN, // the hub's, or back from it
};

struct exchange {
    uint32_t tag;
    http_edge_t *edge;
    struct MHD_Connection *connection;
    const struct route *route;
    char *path;
    bool head;
    bool begun;
    bool suspended; // counted in edge->suspended
    bool asked;     // answer() comes next
    bool reserved;  // a place at the hub is ours to give back
    struct link_request *answer;
    enum stream_state stream;
    event_ring_t *ring;  // with one watch, until the hub takes both
    struct event *hello; // NULL: the feed
    uint64_t resume;
};

struct http_edge {
    struct MHD_Daemon *daemon;
    int listen_fd;
    struct exchange_services services;
    pthread_mutex_t lock;   // guards what follows
    pthread_cond_t settled; // suspended has become 0
    unsigned suspended;
    bool stopping; // nothing is suspended any more
};

static void s_log(void *arg, const char *format, va_list args);
static size_t s_leave_escapes(void *arg, struct MHD_Connection *connection, char *text);
static enum MHD_Result s_access(void *arg, struct MHD_Connection *connection, const char *url,
                                const char *method, const char *version, const char *upload,
                                size_t *upload_size, void **slot);
static enum MHD_Result s_first(http_edge_t *self, exchange_t *x, const char *url,
                               const char *method);
static enum MHD_Result s_answered(exchange_t *x);
static void s_completed(void *arg, struct MHD_Connection *connection, void **slot,
                        enum MHD_RequestTerminationCode how);
static bool s_suspend(exchange_t *x);
static void s_suspended(exchange_t *x);
static void s_resumed(exchange_t *x);
static void s_done(struct link_request *request);
static enum MHD_Result s_stream(exchange_t *x, struct link_request *request);
static ssize_t s_read_stream(void *arg, uint64_t at, char *into, size_t most);
static ssize_t s_hand_over(exchange_t *x);
static void s_stream_ended(void *arg);

unsigned
http_edge_most_connections(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == -1)
        return CONNECTIONS_MAX / 20;
    if (files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &files) == -1)
            getrlimit(RLIMIT_NOFILE, &files);
    }
    if (files.rlim_cur >= CONNECTIONS_MAX + FD_RESERVE)
        return CONNECTIONS_MAX;
    return files.rlim_cur > 2 * FD_RESERVE ? (unsigned) files.rlim_cur - FD_RESERVE : FD_RESERVE;
}

int
http_edge_start(http_edge_t **ret, int listen_fd, unsigned most_connections,
                const struct exchange_services *services)
{
    http_edge_t *self = xcalloc(1, sizeof *self);

    self->listen_fd = listen_fd;
    self->services = *services;
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->settled, NULL);
    self->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        s_access, self, MHD_OPTION_EXTERNAL_LOGGER, s_log, NULL, MHD_OPTION_LISTEN_SOCKET,
        listen_fd, MHD_OPTION_CONNECTION_LIMIT, most_connections,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t) MEMORY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT,
        (unsigned) IDLE_S, MHD_OPTION_UNESCAPE_CALLBACK, s_leave_escapes, NULL,
        MHD_OPTION_NOTIFY_COMPLETED, s_completed, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1,
        MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_END);
    if (self->daemon == NULL) {
        http_edge_stop(&self);
        return ERR_CLOSED;
    }
    *ret = self;
    return 0;
}

void
http_edge_quiesce(http_edge_t *self)
{
    if (self == NULL)
        return;
    if (MHD_quiesce_daemon(self->daemon) != MHD_INVALID_SOCKET) {
        close(self->listen_fd);
        self->listen_fd = -1;
    }
    pthread_mutex_lock(&self->lock);
    self->stopping = true;
    pthread_mutex_unlock(&self->lock);
}

void
http_edge_stop(http_edge_t **self_p)
{
    http_edge_t *self = *self_p;
    struct timespec until;
    int rc = 0;

    if (self == NULL)
        return;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += SETTLE_S;
    pthread_mutex_lock(&self->lock);
    while (self->suspended > 0 && rc == 0)
        rc = pthread_cond_timedwait(&self->settled, &self->lock, &until);
    pthread_mutex_unlock(&self->lock);
    *self_p = NULL;
    if (rc != 0) {
        // Stopping now would abort; the process ends soon, and the kernel closes what is open.
        log_error("connections did not come back, left open", "suspended=%u", self->suspended);
        return;
    }
    if (self->daemon != NULL)
        MHD_stop_daemon(self->daemon);
    if (self->listen_fd != -1)
        close(self->listen_fd);
    pthread_cond_destroy(&self->settled);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

const struct exchange_services *
exchange_services(const exchange_t *x)
{
    return &x->edge->services;
}

const char *
exchange_path(const exchange_t *x)
{
    return x->path;
}

bool
exchange_is_head(const exchange_t *x)
{
    return x->head;
}

const char *
exchange_header(const exchange_t *x, const char *name)
{
    return MHD_lookup_connection_value(x->connection, MHD_HEADER_KIND, name);
}

int
exchange_param(const exchange_t *x, const char *name, char **ret)
{
    const char *raw = MHD_lookup_connection_value(x->connection, MHD_GET_ARGUMENT_KIND, name);

    if (raw == NULL)
        return 0;
    *ret = url_decode(raw);
    return *ret != NULL ? 1 : ERR_FORMAT;
}

enum MHD_Result
exchange_ask(exchange_t *x, struct link_request **request_p)
{
    struct link_request *request = *request_p;

    *request_p = NULL;
    request->done = s_done;
    request->arg = x;
    x->asked = true;
    // After the suspension: the answer may come, and resume, before we are back.
    if (s_suspend(x)) {
        const bool taken = collector_link_ask(x->edge->services.link, request);

        s_suspended(x);
        if (!taken)
            link_request_end(request, LINK_UNAVAILABLE, "too many questions wait");
        return MHD_YES;
    }
    request->status = LINK_UNAVAILABLE;
    snprintf(request->error, sizeof request->error, "the dashboard is stopping");
    x->answer = request;
    return s_answered(x);
}

enum MHD_Result
exchange_send(exchange_t *x, unsigned code, struct MHD_Response *response)
{
    const enum MHD_Result rc = MHD_queue_response(x->connection, code, response);

    MHD_destroy_response(response);
    dashboard_stat_http(code);
    return rc;
}

bool
exchange_reserve(exchange_t *x)
{
    x->reserved = x->reserved || stream_hub_reserve(x->edge->services.hub);
    return x->reserved;
}

enum MHD_Result
exchange_stream(exchange_t *x, struct link_request *request, struct event *hello, uint64_t resume)
{
    x->hello = hello;
    x->resume = resume;
    return s_stream(x, request);
}

enum MHD_Result
exchange_feed(exchange_t *x, struct link_request *request)
{
    return s_stream(x, request);
}

static enum MHD_Result
s_stream(exchange_t *x, struct link_request *request)
{
    struct MHD_Response *response = MHD_create_response_from_callback(
        MHD_SIZE_UNKNOWN, STREAM_BLOCK, s_read_stream, x, NULL);

    assert(x->reserved);
    x->ring = request->ring;
    request->ring = NULL;
    x->stream = STREAM_HEAD;
    // No chunks: what the hub writes is the body, up to the end of the connection.
    MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
    reply_stream_headers(x, response);
    return exchange_send(x, MHD_HTTP_OK, response);
}

// What libmicrohttpd has to say is mostly about clients that left.
static void
s_log(void *arg, const char *format, va_list args)
{
    static _Thread_local int64_t last_ms;
    char line[256];

    (void) arg;
    if (!log_allow(&last_ms, LOG_EVERY_MS))
        return;
    vsnprintf(line, sizeof line, format, args);
    line[strcspn(line, "\r\n")] = '\0';
    log_debug("http", "said=%s", log_quote(line));
}

// Escapes are decoded where we can see what is wrong with them.
static size_t
s_leave_escapes(void *arg, struct MHD_Connection *connection, char *text)
{
    (void) arg;
    (void) connection;
    return strlen(text);
}

static enum MHD_Result
s_access(void *arg, struct MHD_Connection *connection, const char *url, const char *method,
         const char *version, const char *upload, size_t *upload_size, void **slot)
{
    exchange_t *x = *slot;

    (void) version;
    (void) upload;
    if (x == NULL) {
        x = xcalloc(1, sizeof *x);
        x->tag = EXCHANGE_TAG;
        x->edge = arg;
        x->connection = connection;
        *slot = x;
        return s_first(arg, x, url, method);
    }
    assert(x->tag == EXCHANGE_TAG);
    if (*upload_size != 0) { // the body of a GET means nothing
        *upload_size = 0;
        return MHD_YES;
    }
    if (x->asked)
        return s_answered(x);
    if (x->begun || x->route == NULL) // answered: libmicrohttpd asks again while it is stopped
        return MHD_NO;
    x->begun = true;
    return x->route->begin(x);
}

// What can be refused before the body of the request has come.
static enum MHD_Result
s_first(http_edge_t *self, exchange_t *x, const char *url, const char *method)
{
    const bool get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;

    x->head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    x->path = url_decode(url);
    if (x->path == NULL)
        return reply_text(x, MHD_HTTP_BAD_REQUEST,
                          "the path: a % that no two hex digits follow, NUL, or not UTF-8\n");
    if (!permit_host(self->services.permit, exchange_header(x, MHD_HTTP_HEADER_HOST)))
        return reply_text(x, MHD_HTTP_MISDIRECTED_REQUEST,
                          "this is no name of this server; --allow-host adds one\n");
    if (!get && !x->head)
        return reply_not_allowed(x);
    x->route = route_find(x->path);
    return MHD_YES;
}

static enum MHD_Result
s_answered(exchange_t *x)
{
    enum MHD_Result rc;

    x->asked = false;
    rc = x->route->answer(x, x->answer);
    link_request_destroy(&x->answer);
    // Not sooner: with the last one back libmicrohttpd is stopped.
    s_resumed(x);
    return rc;
}

static void
s_completed(void *arg, struct MHD_Connection *connection, void **slot,
            enum MHD_RequestTerminationCode how)
{
    exchange_t *x = *slot;

    (void) arg;
    (void) connection;
    (void) how;
    if (x == NULL)
        return;
    *slot = NULL;
    s_resumed(x);
    if (x->reserved)
        stream_hub_release(x->edge->services.hub);
    if (x->ring != NULL)
        event_ring_unwatch(x->ring);
    event_ring_unref(&x->ring);
    event_unref(&x->hello);
    link_request_destroy(&x->answer);
    free(x->path);
    x->tag = 0;
    free(x);
}

// False when stopping: then nothing has happened. Else the connection is given to the link or the
// hub, and s_suspended follows: they end after `stopping` is set, and so cannot miss it.
static bool
s_suspend(exchange_t *x)
{
    http_edge_t *edge = x->edge;

    pthread_mutex_lock(&edge->lock);
    if (edge->stopping) {
        pthread_mutex_unlock(&edge->lock);
        return false;
    }
    MHD_suspend_connection(x->connection);
    x->suspended = true;
    edge->suspended++;
    return true;
}

static void
s_suspended(exchange_t *x)
{
    pthread_mutex_unlock(&x->edge->lock);
}

// libmicrohttpd has the connection back: it called us, from its thread.
static void
s_resumed(exchange_t *x)
{
    http_edge_t *edge = x->edge;

    if (!x->suspended)
        return;
    x->suspended = false;
    pthread_mutex_lock(&edge->lock);
    if (--edge->suspended == 0)
        pthread_cond_signal(&edge->settled);
    pthread_mutex_unlock(&edge->lock);
}

// From the link's thread. The resume hands `answer` over.
static void
s_done(struct link_request *request)
{
    exchange_t *x = request->arg;

    assert(x->tag == EXCHANGE_TAG);
    x->answer = request;
    MHD_resume_connection(x->connection);
}

static ssize_t
s_read_stream(void *arg, uint64_t at, char *into, size_t most)
{
    exchange_t *x = arg;
    // Something must be sent here; a comment is nothing to its reader.
    const char *head = x->hello != NULL ? EVENT_RETRY : EVENT_COMMENT;
    const size_t n = strlen(head);

    (void) at;
    assert(x->tag == EXCHANGE_TAG);
    switch (x->stream) {
    case STREAM_HEAD:
        if (most < n)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        memcpy(into, head, n);
        x->stream = STREAM_READY;
        return (ssize_t) n;
    case STREAM_READY:
        return s_hand_over(x);
    default:
        s_resumed(x);
        return MHD_CONTENT_READER_END_WITH_ERROR;
    }
}

// Headers and first line are in the socket. From the suspension on, libmicrohttpd does not touch it
// until we resume.
static ssize_t
s_hand_over(exchange_t *x)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(
        x->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct stream_take take = {
        .ring = x->ring,
        .hello = x->hello,
        .resume = x->resume,
        .heartbeat_ms = x->hello != NULL ? EVENT_HEARTBEAT_MS : EVENT_FEED_HEARTBEAT_MS,
        .end = s_stream_ended,
        .arg = x,
    };

    if (info == NULL || !s_suspend(x))
        return MHD_CONTENT_READER_END_OF_STREAM;
    take.fd = info->connect_fd;
    x->stream = STREAM_TAKEN;
    x->reserved = false;
    x->ring = NULL;
    x->hello = NULL;
    stream_hub_take(x->edge->services.hub, &take);
    s_suspended(x);
    return 0;
}

// From the hub's thread, which has let go of the socket.
static void
s_stream_ended(void *arg)
{
    exchange_t *x = arg;

    MHD_resume_connection(x->connection);
}
