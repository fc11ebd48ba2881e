// listener - the socket that browsers connect to.

#include "dashboard/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "tests/unit/dashboard/room.h"

static void
only_a_loopback_address_with_a_port_is_taken(void **state)
{
    static const struct {
        const char *address;
        int rc;
    } cases[] = {
        { "127.0.0.1:0", 0 },
        { "localhost:0", 0 },
        { "127.9.9.9:0", 0 },
        { "0.0.0.0:0", ERR_RANGE },
        { "10.0.0.1:8088", ERR_RANGE },
        { "[::]:0", ERR_RANGE },
        { "127.0.0.1", ERR_FORMAT },
        { ":8088", ERR_FORMAT },
        { "127.0.0.1:", ERR_FORMAT },
        { "127.0.0.1:65536", ERR_FORMAT },
        { "127.0.0.1:-1", ERR_FORMAT },
        { "some.example.org:80", ERR_FORMAT },
        { "", ERR_FORMAT },
    };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        int fd = -1;
        const int rc = listener_open(&fd, cases[i].address, false);

        if (rc != cases[i].rc)
            fail_msg("%s: %d", cases[i].address, rc);
        if (rc == 0)
            assert_int_not_equal(listener_port(fd), 0);
        if (fd != -1)
            close(fd);
    }
}

static void
a_port_that_is_taken_is_an_error(void **state)
{
    char address[32];
    int first, second;

    (void) state;
    assert_int_equal(listener_open(&first, "127.0.0.1:0", false), 0);
    snprintf(address, sizeof address, "127.0.0.1:%u", listener_port(first));
    assert_int_equal(listener_open(&second, address, false), -EADDRINUSE);
    close(first);
}

static void
connections_inherit_small_buffers_and_no_delay(void **state)
{
    struct sockaddr_in at = { .sin_family = AF_INET };
    int listening, client, accepted, value = 0;
    socklen_t len = sizeof value;

    (void) state;
    assert_int_equal(listener_open(&listening, "127.0.0.1:0", false), 0);
    at.sin_port = htons(listener_port(listening));
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    client = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(client, (struct sockaddr *) &at, sizeof at), 0);
    accepted = accept(listening, NULL, NULL);
    assert_true(accepted >= 0);
    assert_int_equal(getsockopt(accepted, SOL_SOCKET, SO_SNDBUF, &value, &len), 0);
    assert_int_equal(value, 2 * 64 * 1024); // the kernel doubles it for its own needs
    assert_int_equal(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &value, &len), 0);
    assert_int_equal(value, 1);
    assert_int_equal(getsockopt(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT, &value, &len), 0);
    assert_int_equal(value, 30000);
    close(accepted);
    close(client);
    close(listening);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_loopback_address_with_a_port_is_taken),
        cmocka_unit_test(a_port_that_is_taken_is_an_error),
        cmocka_unit_test(connections_inherit_small_buffers_and_no_delay),
    };

    return cmocka_run_group_tests_name("listener", tests, NULL, NULL);
}
