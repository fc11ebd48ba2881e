// enrol_client - see the header.

#include "shared/net/enrol_client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/net/client_keys.h"
#include "shared/net/curve.h"

#define ENDPOINT_SIZE 1024
#define QUEUE         16 // messages either way
#define REQUEST_MOST  2048

struct enrol_client {
    zsock_t *sock; // DEALER
    int wake_fd;
    uint32_t n;   // of the last question
    zmq_msg_t in; // the last answer, which is pointed into
};

static int s_wait(enrol_client_t *self, short events, int64_t deadline_ms);
static int s_send(enrol_client_t *self, struct enrol_msg *question, int64_t deadline_ms);
static bool s_is_key(const char *text);
static int s_keep(struct enrol_joined *ret, const struct enrol_join *how,
                  const struct enrol_msg *answer, struct buf *why);

int
enrol_client_open(enrol_client_t **ret, const struct enrol_client_options *options)
{
    static const struct sock_spec spec = {
        .type = ZMQ_DEALER,
        .send_hwm = QUEUE,
        .recv_hwm = QUEUE,
        .max_bytes = ENROL_MAX,
        .immediate = true,
    };
    const struct curve curve = { .own = options->own, .server = options->server };
    enrol_client_t *self;
    char endpoint[ENDPOINT_SIZE];
    int rc;

    if (!s_is_key(options->server))
        return ERR_FORMAT;
    self = xcalloc(1, sizeof *self);
    self->wake_fd = options->wake_fd;
    zmq_msg_init(&self->in);
    rc = sock_endpoint(endpoint, sizeof endpoint, options->collector, SOCK_ENROL);
    rc = rc < 0 ? rc : sock_new(&self->sock, &spec, &curve);
    rc = rc < 0 ? rc : sock_connect(self->sock, endpoint);
    if (rc < 0) {
        enrol_client_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
enrol_client_close(enrol_client_t **self_p)
{
    enrol_client_t *self = *self_p;

    if (self == NULL)
        return;
    zmq_msg_close(&self->in);
    zsock_destroy(&self->sock);
    free(self);
    *self_p = NULL;
}

int
enrol_client_ask(enrol_client_t *self, struct enrol_msg *ret, struct enrol_msg *question,
                 int timeout_ms)
{
    const int64_t deadline_ms = clock_mono_ms() + timeout_ms;
    int rc;

    question->n = ++self->n;
    rc = s_send(self, question, deadline_ms);
    while (rc == 0) {
        rc = s_wait(self, ZMQ_POLLIN, deadline_ms);
        rc = rc < 0 ? rc : sock_recv(self->sock, &self->in);
        if (rc == 1) {
            rc = enrol_take(ret, zmq_msg_data(&self->in), zmq_msg_size(&self->in));
            // To a question that was given up: the next one is awaited.
            if (rc < 0 || ret->n == self->n)
                return rc;
        }
    }
    return rc;
}

// One folder is of one collector: who uses it would speak with another one from now on.
static int
s_check_folder(const struct enrol_join *how, struct buf *why)
{
    char known[KEY_TEXT_SIZE];
    const int rc = key_file_load_public(known, how->dir, ENROL_COLLECTOR_NAME, why);

    if (rc == -ENOENT)
        return 0;
    if (rc < 0 || strcmp(known, how->server) == 0)
        return rc;
    buf_clear(why);
    buf_printf(why,
               "%s/" ENROL_COLLECTOR_NAME ".pub is another collector's: choose another folder with "
               "--keys, or take that file away if nobody uses it any more",
               how->dir);
    return -EPERM;
}

int
enrol_join(struct enrol_joined *ret, const struct enrol_join *how, struct buf *why)
{
    struct enrol_msg *answer = xcalloc(1, sizeof *answer);
    struct enrol_msg *question = xcalloc(1, sizeof *question);
    const char *wish = how->wish != NULL ? how->wish : "";
    enrol_client_t *client = NULL;
    struct key_pair pair;
    bool made;
    int rc = s_check_folder(how, why);

    rc = rc < 0 ? rc : key_file_load_or_make(&pair, &made, how->dir, how->name, why);
    if (rc == 0) {
        rc = enrol_client_open(&client, &(struct enrol_client_options){ .collector = how->collector,
                                                                        .server = how->server,
                                                                        .own = &pair,
                                                                        .wake_fd = how->wake_fd });
        key_pair_wipe(&pair);
        if (rc < 0)
            buf_printf(why, "%s: %s", how->collector, err_str(rc));
    }
    if (rc == 0) {
        question->type = ENROL_JOIN;
        question->join.token = (struct enrol_text){ how->token, strlen(how->token) };
        question->join.name = (struct enrol_text){ wish, strlen(wish) };
        question->join.role = (uint8_t) how->role;
        question->join.version = (struct enrol_text){ how->version, strlen(how->version) };
        rc = enrol_client_ask(client, answer, question, how->timeout_ms);
        if (rc == -ETIMEDOUT && !made) // no door opens to a key that is revoked
            buf_printf(why,
                       "%s: nobody answers there who has that server key; or %s/%s.key is "
                       "revoked: delete it then, and come again",
                       how->collector, how->dir, how->name);
        else if (rc < 0)
            buf_printf(why, "%s: %s", how->collector,
                       rc == -ETIMEDOUT ? "nobody answers there who has that server key"
                                        : err_str(rc));
    }
    rc = rc < 0 ? rc : s_keep(ret, how, answer, why);
    enrol_client_close(&client);
    free(question);
    free(answer);
    return rc;
}

// What the answer says, and the collector's key.
static int
s_keep(struct enrol_joined *ret, const struct enrol_join *how, const struct enrol_msg *answer,
       struct buf *why)
{
    int rc;

    if (answer->type == ENROL_REFUSED) {
        buf_printf(why, "%s: refused: %.*s", how->collector, (int) answer->refused.why.len,
                   answer->refused.why.at);
        return -EPERM;
    }
    if (answer->type != ENROL_JOINED) {
        buf_printf(why, "%s: an answer of another kind", how->collector);
        return ERR_FORMAT;
    }
    // Of a collector that does not know what was asked for: it has taken the token.
    if (answer->joined.role != how->role) {
        buf_printf(why,
                   "%s: the token was %s's, so %s/%s.key is one there now: delete it, and join "
                   "with a token for %s",
                   how->collector, key_role_str(answer->joined.role), how->dir, how->name,
                   key_role_str((uint8_t) how->role));
        return -EPERM;
    }
    memcpy(ret->name, answer->joined.name.at, answer->joined.name.len);
    ret->name[answer->joined.name.len] = '\0';
    ret->role = (enum key_role) answer->joined.role;
    // The collector's key last: with it the folder is whole.
    rc = client_keys_save_name(how->dir, how->name, ret->name, why);
    return rc < 0 ? rc : key_file_save_public(how->dir, ENROL_COLLECTOR_NAME, how->server, why);
}

static int
s_send(enrol_client_t *self, struct enrol_msg *question, int64_t deadline_ms)
{
    uint8_t bytes[REQUEST_MOST];
    ptrdiff_t n = enrol_put(bytes, sizeof bytes, question);
    int rc = n < 0 ? (int) n : -EAGAIN;

    // Nobody is connected at first: it leaves when somebody is.
    while (rc == -EAGAIN) {
        rc = s_wait(self, ZMQ_POLLOUT, deadline_ms);
        rc = rc < 0 ? rc : sock_send(self->sock, bytes, (size_t) n, false);
    }
    explicit_bzero(bytes, sizeof bytes); // a token may be in it
    return rc;
}

static int
s_wait(enrol_client_t *self, short events, int64_t deadline_ms)
{
    zmq_pollitem_t items[2] = {
        { .socket = sock_raw(self->sock), .events = events },
        { .fd = self->wake_fd, .events = ZMQ_POLLIN },
    };

    for (;;) {
        const int64_t left_ms = deadline_ms - clock_mono_ms();
        const int rc = zmq_poll(items, self->wake_fd >= 0 ? 2 : 1, left_ms > 0 ? left_ms : 0);

        if (rc == -1 && errno == EINTR)
            continue;
        if (rc == -1)
            return -errno;
        if (self->wake_fd >= 0 && (items[1].revents & ZMQ_POLLIN) != 0)
            return -EINTR;
        return rc == 0 ? -ETIMEDOUT : 0;
    }
}

static bool
s_is_key(const char *text)
{
    return text != NULL && key_is_text(text, strlen(text));
}
