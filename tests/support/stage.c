// stage - folder, ports, programs; and the way back.

#include "tests/support/stage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/file.h"
#include "shared/base/random.h"
#include "shared/base/xalloc.h"
#include "tests/support/exposition.h"
#include "tests/support/stage_keys.h"

#define PORT_FIRST  20000u
#define PORT_BLOCK  8u // ports a stage takes
#define PORT_BLOCKS 1500u
#define HTTP_STEP   5u // of the block
#define MOST        64 // programs of a stage
#define WORDS       48 // of a program
#define POLL_MS     20

struct stage {
    char *dir;
    char *endpoint; // of the data port
    int claim;      // holds the block of ports
    uint16_t port;
    unsigned started; // ever: a number in the names of their files
    bool sanitized;   // one that was dropped had reports of a sanitizer
    unsigned n;
    process_t *all[MOST]; // in the order they were started
};

static uint16_t s_take_ports(int *claim_ret);
static process_t *s_start(stage_t *self, const char *program, const char *const *words,
                          va_list more);

int
stage_setup(void **state)
{
    stage_t *self = xcalloc(1, sizeof *self);
    const char *tmp = getenv("TMPDIR");
    struct buf text = { 0 };

    buf_printf(&text, "%s/zpulse-flow-XXXXXX", tmp != NULL ? tmp : "/tmp");
    self->dir = xstrdup(buf_cstr(&text));
    assert_non_null(mkdtemp(self->dir));
    self->port = s_take_ports(&self->claim);
    buf_clear(&text);
    buf_printf(&text, "tcp://127.0.0.1:%u", self->port);
    self->endpoint = xstrdup(buf_cstr(&text));
    buf_release(&text);
    stage_keys_make(self->dir);
    *state = self;
    return 0;
}

int
stage_setup_plain(void **state)
{
    const int rc = stage_setup(state);

    stage_keys_drop();
    return rc;
}

static bool
s_has_last_ms(stage_t *self, void *name)
{
    json_t *host = stage_host(self, name);
    const bool has = json_integer_value(json_object_get(host, "last_ms")) > 0;

    json_decref(host);
    return has;
}

static int
s_up(void **state)
{
    static char name[] = "web-1";
    stage_t *self = *state;

    stage_collector(self, NULL);
    stage_agent(self, name, NULL);
    stage_dashboard(self, NULL);
    if (!stage_until(self, STAGE_PATIENCE_MS, stage_ready, NULL) ||
        !stage_until(self, STAGE_PATIENCE_MS, s_has_last_ms, name)) {
        fprintf(stderr, "the programs did not come up\n");
        stage_show(self);
        stage_teardown(state);
        return -1;
    }
    return 0;
}

int
stage_setup_up(void **state)
{
    stage_setup(state);
    return s_up(state);
}

int
stage_setup_up_plain(void **state)
{
    stage_setup_plain(state);
    return s_up(state);
}

static int
s_remove(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void) info;
    (void) kind;
    (void) where;
    return remove(path);
}

int
stage_teardown(void **state)
{
    stage_t *self = *state;
    bool running[MOST] = { false };
    int bad = self->sanitized ? -1 : 0;

    // What ended before now was the test's affair; what is left ends cleanly when asked.
    for (unsigned i = self->n; i-- > 0;) {
        running[i] = !process_ended(self->all[i], 0);
        // One that the test has not waited for may not be there yet.
        if (running[i])
            (void) process_heeds(self->all[i], SIGTERM, stage_ms(STAGE_PATIENCE_MS));
        process_signal(self->all[i], SIGTERM);
    }
    for (unsigned i = self->n; i-- > 0;) {
        process_t *p = self->all[i];

        if (running[i] &&
            (!process_ended(p, stage_ms(STAGE_PATIENCE_MS)) || process_code(p) != 0)) {
            fprintf(stderr, "%s: asked to end: code %d\n", process_label(p), process_code(p));
            bad = -1;
        }
        if (strstr(process_err(p), "Sanitizer") != NULL) {
            fprintf(stderr, "%s: reports of a sanitizer\n", process_label(p));
            bad = -1;
        }
    }
    if (bad != 0)
        stage_show(self);
    for (unsigned i = 0; i < self->n; i++)
        process_destroy(&self->all[i]);
    nftw(self->dir, s_remove, 16, FTW_DEPTH | FTW_PHYS);
    close(self->claim);
    free(self->endpoint);
    free(self->dir);
    free(self);
    *state = NULL;
    return bad;
}

// A name in the kernel's abstract space is ours until this process ends, however it ends.
static int
s_claim(unsigned block)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(at.sun_path + 1, sizeof at.sun_path - 1, "zpulse-test-ports-%u", block);
    if (fd != -1 && bind(fd, (const struct sockaddr *) &at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool
s_is_free(unsigned port)
{
    const struct sockaddr_in at = { .sin_family = AF_INET,
                                    .sin_port = htons((uint16_t) port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool ok = bind(fd, (const struct sockaddr *) &at, sizeof at) == 0;

    close(fd);
    return ok;
}

static uint16_t
s_take_ports(int *claim_ret)
{
    const unsigned start = (unsigned) (random_u64() % PORT_BLOCKS);

    for (unsigned i = 0; i < PORT_BLOCKS; i++) {
        const unsigned block = (start + i) % PORT_BLOCKS;
        const unsigned first = PORT_FIRST + block * PORT_BLOCK;
        unsigned n = 0;

        *claim_ret = s_claim(block);
        if (*claim_ret == -1)
            continue;
        while (n < PORT_BLOCK && s_is_free(first + n))
            n++;
        if (n == PORT_BLOCK)
            return (uint16_t) first;
        close(*claim_ret);
    }
    fail_msg("no block of %u free ports", PORT_BLOCK);
    return 0;
}

const char *
stage_dir(const stage_t *self)
{
    return self->dir;
}

uint16_t
stage_port(const stage_t *self)
{
    return self->port;
}

uint16_t
stage_http_port(const stage_t *self)
{
    return (uint16_t) (self->port + HTTP_STEP);
}

uint16_t
stage_spare_port(const stage_t *self, unsigned i)
{
    assert_true(i < PORT_BLOCK - HTTP_STEP - 1);
    return (uint16_t) (self->port + HTTP_STEP + 1 + i);
}

const char *
stage_endpoint(const stage_t *self)
{
    return self->endpoint;
}

int
stage_ms(int ms)
{
    const char *slow = getenv("SLOW");
    const int factor = slow != NULL ? atoi(slow) : 1;

    return ms * (factor > 0 ? factor : 1);
}

process_t *
stage_collector(stage_t *self, ...)
{
    char data[256], base[16];
    const char *const words[] = {
        "--data", data, "--bind", "127.0.0.1", "--port-base", base, NULL
    };
    process_t *p;
    va_list more;

    snprintf(data, sizeof data, "%s/collector", self->dir);
    snprintf(base, sizeof base, "%u", self->port);
    va_start(more, self);
    p = s_start(self, "zpulse-collector", words, more);
    va_end(more);
    return p;
}

process_t *
stage_agent(stage_t *self, const char *name, ...)
{
    char data[256], keys[300];
    const char *const words[] = { "--data",     data, "--collector", self->endpoint,
                                  "--name",     name, "--app-sub",   "",
                                  "--app-pull", "",   "--statsd",    "",
                                  keys,         NULL };
    process_t *p;
    va_list more;

    snprintf(data, sizeof data, "%s/agent-%s", self->dir, name);
    stage_keys_agent(keys, sizeof keys, self->dir, name);
    va_start(more, name);
    p = s_start(self, "zpulse-agent", words, more);
    va_end(more);
    return p;
}

process_t *
stage_dashboard(stage_t *self, ...)
{
    char data[256], listen[32];
    const char *const words[] = { "--data",      data,           "--listen", listen,
                                  "--collector", self->endpoint, NULL };
    process_t *p;
    va_list more;

    snprintf(data, sizeof data, "%s/dashboard", self->dir);
    snprintf(listen, sizeof listen, "127.0.0.1:%u", stage_http_port(self));
    va_start(more, self);
    p = s_start(self, "zpulse-dashboard", words, more);
    va_end(more);
    return p;
}

process_t *
stage_run(stage_t *self, const char *program, ...)
{
    static const char *const none[] = { NULL };
    process_t *p;
    va_list more;

    va_start(more, program);
    p = s_start(self, program, none, more);
    va_end(more);
    return p;
}

static process_t *
s_start(stage_t *self, const char *program, const char *const *words, va_list more)
{
    const char *build = getenv("BUILD_DIR");
    const char *slash = strrchr(program, '/');
    const char *argv[WORDS + 1];
    char path[512], label[128];
    unsigned n = 0;

    snprintf(path, sizeof path, "%s/bin/%s", build != NULL ? build : "build", program);
    snprintf(label, sizeof label, "%u-%s", self->started++, slash != NULL ? slash + 1 : program);
    argv[n++] = path;
    for (; *words != NULL; words++)
        argv[n++] = *words;
    for (const char *word; (word = va_arg(more, const char *)) != NULL;) {
        assert_true(n < WORDS);
        argv[n++] = word;
    }
    argv[n] = NULL;
    assert_true(self->n < MOST);
    self->all[self->n] = process_start(self->dir, label, argv);
    return self->all[self->n++];
}

void
stage_drop(stage_t *self, process_t **process_p)
{
    process_t *p = *process_p;
    unsigned at = 0;

    while (at < self->n && self->all[at] != p)
        at++;
    assert_true(at < self->n);
    process_signal(p, SIGKILL);
    (void) process_ended(p, stage_ms(STAGE_PATIENCE_MS));
    if (strstr(process_err(p), "Sanitizer") != NULL) {
        fprintf(stderr, "--- %s: reports of a sanitizer\n%s", process_label(p), process_err(p));
        self->sanitized = true;
    }
    self->n--;
    for (size_t i = at; i < self->n; i++)
        self->all[i] = self->all[i + 1];
    process_destroy(process_p);
}

char *
stage_file(stage_t *self, const char *name, const char *text)
{
    struct buf path = { 0 };
    char *slash, *whole;

    buf_printf(&path, "%s/%s", self->dir, name);
    whole = xstrdup(buf_cstr(&path));
    buf_release(&path);
    slash = strrchr(whole, '/');
    *slash = '\0';
    assert_int_equal(file_make_dirs(whole), 0);
    *slash = '/';
    assert_int_equal(file_write_atomic(whole, text, strlen(text), 0600), 0);
    return whole;
}

bool
stage_until(stage_t *self, int timeout_ms, stage_fn *fn, void *arg)
{
    const int64_t until = clock_mono_ms() + stage_ms(timeout_ms);

    while (!fn(self, arg)) {
        if (clock_mono_ms() >= until)
            return false;
        poll(NULL, 0, POLL_MS);
    }
    return true;
}

bool
stage_ready(stage_t *self, void *arg)
{
    struct http_reply reply;
    const bool ok = http_get(&reply, stage_http_port(self), "/-/ready") && reply.status == 200;

    (void) arg;
    http_reply_release(&reply);
    return ok;
}

json_t *
stage_host(stage_t *self, const char *name)
{
    json_t *hosts = http_json(stage_http_port(self), "/api/v1/hosts");
    json_t *host, *found = NULL;
    size_t i;

    json_array_foreach(hosts, i, host)
    {
        const char *its = json_string_value(json_object_get(host, "name"));
        const char *id = json_string_value(json_object_get(host, "id"));

        if (its != NULL && id != NULL && (strcmp(its, name) == 0 || strcmp(id, name) == 0))
            found = json_incref(host);
    }
    json_decref(hosts);
    return found;
}

bool
stage_host_is(stage_t *self, void *host)
{
    const struct stage_host *want = host;
    json_t *is = stage_host(self, want->name);
    const char *state = json_string_value(json_object_get(is, "state"));
    const bool ok = state != NULL && strcmp(state, want->state) == 0;

    json_decref(is);
    return ok;
}

bool
stage_has_said(stage_t *self, void *said)
{
    const struct stage_said *is = said;

    (void) self;
    return strstr(process_err(is->who), is->words) != NULL;
}

double
stage_metric(stage_t *self, const char *series)
{
    struct http_reply reply;
    double value = (double) NAN;

    if (http_get(&reply, stage_http_port(self), "/metrics") && reply.status == 200)
        value = exposition_value(reply.body, series);
    http_reply_release(&reply);
    return value;
}

double
stage_column(json_t *snap, json_t *event, const char *id)
{
    json_t *cols = json_object_get(snap, "cols");
    json_t *col;
    size_t i;

    json_array_foreach(cols, i, col)
    {
        const char *its = json_string_value(json_object_get(col, "id"));

        if (its != NULL && strcmp(its, id) == 0) {
            json_t *v = json_array_get(json_array_get(json_object_get(event, "d"), i), 0);

            return json_is_number(v) ? json_number_value(v) : NAN;
        }
    }
    return NAN;
}

void
stage_show(stage_t *self)
{
    for (unsigned i = 0; i < self->n; i++) {
        process_t *p = self->all[i];
        const bool ended = process_ended(p, 0);

        fprintf(stderr, "--- %s, pid %d, %s %d\n", process_label(p), (int) process_pid(p),
                ended ? "ended with" : "runs", ended ? process_code(p) : 0);
        fputs(process_out(p), stderr);
        fputs(process_err(p), stderr);
    }
}
