// parting - who was told to go is cut a while later, and nobody who has come to its descriptor.

#include "collector/parting.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 20000

static int s_listener;
static struct sockaddr_in s_at;

struct pair {
    int here, there; // our end, which would be a peer's connection; and the peer's
};

static int
set_up(void **state)
{
    socklen_t len = sizeof s_at;

    (void) state;
    s_listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    s_at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    if (bind(s_listener, (const struct sockaddr *) &s_at, len) == -1 ||
        listen(s_listener, 128) == -1)
        return -1;
    return getsockname(s_listener, (struct sockaddr *) &s_at, &len);
}

static int
tear_down(void **state)
{
    (void) state;
    close(s_listener);
    return 0;
}

static struct pair
come(void)
{
    struct pair p = { .there = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) };

    assert_int_equal(connect(p.there, (const struct sockaddr *) &s_at, sizeof s_at), 0);
    p.here = accept(s_listener, NULL, NULL);
    assert_true(p.here >= 0);
    return p;
}

static void
leave(struct pair *p)
{
    close(p->here);
    close(p->there);
}

static struct gate_line
line_of(const struct pair *p)
{
    struct gate_line line = { .fd = p->here };
    socklen_t len = sizeof line.peer;

    assert_int_equal(getpeername(p->here, (struct sockaddr *) &line.peer, &len), 0);
    return line;
}

static bool
is_cut(const struct pair *p)
{
    char byte;

    return recv(p->there, &byte, 1, MSG_DONTWAIT) == 0;
}

// What was shut down is told to the other end by the kernel, at its own time.
static bool
gets_cut(const struct pair *p)
{
    struct pollfd on = { .fd = p->there, .events = POLLIN };

    return poll(&on, 1, WAIT_MS) == 1 && is_cut(p);
}

static void
it_is_cut_when_it_had_time_to_hear_of_it(void **state)
{
    struct parting parting = { .n = 0 };
    struct pair p = come(), other = come();
    const struct gate_line line = line_of(&p);

    (void) state;
    parting_add(&parting, &line, 1000);
    parting_tick(&parting, 1000 + PARTING_MS - 1);
    assert_false(is_cut(&p));
    parting_tick(&parting, 1000 + PARTING_MS);
    assert_true(gets_cut(&p));
    assert_false(is_cut(&other));
    assert_int_equal(parting.n, 0);
    leave(&p);
    leave(&other);
}

static void
another_connection_at_its_descriptor_stays(void **state)
{
    struct parting parting = { .n = 0 };
    struct pair p = come(), next = come();
    const struct gate_line line = line_of(&p);

    (void) state;
    parting_add(&parting, &line, 0);
    assert_int_equal(dup2(next.here, p.here), p.here); // closed, and taken by the next one
    parting_tick(&parting, PARTING_MS);
    assert_false(is_cut(&next));
    leave(&p);
    leave(&next);
}

static void
one_that_is_none_is_left(void **state)
{
    struct parting parting = { .n = 0 };
    const struct gate_line none = { .fd = -1 };

    (void) state;
    parting_add(&parting, &none, 0);
    parting_tick(&parting, PARTING_MS);
    assert_int_equal(parting.n, 0);
}

static void
beyond_what_it_holds_they_are_cut_at_once(void **state)
{
    struct parting parting = { .n = 0 };
    const struct gate_line none = { .fd = -1 };
    struct pair p = come();
    const struct gate_line line = line_of(&p);

    (void) state;
    for (int i = 0; i < PARTING_MOST; i++)
        parting_add(&parting, &none, 0);
    parting_add(&parting, &line, 0);
    assert_true(gets_cut(&p));
    leave(&p);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(it_is_cut_when_it_had_time_to_hear_of_it),
        TEST(another_connection_at_its_descriptor_stays),
        TEST(one_that_is_none_is_left),
        TEST(beyond_what_it_holds_they_are_cut_at_once),
    };

    return cmocka_run_group_tests_name("parting", tests, NULL, NULL);
}
