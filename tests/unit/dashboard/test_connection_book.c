// connection_book - a request comes in whole and in time, and no address has all the room.

#include "dashboard/connection_book.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/unit/dashboard/room.h"

#define REQUEST_MS 10000
#define WAIT_MS    20000
#define NOW        INT64_C(1000000)

static const char *const trusted[] = { "10.9.9.9", "2001:db8:9::9", "no address" };

struct bed {
    connection_book_t *book;
    int listening;
    struct sockaddr_in at;
};

// A connection over TCP, both ends.
struct wire {
    int client;
    int server;
    struct connection *entry;
};

static int
set_up(void **state)
{
    const struct connection_limits limits = {
        .per_address = 2, .request_ms = REQUEST_MS, .trusted = trusted, .n_trusted = N_OF(trusted)
    };
    struct bed *b = calloc(1, sizeof *b);
    socklen_t len = sizeof b->at;

    *state = b;
    b->book = connection_book_new(&limits);
    b->listening = socket(AF_INET, SOCK_STREAM, 0);
    b->at = (struct sockaddr_in){ .sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    return bind(b->listening, (struct sockaddr *) &b->at, len) != 0 ||
           listen(b->listening, 16) != 0 ||
           getsockname(b->listening, (struct sockaddr *) &b->at, &len) != 0;
}

static int
tear_down(void **state)
{
    struct bed *b = *state;

    connection_book_destroy(&b->book);
    close(b->listening);
    free(b);
    return 0;
}

static struct wire
come(struct bed *b)
{
    struct wire w = { .client = socket(AF_INET, SOCK_STREAM, 0) };

    assert_int_equal(connect(w.client, (struct sockaddr *) &b->at, sizeof b->at), 0);
    w.server = accept(b->listening, NULL, NULL);
    assert_true(w.server >= 0);
    w.entry = connection_book_enter(b->book, w.server, (struct sockaddr *) &b->at, NOW);
    return w;
}

static void
go(struct bed *b, struct wire *w)
{
    connection_book_leave(b->book, w->entry);
    close(w->server);
    close(w->client);
}

static void
say(struct wire *w)
{
    struct pollfd on = { .fd = w->server, .events = POLLIN };
    char byte;

    assert_int_equal(send(w->client, "G", 1, 0), 1);
    assert_int_equal(poll(&on, 1, WAIT_MS), 1);
    assert_int_equal(recv(w->server, &byte, 1, 0), 1);
}

static bool
is_shut(const struct wire *w)
{
    char byte;

    return recv(w->client, &byte, 1, MSG_DONTWAIT) == 0;
}

static void
a_request_that_drips_is_cut_off(void **state)
{
    struct bed *b = *state;
    struct wire w = come(b);

    for (int64_t ms = 0; ms <= REQUEST_MS; ms += 1000) {
        say(&w);
        assert_int_equal(connection_book_sweep(b->book, NOW + ms), 0);
    }
    assert_int_equal(connection_book_sweep(b->book, NOW + REQUEST_MS + 1), 1);
    assert_true(is_shut(&w));
    // Once.
    assert_int_equal(connection_book_sweep(b->book, NOW + 2 * REQUEST_MS), 0);
    go(b, &w);
}

static void
a_connection_that_says_nothing_is_cut_off_too(void **state)
{
    struct bed *b = *state;
    struct wire w = come(b);

    assert_int_equal(connection_book_sweep(b->book, NOW + REQUEST_MS), 0);
    assert_int_equal(connection_book_sweep(b->book, NOW + REQUEST_MS + 1), 1);
    go(b, &w);
}

static void
an_answer_may_take_its_time(void **state)
{
    struct bed *b = *state;
    struct wire w = come(b);

    say(&w);
    connection_book_whole(b->book, w.entry);
    assert_int_equal(connection_book_sweep(b->book, NOW + 100 * REQUEST_MS), 0);
    go(b, &w);
}

static void
the_next_request_has_its_own_time_from_its_first_byte(void **state)
{
    struct bed *b = *state;
    struct wire w = come(b);
    const int64_t later = NOW + 50 * REQUEST_MS;

    say(&w);
    connection_book_whole(b->book, w.entry);
    connection_book_answered(b->book, w.entry);
    // Kept alive, and still: no request has begun.
    assert_int_equal(connection_book_sweep(b->book, later), 0);
    say(&w);
    assert_int_equal(connection_book_sweep(b->book, later), 0);
    assert_int_equal(connection_book_sweep(b->book, later + REQUEST_MS), 0);
    assert_int_equal(connection_book_sweep(b->book, later + REQUEST_MS + 1), 1);
    assert_true(is_shut(&w));
    go(b, &w);
}

static const struct sockaddr *
v4(const char *text)
{
    static struct sockaddr_in at;

    at = (struct sockaddr_in){ .sin_family = AF_INET };
    assert_int_equal(inet_pton(AF_INET, text, &at.sin_addr), 1);
    return (struct sockaddr *) &at;
}

static const struct sockaddr *
v6(const char *text)
{
    static struct sockaddr_in6 at;

    at = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
    assert_int_equal(inet_pton(AF_INET6, text, &at.sin6_addr), 1);
    return (struct sockaddr *) &at;
}

static void
an_address_has_so_many_connections(void **state)
{
    struct bed *b = *state;
    struct connection *held[2];

    for (int i = 0; i < 2; i++) {
        assert_true(connection_book_may(b->book, v4("10.0.0.1")));
        held[i] = connection_book_enter(b->book, -1, v4("10.0.0.1"), NOW);
    }
    assert_false(connection_book_may(b->book, v4("10.0.0.1")));
    assert_false(connection_book_may(b->book, v6("::ffff:10.0.0.1")));
    assert_true(connection_book_may(b->book, v4("10.0.0.2")));
    connection_book_leave(b->book, held[0]);
    assert_true(connection_book_may(b->book, v4("10.0.0.1")));
    connection_book_leave(b->book, held[1]);
}

static void
a_net_of_ipv6_is_one_address(void **state)
{
    struct bed *b = *state;
    struct connection *one = connection_book_enter(b->book, -1, v6("2001:db8::1"), NOW);
    struct connection *two = connection_book_enter(b->book, -1, v6("2001:db8::2"), NOW);

    assert_false(connection_book_may(b->book, v6("2001:db8::3")));
    assert_true(connection_book_may(b->book, v6("2001:db8:0:1::3")));
    // In any order.
    connection_book_leave(b->book, one);
    connection_book_leave(b->book, two);
}

static void
loopback_and_trusted_proxies_have_no_limit(void **state)
{
    struct bed *b = *state;
    const char *const four[] = { "127.0.0.1", "127.8.8.8", "10.9.9.9" };
    const char *const six[] = { "::1", "::ffff:127.0.0.1", "2001:db8:9::7" };
    struct connection *held[18];
    size_t n = 0;

    for (size_t i = 0; i < 3; i++) {
        for (int k = 0; k < 3; k++) {
            assert_true(connection_book_may(b->book, v4(four[i])));
            held[n++] = connection_book_enter(b->book, -1, v4(four[i]), NOW);
            assert_true(connection_book_may(b->book, v6(six[i])));
            held[n++] = connection_book_enter(b->book, -1, v6(six[i]), NOW);
        }
    }
    while (n > 0)
        connection_book_leave(b->book, held[--n]);
    assert_true(connection_book_takes("::1"));
    assert_false(connection_book_takes("localhost"));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(a_request_that_drips_is_cut_off),
        TEST(a_connection_that_says_nothing_is_cut_off_too),
        TEST(an_answer_may_take_its_time),
        TEST(the_next_request_has_its_own_time_from_its_first_byte),
        TEST(an_address_has_so_many_connections),
        TEST(a_net_of_ipv6_is_one_address),
        TEST(loopback_and_trusted_proxies_have_no_limit),
    };

    return cmocka_run_group_tests_name("connection_book", tests, NULL, NULL);
}
