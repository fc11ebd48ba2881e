// reply - what goes back for a request, with the headers that belong to it.

#include "dashboard/reply.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dashboard/api.h"
#include "shared/base/json.h"
#include "shared/base/str.h"

#define ALLOWED "GET, HEAD"

struct header {
    const char *name;
    const char *value;
};

// Everything of ours. A page of somebody else can neither guess a type nor keep a window on us.
static const struct header always[] = {
    { "X-Content-Type-Options", "nosniff" },
    { "Referrer-Policy", "no-referrer" },
    { "Cross-Origin-Opener-Policy", "same-origin" },
};

static const char policy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'";

static const struct {
    unsigned code;
    const char *type;
} errors[] = {
    { MHD_HTTP_BAD_REQUEST, "bad_data" },
    { MHD_HTTP_NOT_FOUND, "not_found" },
    { MHD_HTTP_UNPROCESSABLE_CONTENT, "execution" },
    { MHD_HTTP_SERVICE_UNAVAILABLE, "unavailable" },
};

static void s_add(struct MHD_Response *response, const char *name, const char *value);
static void s_add_always(struct MHD_Response *response);
static struct MHD_Response *s_file_body(struct page_file *file, int code);
static void s_file_headers(struct MHD_Response *response, const struct page_file *file);

enum MHD_Result
reply_text(exchange_t *x, unsigned code, const char *text)
{
    struct buf body = { 0 };

    buf_str(&body, text);
    return reply_body(x, code, "text/plain; charset=utf-8", &body);
}

enum MHD_Result
reply_body(exchange_t *x, unsigned code, const char *type, struct buf *body)
{
    size_t n;
    void *at = buf_detach(body, &n);
    struct MHD_Response *response = MHD_create_response_from_buffer(n, at, MHD_RESPMEM_MUST_FREE);

    s_add(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    s_add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    s_add_always(response);
    return exchange_send(x, code, response);
}

enum MHD_Result
reply_error(exchange_t *x, unsigned code, const char *format, ...)
{
    const char *type = "execution";
    struct buf body = { 0 };
    char sentence[512];
    struct json j;
    va_list args;

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].code == code)
            type = errors[i].type;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    json_init(&j, &body);
    json_object(&j);
    json_key(&j, "status");
    json_str(&j, "error");
    json_key(&j, "errorType");
    json_str(&j, type);
    json_key(&j, "error");
    json_str(&j, sentence);
    json_object_end(&j);
    buf_str(&body, "\n");
    return reply_body(x, code, REPLY_JSON, &body);
}

enum MHD_Result
reply_link_error(exchange_t *x, const struct link_request *request)
{
    switch (request->status) {
    case LINK_UNKNOWN_HOST:
        return reply_error(x, MHD_HTTP_NOT_FOUND, "h: no host \"%s\" is known", request->host);
    case LINK_REFUSED:
        return reply_error(x, MHD_HTTP_UNPROCESSABLE_CONTENT, "%s", request->error);
    default:
        return reply_error(x, MHD_HTTP_SERVICE_UNAVAILABLE, "%s", request->error);
    }
}

enum MHD_Result
reply_page(exchange_t *x)
{
    const struct page_want want = {
        .path = exchange_path(x),
        .accept_encoding = exchange_header(x, MHD_HTTP_HEADER_ACCEPT_ENCODING),
        .if_none_match = exchange_header(x, MHD_HTTP_HEADER_IF_NONE_MATCH),
    };
    struct MHD_Response *response;
    struct page_file file;
    const int code = page_files_get(exchange_services(x)->pages, &want, &file);

    if (code == 404 && str_starts(want.path, "/api/"))
        return reply_error(x, MHD_HTTP_NOT_FOUND, "\"%s\" is no path of the API", want.path);
    if (code == 404)
        return reply_text(x, MHD_HTTP_NOT_FOUND, "there is nothing at this path\n");
    if (code == 500)
        return reply_text(x, MHD_HTTP_INTERNAL_SERVER_ERROR, "this file cannot be read\n");
    response = s_file_body(&file, code);
    s_file_headers(response, &file);
    return exchange_send(x, (unsigned) code, response);
}

enum MHD_Result
reply_not_allowed(exchange_t *x)
{
    static const char text[] = "only " ALLOWED "\n";
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        sizeof text - 1, (void *) (uintptr_t) text, NULL);

    s_add(response, MHD_HTTP_HEADER_ALLOW, ALLOWED);
    s_add(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
    s_add_always(response);
    return exchange_send(x, MHD_HTTP_METHOD_NOT_ALLOWED, response);
}

enum MHD_Result
reply_unauthorized(exchange_t *x)
{
    static const char text[] = "a token is asked for: the header Authorization: Bearer TOKEN, or "
                               "?token=TOKEN once in a browser\n";
    struct MHD_Response *response = MHD_create_response_from_buffer_with_free_callback(
        sizeof text - 1, (void *) (uintptr_t) text, NULL);

    s_add(response, MHD_HTTP_HEADER_WWW_AUTHENTICATE, "Bearer");
    s_add(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; charset=utf-8");
    s_add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    s_add_always(response);
    return exchange_send(x, MHD_HTTP_UNAUTHORIZED, response);
}

enum MHD_Result
reply_see_other(exchange_t *x, const char *path, const char *cookie)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL,
                                                                    MHD_RESPMEM_PERSISTENT);

    s_add(response, MHD_HTTP_HEADER_LOCATION, path);
    s_add(response, MHD_HTTP_HEADER_SET_COOKIE, cookie);
    s_add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    s_add_always(response);
    return exchange_send(x, MHD_HTTP_SEE_OTHER, response);
}

enum MHD_Result
reply_empty(exchange_t *x, unsigned code)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL,
                                                                    MHD_RESPMEM_PERSISTENT);

    s_add_always(response);
    return exchange_send(x, code, response);
}

enum MHD_Result
reply_stream_head(exchange_t *x)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(0, NULL,
                                                                    MHD_RESPMEM_PERSISTENT);

    reply_stream_headers(x, response);
    return exchange_send(x, MHD_HTTP_OK, response);
}

void
reply_stream_headers(const exchange_t *x, struct MHD_Response *response)
{
    const char *origin = exchange_services(x)->feed_origin;

    s_add(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/event-stream");
    s_add(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store, no-transform");
    s_add(response, "X-Accel-Buffering", "no"); // nginx must not collect events
    if (origin != NULL && strcmp(exchange_path(x), API_FEED_PATH) == 0)
        s_add(response, MHD_HTTP_HEADER_ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    s_add_always(response);
}

// A header that could not be added would be a page without its protection.
static void
s_add(struct MHD_Response *response, const char *name, const char *value)
{
    const enum MHD_Result added = MHD_add_response_header(response, name, value);

    assert(added == MHD_YES);
}

static void
s_add_always(struct MHD_Response *response)
{
    for (size_t i = 0; i < sizeof always / sizeof always[0]; i++)
        s_add(response, always[i].name, always[i].value);
}

static struct MHD_Response *
s_file_body(struct page_file *file, int code)
{
    struct MHD_Response *response;

    if (code == 304)
        response = MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
    else if (file->bytes != NULL)
        response = MHD_create_response_from_buffer_with_free_callback(
            file->len, (void *) (uintptr_t) file->bytes, NULL);
    else
        response = MHD_create_response_from_fd64(file->len, file->fd); // closes it in the end
    assert(response != NULL);
    return response;
}

static void
s_file_headers(struct MHD_Response *response, const struct page_file *file)
{
    s_add(response, MHD_HTTP_HEADER_CONTENT_TYPE, file->type);
    s_add(response, MHD_HTTP_HEADER_CACHE_CONTROL,
          file->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (file->etag != NULL)
        s_add(response, MHD_HTTP_HEADER_ETAG, file->etag);
    if (file->vary)
        s_add(response, MHD_HTTP_HEADER_VARY, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    if (file->gzip)
        s_add(response, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    if (file->ours) {
        s_add(response, MHD_HTTP_HEADER_CONTENT_SECURITY_POLICY, policy);
        s_add_always(response);
    } else {
        s_add(response, always[0].name, always[0].value); // nosniff holds for anybody's files
    }
}
