// test_query_client - questions to a collector that answers well, badly, or not.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/query_client.h"
#include "shared/base/err.h"
#include "shared/net/service.h"
#include "shared/wire/query_number.h"

#define WAIT_MS 20000

// The other side: answers one request as the script says.
static struct {
    zsock_t *router;
    char data[64]; // the data port that belongs to it
    const struct query_reply *replies;
    unsigned n;
    bool garbage;
    const struct query_numbers *numbers; // behind each reply, or NULL
    pthread_t thread;
} collector;
static int signals;

static void *
answer(void *arg)
{
    zmq_pollitem_t item = { .socket = sock_raw(collector.router), .events = ZMQ_POLLIN };
    struct query_request q;
    zmq_msg_t peer, body;

    zmq_msg_init(&peer);
    zmq_msg_init(&body);
    if (zmq_poll(&item, 1, WAIT_MS) == 1 && sock_recv(collector.router, &peer) == 1 &&
        sock_recv(collector.router, &body) == 1 &&
        query_take_request(&q, zmq_msg_data(&body), zmq_msg_size(&body)) == 0) {
        for (unsigned i = 0; i < collector.n; i++) {
            struct query_reply reply = collector.replies[i];
            struct buf out = { 0 };

            reply.type = q.type;
            reply.id += q.id;
            reply.n = collector.numbers != NULL ? 1 : reply.n;
            query_put_reply(&out, &reply);
            if (collector.numbers != NULL)
                (void) query_put_numbers(&out, collector.numbers);
            if (collector.garbage)
                out.len = out.len / 2;
            sock_send(collector.router, zmq_msg_data(&peer), zmq_msg_size(&peer), true);
            sock_send(collector.router, out.at, out.len, false);
            buf_release(&out);
        }
    }
    zmq_msg_close(&peer);
    zmq_msg_close(&body);
    return arg;
}

static query_client_t *
meet(const struct query_reply *replies, unsigned n)
{
    query_client_t *client = NULL;

    collector.replies = replies;
    collector.n = n;
    assert_int_equal(query_client_open(&client, collector.data, NULL, -1), 0);
    assert_int_equal(pthread_create(&collector.thread, NULL, answer, NULL), 0);
    return client;
}

static int
count(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    unsigned *n = arg;

    (void) r;
    *n += 1 + reply->n;
    return 0;
}

static int
ask(const struct query_reply *replies, unsigned n, unsigned *seen, struct buf *why)
{
    struct query_request q = { .type = QUERY_HOSTS };
    query_client_t *client = meet(replies, n);
    const int rc = query_client_ask(client, &q, WAIT_MS, count, seen, why);

    pthread_join(collector.thread, NULL);
    query_client_close(&client);
    return rc;
}

static void
an_answer_is_taken_to_its_last_reply(void **state)
{
    static const struct query_reply replies[] = { { .flags = QUERY_MORE },
                                                  { .flags = QUERY_MORE },
                                                  { .flags = 0 } };
    struct buf why = { 0 };
    unsigned seen = 0;

    (void) state;
    assert_int_equal(ask(replies, 3, &seen, &why), 0);
    assert_int_equal(seen, 3);
    buf_release(&why);
}

static void
an_answer_to_another_question_is_passed_over(void **state)
{
    static const struct query_reply replies[] = { { .id = 41 }, { .id = 0 } };
    struct buf why = { 0 };
    unsigned seen = 0;

    (void) state;
    assert_int_equal(ask(replies, 2, &seen, &why), 0);
    assert_int_equal(seen, 1);
    buf_release(&why);
}

static void
a_refusal_brings_its_sentence(void **state)
{
    static const struct {
        uint8_t status;
        int rc;
    } cases[] = { { QUERY_BAD, ERR_RANGE },
                  { QUERY_TOO_LARGE, ERR_LIMIT },
                  { QUERY_UNKNOWN, ERR_UNKNOWN },
                  { QUERY_BUSY, -EAGAIN } };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct query_reply reply = { .status = cases[i].status,
                                           .text = "because",
                                           .text_len = 7 };
        struct buf why = { 0 };
        unsigned seen = 0;

        assert_int_equal(ask(&reply, 1, &seen, &why), cases[i].rc);
        assert_string_equal(query_client_problem(cases[i].rc, &why), "because");
        assert_int_equal(seen, 0);
        buf_release(&why);
    }
}

static int
is_whole(const struct query_reply *reply, int64_t replaying, bool *ret)
{
    struct query_numbers numbers = { 0 };
    struct buf why = { 0 };
    query_client_t *client;
    int rc;

    query_number_set(&numbers, STATUS_REPLAYING, (uint64_t) replaying);
    collector.numbers = replaying >= 0 ? &numbers : NULL;
    client = meet(reply, 1);
    rc = query_client_whole(client, WAIT_MS, ret, &why);
    pthread_join(collector.thread, NULL);
    query_client_close(&client);
    collector.numbers = NULL;
    buf_release(&why);
    return rc;
}

static void
a_collector_is_whole_once_its_journal_is_read_back(void **state)
{
    static const struct query_reply ok = { 0 }, bad = { .status = QUERY_BAD };
    static const struct query_reply busy = { .status = QUERY_BUSY };
    bool whole = true;

    (void) state;
    assert_int_equal(is_whole(&ok, 1, &whole), 0);
    assert_false(whole);
    assert_int_equal(is_whole(&ok, 0, &whole), 0);
    assert_true(whole);
    // Older ones do not say, or do not know the question.
    assert_int_equal(is_whole(&ok, -1, &whole), 0);
    assert_true(whole);
    assert_int_equal(is_whole(&bad, -1, &whole), 0);
    assert_true(whole);
    assert_int_equal(is_whole(&busy, -1, &whole), -EAGAIN);
}

static void
an_answer_that_is_cut_is_refused(void **state)
{
    static const struct query_reply reply = { 0 };
    struct buf why = { 0 };
    unsigned seen = 0;

    (void) state;
    collector.garbage = true;
    assert_int_equal(ask(&reply, 1, &seen, &why), ERR_FORMAT);
    collector.garbage = false;
    buf_release(&why);
}

static void
silence_ends_at_the_deadline(void **state)
{
    struct query_request q = { .type = QUERY_HOSTS };
    query_client_t *client = NULL;
    struct buf why = { 0 };

    (void) state;
    assert_int_equal(query_client_open(&client, collector.data, NULL, -1), 0);
    assert_int_equal(query_client_ask(client, &q, 50, NULL, NULL, &why), -ETIMEDOUT);
    assert_non_null(strstr(query_client_problem(-ETIMEDOUT, &why), "no collector"));
    query_client_close(&client);
    // Nobody at all: the port before the first of ours.
    assert_int_equal(query_client_open(&client, "tcp://127.0.0.1:1", NULL, -1), 0);
    assert_int_equal(query_client_ask(client, &q, 50, NULL, NULL, &why), -ETIMEDOUT);
    query_client_close(&client);
    buf_release(&why);
}

static void
a_signal_ends_the_wait(void **state)
{
    struct query_request q = { .type = QUERY_HOSTS };
    query_client_t *client = NULL;
    struct buf why = { 0 };
    int wake[2];

    (void) state;
    assert_int_equal(pipe(wake), 0);
    assert_int_equal(write(wake[1], "x", 1), 1);
    assert_int_equal(query_client_open(&client, collector.data, NULL, wake[0]), 0);
    assert_int_equal(query_client_ask(client, &q, WAIT_MS, NULL, NULL, &why), -EINTR);
    query_client_close(&client);
    close(wake[0]);
    close(wake[1]);
    buf_release(&why);
}

static void
a_collector_elsewhere_is_refused_at_once(void **state)
{
    query_client_t *client = NULL;

    (void) state;
    assert_int_equal(query_client_open(&client, "tcp://10.0.0.1:5560", NULL, -1), ERR_RANGE);
    assert_int_equal(query_client_open(&client, "nowhere", NULL, -1), ERR_FORMAT);
    assert_null(client);
}

static int
no_series(void *arg, const struct query_series *series)
{
    (void) arg;
    (void) series;
    fail_msg("there was none");
    return 0;
}

static void
what_an_answer_lacks_is_told(void **state)
{
    static const struct query_reply replies[] = {
        { .flags = QUERY_MORE, .upto = 7 }, { .upto = 7, .text = "half of it", .text_len = 10 }
    };
    struct query_request q = { .type = QUERY_SERIES };
    struct query_client_note note = { 0 };
    query_client_t *client = meet(replies, 2);
    struct buf why = { 0 };

    (void) state;
    assert_int_equal(query_client_series(client, &q, WAIT_MS, no_series, NULL, &why, &note), 0);
    pthread_join(collector.thread, NULL);
    query_client_close(&client);
    assert_string_equal(buf_cstr(&note.lacks), "half of it");
    assert_int_equal(note.upto, 7);
    assert_int_equal(why.len, 0);
    buf_release(&note.lacks);
    buf_release(&why);
}

static void
one_question_is_asked_and_over(void **state)
{
    static const struct query_reply good = { 0 };
    static const struct query_reply bad = { .status = QUERY_BUSY, .text = "later", .text_len = 5 };
    struct query_request q = { .type = QUERY_HOSTS };
    query_client_t *client;
    unsigned seen = 0;

    (void) state;
    client = meet(&good, 1);
    assert_int_equal(query_client_once("test", collector.data, NULL, -1, &q, count, &seen), 0);
    pthread_join(collector.thread, NULL);
    query_client_close(&client);
    assert_int_equal(seen, 1);
    client = meet(&bad, 1);
    assert_int_equal(query_client_once("test", collector.data, NULL, -1, &q, count, &seen),
                     -EAGAIN);
    pthread_join(collector.thread, NULL);
    query_client_close(&client);
    assert_int_equal(query_client_once("test", "nowhere", NULL, -1, &q, count, &seen), ERR_FORMAT);
    assert_int_equal(seen, 1);
}

static void
each_end_has_its_exit_code(void **state)
{
    (void) state;
    assert_int_equal(query_client_exit(0), 0);
    assert_int_equal(query_client_exit(-ETIMEDOUT), 69);
    assert_int_equal(query_client_exit(-EAGAIN), 75);
    assert_int_equal(query_client_exit(-EINTR), 1);
    assert_int_equal(query_client_exit(ERR_LIMIT), 1);
}

// A ROUTER on the fourth of five ports in a row; only that one is really taken.
static int
start(void **state)
{
    static const struct sock_spec spec = {
        .type = ZMQ_ROUTER, .send_hwm = 16, .recv_hwm = 16, .max_bytes = QUERY_REPLY_MAX
    };
    char endpoint[64];
    int rc = -1;

    (void) state;
    signals = service_start(1);
    if (signals < 0 || sock_new(&collector.router, &spec, NULL) < 0)
        return -1;
    for (unsigned port = 20000 + (unsigned) getpid() % 8000; rc < 0 && port < 32000; port += 5) {
        snprintf(collector.data, sizeof collector.data, "tcp://127.0.0.1:%u", port);
        if (sock_endpoint(endpoint, sizeof endpoint, collector.data, SOCK_QUERY) == 0)
            rc = sock_bind(collector.router, endpoint);
    }
    return rc;
}

static int
end(void **state)
{
    (void) state;
    zsock_destroy(&collector.router);
    service_end(signals);
    return 0;
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_taken_to_its_last_reply),
        cmocka_unit_test(an_answer_to_another_question_is_passed_over),
        cmocka_unit_test(a_refusal_brings_its_sentence),
        cmocka_unit_test(a_collector_is_whole_once_its_journal_is_read_back),
        cmocka_unit_test(an_answer_that_is_cut_is_refused),
        cmocka_unit_test(what_an_answer_lacks_is_told),
        cmocka_unit_test(one_question_is_asked_and_over),
        cmocka_unit_test(each_end_has_its_exit_code),
        cmocka_unit_test(a_signal_ends_the_wait),
        cmocka_unit_test(a_collector_elsewhere_is_refused_at_once),
        cmocka_unit_test(silence_ends_at_the_deadline),
    };
    return cmocka_run_group_tests_name("query_client", tests, start, end);
}
