// http - blocking sockets with deadlines; answers are read to the end of the connection.

#include "tests/support/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/xalloc.h"

#define ANSWER_MS 15000

struct sse {
    int fd;
    bool ended;      // the server closed
    struct buf in;   // what came and was not yet used
    char *head;      // status line and headers, once whole
    struct buf name; // of the event being gathered
    struct buf data;
    struct buf id;
};

int
http_connect(uint16_t port)
{
    return http_connect_small(port, 0);
}

int
http_connect_small(uint16_t port, int window)
{
    const struct sockaddr_in to = { .sin_family = AF_INET,
                                    .sin_port = htons(port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return -1;
    // Before connecting: a window that was offered is not taken back.
    if (window > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof window);
    if (connect(fd, (const struct sockaddr *) &to, sizeof to) == -1) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool
s_write(int fd, const struct buf *text)
{
    size_t done = 0;

    while (done < text->len) {
        const ssize_t n = send(fd, text->at + done, text->len - done, MSG_NOSIGNAL);

        if (n <= 0)
            return false;
        done += (size_t) n;
    }
    return true;
}

// Appends what comes next. 1, 0 at the end of the connection, -1 if nothing came in time.
static int
s_read(int fd, struct buf *into, int64_t until_ms)
{
    struct pollfd item = { .fd = fd, .events = POLLIN };
    const int64_t left = until_ms - clock_mono_ms();
    ssize_t n;

    if (poll(&item, 1, left > 0 ? (int) left : 0) <= 0)
        return -1;
    buf_reserve(into, 16384);
    n = recv(fd, into->at + into->len, 16384, 0);
    if (n <= 0)
        return 0;
    into->len += (size_t) n;
    return 1;
}

static const char *
s_end_of_head(struct buf *in)
{
    return in->len == 0 ? NULL : strstr(buf_cstr(in), "\r\n\r\n");
}

// RFC 9112, 7.1: each piece has a line with its size in hex ahead of it.
static void
s_join_chunks(struct http_reply *reply)
{
    const char *at = reply->body, *end = reply->body + reply->size;
    size_t whole = 0;

    for (;;) {
        char *line_end;
        const size_t n = strtoul(at, &line_end, 16);

        line_end = strstr(line_end, "\r\n");
        if (n == 0 || line_end == NULL || n > (size_t) (end - line_end) - 2)
            break;
        memmove(reply->body + whole, line_end + 2, n);
        whole += n;
        at = line_end + 2 + n + 2; // and its own line end
    }
    reply->body[whole] = '\0';
    reply->size = whole;
}

bool
http_request(struct http_reply *ret, const char *method, uint16_t port, const char *path)
{
    const int64_t until = clock_mono_ms() + ANSWER_MS;
    const int fd = http_connect(port);
    struct buf text = { 0 };
    const char *end;

    *ret = (struct http_reply){ 0 };
    if (fd == -1)
        return false;
    buf_printf(&text, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n\r\n", method,
               path, port);
    if (s_write(fd, &text)) {
        buf_clear(&text);
        while (s_read(fd, &text, until) > 0)
            ;
    }
    close(fd);
    end = s_end_of_head(&text);
    if (end != NULL && sscanf(buf_cstr(&text), "HTTP/1.%*d %d", &ret->status) == 1) {
        const size_t head = (size_t) (end - (const char *) text.at) + 4;

        ret->head = xstrndup((const char *) text.at, head - 2);
        ret->size = text.len - head;
        ret->body = xmalloc(ret->size + 1);
        memcpy(ret->body, text.at + head, ret->size);
        ret->body[ret->size] = '\0';
        if (strcasestr(ret->head, "\r\nTransfer-Encoding: chunked\r\n") != NULL)
            s_join_chunks(ret);
    }
    buf_release(&text);
    return ret->status != 0;
}

bool
http_get(struct http_reply *ret, uint16_t port, const char *path)
{
    return http_request(ret, "GET", port, path);
}

void
http_reply_release(struct http_reply *reply)
{
    free(reply->head);
    free(reply->body);
    *reply = (struct http_reply){ 0 };
}

const char *
http_header(const struct http_reply *reply, const char *name, char *out, size_t size)
{
    const size_t n = strlen(name);

    out[0] = '\0';
    for (const char *line = reply->head; line != NULL; line = strstr(line, "\r\n")) {
        if (line != reply->head)
            line += 2;
        if (strncasecmp(line, name, n) == 0 && line[n] == ':') {
            line += n + 1;
            line += strspn(line, " ");
            snprintf(out, size, "%.*s", (int) strcspn(line, "\r"), line);
            break;
        }
    }
    return out;
}

json_t *
http_json(uint16_t port, const char *path)
{
    struct http_reply reply;
    json_t *json = NULL;

    if (http_get(&reply, port, path) && reply.status == 200)
        json = json_loadb(reply.body, reply.size, 0, NULL);
    http_reply_release(&reply);
    return json;
}

static sse_t *
s_open(int fd, uint16_t port, const char *path, const char *last_event_id)
{
    struct buf text = { 0 };
    sse_t *self;

    if (fd == -1)
        return NULL;
    self = xcalloc(1, sizeof *self);
    self->fd = fd;
    buf_printf(&text, "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nAccept: text/event-stream\r\n",
               path, port);
    if (last_event_id != NULL)
        buf_printf(&text, "Last-Event-ID: %s\r\n", last_event_id);
    buf_str(&text, "\r\n");
    if (!s_write(fd, &text))
        sse_close(&self);
    buf_release(&text);
    return self;
}

sse_t *
sse_open(uint16_t port, const char *path, const char *last_event_id)
{
    return s_open(http_connect(port), port, path, last_event_id);
}

sse_t *
sse_open_small(uint16_t port, const char *path, int window)
{
    return s_open(http_connect_small(port, window), port, path, NULL);
}

void
sse_close(sse_t **self_p)
{
    sse_t *self = *self_p;

    if (self == NULL)
        return;
    close(self->fd);
    buf_release(&self->in);
    buf_release(&self->name);
    buf_release(&self->data);
    buf_release(&self->id);
    free(self->head);
    free(self);
    *self_p = NULL;
}

// Forgets the first n bytes of what came.
static void
s_used(sse_t *self, size_t n)
{
    self->in.len -= n;
    memmove(self->in.at, self->in.at + n, self->in.len);
}

int
sse_status(sse_t *self)
{
    const int64_t until = clock_mono_ms() + ANSWER_MS;
    int status = 0;

    while (self->head == NULL) {
        const char *end = s_end_of_head(&self->in);

        if (end != NULL) {
            const size_t head = (size_t) (end - (const char *) self->in.at) + 4;

            self->head = xstrndup((const char *) self->in.at, head);
            s_used(self, head);
        } else if (s_read(self->fd, &self->in, until) <= 0) {
            return 0;
        }
    }
    return sscanf(self->head, "HTTP/1.%*d %d", &status) == 1 ? status : 0;
}

const char *
sse_head(sse_t *self)
{
    return sse_status(self) != 0 ? self->head : "";
}

// One line of the stream. True if it ended an event.
static bool
s_line(sse_t *self, const char *line)
{
    static const char *const fields[] = { "event", "data", "id" };
    struct buf *const into[] = { &self->name, &self->data, &self->id };

    if (line[0] == '\0')
        return self->data.len > 0;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        const size_t n = strlen(fields[i]);

        if (strncmp(line, fields[i], n) == 0 && line[n] == ':') {
            buf_clear(into[i]);
            buf_str(into[i], line + n + 1 + (line[n + 1] == ' '));
        }
    }
    return false;
}

bool
sse_next(sse_t *self, struct sse_event *ret, int timeout_ms)
{
    const int64_t until = clock_mono_ms() + timeout_ms;

    if (sse_status(self) != 200)
        return false;
    buf_clear(&self->name);
    buf_clear(&self->data);
    for (;;) {
        const char *text = self->in.len > 0 ? buf_cstr(&self->in) : "";
        const char *end = strchr(text, '\n');

        if (end != NULL) {
            char *line = xstrndup(text, (size_t) (end - text));
            const bool whole = s_line(self, line);

            free(line);
            s_used(self, (size_t) (end - text) + 1);
            if (whole) {
                ret->event = self->name.len > 0 ? buf_cstr(&self->name) : "message";
                ret->data = buf_cstr(&self->data);
                ret->id = buf_cstr(&self->id);
                return true;
            }
            continue;
        }
        switch (s_read(self->fd, &self->in, until)) {
        case 0:
            self->ended = true;
            return false;
        case -1:
            return false;
        default:
            break;
        }
    }
}

bool
sse_next_of(sse_t *self, const char *event, struct sse_event *ret, int timeout_ms)
{
    const int64_t until = clock_mono_ms() + timeout_ms;

    while (sse_next(self, ret, (int) (until - clock_mono_ms())))
        if (strcmp(ret->event, event) == 0)
            return true;
    return false;
}

json_t *
sse_next_json(sse_t *self, const char *event, int timeout_ms)
{
    struct sse_event ev;

    if (!sse_next_of(self, event, &ev, timeout_ms))
        return NULL;
    return json_loads(ev.data, 0, NULL);
}

json_t *
sse_next_tick(sse_t *self, json_int_t *seq, int timeout_ms)
{
    struct sse_event ev;

    while (sse_next(self, &ev, timeout_ms)) {
        const bool is_tick = strcmp(ev.event, "tick") == 0;
        json_t *data = json_loads(ev.data, 0, NULL);
        const json_int_t number = json_integer_value(json_object_get(data, "s"));
        const bool follows = *seq == 0 || number == *seq + 1;

        if (number != 0 && (*seq != 0 || is_tick))
            *seq = number;
        if (is_tick && follows)
            return data;
        json_decref(data);
        if (number != 0 && !follows)
            return NULL;
    }
    return NULL;
}

bool
sse_ended(const sse_t *self)
{
    return self->ended;
}

int
sse_fd(const sse_t *self)
{
    return self->fd;
}
