// flow_http_floor - what stands between a stranger and the real dashboard, whatever it shows.

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/stage.h"

#define TOKEN "abcDEF0123456789"

static char *
s_token_file(stage_t *s, unsigned mode)
{
    char *path = stage_file(s, "token", TOKEN "\n");

    assert_int_equal(chmod(path, mode), 0);
    return path;
}

static void
s_fails_naming(stage_t *s, process_t *p, int code, const char *name)
{
    claim(s, process_ended(p, stage_ms(STAGE_PATIENCE_MS)));
    if (process_code(p) != code || strstr(process_err(p), name) == NULL) {
        stage_show(s);
        fail_msg("exit %d wanted with a word of '%s'", code, name);
    }
}

// The status of a request with these header lines; 0 if the connection was closed without one.
static int
s_ask(stage_t *s, const char *path, const char *headers)
{
    const int fd = http_connect(stage_http_port(s));
    char text[1024] = "", request[1024];
    struct pollfd on = { .fd = fd, .events = POLLIN };
    int status = 0;

    claim(s, fd >= 0);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n%sConnection: close\r\n\r\n", path,
             headers);
    claim(s, send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t) strlen(request));
    claim(s, poll(&on, 1, stage_ms(STAGE_PATIENCE_MS)) == 1);
    if (recv(fd, text, sizeof text - 1, 0) > 0)
        sscanf(text, "HTTP/1.1 %d", &status);
    close(fd);
    return status;
}

static bool
s_healthy(stage_t *s, void *arg)
{
    struct http_reply reply;
    bool healthy = false;

    (void) arg;
    if (http_get(&reply, stage_http_port(s), "/-/healthy")) {
        healthy = reply.status == 200;
        http_reply_release(&reply);
    }
    return healthy;
}

static void
s_wait_healthy(stage_t *s)
{
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_healthy, NULL));
}

static void
a_public_address_is_refused_without_a_token(void **state)
{
    stage_t *s = *state;

    s_fails_naming(s, stage_dashboard(s, "--listen=0.0.0.0:18088", NULL), 78, "--token-file");
    s_fails_naming(s, stage_dashboard(s, "--listen=[::]:18088", NULL), 78, "--token-file");
    s_fails_naming(s, stage_dashboard(s, "--trusted-proxy=localhost", NULL), 78, "localhost");
    s_fails_naming(s, stage_dashboard(s, "--public-name=http://pulse.example", NULL), 78,
                   "http://pulse.example");
}

static void
a_token_file_that_others_can_read_is_refused(void **state)
{
    stage_t *s = *state;
    char *path = s_token_file(s, 0644), word[300];

    snprintf(word, sizeof word, "--token-file=%s", path);
    s_fails_naming(s, stage_dashboard(s, word, NULL), 78, "0644");
    free(path);
}

static void
with_a_token_a_public_address_is_served_to_who_has_it(void **state)
{
    stage_t *s = *state;
    char *path = s_token_file(s, 0600), word[300], listen[64];

    snprintf(word, sizeof word, "--token-file=%s", path);
    snprintf(listen, sizeof listen, "--listen=0.0.0.0:%u", stage_http_port(s));
    (void) stage_dashboard(s, word, listen, NULL);
    s_wait_healthy(s);
    assert_int_equal(s_ask(s, "/", "Host: 10.1.2.3\r\n"), 401);
    assert_int_equal(s_ask(s, "/feed", "Host: localhost\r\n"), 401);
    assert_int_equal(s_ask(s, "/?token=" TOKEN, "Host: localhost\r\n"), 303);
    assert_int_equal(s_ask(s, "/", "Host: h\r\nCookie: zpulse_token=" TOKEN "\r\n"), 421);
    assert_int_equal(s_ask(s, "/", "Host: [::1]\r\nCookie: zpulse_token=" TOKEN "\r\n"), 200);
    assert_int_equal(s_ask(s, "/metrics", "Host: localhost\r\nAuthorization: Bearer " TOKEN "\r\n"),
                     200);
    free(path);
}

static void
a_foreign_name_gets_nothing_and_a_public_one_does(void **state)
{
    stage_t *s = *state;

    (void) stage_dashboard(s, "--public-name=pulse.example.org", NULL);
    s_wait_healthy(s);
    assert_int_equal(s_ask(s, "/", "Host: evil.example\r\n"), 421);
    assert_int_equal(s_ask(s, "/", "Host: pulse.example.org.evil.example\r\n"), 421);
    assert_int_equal(s_ask(s, "/", "Host: pulse.example.org:443\r\n"), 200);
    assert_int_equal(s_ask(s, "/", "Host: 192.0.2.1\r\n"), 200);
    assert_int_equal(s_ask(s, "/", "Host: localhost:8088\r\n"), 200);
}

// The ways in which a name leaves a folder: each is a name that the page has not.
static void
a_path_that_climbs_is_no_file_of_the_page(void **state)
{
    static const char *const paths[] = {
        "/../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/%252e%252e/etc/passwd",
        "//etc/passwd",
        "/assets/../../../etc/passwd",
        "/..\\..\\etc\\passwd",
        "/../build/bin/zpulse",
        "/index.html/../../etc/passwd",
    };
    stage_t *s = *state;

    (void) stage_dashboard(s, NULL);
    s_wait_healthy(s);
    assert_int_equal(s_ask(s, "/", "Host: localhost\r\n"), 200);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        const int status = s_ask(s, paths[i], "Host: localhost\r\n");

        if (status != 404)
            fail_msg("%s is answered with %d", paths[i], status);
    }
}

// Says one more byte of a header now and then; true once the connection is closed.
static bool
s_drips(stage_t *s, int fd)
{
    const char text[] = "GET / HTTP/1.1\r\nHost: localhost\r\nX: ";
    struct pollfd on = { .fd = fd, .events = POLLIN };
    char byte;

    claim(s, send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t) strlen(text));
    for (int waited_ms = 0; waited_ms < stage_ms(STAGE_PATIENCE_MS); waited_ms += 50) {
        if (poll(&on, 1, 50) == 1)
            return recv(fd, &byte, 1, 0) <= 0;
        (void) send(fd, "x", 1, MSG_NOSIGNAL);
    }
    return false;
}

// It is counted when all that were late have been cut off, which is a moment after the first.
static bool
s_is_counted(stage_t *s, void *arg)
{
    (void) arg;
    return stage_metric(s, "zpulse_dashboard_http_late_total") >= 1;
}

static void
a_request_that_drips_is_cut_off_and_others_are_served(void **state)
{
    stage_t *s = *state;
    int fds[50];

    (void) stage_dashboard(s, "--request-time=1s", NULL);
    s_wait_healthy(s);
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        fds[i] = http_connect(stage_http_port(s));
    s_wait_healthy(s); // while all of them are there and say nothing
    claim(s, s_drips(s, fds[0]));
    s_wait_healthy(s);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_counted, NULL));
    for (size_t i = 0; i < sizeof fds / sizeof fds[0]; i++)
        close(fds[i]);
}

static void
headers_without_an_end_are_refused(void **state)
{
    stage_t *s = *state;
    char *long_header = malloc(40000);
    const int header = snprintf(long_header, 40000, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
    struct pollfd on;
    char text[64] = "";
    int fd;

    (void) stage_dashboard(s, NULL);
    s_wait_healthy(s);
    memset(long_header + header, 'x', 40000 - (size_t) header);
    fd = http_connect(stage_http_port(s));
    claim(s, fd >= 0);
    (void) send(fd, long_header, 40000, MSG_NOSIGNAL);
    on = (struct pollfd){ .fd = fd, .events = POLLIN };
    claim(s, poll(&on, 1, stage_ms(STAGE_PATIENCE_MS)) == 1);
    // Refused in words, or closed while it was still speaking.
    if (recv(fd, text, sizeof text - 1, 0) > 0)
        claim(s, strstr(text, " 431 ") != NULL || strstr(text, " 414 ") != NULL);
    close(fd);
    free(long_header);
    s_wait_healthy(s);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_public_address_is_refused_without_a_token),
        stage_test(a_token_file_that_others_can_read_is_refused),
        stage_test(with_a_token_a_public_address_is_served_to_who_has_it),
        stage_test(a_foreign_name_gets_nothing_and_a_public_one_does),
        stage_test(a_path_that_climbs_is_no_file_of_the_page),
        stage_test(a_request_that_drips_is_cut_off_and_others_are_served),
        stage_test(headers_without_an_end_are_refused),
    };

    return cmocka_run_group_tests_name("flow_http_floor", tests, NULL, NULL);
}
