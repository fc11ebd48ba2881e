// select - one series and a hundred over 600 s, out of memory and out of the files.
//
// usage: select DIR [ROWS]   as ingest has left it: 100 hosts, 600 rows
// Straight from the store's interface, no sockets, on core 1. "Memory" is a store without a disk to
// which the frames of the same fleet were applied: of each host four or five sealed tiles and an
// open one. "Warm" is a new store over DIR whose files the kernel has in memory; "cold" the same
// after all pages of its files were given back (posix_fadvise), the store opened and loaded, so
// that what of meta.db and of the tables' heads that read is in memory: data pages are not. The
// middle of several questions is told, for cold each on a store of its own.
// Out:    lines of "name: value".

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "collector/applier.h"
#include "collector/collector_stat.h"
#include "collector/event_log.h"
#include "collector/store/local_store.h"
#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "shared/wire/frame.h"
#include "tests/bench/parts/fleet_stream.h"
#include "tests/bench/parts/store_files.h"

#define HOSTS   100u
#define SERIES  500u
#define MEMORY  (UINT64_C(2) << 30)
#define TIMES   21
#define COLD    5
#define ONE     "fleet{n=\"7\",instance=\"fleet-42\"}"
#define HUNDRED "fleet{n=\"7\"}"
#define SLOTS   (UINT64_C(64) << 20)

static int
s_by_value(const void *a, const void *b)
{
    const double x = *(const double *) a, y = *(const double *) b;

    return (x > y) - (x < y);
}

// Milliseconds; all samples are looked at.
static double
s_ask(local_store_t *store, const char *selector, uint64_t expected)
{
    store_t *face = local_store_face(store);
    char error[MATCHERS_ERROR_SIZE];
    const int64_t begin = clock_mono_ns();
    struct store_series series;
    store_cursor_t *cursor;
    matchers_t *matchers;
    uint64_t n = 0;
    double sum = 0;

    if (matchers_parse(&matchers, selector, error) < 0)
        bench_fail(error);
    if (face->ops->open(
            face,
            &(struct store_select){
                .matchers = &matchers, .n_matchers = 1, .start_ms = 0, .end_ms = INT64_MAX },
            &cursor) < 0)
        bench_fail("no cursor");
    while (face->ops->next(cursor, &series) == 1)
        for (uint32_t i = 0; i < series.n; i++, n++)
            sum += series.samples[i].value;
    face->ops->close(&cursor);
    matchers_destroy(&matchers);
    if (n < expected || sum == 0)
        bench_fail("samples are missing");
    return (double) (clock_mono_ns() - begin) / 1e6;
}

static void
s_tell(const char *what, double *ms, int n)
{
    qsort(ms, (size_t) n, sizeof *ms, s_by_value);
    printf("%s, ms, least, middle, most of %d: %.3f, %.3f, %.3f\n", what, n, ms[0], ms[n / 2],
           ms[n - 1]);
}

static void
s_repeat(local_store_t *store, const char *what, const char *selector, uint64_t expected)
{
    double ms[TIMES];

    (void) s_ask(store, selector, expected);
    for (int i = 0; i < TIMES; i++)
        ms[i] = s_ask(store, selector, expected);
    s_tell(what, ms, TIMES);
}

// The frames of the fleet, as the collector applies them.
static void
s_apply(local_store_t *store, uint64_t rows)
{
    event_log_t *events = event_log_new();
    applier_t *applier = applier_new(
        store, events,
        &(struct applier_limits){ .agent = agent_limits_default, .slot_bytes = SLOTS });
    fleet_t *fleet = fleet_new("fleet", HOSTS, SERIES, rows);
    const struct host_time now = { .mono_ms = clock_mono_ms(), .real_ms = clock_real_ms() };

    for (unsigned i = 0; i < HOSTS; i++) {
        const struct fleet_stream *s = &fleet->streams[i];
        char name[64];

        (void) snprintf(name, sizeof name, "fleet-%u", i);
        applier_name(applier, FLEET_HOST + i, name);
        // Without END: the last tile stays open.
        for (uint64_t k = 0; k + 1 < s->n; k++) {
            struct frame_prefix prefix;
            struct record record;

            if (frame_take(&prefix, &record, s->frames.at + s->at[k], s->at[k + 1] - s->at[k]) < 0)
                bench_fail("a frame can not be read");
            (void) applier_record(applier, FLEET_HOST + i, 0, &record, now);
        }
    }
    usleep(1000000); // tiles that ended are sealed
    s_repeat(store, "1 series from memory", ONE, rows);
    s_repeat(store, "100 series from memory", HUNDRED, 100 * rows);
    fleet_destroy(&fleet);
    applier_destroy(&applier);
    event_log_destroy(&events);
}

static bool
s_none(void *arg, uint64_t stream)
{
    (void) arg;
    (void) stream;
    return false;
}

static local_store_t *
s_open(const char *data)
{
    char dir[512];
    local_store_t *store;

    (void) snprintf(dir, sizeof dir, "%s/store", data);
    if (local_store_open(&store, &(struct local_store_config){ .most_bytes = MEMORY, .dir = dir }) <
            0 ||
        local_store_load(store, s_none, NULL) < 0)
        bench_fail("the store can not be opened");
    return store;
}

static void
s_cold(const char *data, const char *what, const char *selector, uint64_t expected)
{
    double ms[COLD];

    for (int i = 0; i < COLD; i++) {
        local_store_t *store;

        store_files_chill(data);
        store = s_open(data);
        ms[i] = s_ask(store, selector, expected);
        local_store_destroy(&store);
    }
    s_tell(what, ms, COLD);
}

int
main(int argc, char **argv)
{
    const uint64_t rows = argc > 2 ? strtoull(argv[2], NULL, 10) : 600;
    local_store_t *store;

    if (argc < 2)
        bench_fail("usage: select DIR [ROWS]");
    bench_pin(1);
    collector_stat_init();
    if (local_store_new(&store, MEMORY) < 0)
        bench_fail("no store");
    s_apply(store, rows);
    local_store_destroy(&store);
    store = s_open(argv[1]);
    s_repeat(store, "1 series from warm files", ONE, rows);
    s_repeat(store, "100 series from warm files", HUNDRED, 100 * rows);
    local_store_destroy(&store);
    s_cold(argv[1], "1 series from cold files", ONE, rows);
    s_cold(argv[1], "100 series from cold files", HUNDRED, 100 * rows);
    return 0;
}
