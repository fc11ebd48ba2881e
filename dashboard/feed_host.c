// feed_host - one host's part of the feed: from rows to events.

#include "dashboard/feed_host.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dashboard/live_places.h"
#include "dashboard/view.h"
#include "shared/base/json.h"
#include "shared/base/xalloc.h"

#define ASK_PAUSE_MS 1000
#define MIB          1048576.0
#define STAMP_SIZE   48
#define COLOR_SIZE   8 // "#rrggbb"

// What of a host the feed shows: the busy modes, added up, and used memory.
#define HOST_COLUMNS "cpu.user,cpu.nice,cpu.system,cpu.irq,cpu.softirq,cpu.steal,mem.used"
#define MEM_COLUMN   "mem.used"
#define COLUMNS_MAX  8

enum member { MEMBER_CPU, MEMBER_MEM, MEMBER_OTHER };

// An application, and what the row at hand says of it.
struct feed_app {
    char *name;
    char *color; // or NULL
    bool seen;
    double cpu; // ratio; NaN where it is not said, like mem
    double mem; // bytes
};

struct feed_series {
    uint32_t id; // the collector's
    uint32_t app;
    enum member member;
};

// Which table of a topic is known.
struct feed_table {
    uint64_t epoch;
    uint32_t generation;
    bool known;
};

struct feed_host {
    uint64_t host;
    bool asked; // for a table, ever
    int64_t asked_ms;
    struct feed_table app_table;
    struct feed_series *series; // by id, rising
    size_t n_series;
    struct feed_app *apps;
    size_t n_apps;
    struct feed_table host_table;
    struct live_places places;
    view_t *view; // NULL before its table
    int64_t newest_ms;
};

static void s_set_apps(struct feed_host *self, struct live_series *series, uint32_t n);
static uint32_t s_app(struct feed_host *self, const char *name, const char *color);
static void s_drop_apps(struct feed_host *self);
static int s_compare(const void *a, const void *b);
static void s_set_view(struct feed_host *self, struct live_series *series, uint32_t n,
                       int64_t interval_ms);
static bool s_knows(const struct feed_table *table, const struct live_header *h);
static void s_app_row(struct feed_host *self, int64_t time_ms, const struct live_row *cells,
                      struct buf *out);
static void s_host_row(struct feed_host *self, int64_t time_ms, const struct live_row *cells,
                       struct buf *out);
static void s_put(struct buf *out, const char *color, int64_t time_ms, double percent,
                  double bytes);
static void s_put_stamp(char stamp[STAMP_SIZE], int64_t time_ms);
static void s_color(char color[COLOR_SIZE], uint64_t host);

struct feed_host *
feed_host_new(uint64_t host)
{
    struct feed_host *self = xcalloc(1, sizeof *self);

    self->host = host;
    self->newest_ms = INT64_MIN;
    return self;
}

void
feed_host_destroy(struct feed_host **self_p)
{
    struct feed_host *self = *self_p;

    if (self == NULL)
        return;
    s_drop_apps(self);
    live_places_release(&self->places);
    view_destroy(&self->view);
    free(self);
    *self_p = NULL;
}

void
feed_host_table(struct feed_host *self, char kind, const struct live_header *h, struct rbuf *r,
                int64_t interval_ms)
{
    struct feed_table *table = kind == LIVE_APP_ROWS ? &self->app_table : &self->host_table;
    struct live_series *series;
    uint32_t n;

    if (s_knows(table, h) || live_take_table(r, &series, &n) != 0)
        return;
    if (kind == LIVE_APP_ROWS)
        s_set_apps(self, series, n);
    else
        s_set_view(self, series, n, interval_ms);
    live_series_free(series, n);
    *table = (struct feed_table){ .epoch = h->epoch, .generation = h->generation, .known = true };
}

bool
feed_host_row(struct feed_host *self, char kind, const struct live_header *h,
              const struct live_row *cells, struct buf *out)
{
    const bool app = kind == LIVE_APP_ROWS;

    if (!s_knows(app ? &self->app_table : &self->host_table, h))
        return false;
    if (app)
        s_app_row(self, h->time_ms, cells, out);
    else
        s_host_row(self, h->time_ms, cells, out);
    return true;
}

bool
feed_host_may_ask(struct feed_host *self, int64_t now_ms)
{
    if (self->asked && now_ms - self->asked_ms < ASK_PAUSE_MS)
        return false;
    self->asked = true;
    self->asked_ms = now_ms;
    return true;
}

static void
s_set_apps(struct feed_host *self, struct live_series *series, uint32_t n)
{
    s_drop_apps(self);
    self->series = xcalloc((size_t) n + 1, sizeof *self->series);
    self->apps = xcalloc((size_t) n + 1, sizeof *self->apps);
    for (uint32_t i = 0; i < n; i++) {
        const struct label_set *labels = &series[i].labels;
        const char *metric = label_set_metric(labels), *name = label_set_get(labels, "app");

        if (!view_is_app(labels) || name == NULL)
            continue;
        self->series[self->n_series++] = (struct feed_series){
            .id = series[i].id,
            .app = s_app(self, name, label_set_get(labels, "color")),
            .member = strcmp(metric, "app_cpu_ratio") == 0               ? MEMBER_CPU
                      : strcmp(metric, "app_resident_memory_bytes") == 0 ? MEMBER_MEM
                                                                         : MEMBER_OTHER,
        };
    }
    qsort(self->series, self->n_series, sizeof *self->series, s_compare);
}

// Its series come together in a table, so it is looked for from the newest.
static uint32_t
s_app(struct feed_host *self, const char *name, const char *color)
{
    for (size_t i = self->n_apps; i-- > 0;) {
        const struct feed_app *app = &self->apps[i];

        if (strcmp(app->name, name) == 0 && (app->color == NULL) == (color == NULL) &&
            (color == NULL || strcmp(app->color, color) == 0))
            return (uint32_t) i;
    }
    self->apps[self->n_apps++] =
        (struct feed_app){ .name = xstrdup(name), .color = color != NULL ? xstrdup(color) : NULL };
    return (uint32_t) self->n_apps - 1;
}

static void
s_drop_apps(struct feed_host *self)
{
    for (size_t i = 0; i < self->n_apps; i++) {
        free(self->apps[i].name);
        free(self->apps[i].color);
    }
    free(self->apps);
    free(self->series);
    self->apps = NULL;
    self->series = NULL;
    self->n_apps = self->n_series = 0;
}

static int
s_compare(const void *a, const void *b)
{
    const struct feed_series *x = a, *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

static void
s_set_view(struct feed_host *self, struct live_series *series, uint32_t n, int64_t interval_ms)
{
    struct view_pick pick;
    char error[VIEW_ERROR_SIZE];

    live_places_set(&self->places, series, n);
    view_destroy(&self->view);
    self->newest_ms = INT64_MIN;
    if (view_pick_parse(&pick, HOST_COLUMNS, error) != 0)
        return; // they are columns
    self->view = view_new(&pick, interval_ms > 0 ? interval_ms : 1000);
    view_pick_release(&pick);
    live_places_add(&self->places, self->view);
    view_seal(self->view);
    live_places_map(&self->places, self->view);
}

static bool
s_knows(const struct feed_table *table, const struct live_header *h)
{
    return table->known && table->epoch == h->epoch && table->generation == h->generation;
}

static void
s_app_row(struct feed_host *self, int64_t time_ms, const struct live_row *cells, struct buf *out)
{
    for (size_t i = 0; i < self->n_apps; i++)
        self->apps[i].seen = false;
    // Both rise.
    for (size_t i = 0, c = 0; i < self->n_series && c < cells->n;) {
        const struct feed_series *s = &self->series[i];
        struct feed_app *app = &self->apps[s->app];

        if (cells->ids[c] != s->id) {
            if (cells->ids[c] < s->id)
                c++;
            else
                i++;
            continue;
        }
        // The mark that it has ended is nothing that the application sent.
        if (!isnan(cells->values[c])) {
            if (!app->seen)
                app->cpu = app->mem = NAN;
            app->seen = true;
            if (s->member == MEMBER_CPU)
                app->cpu = cells->values[c];
            else if (s->member == MEMBER_MEM)
                app->mem = cells->values[c];
        }
        i++;
        c++;
    }
    for (size_t i = 0; i < self->n_apps; i++) {
        const struct feed_app *app = &self->apps[i];

        if (app->seen)
            s_put(out, app->color, time_ms, app->cpu * 100, app->mem);
    }
}

static void
s_host_row(struct feed_host *self, int64_t time_ms, const struct live_row *cells, struct buf *out)
{
    const struct view_column *columns;
    double row[COLUMNS_MAX], cpu = NAN, mem = NAN, value;
    struct live_walk walk = { 0 };
    char color[COLOR_SIZE];
    size_t n;

    if (time_ms <= self->newest_ms || !live_places_have(&self->places, cells))
        return;
    self->newest_ms = time_ms;
    view_begin(self->view, time_ms);
    for (size_t place; live_places_next(&self->places, cells, &walk, &place, &value);)
        view_take(self->view, place, time_ms, value);
    view_end(self->view, row);
    n = view_columns(self->view, &columns);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(columns[i].id, MEM_COLUMN) == 0)
            mem = row[i];
        else if (!isnan(row[i]))
            cpu = (isnan(cpu) ? 0 : cpu) + row[i];
    }
    if (isnan(cpu) && isnan(mem))
        return;
    s_color(color, self->host);
    s_put(out, color, time_ms, cpu, mem);
}

static void
s_put(struct buf *out, const char *color, int64_t time_ms, double percent, double bytes)
{
    char stamp[STAMP_SIZE], digits[40];
    struct json j;

    s_put_stamp(stamp, time_ms);
    // What was sent as 12.3 is kept as 0.123: twelve digits give it back.
    snprintf(digits, sizeof digits, "%.12g", percent);
    buf_str(out, "data: ");
    json_init(&j, out);
    json_object(&j);
    json_key(&j, "color");
    if (color != NULL)
        json_str(&j, color);
    else
        json_null(&j);
    json_key(&j, "timestamp");
    json_str(&j, stamp);
    json_key(&j, "cpu");
    json_double(&j, strtod(digits, NULL));
    json_key(&j, "mem");
    json_double(&j, bytes / MIB);
    json_object_end(&j);
    buf_str(out, "\n\n");
}

// As Python's isoformat has it for UTC.
static void
s_put_stamp(char stamp[STAMP_SIZE], int64_t time_ms)
{
    const time_t seconds = (time_t) (time_ms / 1000);
    struct tm tm = { 0 };
    char day[32];

    gmtime_r(&seconds, &tm);
    strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(stamp, STAMP_SIZE, "%s.%03d000+00:00", day, (int) (time_ms % 1000));
}

// Full colours of middle brightness around the circle: six stretches, in each one part rises or
// falls between the other two.
static void
s_color(char color[COLOR_SIZE], uint64_t host)
{
    const unsigned low = 0x30, high = 0xd0;
    const unsigned hue = (unsigned) ((host * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % 1536;
    const unsigned part = low + (hue % 256) * (high - low) / 256, fall = low + high - part;
    const unsigned rgb[6][3] = {
        { high, part, low }, { fall, high, low }, { low, high, part },
        { low, fall, high }, { part, low, high }, { high, low, fall },
    };
    const unsigned *c = rgb[hue / 256];

    snprintf(color, COLOR_SIZE, "#%02x%02x%02x", c[0] & 0xff, c[1] & 0xff, c[2] & 0xff);
}
