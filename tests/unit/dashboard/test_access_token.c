// access_token, access - with a token file nobody comes in without the token, and it leaves no
// trace.

#include "dashboard/access_token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dashboard/dashboard.h"
#include "dashboard/dashboard_stat.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/net/service.h"
#include "tests/support/folder.h"
#include "tests/unit/dashboard/http_client.h"

#define TOKEN "abcDEF0123456789+/=="

static const uint8_t page[] = "<!doctype html><p>page";
static const struct page_asset assets[] = {
    { "/index.html", "text/html; charset=utf-8", "\"aa\"", "\"aa-gzip\"", page, sizeof page - 1,
      page, sizeof page - 1 },
};

static char folder[64], path[96];
static int signals;
static dashboard_t *dashboard;
static uint16_t port;

static void
write_token(const char *text, unsigned mode)
{
    assert_int_equal(file_write_atomic(path, text, strlen(text), mode), 0);
}

static int
set_up(void **state)
{
    const struct dashboard_options opt = { .listen = "127.0.0.1:0",
                                           .collector = "tcp://127.0.0.1:1", // nobody there
                                           .token_file = path,
                                           .request_ms = 1,
                                           .max_streams = 10 };
    int exit_code;

    (void) state;
    snprintf(folder, sizeof folder, "/tmp/test_access_token.XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/token", folder);
    write_token(TOKEN "\n", 0600);
    signals = service_start(1);
    assert_true(signals >= 0);
    dashboard_stat_init();
    assert_int_equal(dashboard_start(&dashboard, &exit_code, &opt, assets, N_OF(assets)), 0);
    port = dashboard_port(dashboard);
    return 0;
}

static int
tear_down(void **state)
{
    (void) state;
    dashboard_stop(&dashboard);
    service_end(signals);
    folder_remove(folder);
    return 0;
}

static void
nothing_is_given_without_the_token(void **state)
{
    static const char *const paths[] = {
        "/",        "/h/web-1",      "/feed",    "/api/v1/stream?view=host&h=x",
        "/metrics", "/api/v1/hosts", "/nope.js", "/?token=wrong",
        "/?token=",
    };
    static const char *const headers[] = {
        "",
        "Authorization: Bearer wrong-wrong-wrong-wrong\r\n",
        "Authorization: Basic " TOKEN "\r\n",
        "Authorization: Bearer " TOKEN "x\r\n",
        "Authorization: Bearer\r\n",
        "Cookie: zpulse_token=wrong; other=" TOKEN "\r\n",
        "Cookie: xzpulse_token=" TOKEN "\r\n",
    };
    struct buf got = { 0 };

    (void) state;
    for (size_t i = 0; i < N_OF(paths); i++) {
        for (size_t k = 0; k < N_OF(headers); k++) {
            const int code = client_get(port, paths[i], headers[k], &got);

            if (code != 401)
                fail_msg("%s with %s gets %d", paths[i], headers[k], code);
            assert_true(client_has(&got, "WWW-Authenticate: Bearer\r\n"));
            assert_false(client_has(&got, TOKEN));
        }
    }
    buf_release(&got);
}

static void
a_bearer_or_the_cookie_comes_in(void **state)
{
    struct buf got = { 0 };

    (void) state;
    assert_int_equal(client_get(port, "/", "Authorization: Bearer " TOKEN "\r\n", &got), 200);
    assert_int_equal(client_get(port, "/", "authorization: bearer " TOKEN "\r\n", &got), 200);
    assert_int_equal(client_get(port, "/", "Cookie: zpulse_token=" TOKEN "\r\n", &got), 200);
    assert_int_equal(client_get(port, "/", "Cookie: a=b; zpulse_token=" TOKEN "; c=d\r\n", &got),
                     200);
    assert_int_equal(client_get(port, "/metrics", "Authorization: Bearer " TOKEN "\r\n", &got),
                     200);
    buf_release(&got);
}

static void
a_token_in_the_address_becomes_a_cookie_and_leaves_it(void **state)
{
    static const struct {
        const char *asked;
        const char *location;
    } cases[] = {
        { "/?token=" TOKEN, "Location: /\r\n" },
        { "/?TOKEN=" TOKEN, "Location: /\r\n" },
        { "/?token=abcDEF0123456789%2B%2F%3D%3D", "Location: /\r\n" },
        { "/h/web%201?range=1h&token=" TOKEN "&x=a+b%26c",
          "Location: /h/web%201?range=1h&x=a+b%26c\r\n" },
        // Never to another server, whatever the path looks like there.
        { "//evil.example/?token=" TOKEN, "Location: /\r\n" },
        { "/%2Fevil.example/?token=" TOKEN, "Location: /\r\n" },
        { "/\\evil.example?token=" TOKEN, "Location: /%5Cevil.example\r\n" },
        { "/a%0d%0ab?token=" TOKEN, "Location: /a%0D%0Ab\r\n" },
    };
    struct buf got = { 0 };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        assert_int_equal(client_get(port, cases[i].asked, "", &got), 303);
        if (!client_has(&got, cases[i].location))
            fail_msg("%s: %s", cases[i].asked, buf_cstr(&got));
        assert_true(client_has(&got, "Set-Cookie: zpulse_token=" TOKEN
                                     "; Path=/; HttpOnly; SameSite=Strict;"));
        assert_true(client_has(&got, "Cache-Control: no-store\r\n"));
    }
    buf_release(&got);
}

static void
whether_we_live_anybody_may_ask(void **state)
{
    struct buf got = { 0 };

    (void) state;
    assert_int_equal(client_get(port, "/-/healthy", "", &got), 200);
    assert_int_equal(client_get(port, "/-/ready", "", &got), 503);
    assert_int_equal(client_get(port, "/-/healthy/", "", &got), 401);
    buf_release(&got);
}

static void
a_foreign_host_is_told_before_a_token_is_looked_at(void **state)
{
    struct buf got = { 0 };

    (void) state;
    assert_int_equal(client_request(port,
                                    "GET /?token=" TOKEN
                                    " HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
                                    &got),
                     421);
    assert_false(client_has(&got, "Set-Cookie"));
    buf_release(&got);
}

static void
a_request_that_does_not_come_whole_is_closed(void **state)
{
    struct buf got = { 0 };
    const int fd = client_connect(port);

    (void) state;
    client_send(fd, "GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
    // The server takes it in when it likes: sweeps go on until then.
    for (bool open = true; open;) {
        struct pollfd on = { .fd = fd, .events = POLLIN };

        dashboard_sweep(dashboard);
        if (poll(&on, 1, 10) == 1)
            open = client_read(fd, &got);
    }
    close(fd);
    assert_int_equal(client_get(port, "/-/healthy", "", &got), 200);
    buf_release(&got);
}

static void
a_body_or_header_that_is_too_large_is_refused(void **state)
{
    struct buf got = { 0 }, request = { 0 };

    (void) state;
    assert_int_equal(client_request(port,
                                    "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\n"
                                    "Connection: close\r\nContent-Length: 100000000\r\n\r\n",
                                    &got),
                     413);
    buf_str(&request, "GET /-/healthy HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nX: ");
    for (int i = 0; i < 20000; i++)
        buf_byte(&request, 'x');
    buf_str(&request, "\r\n\r\n");
    assert_int_equal(client_request(port, buf_cstr(&request), &got), 431);
    buf_release(&got);
    buf_release(&request);
}

static void
refused(int rc, const char *rule)
{
    access_token_t *token = NULL;
    struct buf why = { 0 };

    assert_int_equal(access_token_load(&token, path, &why), rc);
    assert_null(token);
    if (strstr(buf_cstr(&why), path) == NULL || strstr(buf_cstr(&why), rule) == NULL)
        fail_msg("it says: %s", buf_cstr(&why));
    buf_release(&why);
}

static void
a_file_that_is_no_secret_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "short\n",
        "abcdefghijklmno",
        "abc def ghi jkl mno pqr",
        "abcdefghijklmnop\nsecond\n",
        "abcdefghijklmnop;x",
        "abcdefghijklmnop\x01",
    };
    char long_text[200];

    (void) state;
    for (unsigned mode = 01; mode <= 040; mode <<= 1) {
        write_token(TOKEN, 0600 | mode);
        refused(-EPERM, "0600");
    }
    for (size_t i = 0; i < N_OF(bad); i++) {
        write_token(bad[i], 0600);
        refused(ERR_FORMAT, "16 to 128");
    }
    memset(long_text, 'x', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    write_token(long_text, 0600);
    refused(ERR_FORMAT, "16 to 128");
    assert_int_equal(unlink(path), 0);
    refused(-ENOENT, "no such file");
    write_token(TOKEN "\r\n", 0400);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_given_without_the_token),
        cmocka_unit_test(a_bearer_or_the_cookie_comes_in),
        cmocka_unit_test(a_token_in_the_address_becomes_a_cookie_and_leaves_it),
        cmocka_unit_test(whether_we_live_anybody_may_ask),
        cmocka_unit_test(a_foreign_host_is_told_before_a_token_is_looked_at),
        cmocka_unit_test(a_request_that_does_not_come_whole_is_closed),
        cmocka_unit_test(a_body_or_header_that_is_too_large_is_refused),
        cmocka_unit_test(a_file_that_is_no_secret_is_refused),
    };

    return cmocka_run_group_tests_name("access_token", tests, set_up, tear_down);
}
