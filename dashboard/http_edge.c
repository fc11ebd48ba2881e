// http_edge - the HTTP server: connections, requests, and the door to the stream thread.

#include "dashboard/http_edge.h"

#include <assert.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "dashboard/access.h"
#include "dashboard/dashboard_stat.h"
#include "dashboard/http_edge_inner.h"
#include "dashboard/reply.h"
#include "dashboard/url.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/descriptors.h"

#define CONNECTIONS_MAX 20000u
#define FD_OWN          48          // files, sockets of ZeroMQ, eventfds
#define MEMORY_BYTES    (16 * 1024) // of a connection: headers, and cookies that others set here too
#define BODY_MOST       (64 * 1024) // of a request: nothing of ours has one, but it is no error
#define IDLE_S          30
#define SETTLE_S        2 // what is suspended must have come back by then
#define LOG_EVERY_MS    1000

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
static void s_done(struct link_request *request);
static enum MHD_Result s_may_come(void *arg, const struct sockaddr *from, socklen_t len);
static void s_connection(void *arg, struct MHD_Connection *connection, void **slot,
                         enum MHD_ConnectionNotificationCode what);
static struct connection *s_peer(struct MHD_Connection *connection);
static bool s_is_large(const char *length);

unsigned
http_edge_most_connections(unsigned wanted)
{
    const uint64_t limit = descriptors_raise(descriptors_wanted(wanted, FD_OWN));
    const uint64_t peers = descriptors_for_peers(limit, FD_OWN);

    return peers < CONNECTIONS_MAX ? (unsigned) peers : CONNECTIONS_MAX;
}

int
http_edge_start(http_edge_t **ret, int listen_fd, unsigned most_connections,
                const struct connection_limits *limits, const struct exchange_services *services)
{
    http_edge_t *self = xcalloc(1, sizeof *self);

    self->listen_fd = listen_fd;
    self->services = *services;
    self->book = connection_book_new(limits);
    pthread_mutex_init(&self->lock, NULL);
    pthread_cond_init(&self->settled, NULL);
    self->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, s_may_come,
        self, s_access, self, MHD_OPTION_NOTIFY_CONNECTION, s_connection, self,
        MHD_OPTION_EXTERNAL_LOGGER, s_log, NULL, MHD_OPTION_LISTEN_SOCKET, listen_fd,
        MHD_OPTION_CONNECTION_LIMIT, most_connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
        (size_t) MEMORY_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned) IDLE_S,
        MHD_OPTION_UNESCAPE_CALLBACK, s_leave_escapes, NULL, MHD_OPTION_NOTIFY_COMPLETED,
        s_completed, NULL, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1,
        MHD_OPTION_END);
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
    connection_book_destroy(&self->book);
    pthread_cond_destroy(&self->settled);
    pthread_mutex_destroy(&self->lock);
    free(self);
}

void
http_edge_sweep(http_edge_t *self, int64_t now_ms)
{
    selfstat_add(STAT_HTTP_LATE, connection_book_sweep(self->book, now_ms));
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

// One parameter, as libmicrohttpd hands it over: escapes are as they came, and '+' is a space.
struct query_copy {
    const char *without;
    struct buf *out;
    char before; // what stands before the next one
};

static void
s_put_word(struct buf *out, const char *word)
{
    for (; *word != '\0'; word++)
        buf_byte(out, (uint8_t) (*word == ' ' ? '+' : *word));
}

static enum MHD_Result
s_copy_param(void *arg, enum MHD_ValueKind kind, const char *name, const char *value)
{
    struct query_copy *copy = arg;

    (void) kind;
    // As libmicrohttpd looks it up: in letters of any size.
    if (strcasecmp(name, copy->without) == 0)
        return MHD_YES;
    buf_byte(copy->out, (uint8_t) copy->before);
    copy->before = '&';
    s_put_word(copy->out, name);
    if (value != NULL) {
        buf_byte(copy->out, '=');
        s_put_word(copy->out, value);
    }
    return MHD_YES;
}

void
exchange_query_without(const exchange_t *x, const char *name, struct buf *out)
{
    struct query_copy copy = { .without = name, .out = out, .before = '?' };

    MHD_get_connection_values(x->connection, MHD_GET_ARGUMENT_KIND, s_copy_param, &copy);
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
    if (http_edge_suspend(x)) {
        const bool taken = collector_link_ask(x->edge->services.link, request);

        http_edge_suspended(x);
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

static enum MHD_Result
s_may_come(void *arg, const struct sockaddr *from, socklen_t len)
{
    const http_edge_t *self = arg;

    (void) len;
    if (connection_book_may(self->book, from))
        return MHD_YES;
    selfstat_add(STAT_HTTP_CROWDED, 1);
    return MHD_NO;
}

static struct connection *
s_peer(struct MHD_Connection *connection)
{
    return MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

static void
s_connection(void *arg, struct MHD_Connection *connection, void **slot,
             enum MHD_ConnectionNotificationCode what)
{
    http_edge_t *self = arg;

    if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
        connection_book_leave(self->book, *slot);
        *slot = NULL;
        return;
    }
    *slot = connection_book_enter(
        self->book,
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd,
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS)->client_addr,
        clock_mono_ms());
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
        x->peer = s_peer(connection);
        *slot = x;
        return s_first(arg, x, url, method);
    }
    assert(x->tag == EXCHANGE_TAG);
    if (*upload_size != 0) { // the body of a GET means nothing
        x->body += *upload_size;
        *upload_size = 0;
        return x->body <= BODY_MOST ? MHD_YES : MHD_NO;
    }
    if (x->asked)
        return s_answered(x);
    if (x->begun || x->route == NULL) // answered: libmicrohttpd asks again while it is stopped
        return MHD_NO;
    x->begun = true;
    connection_book_whole(x->edge->book, x->peer);
    return x->route->begin(x);
}

// What can be refused before the body of the request has come.
static enum MHD_Result
s_first(http_edge_t *self, exchange_t *x, const char *url, const char *method)
{
    const bool get = strcmp(method, MHD_HTTP_METHOD_GET) == 0;
    enum MHD_Result rc;

    x->head = strcmp(method, MHD_HTTP_METHOD_HEAD) == 0;
    x->path = url_decode(url);
    if (x->path == NULL)
        return reply_text(x, MHD_HTTP_BAD_REQUEST,
                          "the path: a % that no two hex digits follow, NUL, or not UTF-8\n");
    if (!permit_host(self->services.permit, exchange_header(x, MHD_HTTP_HEADER_HOST)))
        return reply_text(x, MHD_HTTP_MISDIRECTED_REQUEST,
                          "this is no name of this server; --public-name adds one\n");
    if (!access_check(x, &rc))
        return rc;
    if (!get && !x->head)
        return reply_not_allowed(x);
    if (s_is_large(exchange_header(x, MHD_HTTP_HEADER_CONTENT_LENGTH)))
        return reply_text(x, MHD_HTTP_CONTENT_TOO_LARGE, "a request has at most 64 KiB\n");
    x->route = route_find(x->path);
    return MHD_YES;
}

// What libmicrohttpd takes for a number; what it does not, it has refused.
static bool
s_is_large(const char *length)
{
    return length != NULL && strtoull(length, NULL, 10) > BODY_MOST;
}

static enum MHD_Result
s_answered(exchange_t *x)
{
    enum MHD_Result rc;

    x->asked = false;
    rc = x->route->answer(x, x->answer);
    link_request_destroy(&x->answer);
    // Not sooner: with the last one back libmicrohttpd is stopped.
    http_edge_resumed(x);
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
    http_edge_resumed(x);
    connection_book_answered(x->edge->book, x->peer);
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
bool
http_edge_suspend(exchange_t *x)
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

void
http_edge_suspended(exchange_t *x)
{
    pthread_mutex_unlock(&x->edge->lock);
}

// libmicrohttpd has the connection back: it called us, from its thread.
void
http_edge_resumed(exchange_t *x)
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
