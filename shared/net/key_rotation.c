// key_rotation - see the header.

#include "shared/net/key_rotation.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/net/client_keys.h"
#include "shared/net/enrol_client.h"

#define ENDPOINT_SIZE 1024
#define NAME_SIZE     64

static int s_next(struct key_pair *ret, const struct key_pair *own, const char *dir,
                  const char *next, struct buf *why);
static int s_ask(int64_t *until_ms, const struct key_rotation *how, const struct client_keys *keys,
                 const struct key_pair *fresh, struct buf *why);
static int s_prove(const struct key_rotation *how, const struct client_keys *keys,
                   const struct key_pair *fresh, struct buf *why);
static int s_wait(zsock_t *sock, const struct key_rotation *how);

int
key_rotate(int64_t *until_ms, const struct key_rotation *how, struct buf *why)
{
    struct client_keys keys = { 0 };
    struct key_pair fresh = { 0 };
    char next[NAME_SIZE];
    int rc = client_keys_load(&keys, how->dir, how->name, why);
    int asked;

    if (rc < 0)
        return rc;
    snprintf(next, sizeof next, "%s.next", how->name);
    *until_ms = 0;
    rc = s_next(&fresh, &keys.own, how->dir, next, why);
    if (rc == 0) {
        asked = s_ask(until_ms, how, &keys, &fresh, why);
        // Refused it may be because this was stopped before its end, and the old key's time is
        // over meanwhile: then the new one is let in all the same.
        rc = asked == 0 || asked == -EPERM ? s_prove(how, &keys, &fresh, why) : asked;
        if (asked == -EPERM && rc < 0)
            rc = asked;
    }
    if (rc == 0)
        rc = key_file_replace(&fresh, how->dir, how->name, why);
    if (rc == 0)
        rc = key_file_remove(how->dir, next, why);
    // The collector has the new one: the old one's time runs.
    if (rc < 0 && *until_ms != 0)
        buf_printf(why, "; run it again: the collector lets the old key in for %lld min more",
                   (long long) ((*until_ms - clock_real_ms()) / 60000));
    else if (rc == -EINTR)
        buf_clear(why);
    key_pair_wipe(&fresh);
    client_keys_wipe(&keys);
    return rc;
}

// One that stands there already was perhaps told to the collector. It is ours, if only its removal
// was missed.
static int
s_next(struct key_pair *ret, const struct key_pair *own, const char *dir, const char *next,
       struct buf *why)
{
    bool made;
    int rc = key_file_load_or_make(ret, &made, dir, next, why);

    if (rc < 0 || strcmp(ret->public_text, own->public_text) != 0)
        return rc;
    rc = key_file_remove(dir, next, why);
    return rc < 0 ? rc : key_file_load_or_make(ret, &made, dir, next, why);
}

static int
s_ask(int64_t *until_ms, const struct key_rotation *how, const struct client_keys *keys,
      const struct key_pair *fresh, struct buf *why)
{
    struct enrol_msg *question = xcalloc(1, sizeof *question);
    struct enrol_msg *answer = xcalloc(1, sizeof *answer);
    enrol_client_t *client = NULL;
    uint8_t key[KEY_BYTES];
    int rc = key_from_text(key, fresh->public_text, KEY_TEXT_LEN);

    rc = rc < 0 ? rc
                : enrol_client_open(&client,
                                    &(struct enrol_client_options){ .collector = how->collector,
                                                                    .server = keys->server,
                                                                    .own = &keys->own,
                                                                    .wake_fd = how->wake_fd });
    if (rc == 0) {
        question->type = ENROL_ROTATE;
        question->rotate.key = key;
        rc = enrol_client_ask(client, answer, question, how->timeout_ms);
    }
    if (rc < 0) {
        buf_printf(why, "%s: %s", how->collector,
                   rc == -ETIMEDOUT ? "nobody answers there who has that server key and takes ours"
                                    : err_str(rc));
    } else if (answer->type == ENROL_ROTATED) {
        *until_ms = answer->rotated.until_ms;
    } else if (answer->type == ENROL_REFUSED) {
        buf_printf(why, "%s: refused: %.*s", how->collector, (int) answer->refused.why.len,
                   answer->refused.why.at);
        rc = -EPERM;
    } else {
        buf_printf(why, "%s: an answer of another kind", how->collector);
        rc = ERR_FORMAT;
    }
    enrol_client_close(&client);
    free(question);
    free(answer);
    return rc;
}

// A socket that holds nothing back takes a message only when ZAP has let it in. None is sent.
static int
s_prove(const struct key_rotation *how, const struct client_keys *keys,
        const struct key_pair *fresh, struct buf *why)
{
    static const struct sock_spec spec = {
        .type = ZMQ_DEALER, .send_hwm = 2, .recv_hwm = 2, .max_bytes = 1024, .immediate = true
    };
    const struct curve curve = { .own = fresh, .server = keys->server };
    char endpoint[ENDPOINT_SIZE];
    zsock_t *sock = NULL;
    int rc = sock_endpoint(endpoint, sizeof endpoint, how->collector, how->door);

    rc = rc < 0 ? rc : sock_new(&sock, &spec, &curve);
    rc = rc < 0 ? rc : sock_connect(sock, endpoint);
    rc = rc < 0 ? rc : s_wait(sock, how);
    if (rc < 0 && why->len == 0)
        buf_printf(why, "%s: the new key is not let in (%s)", endpoint, err_str(rc));
    zsock_destroy(&sock);
    if (rc == 0)
        buf_clear(why);
    return rc;
}

static int
s_wait(zsock_t *sock, const struct key_rotation *how)
{
    const int64_t deadline_ms = clock_mono_ms() + how->timeout_ms;
    zmq_pollitem_t items[] = { { .socket = sock_raw(sock), .events = ZMQ_POLLOUT },
                               { .fd = how->wake_fd, .events = ZMQ_POLLIN } };

    for (;;) {
        const int64_t left_ms = deadline_ms - clock_mono_ms();

        if (zmq_poll(items, how->wake_fd >= 0 ? 2 : 1, left_ms > 0 ? left_ms : 0) == -1 &&
            errno != EINTR)
            return -errno;
        if (how->wake_fd >= 0 && (items[1].revents & ZMQ_POLLIN) != 0)
            return -EINTR;
        if ((items[0].revents & ZMQ_POLLOUT) != 0)
            return 0;
        if (left_ms <= 0)
            return -ETIMEDOUT;
    }
}
