// wall_clock - see the header.

#include "agent/proc/wall_clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "agent/proc/proc_text.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define TIME_TAG 0x54494d45u // "TIME"

enum source_file { AVAILABLE, CURRENT };

static const struct series_spec seconds = {
    .name = "node_time_seconds",
    .kind = METRIC_GAUGE,
    .form = { .exponent = 3, .unit = 1 },
    .job = "node",
    .help = "The wall clock in seconds since the epoch.",
};
static const struct series_spec zone = {
    .name = "node_time_zone_offset_seconds",
    .kind = METRIC_GAUGE,
    .form = { .exponent = 0, .unit = 1 },
    .job = "node",
    .help = "How far the local time is ahead of UTC.",
};
static const struct series_spec sources[] = {
    [AVAILABLE] = { .name = "node_time_clocksource_available_info",
                    .kind = METRIC_INFO,
                    .form = { .exponent = 0, .unit = 1 },
                    .job = "node",
                    .help = "Clock sources the kernel could use." },
    [CURRENT] = { .name = "node_time_clocksource_current_info",
                  .kind = METRIC_INFO,
                  .form = { .exponent = 0, .unit = 1 },
                  .job = "node",
                  .help = "The clock source the kernel uses." },
};

struct time_state {
    unsigned tag; // TIME_TAG
    uint32_t seconds_slot;
    uint32_t zone_slot;
    char zone_name[CLOCK_NAME_SIZE]; // the one that zone_slot is of
};

int
clock_sources_parse(char out[CLOCK_SOURCES_MAX][CLOCK_NAME_SIZE], const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line;

    if (!proc_text_line(&rest, &line))
        return ERR_FORMAT;
    for (int n = 0;; n++) {
        const struct proc_text word = proc_text_word(&line);
        const size_t size = proc_text_len(&word);

        if (size == 0)
            return n;
        if (n == CLOCK_SOURCES_MAX || size >= CLOCK_NAME_SIZE)
            return ERR_FORMAT;
        memcpy(out[n], word.at, size);
        out[n][size] = '\0';
    }
}

static void *
s_make(const struct proc_setup *setup)
{
    struct time_state *self = xcalloc(1, sizeof *self);

    (void) setup;
    self->tag = TIME_TAG;
    self->seconds_slot = self->zone_slot = SERIES_NONE;
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    const struct time_state *self = arg;
    char names[CLOCK_SOURCES_MAX][CLOCK_NAME_SIZE];
    int n;

    assert(self->tag == TIME_TAG && file <= CURRENT);
    n = clock_sources_parse(names, text, len);
    for (int i = 0; i < n; i++) {
        const struct label labels[] = { { "device", "0" }, { "clocksource", names[i] } };

        series_table_set(table, series_table_slot(table, &sources[file], labels, 2), 1);
    }
    return n < 0 ? n : 0;
}

static void
s_walk(void *arg, series_table_t *table)
{
    struct time_state *self = arg;
    const int64_t now_ms = clock_real_ms();
    const time_t now_s = (time_t) (now_ms / 1000);
    struct tm local;

    if (self->seconds_slot == SERIES_NONE)
        self->seconds_slot = series_table_slot(table, &seconds, NULL, 0);
    series_table_set(table, self->seconds_slot, now_ms);
    if (localtime_r(&now_s, &local) == NULL || strlen(local.tm_zone) >= CLOCK_NAME_SIZE)
        return;
    // Summer time has another name, and so another series.
    if (self->zone_slot == SERIES_NONE || strcmp(self->zone_name, local.tm_zone) != 0) {
        strcpy(self->zone_name, local.tm_zone);
        self->zone_slot = series_table_slot(
            table, &zone, (const struct label[]){ { "time_zone", self->zone_name } }, 1);
    }
    series_table_set(table, self->zone_slot, local.tm_gmtoff);
}

static void
s_end(void **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

const struct proc_family time_family = {
    .name = "time",
    .every_ms = 10000,
    .files = { [AVAILABLE] = { .path = "sys/devices/system/clocksource/clocksource0/"
                                       "available_clocksource",
                               .optional = true },
               [CURRENT] = { .path =
                                 "sys/devices/system/clocksource/clocksource0/current_clocksource",
                             .optional = true } },
    .make = s_make,
    .sample = s_sample,
    .walk = s_walk,
    .end = s_end,
};
