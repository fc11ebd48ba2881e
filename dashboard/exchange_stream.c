// exchange_stream - a request that becomes a stream: its head, and the way to the hub.
//
// Thread: the HTTP server's, but for s_stream_ended: the hub's.

#include <assert.h>
#include <string.h>

#include "dashboard/event_encode.h"
#include "dashboard/http_edge_inner.h"
#include "dashboard/reply.h"

#define STREAM_BLOCK 256

static enum MHD_Result s_stream(exchange_t *x, struct link_request *request);
static ssize_t s_read_stream(void *arg, uint64_t at, char *into, size_t most);
static ssize_t s_hand_over(exchange_t *x);
static void s_stream_ended(void *arg);

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
        http_edge_resumed(x);
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

    if (info == NULL || !http_edge_suspend(x))
        return MHD_CONTENT_READER_END_OF_STREAM;
    take.fd = info->connect_fd;
    x->stream = STREAM_TAKEN;
    x->reserved = false;
    x->ring = NULL;
    x->hello = NULL;
    stream_hub_take(x->edge->services.hub, &take);
    http_edge_suspended(x);
    return 0;
}

// From the hub's thread, which has let go of the socket.
static void
s_stream_ended(void *arg)
{
    exchange_t *x = arg;

    MHD_resume_connection(x->connection);
}
