// flow_forged - peers that complete the handshake with a key of their own, and write into it that
// they are somebody else.
//
// A peer's handshake may carry any property. Libraries let an application name only those that
// begin with "X-", so it is libzmq that speaks here, and the name is changed on the way to its
// encryption: what the collector decrypts has User-Id and Peer-Address, as ZAP and libzmq
// themselves would write them there.
//
// Source: ZMTP 3.1 (rfc.zeromq.org/spec/37), CurveZMQ (rfc.zeromq.org/spec/26), "INITIATE".

#include <czmq.h>
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/wire/enrol.h"
#include "tests/support/by_hand.h"

#define HOST    UINT64_C(0xa1)
#define ADDRESS "192.0.2.66"
// After so long without an answer the peer hangs up and comes again.
#define HANG_UP_MS 3000

// Names of properties that have been changed.
static atomic_uint s_forged;

// Of libsodium, in whose place this one is: `cipher` of `n` bytes of `plain`, by nonce and keys.
int crypto_box(unsigned char *cipher, const unsigned char *plain, unsigned long long n,
               const unsigned char *nonce, const unsigned char *theirs, const unsigned char *ours);

int
crypto_box(unsigned char *cipher, const unsigned char *plain, unsigned long long n,
           const unsigned char *nonce, const unsigned char *theirs, const unsigned char *ours)
{
    static const char *const names[][2] = { { "X-er-Id", "User-Id" },
                                            { "X-er-Address", "Peer-Address" } };
    unsigned char *forged = malloc(n);
    int (*box)(unsigned char *, const unsigned char *, unsigned long long, const unsigned char *,
               const unsigned char *, const unsigned char *);
    void *real = dlsym(RTLD_NEXT, "crypto_box");
    int rc;

    memcpy(&box, &real, sizeof box); // ISO C has no cast of the one to the other
    memcpy(forged, plain, n);
    for (size_t i = 0; i < 2; i++) {
        const size_t len = strlen(names[i][0]);
        char *at = memmem(forged, n, names[i][0], len);

        if (at != NULL) {
            memcpy(at, names[i][1], len);
            atomic_fetch_add(&s_forged, 1);
        }
    }
    rc = box(cipher, forged, n, nonce, theirs, ours);
    free(forged);
    return rc;
}

// That peer at a door, under the key of another and from where nobody is.
static struct by_hand_knock
s_knocks_as(struct by_hand *bed, const struct keyed_peer *peer, const char *name,
            enum sock_port door, const struct keyed_peer *other, const char *others_name)
{
    char public[KEY_TEXT_SIZE], user[60];
    const char *const forged[] = { user, "X-er-Address:" ADDRESS, NULL };
    struct buf why = { 0 };

    claim(bed->s, key_file_load_public(public, other->dir, others_name, &why) == 0);
    snprintf(user, sizeof user, "X-er-Id:%s", public);
    buf_release(&why);
    return by_hand_knocks(bed, peer, name, door, HANG_UP_MS, forged);
}

static void
frames_under_anothers_user_id_are_refused(void **state)
{
    struct keyed_counted refused = { "zpulse_collector_frames_refused_total{reason=\"identity\"}",
                                     1 };
    struct by_hand bed;
    struct by_hand_knock theirs;
    struct control_msg msg;
    zsock_t *control, *own;

    by_hand_up(&bed, *state);
    control = by_hand_socket(&bed, &bed.a, "agent", ZMQ_DEALER, SOCK_CONTROL, NULL);
    own = by_hand_socket(&bed, &bed.a, "agent", ZMQ_PUSH, SOCK_DATA, NULL);
    by_hand_welcome(&bed, control, HOST, 1, "web-1");
    atomic_store(&s_forged, 0);
    theirs = s_knocks_as(&bed, &bed.b, "agent", SOCK_DATA, &bed.a, "agent");
    by_hand_frame(&bed, theirs.sock, 0);
    claim(bed.s, stage_until(bed.s, STAGE_PATIENCE_MS, keyed_has_counted, &refused));
    claim(bed.s, atomic_load(&s_forged) >= 2); // both names, each time it connected
    by_hand_frame(&bed, own, 0);
    do
        by_hand_hear(&bed, control, CONTROL_ACK, &msg);
    while (msg.ack.next == 0);
    claim(bed.s, msg.ack.stream == BY_HAND_STREAM && msg.ack.next == 1);
    by_hand_drop(&theirs);
    zsock_destroy(&own);
    zsock_destroy(&control);
}

static void
a_host_is_not_claimed_by_its_user_id_nor_an_import_by_an_operators(void **state)
{
    struct keyed_refused refused;
    struct by_hand bed;
    struct by_hand_knock b;
    struct control_msg msg;
    process_t *run;

    by_hand_up(&bed, *state);
    atomic_store(&s_forged, 0);
    b = s_knocks_as(&bed, &bed.b, "agent", SOCK_CONTROL, &bed.a, "agent");
    msg = by_hand_hello(HOST, 1, "web-1");
    by_hand_say(&bed, b.sock, &msg);
    by_hand_hear(&bed, b.sock, CONTROL_GOAWAY, &msg);
    claim(bed.s, msg.goaway.reason == GOAWAY_NAME);
    by_hand_drop(&b);
    b = s_knocks_as(&bed, &bed.b, "agent", SOCK_CONTROL, &bed.chief, "operator");
    msg = by_hand_hello(HOST, 1, "web-9");
    msg.hello.flags = HELLO_IMPORT;
    by_hand_say(&bed, b.sock, &msg);
    by_hand_hear(&bed, b.sock, CONTROL_GOAWAY, &msg);
    claim(bed.s, msg.goaway.reason == GOAWAY_ROLE);
    by_hand_drop(&b);
    claim(bed.s, atomic_load(&s_forged) >= 4);
    // Who it was, and from where, is what the collector saw and not what it was told.
    refused = (struct keyed_refused){ &bed.k, "web-1", "key" };
    claim(bed.s, stage_until(bed.s, STAGE_PATIENCE_MS, keyed_is_refused, &refused));
    claim(bed.s, keyed_zpulse(bed.s, &bed.k, &run, "hosts", NULL, NULL, NULL) == 0);
    claim(bed.s, strstr(process_out(run), "enrolled under another name (web-2)") != NULL);
    claim(bed.s, strstr(process_out(run), "from 127.0.0.1") != NULL);
    claim(bed.s, strstr(process_out(run), ADDRESS) == NULL);
}

static void
no_door_opens_by_a_user_id_that_the_peer_wrote(void **state)
{
    struct keyed_counted denied[] = {
        { "zpulse_collector_handshakes_denied_total{reason=\"role\"}", 4 },
        { "zpulse_collector_handshakes_denied_total{reason=\"unknown\"}", 2 },
    };
    struct keyed_peer stranger;
    struct by_hand bed;

    by_hand_up(&bed, *state);
    keyed_stranger(bed.s, &bed.k, "agent", "web-9", &stranger);
    atomic_store(&s_forged, 0);
    const struct {
        const struct keyed_peer *who, *other;
        const char *name, *others_name;
        enum sock_port door;
    } cases[] = {
        { &bed.b, &bed.chief, "agent", "operator", SOCK_QUERY },
        { &bed.b, &bed.board, "agent", "dashboard", SOCK_LIVE },
        { &bed.board, &bed.a, "dashboard", "agent", SOCK_DATA },
        { &bed.board, &bed.chief, "dashboard", "operator", SOCK_CONTROL },
        { &stranger, &bed.a, "agent", "agent", SOCK_DATA },
        { &stranger, &bed.chief, "agent", "operator", SOCK_QUERY },
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct by_hand_knock knock = s_knocks_as(&bed, cases[i].who, cases[i].name, cases[i].door,
                                                 cases[i].other, cases[i].others_name);

        if (by_hand_is_let_in(&bed, &knock)) {
            stage_show(bed.s);
            fail_msg("case %zu is let in", i);
        }
    }
    for (size_t i = 0; i < 2; i++)
        claim(bed.s, stage_until(bed.s, STAGE_PATIENCE_MS, keyed_has_counted, &denied[i]));
    claim(bed.s, atomic_load(&s_forged) >= 2 * sizeof cases / sizeof cases[0]);
}

// The door that is open to any key: what a question may do, and whose key it brings in.
static void
s_ask(struct by_hand *bed, zsock_t *sock, const struct enrol_msg *question, struct enrol_msg *ret)
{
    static uint8_t bytes[ENROL_MAX];
    zmq_pollitem_t item = { .socket = sock_raw(sock), .events = ZMQ_POLLIN };
    const ptrdiff_t n = enrol_put(bytes, sizeof bytes, question);
    zmq_msg_t msg;

    claim(bed->s, n > 0);
    by_hand_send(bed, sock, bytes, (size_t) n);
    claim(bed->s, zmq_poll(&item, 1, stage_ms(STAGE_PATIENCE_MS)) == 1);
    zmq_msg_init(&msg);
    claim(bed->s, sock_recv(sock, &msg) == 1 && zmq_msg_size(&msg) <= sizeof bytes);
    memcpy(bytes, zmq_msg_data(&msg), zmq_msg_size(&msg));
    claim(bed->s, enrol_take(ret, bytes, zmq_msg_size(&msg)) == 0);
    zmq_msg_close(&msg);
}

static void
who_enrols_as_an_operator_is_none_and_its_own_key_is_what_is_let_in(void **state)
{
    struct enrol_msg question = { .type = ENROL_INVITE, .n = 1 }, answer;
    char token[100], server[80];
    struct by_hand_knock knock;
    struct keyed_peer stranger;
    struct by_hand bed;

    by_hand_up(&bed, *state);
    keyed_stranger(bed.s, &bed.k, "agent", "web-3", &stranger);
    keyed_token(bed.s, &bed.k, "agent", "web-3", token, server);
    atomic_store(&s_forged, 0);
    knock = s_knocks_as(&bed, &stranger, "agent", SOCK_ENROL, &bed.chief, "operator");
    question.invite.role = ROLE_OPERATOR;
    question.invite.uses = 1;
    question.invite.ttl_ms = 60000;
    s_ask(&bed, knock.sock, &question, &answer);
    claim(bed.s, answer.type == ENROL_REFUSED && answer.refused.reason == REFUSAL_ROLE);
    question = (struct enrol_msg){ .type = ENROL_REVOKE, .n = 2 };
    question.revoke.name = (struct enrol_text){ "web-1", 5 };
    s_ask(&bed, knock.sock, &question, &answer);
    claim(bed.s, answer.type == ENROL_REFUSED && answer.refused.reason == REFUSAL_ROLE);
    question = (struct enrol_msg){ .type = ENROL_JOIN, .n = 3 };
    question.join.token = (struct enrol_text){ token + strlen("--token="),
                                               strlen(token) - strlen("--token=") };
    question.join.version = (struct enrol_text){ "0", 1 };
    s_ask(&bed, knock.sock, &question, &answer);
    claim(bed.s, answer.type == ENROL_JOINED && answer.joined.role == ROLE_AGENT);
    by_hand_drop(&knock);
    claim(bed.s, atomic_load(&s_forged) >= 2);
    // The key that it has is an agent's, and the operator's is still the operator's.
    knock = by_hand_knocks(&bed, &stranger, "agent", SOCK_DATA, 0, NULL);
    claim(bed.s, by_hand_is_let_in(&bed, &knock));
    knock = by_hand_knocks(&bed, &stranger, "agent", SOCK_QUERY, 0, NULL);
    claim(bed.s, !by_hand_is_let_in(&bed, &knock));
    knock = by_hand_knocks(&bed, &bed.chief, "operator", SOCK_QUERY, 0, NULL);
    claim(bed.s, by_hand_is_let_in(&bed, &knock));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(frames_under_anothers_user_id_are_refused),
        stage_test(a_host_is_not_claimed_by_its_user_id_nor_an_import_by_an_operators),
        stage_test(no_door_opens_by_a_user_id_that_the_peer_wrote),
        stage_test(who_enrols_as_an_operator_is_none_and_its_own_key_is_what_is_let_in),
    };

    return cmocka_run_group_tests_name("flow_forged", tests, NULL, NULL);
}
