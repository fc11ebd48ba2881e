// enrol_service, enrol_answer, enrol_client - a key comes in by a token, and operators say who
// stays.

#include "collector/enrol_service.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/collector_stat.h"
#include "collector/enrol_answer.h"
#include "collector/zap_handler.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/net/curve.h"
#include "shared/net/enrol_client.h"
#include "shared/net/service.h"
#include "tests/support/folder.h"

#define WAIT_MS   20000
#define REFUSE_MS 500
#define COLLECTOR UINT64_C(0xc011)

// A collector's half of it, with one operator.
struct bed {
    char dir[64];
    char keys[80];  // of somebody who joins
    char data[128]; // endpoint, as of a data socket
    struct key_pair server, operator, stranger;
    roster_t *roster;
    zap_handler_t *zap;
    enrol_service_t *service;
    enrol_client_t *client; // that asked last: what it was told points into it
    struct enrol_msg in, out;
    struct buf why;
};

static int
decide(void *arg, enum sock_port door, const uint8_t key[KEY_BYTES])
{
    return (int) roster_admit(arg, door, key, clock_real_ms());
}

// By a path of the bed's own: no port that somebody else may have.
static int
start_service(struct bed *b)
{
    char endpoint[128];
    const int rc = sock_endpoint(endpoint, sizeof endpoint, b->data, SOCK_ENROL);

    if (rc < 0)
        return rc;
    return enrol_service_start(
        &b->service,
        &(struct enrol_service_options){
            .endpoint = endpoint, .own = &b->server, .roster = b->roster, .collector = COLLECTOR });
}

static int
set_up(void **state)
{
    struct bed *b = calloc(1, sizeof *b);
    uint8_t key[KEY_BYTES];
    size_t torn;

    snprintf(b->dir, sizeof b->dir, "/tmp/test_enrol_service.XXXXXX");
    *state = b;
    if (mkdtemp(b->dir) == NULL)
        return -1;
    snprintf(b->data, sizeof b->data, "ipc://%s/data", b->dir);
    if (key_pair_make(&b->server) < 0 || key_pair_make(&b->operator) < 0 ||
        key_pair_make(&b->stranger) < 0 ||
        roster_open(&b->roster, &torn, b->dir, clock_real_ms()) < 0 ||
        zap_handler_start(&b->zap, decide, b->roster) < 0 || start_service(b) < 0)
        return -1;
    snprintf(b->keys, sizeof b->keys, "%s/keys", b->dir);
    key_from_text(key, b->operator.public_text, KEY_TEXT_LEN);
    return roster_enrol(b->roster, key, ROLE_OPERATOR, "me", clock_real_ms());
}

static int
tear_down(void **state)
{
    struct bed *b = *state;

    enrol_client_close(&b->client);
    enrol_service_stop(&b->service);
    zap_handler_stop(&b->zap);
    roster_close(&b->roster);
    folder_remove(b->dir);
    buf_release(&b->why);
    free(b);
    return 0;
}

// One question on a connection of its own; the answer is in b->in until the next one.
static void
ask(struct bed *b, const struct key_pair *as, int reason)
{
    enrol_client_close(&b->client);
    assert_int_equal(enrol_client_open(&b->client,
                                       &(struct enrol_client_options){
                                           .collector = b->data,
                                           .server = b->server.public_text,
                                           .own = as,
                                           .wake_fd = -1,
                                       }),
                     0);
    assert_int_equal(enrol_client_ask(b->client, &b->in, &b->out, WAIT_MS), 0);
    if (reason == 0)
        assert_int_equal(b->in.type, b->out.type + 1);
    else
        assert_int_equal(b->in.type, ENROL_REFUSED);
    if (reason != 0)
        assert_int_equal(b->in.refused.reason, reason);
}

static void
invite(struct bed *b, const struct key_pair *as, int reason, char token[TOKEN_TEXT_SIZE])
{
    memset(&b->out, 0, sizeof b->out);
    b->out.type = ENROL_INVITE;
    b->out.invite.role = ROLE_AGENT;
    b->out.invite.uses = 1;
    b->out.invite.ttl_ms = 60000;
    ask(b, as, reason);
    if (reason != 0)
        return;
    assert_int_equal(b->in.invited.token.len, TOKEN_TEXT_LEN);
    memcpy(token, b->in.invited.token.at, TOKEN_TEXT_LEN);
    token[TOKEN_TEXT_LEN] = '\0';
}

static int
join(struct bed *b, const char *token, const char *name, const char *server, int timeout_ms)
{
    struct enrol_joined joined;
    const int rc = enrol_join(&joined,
                              &(struct enrol_join){ .collector = b->data,
                                                    .server = server,
                                                    .token = token,
                                                    .role = ROLE_AGENT,
                                                    .wish = name,
                                                    .version = "1",
                                                    .dir = b->keys,
                                                    .name = name,
                                                    .wake_fd = -1,
                                                    .timeout_ms = timeout_ms },
                              &b->why);

    if (rc == 0) {
        assert_string_equal(joined.name, name);
        assert_int_equal(joined.role, ROLE_AGENT);
    }
    return rc;
}

static int
answer_at(struct bed *b, const char *name, enum sock_port door)
{
    struct key_pair pair;
    uint8_t key[KEY_BYTES];

    assert_int_equal(key_file_load(&pair, b->keys, name, &b->why), 0);
    key_from_text(key, pair.public_text, KEY_TEXT_LEN);
    return (int) roster_admit(b->roster, door, key, clock_real_ms());
}

static void
a_token_makes_a_stranger_an_agent(void **state)
{
    struct bed *b = *state;
    char token[TOKEN_TEXT_SIZE], server[KEY_TEXT_SIZE];

    invite(b, &b->operator, 0, token);
    assert_int_equal(join(b, token, "web-1", b->server.public_text, WAIT_MS), 0);
    assert_int_equal(answer_at(b, "web-1", SOCK_DATA), 200);
    assert_int_equal(answer_at(b, "web-1", SOCK_LIVE), 400);
    assert_int_equal(key_file_load_public(server, b->keys, "collector", &b->why), 0);
    assert_string_equal(server, b->server.public_text);
    // Again by the same key, since an answer may be lost; not by another.
    assert_int_equal(join(b, token, "web-1", b->server.public_text, WAIT_MS), 0);
    assert_int_equal(join(b, token, "web-2", b->server.public_text, WAIT_MS), -EPERM);
    assert_non_null(strstr(buf_cstr(&b->why), "token"));
}

static void
another_collectors_key_gets_no_answer_and_no_token(void **state)
{
    struct bed *b = *state;
    char token[TOKEN_TEXT_SIZE];

    invite(b, &b->operator, 0, token);
    assert_int_equal(join(b, token, "web-1", b->stranger.public_text, REFUSE_MS), -ETIMEDOUT);
    assert_int_equal(answer_at(b, "web-1", SOCK_DATA), 300);
    assert_int_equal(join(b, token, "web-1", "no key", REFUSE_MS), ERR_FORMAT);
}

static void
only_an_operator_invites_lists_and_revokes(void **state)
{
    struct bed *b = *state;
    char token[TOKEN_TEXT_SIZE];
    struct key_pair agent;

    invite(b, &b->stranger, REFUSAL_ROLE, token);
    invite(b, &b->operator, 0, token);
    assert_int_equal(join(b, token, "web-1", b->server.public_text, WAIT_MS), 0);
    assert_int_equal(key_file_load(&agent, b->keys, "web-1", &b->why), 0);
    invite(b, &agent, REFUSAL_ROLE, token);
    memset(&b->out, 0, sizeof b->out);
    b->out.type = ENROL_LIST;
    ask(b, &agent, REFUSAL_ROLE);
    ask(b, &b->operator, 0);
    assert_int_equal(b->in.keys.n_keys, 2);
    memset(&b->out, 0, sizeof b->out);
    b->out.type = ENROL_REVOKE;
    b->out.revoke.name = (struct enrol_text){ "me", 2 };
    ask(b, &agent, REFUSAL_ROLE);
    b->out.revoke.name = (struct enrol_text){ "nobody", 6 };
    ask(b, &b->operator, REFUSAL_UNKNOWN);
    b->out.revoke.name = (struct enrol_text){ "web-1", 5 };
    ask(b, &b->operator, 0);
    assert_int_equal(b->in.revoked.keys, 1);
    assert_int_equal(answer_at(b, "web-1", SOCK_DATA), 400);
}

static void
a_key_replaces_itself_and_nobody_else(void **state)
{
    struct bed *b = *state;
    struct key_pair fresh;
    uint8_t key[KEY_BYTES];

    assert_int_equal(key_pair_make(&fresh), 0);
    key_from_text(key, fresh.public_text, KEY_TEXT_LEN);
    memset(&b->out, 0, sizeof b->out);
    b->out.type = ENROL_ROTATE;
    b->out.rotate.key = key;
    ask(b, &b->stranger, REFUSAL_ROLE);
    ask(b, &b->operator, 0);
    assert_true(b->in.rotated.until_ms > clock_real_ms());
    // Both are let in for the overlap.
    memset(&b->out, 0, sizeof b->out);
    b->out.type = ENROL_LIST;
    ask(b, &b->operator, 0);
    ask(b, &fresh, 0);
}

static void
bytes_that_are_no_question_are_counted_and_nothing_more(void **state)
{
    struct bed *b = *state;
    const struct sock_spec spec = {
        .type = ZMQ_DEALER,
        .send_hwm = 16,
        .recv_hwm = 16,
        .max_bytes = ENROL_MAX,
        .immediate = true,
    };
    const struct curve curve = { .own = &b->stranger, .server = b->server.public_text };
    const int64_t deadline_ms = clock_mono_ms() + WAIT_MS;
    char endpoint[128], token[TOKEN_TEXT_SIZE];
    zmq_pollitem_t item;
    zsock_t *sock = NULL;

    assert_int_equal(sock_endpoint(endpoint, sizeof endpoint, b->data, SOCK_ENROL), 0);
    assert_int_equal(sock_new(&sock, &spec, &curve), 0);
    assert_int_equal(sock_connect(sock, endpoint), 0);
    item = (zmq_pollitem_t){ .socket = sock_raw(sock), .events = ZMQ_POLLOUT };
    assert_int_equal(zmq_poll(&item, 1, WAIT_MS), 1);
    assert_int_equal(sock_send(sock, "", 0, false), 0);
    assert_int_equal(sock_send(sock, "ZE\x10\x09", 4, false), 0);
    assert_int_equal(sock_send(sock, "part", 4, true), 0);
    assert_int_equal(sock_send(sock, "part", 4, false), 0);
    while (enrol_service_bad(b->service) < 3 && clock_mono_ms() < deadline_ms)
        zmq_poll(NULL, 0, 5);
    assert_int_equal(enrol_service_bad(b->service), 3);
    assert_int_equal(enrol_service_nameless(b->service), 0);
    zsock_destroy(&sock);
    invite(b, &b->operator, 0, token);
}

int
main(void)
{
    collector_stat_init();
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_token_makes_a_stranger_an_agent),
        TEST(another_collectors_key_gets_no_answer_and_no_token),
        TEST(only_an_operator_invites_lists_and_revokes),
        TEST(a_key_replaces_itself_and_nobody_else),
        TEST(bytes_that_are_no_question_are_counted_and_nothing_more),
    };
    const int signals = service_start(1);
    int rc = 1;

    if (signals >= 0)
        rc = cmocka_run_group_tests_name("enrol_service", tests, NULL, NULL);
    service_end(signals);
    return rc;
}
