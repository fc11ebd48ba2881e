// test_http_get - one question over HTTP, and what the answers mean for `zpulse up`.

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "collector/ctl/host_port.h"
#include "collector/ctl/http_get.h"
#include "collector/ctl/readiness.h"
#include "shared/base/err.h"

// A server for one connection: reads the request, says `answer`, and closes (or not).
static struct {
    int fd;
    char address[32];
    const char *answer;
    bool close;
    char request[512];
    pthread_t thread;
} server;

static void *
serve(void *arg)
{
    const int fd = accept(server.fd, NULL, NULL);
    size_t n = 0;
    char end;

    while (n < sizeof server.request - 1 && strstr(server.request, "\r\n\r\n") == NULL) {
        const ssize_t got = recv(fd, server.request + n, sizeof server.request - 1 - n, 0);

        if (got <= 0)
            break;
        n += (size_t) got;
        server.request[n] = '\0';
    }
    send(fd, server.answer, strlen(server.answer), MSG_NOSIGNAL);
    if (!server.close)
        (void) !recv(fd, &end, 1, 0); // until the client has given up
    close(fd);
    return arg;
}

static void
serve_once(const char *answer, bool closes)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof at;

    server.fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server.fd, (const struct sockaddr *) &at, sizeof at), 0);
    assert_int_equal(listen(server.fd, 1), 0);
    assert_int_equal(getsockname(server.fd, (struct sockaddr *) &at, &len), 0);
    snprintf(server.address, sizeof server.address, "127.0.0.1:%u", ntohs(at.sin_port));
    server.answer = answer;
    server.close = closes;
    server.request[0] = '\0';
    assert_int_equal(pthread_create(&server.thread, NULL, serve, NULL), 0);
}

static void
served(void)
{
    pthread_join(server.thread, NULL);
    close(server.fd);
}

static void
the_body_comes_with_the_status(void **state)
{
    struct buf body = { 0 };
    unsigned status = 0;

    (void) state;
    serve_once("HTTP/1.1 503 Service Unavailable\r\nX: y\r\n\r\nnot yet", true);
    assert_int_equal(http_get(&status, &body, server.address, "/a?b=c", 5000), 0);
    served();
    assert_int_equal(status, 503);
    assert_string_equal(buf_cstr(&body), "not yet");
    assert_ptr_equal(strstr(server.request, "GET /a?b=c HTTP/1.0\r\n"), server.request);
    assert_non_null(strstr(server.request, "\r\nHost: 127.0.0.1:"));
    buf_release(&body);
}

static void
a_server_that_says_nothing_is_left_at_the_deadline(void **state)
{
    struct buf body = { 0 };
    unsigned status;

    (void) state;
    serve_once("HTTP/1.1 200 OK\r\n\r\nhalf", false);
    assert_int_equal(http_get(&status, &body, server.address, "/", 50), -ETIMEDOUT);
    served();
    assert_int_equal(http_get(&status, &body, server.address, "/", 50), -ECONNREFUSED);
    assert_int_equal(http_get(&status, &body, "nowhere", "/", 50), ERR_FORMAT);
    buf_release(&body);
}

static void
what_is_not_http_is_refused_however_it_is_cut(void **state)
{
    static const char whole[] = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
    static const char *const bad[] = { "",
                                       "HTTP/2 200 OK\r\n\r\n........",
                                       "HTTP/1.1 2x0 OK\r\n\r\n",
                                       "HTTP/1.1 099 OK\r\n\r\n",
                                       "SSH-2.0-OpenSSH_9\r\n\r\n",
                                       "HTTP/1.1 -20 OK\r\n\r\n" };
    unsigned status;
    size_t at;

    (void) state;
    for (size_t n = 0; n < sizeof whole - 1; n++)
        assert_int_equal(http_get_parse(&status, &at, whole, n), ERR_FORMAT);
    assert_int_equal(http_get_parse(&status, &at, whole, sizeof whole - 1), 0);
    assert_int_equal(at, sizeof whole - 1);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(http_get_parse(&status, &at, bad[i], strlen(bad[i])), ERR_FORMAT);
}

static void
only_literal_addresses_are_taken(void **state)
{
    static const char *const bad[] = { "",
                                       ":1",
                                       "127.0.0.1",
                                       "127.0.0.1:",
                                       "127.0.0.1:0",
                                       "127.0.0.1:65536",
                                       "example.org:80",
                                       "[::1]",
                                       "[]:1",
                                       "127.0.0.1.1:5",
                                       "::1:x" };
    struct host_port at;
    int fd, second;

    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (host_port_parse(&at, bad[i]) != ERR_FORMAT)
            fail_msg("%s was taken", bad[i]);
    }
    assert_int_equal(host_port_parse(&at, "[::1]:8088"), 0);
    assert_int_equal(at.at.ss_family, AF_INET6);
    assert_int_equal(host_port_parse(&at, "localhost:8088"), 0);
    assert_int_equal(((const struct sockaddr_in *) &at.at)->sin_port, htons(8088));
    serve_once("HTTP/1.1 200 OK\r\n\r\n", true);
    assert_int_equal(host_port_parse(&at, server.address), 0);
    assert_int_equal(host_port_listen(&fd, &at), -EADDRINUSE);
    fd = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (const struct sockaddr *) &at.at, at.len), 0);
    assert_int_equal(shutdown(fd, SHUT_WR), 0);
    served();
    close(fd);
    assert_int_equal(host_port_listen(&second, &at), 0);
    close(second);
}

#define ID "00000000000000a1"

static enum readiness
of(unsigned status, const char *body)
{
    struct readiness_agent agent = { .started_ms = 1000 };

    return readiness_of_hosts(status, body, ID, &agent);
}

static void
ready_is_our_host_with_a_sample_of_now(void **state)
{
    (void) state;
    assert_int_equal(of(503, ""), READINESS_DASHBOARD);
    assert_int_equal(of(200, "[]"), READINESS_COLLECTOR);
    assert_int_equal(of(200, "[{\"id\":\"" ID "\",\"state\":\"up\",\"last_ms\":0}]"),
                     READINESS_AGENT);
    assert_int_equal(of(200, "[{\"id\":\"" ID "\",\"state\":\"up\",\"last_ms\":999}]"),
                     READINESS_AGENT);
    assert_int_equal(of(200, "[{\"id\":\"" ID "\",\"state\":\"up\",\"last_ms\":1000}]"),
                     READINESS_ALL);
    assert_int_equal(of(200, "[{\"id\":\"" ID "\",\"state\":\"late\",\"last_ms\":1000}]"),
                     READINESS_ALL);
    assert_int_equal(of(200, "[{\"id\":\"" ID "\",\"state\":\"up\",\"last_ms\":"), READINESS_AGENT);
    assert_int_equal(of(200, "[{\"id\":\"" ID "\",\"state\":\"up\",\"last_ms\":null}]"),
                     READINESS_AGENT);
    assert_int_equal(of(200, "[{\"id\":\"" ID), READINESS_COLLECTOR);
}

static void
no_other_host_makes_it_ready(void **state)
{
    (void) state;
    assert_int_equal(of(200, "[{\"id\":\"00000000000000a2\",\"state\":\"up\",\"last_ms\":2000}]"),
                     READINESS_COLLECTOR);
    assert_int_equal(of(200, "[{\"id\":\"" ID "\",\"state\":\"silent\",\"last_ms\":2000},"
                             "{\"id\":\"00000000000000a2\",\"state\":\"up\",\"last_ms\":2000}]"),
                     READINESS_COLLECTOR);
    // A host may be called so: within a text its quotes are escaped.
    assert_int_equal(of(200, "[{\"id\":\"00000000000000a2\",\"name\":\"\\\"id\\\":\\\"" ID "\\\"\","
                             "\"state\":\"up\",\"last_ms\":2000}]"),
                     READINESS_COLLECTOR);
}

// The host's clock may be set, or be another one than ours: that samples go on counts as well.
static void
a_stamp_that_moves_is_a_sample_of_now(void **state)
{
    struct readiness_agent agent = { .started_ms = 1000 };

    (void) state;
    assert_int_equal(readiness_of_hosts(200,
                                        "[{\"id\":\"" ID "\",\"state\":\"silent\",\"last_ms\":7}]",
                                        ID, &agent),
                     READINESS_COLLECTOR);
    assert_int_equal(
        readiness_of_hosts(200, "[{\"id\":\"" ID "\",\"state\":\"up\",\"last_ms\":7}]", ID, &agent),
        READINESS_AGENT);
    assert_int_equal(
        readiness_of_hosts(200, "[{\"id\":\"" ID "\",\"state\":\"up\",\"last_ms\":8}]", ID, &agent),
        READINESS_ALL);
}

static void
each_missing_step_has_its_sentence(void **state)
{
    static const char *const sentence[] = {
        [READINESS_NONE] = "dashboard does not answer",
        [READINESS_DASHBOARD] = "reach the collector",
        [READINESS_COLLECTOR] = "the agent has not reached the collector",
        [READINESS_AGENT] = "sample",
    };

    (void) state;
    for (enum readiness step = READINESS_NONE; step < READINESS_ALL; step++) {
        struct buf why = { 0 };

        readiness_missing(&why, step, server.address, NULL, 1);
        assert_non_null(strstr(buf_cstr(&why), sentence[step]));
        buf_release(&why);
    }
}

static void
why_our_agent_is_sent_away_is_found_by_its_host_or_its_key(void **state)
{
    const struct readiness_agent agent = { .name = "web-1" };
    static const struct {
        const char *body, *why;
    } cases[] = {
        { "[]", "" },
        { "[{\"id\":\"" ID
          "\",\"name\":\"x\",\"reason\":\"key\",\"why\":\"a name\",\"key\":\"y\"}]",
          "a name" },
        { "[{\"id\":\"00000000000000a2\",\"name\":\"web-1\",\"why\":\"not ours\"},"
          "{\"id\":null,\"name\":\"web-1\",\"why\":\"revoked\"}]",
          "revoked" },
        { "[{\"id\":null,\"name\":\"web-12\",\"why\":\"another\"}]", "" },
        { "[{\"id\":\"" ID "\",\"name\":\"x\"},{\"id\":null,\"name\":\"z\",\"why\":\"no\"}]", "" },
    };

    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf why = { 0 };

        assert_int_equal(readiness_refused(&why, cases[i].body, ID, &agent), cases[i].why[0] != 0);
        assert_string_equal(buf_cstr(&why), cases[i].why);
        buf_release(&why);
    }
}

static void
without_an_agent_the_collector_is_enough(void **state)
{
    (void) state;
    serve_once("HTTP/1.1 200 OK\r\n\r\nready\n", true);
    assert_int_equal(readiness_ask(server.address, NULL, 5000), READINESS_ALL);
    served();
    assert_non_null(strstr(server.request, "GET /-/ready "));
    assert_int_equal(readiness_ask(server.address, NULL, 50), READINESS_NONE);
}

static void
an_agent_that_has_not_begun_has_reached_nobody(void **state)
{
    struct readiness_agent agent = { .data = "/nowhere", .started_ms = 1000 };

    (void) state;
    serve_once("HTTP/1.1 200 OK\r\n\r\n[{\"id\":\"" ID "\",\"last_ms\":5}]", true);
    assert_int_equal(readiness_ask(server.address, &agent, 5000), READINESS_COLLECTOR);
    served();
    assert_non_null(strstr(server.request, "GET /api/v1/hosts "));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_body_comes_with_the_status),
        cmocka_unit_test(a_server_that_says_nothing_is_left_at_the_deadline),
        cmocka_unit_test(what_is_not_http_is_refused_however_it_is_cut),
        cmocka_unit_test(only_literal_addresses_are_taken),
        cmocka_unit_test(ready_is_our_host_with_a_sample_of_now),
        cmocka_unit_test(no_other_host_makes_it_ready),
        cmocka_unit_test(a_stamp_that_moves_is_a_sample_of_now),
        cmocka_unit_test(why_our_agent_is_sent_away_is_found_by_its_host_or_its_key),
        cmocka_unit_test(an_agent_that_has_not_begun_has_reached_nobody),
        cmocka_unit_test(each_missing_step_has_its_sentence),
        cmocka_unit_test(without_an_agent_the_collector_is_enough),
    };
    return cmocka_run_group_tests_name("http_get", tests, NULL, NULL);
}
