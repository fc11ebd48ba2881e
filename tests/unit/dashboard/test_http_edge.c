// http_edge - what HTTP says without a collector: pages, headers, refusals.

#include "dashboard/http_edge.h"

#include "dashboard/dashboard.h"
#include "dashboard/dashboard_stat.h"
#include "shared/net/service.h"
#include "tests/unit/dashboard/http_client.h"

static const uint8_t raw[] = "<!doctype html><title>page</title><p>some text</p>";
static const uint8_t gz[] = "packed";
static const struct page_asset assets[] = {
    { "/index.html", "text/html; charset=utf-8", "\"aa\"", "\"aa-gzip\"", raw, sizeof raw - 1, gz,
      sizeof gz - 1 },
    { "/assets/app.0123456789.js", "text/javascript; charset=utf-8", "\"bb\"", "\"bb-gzip\"", raw,
      sizeof raw - 1, gz, sizeof gz - 1 },
};

static const char policy[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
    "worker-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'\r\n";

static int signals;
static dashboard_t *dashboard;
static uint16_t port;

static int
set_up(void **state)
{
    const struct dashboard_options opt = { .listen = "127.0.0.1:0",
                                           .collector = "tcp://127.0.0.1:1", // nobody there
                                           .max_streams = 10 };
    int exit_code;

    (void) state;
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
    return 0;
}

static void
which_collector_is_asked_is_said_though_nobody_answers(void **state)
{
    struct buf got = { 0 };

    (void) state;
    assert_int_equal(client_get(port, "/api/v1/collector", "", &got), 200);
    assert_string_equal(client_body(&got),
                        "{\"endpoint\":\"tcp://127.0.0.1:1\",\"insecure\":true}\n");
    buf_release(&got);
}

static void
the_page_comes_with_every_protection(void **state)
{
    static const char *const headers[] = {
        "Content-Type: text/html; charset=utf-8\r\n",
        policy,
        "X-Content-Type-Options: nosniff\r\n",
        "Referrer-Policy: no-referrer\r\n",
        "Cross-Origin-Opener-Policy: same-origin\r\n",
        "Cache-Control: no-cache\r\n",
        "ETag: \"aa\"\r\n",
        "Vary: Accept-Encoding\r\n",
    };
    struct buf got = { 0 };

    (void) state;
    assert_int_equal(client_get(port, "/h/web-1", "", &got), 200);
    for (size_t i = 0; i < N_OF(headers); i++)
        if (!client_has(&got, headers[i]))
            fail_msg("lacks %s", headers[i]);
    assert_string_equal(client_body(&got), (const char *) raw);
    assert_false(client_has(&got, "Content-Encoding"));
    buf_release(&got);
}

static void
gzip_and_304_are_given_where_they_are_asked_for(void **state)
{
    struct buf got = { 0 };

    (void) state;
    assert_int_equal(client_get(port, "/", "Accept-Encoding: gzip, br\r\n", &got), 200);
    assert_true(client_has(&got, "Content-Encoding: gzip\r\n"));
    assert_true(client_has(&got, "ETag: \"aa-gzip\"\r\n"));
    assert_string_equal(client_body(&got), "packed");
    assert_int_equal(client_get(port, "/", "If-None-Match: \"aa\"\r\n", &got), 304);
    assert_string_equal(client_body(&got), "");
    assert_int_equal(client_get(port, "/assets/app.0123456789.js", "", &got), 200);
    assert_true(client_has(&got, "Cache-Control: public, max-age=31536000, immutable\r\n"));
    buf_release(&got);
}

static void
head_is_get_without_the_body(void **state)
{
    static const char *const paths[] = { "/", "/-/healthy", "/nope",
                                         "/api/v1/stream?view=host&h=x" };
    char request[256];
    struct buf got = { 0 }, head = { 0 };

    (void) state;
    for (size_t i = 0; i < N_OF(paths); i++) {
        int code;

        snprintf(request, sizeof request,
                 "HEAD %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", paths[i]);
        code = client_request(port, request, &head);
        assert_string_equal(client_body(&head), "");
        if (i < 3)
            assert_int_equal(code, client_get(port, paths[i], "", &got));
        else
            assert_true(code == 200 && client_has(&head, "Content-Type: text/event-stream\r\n"));
    }
    buf_release(&got);
    buf_release(&head);
}

static void
other_methods_get_405_and_are_told_which_are_allowed(void **state)
{
    static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "BREW" };
    char request[256];
    struct buf got = { 0 };

    (void) state;
    for (size_t i = 0; i < N_OF(methods); i++) {
        snprintf(request, sizeof request,
                 "%s /api/v1/hosts HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n"
                 "Connection: close\r\n\r\nbody",
                 methods[i]);
        assert_int_equal(client_request(port, request, &got), 405);
        assert_true(client_has(&got, "Allow: GET, HEAD\r\n"));
    }
    buf_release(&got);
}

static void
a_name_that_is_not_ours_is_refused(void **state)
{
    struct buf got = { 0 };

    (void) state;
    assert_int_equal(client_request(port,
                                    "GET / HTTP/1.1\r\nHost: evil.example:8088\r\n"
                                    "Connection: close\r\n\r\n",
                                    &got),
                     421);
    assert_false(client_has(&got, "page"));
    assert_int_equal(client_request(port, "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", &got),
                     400);
    buf_release(&got);
}

static void
paths_that_are_nothing_are_404_and_bad_ones_400(void **state)
{
    static const struct {
        const char *path;
        int code;
    } cases[] = {
        { "/nope", 404 },        { "/../../etc/passwd", 404 }, { "/%2e%2e/%2e%2e/etc/passwd", 404 },
        { "/api/v1/nope", 404 }, { "/api/v1/hosts/", 404 },    { "/metrics%00", 400 },
        { "/%zz", 400 },         { "/-/healthy", 200 },        { "/-/ready", 503 },
        { "/%2d/healthy", 200 },
    };
    struct buf got = { 0 };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        const int code = client_get(port, cases[i].path, "", &got);

        if (code != cases[i].code)
            fail_msg("%s: %d", cases[i].path, code);
    }
    buf_release(&got);
}

// Whoever reads answers of /api/ reads JSON, wrong paths too; elsewhere people read.
static void
a_path_below_api_that_is_nothing_is_said_in_json(void **state)
{
    struct buf got = { 0 };

    (void) state;
    assert_int_equal(client_get(port, "/api/v1/nope", "", &got), 404);
    assert_true(client_has(&got, "Content-Type: application/json"));
    assert_true(client_has(&got, "{\"status\":\"error\",\"errorType\":\"not_found\",\"error\":"));
    assert_int_equal(client_get(port, "/apis", "", &got), 404);
    assert_true(client_has(&got, "Content-Type: text/plain"));
    buf_release(&got);
}

static void
a_wrong_parameter_is_named_with_its_rule(void **state)
{
    static const struct {
        const char *path;
        const char *says;
    } cases[] = {
        { "/api/v1/hist", "h: is missing" },
        { "/api/v1/hist?h=%", "h: a % that no two hex digits follow" },
        { "/api/v1/hist?h=x&from=abc", "from: \\\"abc\\\" is not a time in milliseconds" },
        { "/api/v1/hist?h=x&from=-1", "from: \\\"-1\\\" is not" },
        { "/api/v1/hist?h=x&from=5&to=5", "from: 5 is not before to, 5" },
        { "/api/v1/hist?h=x&to=99999999999999999999", "to: " },
        { "/api/v1/hist?h=x&pts=0", "pts: \\\"0\\\" is not a number from 1 to 11000" },
        { "/api/v1/hist?h=x&pts=11001", "pts: \\\"11001\\\"" },
        { "/api/v1/hist?h=x&c=cpu.usr", "the nearest is \\\"cpu.user\\\"" },
        { "/api/v1/stream", "view: is missing" },
        { "/api/v1/stream?view=all", "view: \\\"all\\\" is none" },
        { "/api/v1/stream?view=host", "h: is missing" },
    };
    struct buf got = { 0 };

    (void) state;
    for (size_t i = 0; i < N_OF(cases); i++) {
        assert_int_equal(client_get(port, cases[i].path, "", &got), 400);
        assert_true(client_has(&got, "\"errorType\":\"bad_data\""));
        if (!client_has(&got, cases[i].says))
            fail_msg("%s: %s", cases[i].path, client_body(&got));
    }
    buf_release(&got);
}

static void
what_needs_the_collector_is_503_without_one(void **state)
{
    static const char *const paths[] = { "/api/v1/hosts", "/api/v1/hist?h=web-1",
                                         "/api/v1/stream?view=host&h=web-1" };
    struct buf got = { 0 };

    (void) state;
    for (size_t i = 0; i < N_OF(paths); i++) {
        assert_int_equal(client_get(port, paths[i], "", &got), 503);
        assert_true(client_has(&got, "\"errorType\":\"unavailable\""));
    }
    buf_release(&got);
}

static void
metrics_are_there_without_a_collector_each_family_once(void **state)
{
    static const char type[] = "# TYPE zpulse_dashboard_http_requests_total counter\n";
    struct buf got = { 0 };
    const char *at;

    (void) state;
    assert_int_equal(client_get(port, "/metrics", "", &got), 200);
    assert_true(client_has(&got, "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
    assert_true(client_has(&got, "\nzpulse_dashboard_link_up 0\n"));
    assert_true(client_has(&got, "\nzpulse_dashboard_http_requests_total{code=\"5xx\"} "));
    assert_true(client_has(&got, "\nprocess_open_fds "));
    at = strstr(buf_cstr(&got), type);
    assert_non_null(at);
    assert_null(strstr(at + 1, type));
    buf_release(&got);
}

static void
several_requests_go_over_one_connection(void **state)
{
    const int fd = client_connect(port);
    struct buf got = { 0 };

    (void) state;
    for (int i = 0; i < 3; i++) {
        buf_clear(&got);
        client_send(fd, "GET /api/v1/hosts HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client_wait(fd, &got, "not there\"}\n");
    }
    close(fd);
    buf_release(&got);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_collector_is_asked_is_said_though_nobody_answers),
        cmocka_unit_test(the_page_comes_with_every_protection),
        cmocka_unit_test(gzip_and_304_are_given_where_they_are_asked_for),
        cmocka_unit_test(head_is_get_without_the_body),
        cmocka_unit_test(other_methods_get_405_and_are_told_which_are_allowed),
        cmocka_unit_test(a_name_that_is_not_ours_is_refused),
        cmocka_unit_test(paths_that_are_nothing_are_404_and_bad_ones_400),
        cmocka_unit_test(a_path_below_api_that_is_nothing_is_said_in_json),
        cmocka_unit_test(a_wrong_parameter_is_named_with_its_rule),
        cmocka_unit_test(what_needs_the_collector_is_503_without_one),
        cmocka_unit_test(metrics_are_there_without_a_collector_each_family_once),
        cmocka_unit_test(several_requests_go_over_one_connection),
    };

    return cmocka_run_group_tests_name("http_edge", tests, set_up, tear_down);
}
