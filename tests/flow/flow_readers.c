// flow_readers - many browsers, gone browsers, and one that takes nothing.

#include <dirent.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "tests/support/stage.h"

#define STREAM  "/api/v1/stream?view=host&h=web-1"
#define READERS 200
#define STALLED 40
#define FAST    "100ms" // ticks, so that a reader that takes nothing is soon far behind
#define GROUP   10      // of the stalled, that come at once
#define TICKS   200     // 30 s after a reader stalled it is closed
#define WINDOW  2304    // bytes; the least that Linux gives

static process_t *s_dashboard;

static void
s_start_all(stage_t *s, const char *interval)
{
    static struct stage_host up = { "web-1", "up" };

    stage_collector(s, NULL);
    stage_agent(s, "web-1", "--interval", interval, NULL);
    s_dashboard = stage_dashboard(s, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
}

static bool
s_no_streams(stage_t *s, void *arg)
{
    (void) arg;
    return stage_metric(s, "zpulse_dashboard_streams") == 0;
}

static bool
s_all_streams(stage_t *s, void *arg)
{
    (void) arg;
    return stage_metric(s, "zpulse_dashboard_streams") == READERS;
}

static bool
s_view_is_dropped(stage_t *s, void *arg)
{
    (void) arg;
    return stage_metric(s, "zpulse_dashboard_views") == 0;
}

// A folder or file of the dashboard's process in /proc.
static void
s_proc(char *path, size_t size, const char *what)
{
    snprintf(path, size, "/proc/%d/%s", (int) process_pid(s_dashboard), what);
}

static unsigned
s_fds(void)
{
    char path[64];
    unsigned n = 0;
    DIR *dir;

    s_proc(path, sizeof path, "fd");
    dir = opendir(path);
    assert_non_null(dir);
    while (readdir(dir) != NULL)
        n++;
    closedir(dir);
    return n;
}

static long
s_resident_kib(void)
{
    char path[64], line[128];
    long kib = -1;
    FILE *f;

    s_proc(path, sizeof path, "status");
    f = fopen(path, "r");
    assert_non_null(f);
    while (kib == -1 && fgets(line, sizeof line, f) != NULL)
        sscanf(line, "VmRSS: %ld kB", &kib);
    fclose(f);
    return kib;
}

static bool
s_few_fds(stage_t *s, void *most)
{
    (void) s;
    return s_fds() <= *(unsigned *) most;
}

static void
readers_come_and_go_and_leave_nothing_behind(void **state)
{
    stage_t *s = *state;
    sse_t *all[READERS];
    struct sse_event ev;
    unsigned before;

    s_start_all(s, "1s");
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_no_streams, NULL));
    before = s_fds() + 4; // a connection of /metrics may still be closing
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < READERS; i++) {
            all[i] = sse_open(stage_http_port(s), STREAM, NULL);
            claim(s, all[i] != NULL);
        }
        for (int i = 0; i < READERS; i++)
            claim(s, sse_status(all[i]) == 200);
        claim(s, stage_until(s, STAGE_PATIENCE_MS, s_all_streams, NULL));
        // Some have seen a tick, some a byte, some leave in the middle of the first event.
        for (int i = 0; i < READERS; i += 7)
            claim(s, sse_next_of(all[i], "tick", &ev, stage_ms(STAGE_PATIENCE_MS)));
        for (int i = 0; i < READERS; i++)
            sse_close(&all[i]);
        claim(s, stage_until(s, STAGE_PATIENCE_MS, s_no_streams, NULL));
    }
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_few_fds, &before));
    // What nobody watches is not asked for.
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_view_is_dropped, NULL));
}

static int
s_compare(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;

    return (x > y) - (x < y);
}

// How old ticks are when they are read, in ms: of the later half of n a tenth are younger. A busy
// machine makes some old, a reader in the way all.
static int64_t
s_age(stage_t *s, sse_t *stream, int n)
{
    int64_t *ages = xcalloc((size_t) n, sizeof *ages);
    int64_t young;
    json_int_t last = 0;

    for (int i = 0; i < n; i++) {
        json_t *tick = sse_next_tick(stream, &last, stage_ms(STAGE_PATIENCE_MS));

        claim(s, tick != NULL);
        ages[i] = clock_real_ms() - json_integer_value(json_object_get(tick, "t"));
        json_decref(tick);
    }
    qsort(ages + n / 2, (size_t) (n / 2), sizeof *ages, s_compare);
    young = ages[n / 2 + n / 20];
    free(ages);
    return young;
}

// By the dashboard, or by the kernel on its behalf: both wait 30 s.
static bool
s_stalled_are_closed(stage_t *s, void *arg)
{
    (void) arg;
    return stage_metric(s, "zpulse_dashboard_streams") <= 2;
}

// What comes to a reader that stood still and reads again: how much it missed, then what is now.
// False for one that was closed meanwhile.
static bool
s_is_told_what_it_missed(stage_t *s, sse_t *stream)
{
    json_t *skip = sse_next_json(stream, "skip", stage_ms(STAGE_PATIENCE_MS));
    struct sse_event ev;

    if (skip == NULL)
        return false;
    claim(s, json_integer_value(json_object_get(skip, "n")) > 0);
    json_decref(skip);
    claim(s, sse_next(stream, &ev, stage_ms(STAGE_PATIENCE_MS)) && strcmp(ev.event, "snap") == 0);
    claim(s, sse_next(stream, &ev, stage_ms(STAGE_PATIENCE_MS)) && strcmp(ev.event, "tick") == 0);
    return true;
}

static void
a_reader_that_stalls_delays_nobody_and_is_bounded(void **state)
{
    stage_t *s = *state;
    sse_t *stalled[STALLED];
    struct sse_event ev;
    sse_t *good;
    bool told = false;
    long before;

    s_start_all(s, FAST);
    good = sse_open(stage_http_port(s), STREAM, NULL);
    claim(s, good != NULL && sse_next_of(good, "tick", &ev, stage_ms(STAGE_PATIENCE_MS)));
    before = s_resident_kib();
    // Beside those that take nothing no tick of the good one is missed or delayed. They come by and
    // by: however long that many ticks take here, some have stood still for long and are not
    // closed.
    for (int i = 0; i < STALLED; i++) {
        stalled[i] = sse_open_small(stage_http_port(s), STREAM, WINDOW);
        claim(s, stalled[i] != NULL);
        if (i % GROUP == GROUP - 1)
            claim(s, s_age(s, good, TICKS / (STALLED / GROUP)) < stage_ms(500));
    }
    for (int i = 0; i < STALLED && !told; i += GROUP)
        told = s_is_told_what_it_missed(s, stalled[i]);
    claim(s, told);
    claim(s, stage_until(s, 60000, s_stalled_are_closed, NULL));
    claim(s, s_resident_kib() - before < 32 * 1024 * stage_ms(1));
    for (int i = 0; i < STALLED; i++)
        sse_close(&stalled[i]);
    sse_close(&good);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_no_streams, NULL));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(readers_come_and_go_and_leave_nothing_behind),
        stage_test(a_reader_that_stalls_delays_nobody_and_is_bounded),
    };
    return cmocka_run_group_tests_name("flow_readers", tests, NULL, NULL);
}
