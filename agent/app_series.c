// app_series - see the header.
//
//      message -> application (by colour or endpoint) -> series (by metric) -> app_pending -> tick
//
// What a message costs is bounded before anything is looked up by metric, and what it may fill is
// bounded before anything is put: so the one that sends too much is the one that loses.

#include "agent/app_series.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/app_times.h"
#include "agent/own_series.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "shared/model/sample.h"
#include "shared/net/selfstat.h"

#define SERIES_MOST  (APP_NUMBERS_MAX + 2) // of an application
#define ROOM_MS      3600000               // silent so long, it makes room for another
#define SAY_MS       60000
#define UNNAMED      "unnamed"
#define EXCESS_NAME  "zpulse_agent_app_excess_total"
#define KEY_SIZE_MAX 1024 // an endpoint is an option's value: at most 900 bytes

struct series {
    char *metric;
    uint32_t slot; // SERIES_NONE: refused
    struct app_times times;
};

struct app {
    char *key; // kind, then name: "c" of a colour, "n" without one, "e" of an endpoint
    struct series *series;
    unsigned n;          // series
    unsigned next;       // where the next metric likely is: messages repeat their order
    unsigned messages;   // in this tick
    unsigned waiting;    // samples in app_pending
    int64_t heard_ms;    // monotonic
    uint64_t excess;     // messages, ever
    uint64_t excess_log; // of them, those that the log was told of
    int64_t excess_log_ms;
    uint32_t excess_slot; // SERIES_NONE before the first
    bool said_refused;    // that some of its numbers are not kept
};

struct app_series {
    series_table_t *table;
    unsigned messages_most; // of an application in a tick
    int64_t interval_ms;
    app_pending_t *pending;
    map_t *by_key;
    struct app *apps[APP_MOST];
    unsigned n;
    uint32_t slots; // made by us, ever
    bool urgent;    // something waits that should not
    int64_t refused_log_ms;
    int64_t time_log_ms;
};

static struct app *s_app(app_series_t *self, const char *key, int64_t mono_ms);
static struct app *s_make_app(app_series_t *self, const char *key, int64_t mono_ms);
static void s_end_app(app_series_t *self, unsigned at);
static bool s_time_ok(app_series_t *self, const struct app *app, const struct app_message *message,
                      int64_t now_ms);
static bool s_has_room(const app_series_t *self, const struct app *app, unsigned n);
static void s_say_excess(struct app *app);
static void s_put(app_series_t *self, struct app *app, const struct app_message *message,
                  struct app_now now);
static int64_t s_arrival(struct series *const *series, unsigned n, int64_t now_ms);
static struct series *s_series(app_series_t *self, struct app *app, const char *metric);
static uint32_t s_slot(app_series_t *self, const struct app *app, const char *metric);
static void s_refuse_numbers(struct app *app, unsigned n);
static size_t s_labels(struct label labels[2], const struct app *app);

app_series_t *
app_series_new(series_table_t *table, int64_t interval_ms)
{
    app_series_t *self = xcalloc(1, sizeof *self);

    self->table = table;
    self->interval_ms = interval_ms;
    self->messages_most = (unsigned) (APP_MESSAGES * (interval_ms > 1000 ? interval_ms : 1000) /
                                      1000);
    self->pending = app_pending_new();
    self->by_key = map_new();
    return self;
}

void
app_series_destroy(app_series_t **self_p)
{
    app_series_t *self = *self_p;

    if (self == NULL)
        return;
    app_pending_destroy(&self->pending);
    while (self->n > 0)
        s_end_app(self, self->n - 1);
    map_destroy(&self->by_key);
    free(self);
    *self_p = NULL;
}

void
app_series_put(app_series_t *self, const struct app_message *message, const char *endpoint,
               struct app_now now)
{
    const bool bare = message->kind == APP_MESSAGE_NUMBER;
    char key[KEY_SIZE_MAX];
    struct app *app;

    if (message->n == 0 && message->refused == 0)
        return;
    snprintf(key, sizeof key, "%c%s",
             bare                 ? 'e'
             : message->has_color ? 'c'
                                  : 'n',
             bare                 ? endpoint
             : message->has_color ? message->color
                                  : UNNAMED);
    app = s_app(self, key, now.mono_ms);
    if (app == NULL) {
        selfstat_add(AGENT_APP_REFUSED_APPLICATIONS, message->n);
        if (log_allow(&self->refused_log_ms, SAY_MS))
            log_warn("more applications than are kept; this one's numbers are dropped",
                     "app=%s most=%d", log_quote(key + 1), APP_MOST);
        return;
    }
    app->heard_ms = now.mono_ms;
    if (!s_has_room(self, app, message->n)) {
        app->excess++;
        s_say_excess(app);
        return;
    }
    app->messages++;
    s_refuse_numbers(app, message->refused);
    if (s_time_ok(self, app, message, now.real_ms))
        s_put(self, app, message, now);
}

static struct app *
s_app(app_series_t *self, const char *key, int64_t mono_ms)
{
    struct app *app = map_get(self->by_key, key, strlen(key));

    return app != NULL ? app : s_make_app(self, key, mono_ms);
}

// NULL where there are as many as may be, all of them heard of within the hour.
static struct app *
s_make_app(app_series_t *self, const char *key, int64_t mono_ms)
{
    struct app *app;

    if (self->n == APP_MOST) {
        unsigned oldest = 0;

        for (unsigned i = 1; i < self->n; i++)
            if (self->apps[i]->heard_ms < self->apps[oldest]->heard_ms)
                oldest = i;
        if (mono_ms - self->apps[oldest]->heard_ms < ROOM_MS || self->apps[oldest]->waiting > 0)
            return NULL;
        s_end_app(self, oldest);
    }
    app = xcalloc(1, sizeof *app);
    app->key = xstrdup(key);
    app->excess_slot = SERIES_NONE;
    self->apps[self->n++] = app;
    map_put(self->by_key, key, strlen(key), app);
    log_info("an application is heard of", "app=%s", log_quote(key + 1));
    return app;
}

// Its slots stay its own in the table: if it comes back, it finds them by its labels.
static void
s_end_app(app_series_t *self, unsigned at)
{
    struct app *app = self->apps[at];

    map_remove(self->by_key, app->key, strlen(app->key));
    for (unsigned i = 0; i < app->n; i++)
        free(app->series[i].metric);
    free(app->series);
    free(app->key);
    free(app);
    self->apps[at] = self->apps[--self->n];
}

// Its own share first. Of what all share, the first few messages of a tick are always taken, so
// that those who send much can not push out who sends little.
static bool
s_has_room(const app_series_t *self, const struct app *app, unsigned n)
{
    const size_t waiting = app_pending_count(self->pending) + n;

    return app->messages < self->messages_most && app->waiting + n <= APP_SAMPLES &&
           waiting <= (app->messages < APP_ASSURED ? APP_SAMPLES_MOST : APP_SAMPLES_SHARED);
}

static void
s_say_excess(struct app *app)
{
    if (!log_allow(&app->excess_log_ms, SAY_MS))
        return;
    log_warn("an application sends more than is kept; the rest is dropped",
             "app=%s messages=%" PRIu64 " since_start=%" PRIu64, log_quote(app->key + 1),
             app->excess - app->excess_log, app->excess);
    app->excess_log = app->excess;
}

static bool
s_time_ok(app_series_t *self, const struct app *app, const struct app_message *message,
          int64_t now_ms)
{
    const int64_t ahead_ms = message->time_ms - now_ms;

    if (message->time == APP_TIME_UNKNOWN)
        selfstat_add(AGENT_APP_TIMES_UNKNOWN, 1);
    if (message->time != APP_TIME_GIVEN || (ahead_ms <= APP_AHEAD_MS && ahead_ms >= -APP_OLD_MS))
        return true;
    selfstat_add(ahead_ms > 0 ? AGENT_APP_REFUSED_AHEAD : AGENT_APP_REFUSED_OLD, message->n);
    if (log_allow(&self->time_log_ms, SAY_MS))
        log_warn(ahead_ms > 0 ? "a time more than 10 min ahead; its numbers are dropped"
                              : "a time more than an hour old; its numbers are dropped",
                 "app=%s ahead_ms=%lld", log_quote(app->key + 1), (long long) ahead_ms);
    return false;
}

// All numbers of a message have one time: where one has to move on, all do.
static int64_t
s_arrival(struct series *const *series, unsigned n, int64_t now_ms)
{
    int64_t time_ms = now_ms, before;

    do {
        before = time_ms;
        for (unsigned i = 0; i < n; i++)
            if (series[i] != NULL)
                time_ms = app_times_arrival(&series[i]->times, time_ms);
    } while (time_ms != before);
    return time_ms;
}

static void
s_put(app_series_t *self, struct app *app, const struct app_message *message, struct app_now now)
{
    const bool given = message->time == APP_TIME_GIVEN;
    struct series *series[SERIES_MOST];
    int64_t time_ms;

    for (unsigned i = 0; i < message->n; i++)
        series[i] = s_series(self, app, message->numbers[i].metric);
    time_ms = given ? message->time_ms : s_arrival(series, message->n, now.real_ms);
    for (unsigned i = 0; i < message->n; i++) {
        struct cell cell;

        if (series[i] == NULL)
            continue;
        if (app_times_has(&series[i]->times, time_ms)) {
            selfstat_add(AGENT_APP_CONFLICTS, 1);
            continue;
        }
        cell = series_table_cell(self->table, series[i]->slot, message->numbers[i].value);
        app_pending_put(self->pending, time_ms, series[i]->slot, &cell, &app->waiting);
        self->urgent = self->urgent || !series[i]->times.alive;
        app_times_note(&series[i]->times, time_ms, !given, now.mono_ms);
        selfstat_add(AGENT_APP_SAMPLES, 1);
    }
}

// NULL where it can not be kept, which is counted.
static struct series *
s_series(app_series_t *self, struct app *app, const char *metric)
{
    struct series *series;
    unsigned at = app->next < app->n ? app->next : 0;

    for (unsigned i = 0; i < app->n; i++, at = at + 1 < app->n ? at + 1 : 0) {
        if (strcmp(app->series[at].metric, metric) != 0)
            continue;
        app->next = at + 1;
        if (app->series[at].slot != SERIES_NONE)
            return &app->series[at];
        s_refuse_numbers(app, 1);
        return NULL;
    }
    if (app->n == SERIES_MOST) {
        s_refuse_numbers(app, 1);
        return NULL;
    }
    // As many as may be at once: the others of a message are pointed at while one is made.
    if (app->series == NULL)
        app->series = xcalloc(SERIES_MOST, sizeof *app->series);
    series = &app->series[app->n++];
    series->metric = xstrdup(metric);
    series->slot = s_slot(self, app, metric);
    if (series->slot == SERIES_NONE)
        s_refuse_numbers(app, 1);
    return series->slot != SERIES_NONE ? series : NULL;
}

static uint32_t
s_slot(app_series_t *self, const struct app *app, const char *metric)
{
    static const struct {
        const char *metric;
        const char *help;
        uint8_t exponent; // decimals with which values mostly come
    } known[] = {
        { "app_cpu_ratio", "CPU time per time of an application, 1 is one core.", 5 },
        { "app_resident_memory_bytes", "Resident memory of an application.", 0 },
        { NULL, "A number that an application has sent.", 3 },
    };
    const size_t len = strlen(metric);
    const uint32_t before = series_table_count(self->table);
    struct series_spec spec = { .name = metric, .kind = METRIC_GAUGE, .job = "app" };
    struct label labels[2];
    size_t i = 0;
    uint32_t slot;

    if (self->slots == APP_SLOTS_MOST)
        return SERIES_NONE;
    while (known[i].metric != NULL && strcmp(known[i].metric, metric) != 0)
        i++;
    spec.help = known[i].help;
    spec.form = (struct metric_form){ .exponent = known[i].exponent, .unit = 1 };
    if (len > strlen("_total") && strcmp(metric + len - strlen("_total"), "_total") == 0)
        spec.kind = METRIC_COUNTER;
    slot = series_table_slot(self->table, &spec, labels, s_labels(labels, app));
    self->slots += series_table_count(self->table) - before;
    return slot;
}

static void
s_refuse_numbers(struct app *app, unsigned n)
{
    selfstat_add(AGENT_APP_REFUSED_NUMBERS, n);
    if (n > 0 && !app->said_refused)
        log_warn("an application sends numbers that are not kept: too many, or with names that are "
                 "empty or too long",
                 "app=%s most=%d", log_quote(app->key + 1), APP_NUMBERS_MAX);
    app->said_refused = app->said_refused || n > 0;
}

static size_t
s_labels(struct label labels[2], const struct app *app)
{
    labels[0] = (struct label){ .name = "app", .value = app->key + 1 };
    labels[1] = (struct label){ .name = "color", .value = app->key + 1 };
    return app->key[0] == 'c' ? 2 : 1;
}

void
app_series_sample(app_series_t *self)
{
    for (unsigned i = 0; i < self->n; i++) {
        struct app *app = self->apps[i];

        if (app->excess > 0 && app->excess_slot == SERIES_NONE) {
            const struct series_spec spec = {
                .name = EXCESS_NAME,
                .kind = METRIC_COUNTER,
                .form = { .exponent = 0, .unit = 1 },
                .job = "zpulse",
                .help = "Messages of an application that were more than is kept.",
            };
            struct label labels[3] = { { .name = "program", .value = "agent" } };

            app->excess_slot = series_table_slot(self->table, &spec, labels,
                                                 1 + s_labels(labels + 1, app));
        }
        if (app->excess > 0)
            series_table_set(self->table, app->excess_slot, (int64_t) app->excess);
    }
}

void
app_series_hung(app_series_t *self, int64_t ms)
{
    for (unsigned i = 0; i < self->n; i++)
        for (unsigned k = 0; k < self->apps[i]->n; k++)
            self->apps[i]->series[k].times.heard_ms += ms;
}

// One mark for each series that has fallen silent, since no sample has the time of its silence. It
// is of this tick's row, and yet of a time that no sample to come will have: one that comes back in
// this very moment would find its place taken.
static void
s_mark_silent(app_series_t *self, struct app *app, int64_t tick_ms, int64_t mono_ms)
{
    const int64_t mark_ms = tick_ms - self->interval_ms / 2;
    const struct cell stale = { .state = CELL_RAW, .bits = SAMPLE_STALE_BITS };

    for (unsigned i = 0; i < app->n; i++) {
        struct app_times *times = &app->series[i].times;

        // One whose samples are ahead of the clock is not at its end before the clock is there.
        if (!app_times_is_silent(times, mono_ms) || times->newest_ms >= mark_ms)
            continue;
        app_pending_put(self->pending, mark_ms, app->series[i].slot, &stale, &app->waiting);
        app_times_end(times, mark_ms);
    }
}

void
app_series_tick(app_series_t *self, int64_t tick_ms, int64_t mono_ms)
{
    for (unsigned i = 0; i < self->n; i++) {
        self->apps[i]->messages = 0;
        s_mark_silent(self, self->apps[i], tick_ms, mono_ms);
    }
    selfstat_set(AGENT_APP_APPLICATIONS, self->n);
}

bool
app_series_is_urgent(const app_series_t *self)
{
    return self->urgent;
}

const struct app_block *
app_series_take(app_series_t *self, size_t *n_ret, int64_t now_ms)
{
    const struct app_taken taken = app_pending_take(self->pending, now_ms + APP_AHEAD_MS);

    self->urgent = false;
    selfstat_add(AGENT_APP_CONFLICTS, taken.conflicts);
    selfstat_add(AGENT_APP_REFUSED_AHEAD, taken.ahead);
    *n_ret = taken.n_blocks;
    return taken.blocks;
}
