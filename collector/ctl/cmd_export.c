// cmd_export - `zpulse export [MATCH]`: samples as text, all of a collector's or some.
//
// First the list of series. CSV has them window by window, all series in each: whatever the time,
// every sample is read once. OpenMetrics wants all of a series before the next one: so batches of
// series are asked for, of which all samples fit in memory, and all of the time is read for each
// batch. A series that is too long for that is a batch of its own, and needs to hold one window.

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/command.h"
#include "collector/ctl/ctl_keys.h"
#include "collector/ctl/export_list.h"
#include "collector/ctl/export_samples.h"
#include "collector/ctl/export_text.h"
#include "collector/ctl/export_windows.h"
#include "collector/ctl/output.h"
#include "collector/ctl/query_client.h"
#include "collector/ctl/when.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/model/matcher.h"
#include "shared/net/option.h"
#include "shared/net/service.h"

#define WRITE_BYTES (64u * 1024u)
#define PROGRESS_MS 250
#define ANSWER_MS   30000
#define WHOLE_MS    100    // between two questions whether the collector has all
#define FIRST_MOST  100000 // samples of the first window, at one a second: it is there soon
#define FIRST_LEAST 60000  // ms, of it
#define BATCH_MOST  (EXPORT_HELD_SAMPLES / 4 * 3)
#define EVERYTHING  "{__name__!=\"\"}"

static const struct option options_table[] = {
    { .name = "collector",
      .type = OPTION_ENDPOINT,
      .fallback = "tcp://127.0.0.1:5560",
      .least = 1,
      .meta = "ENDPOINT",
      .help = "data port of the collector to ask" },
    CTL_KEYS_OPTIONS,
    { .name = "start",
      .type = OPTION_TEXT,
      .fallback = "0",
      .meta = "TIME",
      .help = "leave out what is older; 0 is all there is" },
    { .name = "end",
      .type = OPTION_TEXT,
      .fallback = "now",
      .meta = "TIME",
      .help = "leave out what is newer" },
    { .name = "output",
      .type = OPTION_CHOICE,
      .fallback = "openmetrics",
      .choices = "openmetrics|csv",
      .letter = 'o',
      .meta = "FORM",
      .help = "how to write them" },
    { .name = NULL },
};

static const struct option_program program = {
    .name = "zpulse export",
    .summary = "Writes the samples of a collector as text, oldest first.",
    .usage = "zpulse export [OPTION]... [MATCH]",
    .options = options_table,
    .arguments = true,
    .tail =
        "MATCH is a PromQL selector: node_load1, or {instance=\"web-1\",job=\"app\"}; all series\n"
        "without it. TIME is as 2026-11-26T07:32:36Z, seconds or ms since 1970, an age (-5m), or\n"
        "now.\n"
        "CSV is time_ms,series,value; where a series ends, the value is -NaN. OpenMetrics leaves\n"
        "that out, and ends with # EOF only if it is complete.",
};

struct export
{
    options_t *options;
    const char *collector;
    struct client_keys keys;
    const struct curve *curve; // of them, or NULL: plain
    const char *match;
    bool csv;
    int64_t start_ms;
    int64_t end_ms;
    int signals; // -1 until there are any
    query_client_t *client;
    struct export_list list;
    export_windows_t *windows;
    struct buf selectors[QUERY_SELECTORS_MAX]; // of the batch at hand
    uint64_t longest;                          // samples of a series, as far as is known; 0: not
    const char *family;                        // that was written last; in the list
    uint64_t written;                          // samples
    size_t done;                               // series
    int64_t done_ms;                           // CSV: up to this time
    int64_t told_ms;                           // monotonic, when progress was last shown
    bool tell;                                 // progress, to a terminal
    bool told;                                 // something of it stands there
    struct buf out;
    struct buf why; // the collector's sentence, where it refused the list
};

static int s_read_options(struct export *self);
static int s_time(int64_t *ret, const struct export *self, const char *name);
static int s_run(struct export *self);
static int s_await_whole(struct export *self);
static int s_list(struct export *self);
static int s_add(void *arg, const struct query_series *series);
static int s_all_at_once(struct export *self);
static int s_batches(struct export *self);
static void s_choose(struct export *self, size_t first, struct export_batch *batch);
static void s_choose_units(struct export *self, uint64_t most, struct export_batch *batch);
static void s_choose_series(struct export *self, uint64_t most, struct export_batch *batch);
static int s_write(void *arg, export_samples_t *samples, const struct export_batch *batch,
                   int64_t upto_ms);
static void s_progress(struct export *self, bool last);
static int s_exit(struct export *self, int rc);

int
cmd_export(int argc, char **argv)
{
    struct export self = { .signals = -1 };
    int code;

    if (options_load(&self.options, &code, &program, argc, argv, stdout, stderr) != 0)
        return code;
    log_init("zpulse", LOG_LEVEL_WARN);
    code = s_read_options(&self);
    if (code == OPTION_EXIT_OK)
        code = s_exit(&self, s_run(&self));
    export_windows_destroy(&self.windows);
    query_client_close(&self.client);
    export_list_release(&self.list);
    for (size_t i = 0; i < QUERY_SELECTORS_MAX; i++)
        buf_release(&self.selectors[i]);
    buf_release(&self.out);
    buf_release(&self.why);
    options_destroy(&self.options);
    if (self.signals >= 0)
        service_end(self.signals);
    return code;
}

static int
s_read_options(struct export *self)
{
    char error[MATCHERS_ERROR_SIZE];
    matchers_t *matchers = NULL;
    const char *const *words;
    const size_t n = options_arguments(self->options, &words);

    self->match = n > 0 ? words[0] : EVERYTHING;
    if (n > 1) {
        fprintf(stderr, "zpulse export: one selector at most; quote it for the shell\n");
        return OPTION_EXIT_USAGE;
    }
    if (matchers_parse(&matchers, self->match, error) < 0) {
        fprintf(stderr, "zpulse export: selector: %s\n", error);
        return OPTION_EXIT_USAGE;
    }
    matchers_destroy(&matchers);
    if (s_time(&self->start_ms, self, "start") < 0 || s_time(&self->end_ms, self, "end") < 0)
        return OPTION_EXIT_USAGE;
    if (self->start_ms > self->end_ms) {
        fprintf(stderr, "zpulse export: --start %s is after --end %s\n",
                options_text(self->options, "start"), options_text(self->options, "end"));
        return OPTION_EXIT_USAGE;
    }
    self->collector = options_text(self->options, "collector");
    if (ctl_keys_load(&self->keys, &self->curve, "export", self->options) < 0)
        return OPTION_EXIT_CONFIG;
    self->csv = strcmp(options_text(self->options, "output"), "csv") == 0;
    self->tell = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) != 1;
    self->done_ms = self->start_ms;
    return OPTION_EXIT_OK;
}

static int
s_time(int64_t *ret, const struct export *self, const char *name)
{
    const char *text = options_text(self->options, name);
    const int rc = when_parse(ret, text, clock_real_ms());

    if (rc < 0)
        fprintf(
            stderr,
            "zpulse export: --%s: %s is no time: 2026-11-26T07:32:36Z, seconds or ms since 1970, "
            "-5m or now\n",
            name, log_quote(text));
    return rc;
}

static int
s_run(struct export *self)
{
    int64_t span_ms = FIRST_LEAST;
    int rc;

    self->signals = service_start(1);
    rc = query_client_open(&self->client, self->collector, self->curve, self->signals);
    if (rc == 0)
        rc = s_await_whole(self);
    if (rc == 0)
        rc = s_list(self);
    if (rc < 0)
        return rc;
    if (self->list.n > 0 && FIRST_MOST / (int64_t) self->list.n * 1000 > span_ms)
        span_ms = FIRST_MOST / (int64_t) self->list.n * 1000;
    self->windows = export_windows_new(&(struct export_windows_options){
        .client = self->client,
        .signals = self->signals,
        .list = &self->list,
        .start_ms = self->start_ms,
        .end_ms = self->end_ms,
        .span_ms = self->csv ? span_ms : self->end_ms - self->start_ms,
        .arg = self,
        .write = s_write });
    if (self->csv)
        buf_str(&self->out, EXPORT_CSV_HEAD);
    rc = self->csv ? s_all_at_once(self) : s_batches(self);
    if (rc == 0 && !self->csv)
        buf_str(&self->out, EXPORT_EOF);
    return rc == 0 ? output_write(&self->out, self->signals) : rc;
}

// A collector answers while it reads its journal back, without what it has not come to yet.
static int
s_await_whole(struct export *self)
{
    struct pollfd signal = { .fd = self->signals, .events = POLLIN };
    bool whole = false, told = !self->tell;

    for (;;) {
        int rc;

        buf_clear(&self->why);
        rc = query_client_whole(self->client, ANSWER_MS, &whole, &self->why);
        if ((rc < 0 && rc != -EAGAIN) || (rc == 0 && whole))
            return rc;
        if (!told)
            fputs("waiting until the collector has read its journal back\n", stderr);
        told = true;
        if (poll(&signal, 1, WHOLE_MS) > 0)
            return -EINTR;
    }
}

// The series, and from what time on there can be anything.
static int
s_list(struct export *self)
{
    struct query_request q = { .type = QUERY_SERIES,
                               .start_ms = self->start_ms,
                               .n_selectors = 1,
                               .selectors = { self->match } };
    struct query_client_note note = { 0 };
    const int rc = export_ask(self->client, &q, self->signals, s_add, self, &self->why, &note);

    if (rc == 0 && note.upto > 0 && (int64_t) note.upto > self->start_ms)
        self->start_ms = (int64_t) note.upto;
    buf_release(&note.lacks);
    export_list_finish(&self->list, !self->csv);
    return rc;
}

static int
s_add(void *arg, const struct query_series *series)
{
    export_list_add(&((struct export *) arg)->list, &series->labels, series->kind);
    return 0;
}

static int
s_all_at_once(struct export *self)
{
    const struct export_batch batch = { .end = self->list.n,
                                        .selectors = { self->match },
                                        .n_selectors = 1 };

    return self->list.n > 0 ? export_windows_run(self->windows, &batch) : 0;
}

// The first batch is small, since it is not known yet how long series are; and one that was too
// large tells it as well.
static int
s_batches(struct export *self)
{
    int rc = 0;

    for (size_t first = 0; first < self->list.n && rc == 0;) {
        struct export_batch batch;
        uint64_t n;

        s_choose(self, first, &batch);
        assert(batch.end > batch.first);
        n = batch.end - batch.first;
        rc = export_windows_run(self->windows, &batch);
        if (rc == ERR_LIMIT && n > 1) {
            self->longest = 2 * BATCH_MOST / n;
            rc = 0;
            continue;
        }
        if (export_windows_count(self->windows) / n + 1 > self->longest)
            self->longest = export_windows_count(self->windows) / n + 1;
        self->done = first = batch.end;
    }
    return rc;
}

// The series from `first` on that are asked for together.
static void
s_choose(struct export *self, size_t first, struct export_batch *batch)
{
    const uint64_t most = self->longest == 0 ? 1 : BATCH_MOST / self->longest;
    const size_t unit = export_list_unit(&self->list, first) - first;
    const bool begun = first > 0 && export_list_unit(&self->list, first - 1) > first;

    *batch = (struct export_batch){ .first = first, .end = first };
    if (begun || (self->longest > 0 && unit > most))
        s_choose_series(self, most > 0 ? most : 1, batch);
    else
        s_choose_units(self, most, batch);
    for (uint32_t i = 0; i < batch->n_selectors; i++)
        batch->selectors[i] = buf_cstr(&self->selectors[i]);
    batch->hold = batch->end - first > 1;
}

// One name of one instance each, one of them at least.
static void
s_choose_units(struct export *self, uint64_t most, struct export_batch *batch)
{
    while (batch->n_selectors < QUERY_SELECTORS_MAX && batch->end < self->list.n) {
        const size_t end = export_list_unit(&self->list, batch->end);
        struct buf *selector = &self->selectors[batch->n_selectors];

        if (batch->n_selectors > 0 && end - batch->first > most)
            return;
        buf_clear(selector);
        export_put_unit_selector(selector, self->match, &self->list.at[batch->end]);
        batch->n_selectors++;
        batch->end = end;
    }
}

// Of a unit that is too large.
static void
s_choose_series(struct export *self, uint64_t most, struct export_batch *batch)
{
    const size_t end = export_list_unit(&self->list, batch->first);

    while (batch->n_selectors < QUERY_SELECTORS_MAX && batch->n_selectors < most &&
           batch->end < end) {
        struct buf *selector = &self->selectors[batch->n_selectors++];

        buf_clear(selector);
        export_put_series_selector(selector, &self->list.at[batch->end++]);
    }
}

static int
s_write(void *arg, export_samples_t *samples, const struct export_batch *batch, int64_t upto_ms)
{
    struct export *self = arg;
    int rc = 0;

    for (size_t i = batch->first; i < batch->end && rc == 0; i++) {
        const struct export_series *s = &self->list.at[i];
        const struct sample *at;
        size_t n;

        at = export_samples_get(samples, i, &n);
        if (n > 0 && !self->csv && (self->family == NULL || strcmp(self->family, s->family) != 0)) {
            export_put_family(&self->out, s);
            self->family = s->family;
        }
        for (size_t k = 0; k < n && rc == 0; k++) {
            if (self->csv)
                export_put_csv(&self->out, s->text, &at[k]);
            else
                export_put_openmetrics(&self->out, s->text, &at[k]);
            if (self->out.len >= WRITE_BYTES)
                rc = output_write(&self->out, self->signals);
        }
        self->written += n;
    }
    self->done_ms = upto_ms;
    s_progress(self, false);
    return rc < 0 ? rc : output_write(&self->out, self->signals);
}

// One line that is written over; the last one stays.
static void
s_progress(struct export *self, bool last)
{
    const int64_t now_ms = clock_mono_ms();
    char when[WHEN_SIZE];

    if (!self->tell || (last ? !self->told : now_ms - self->told_ms < PROGRESS_MS))
        return;
    self->told_ms = now_ms;
    self->told = true;
    if (self->csv)
        fprintf(stderr, "\r%" PRIu64 " samples, up to %s%s", self->written,
                when_put(when, self->done_ms), last ? "\n" : "");
    else
        fprintf(stderr, "\r%" PRIu64 " samples, %zu of %zu series%s", self->written, self->done,
                self->list.n, last ? "\n" : "");
}

// The exit code; what went wrong is said. Who reads no more had enough.
static int
s_exit(struct export *self, int rc)
{
    struct buf *why = self->windows != NULL ? export_windows_why(self->windows) : &self->why;
    struct buf *lacks = self->windows != NULL ? export_windows_lacks(self->windows) : NULL;

    s_progress(self, true);
    if (rc == -EPIPE)
        return OPTION_EXIT_OK;
    if (lacks != NULL && lacks->len > 0)
        fprintf(stderr, "zpulse export: %s: %s\n", self->collector, buf_cstr(lacks));
    if (rc == -EINTR)
        fprintf(stderr, "zpulse export: stopped before the end\n");
    else if (rc < 0)
        fprintf(stderr, "zpulse export: %s: %s\n", self->collector, query_client_problem(rc, why));
    return query_client_exit(rc);
}
