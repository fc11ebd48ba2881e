// cmd_export - `zpulse export [MATCH]`: samples as text, all of a collector's or some.
//
// First the list of series; then, unit by unit (one name of one instance), their samples, window by
// window from the oldest. A window that is too large for an answer is halved until it is not, and
// grows again after small ones. OpenMetrics wants all of a series before the next one, so a unit is
// held in memory until it is complete; one that is too large for that is asked for series by
// series, and needs to hold one window. CSV has no such wish.

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/command.h"
#include "collector/ctl/export_list.h"
#include "collector/ctl/export_samples.h"
#include "collector/ctl/export_text.h"
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

#define ANSWER_MS      15000
#define BUSY_MS        100 // between two tries of a collector that has too much to do
#define BUSY_TRIES     50
#define WINDOW_SAMPLES 1000000u // of one answer that we take
#define HELD_SAMPLES   4000000u // of a unit, until it is complete
#define WRITE_BYTES    (64u * 1024u)
#define PROGRESS_MS    250
#define EVERYTHING     "{__name__!=\"\"}"

static const struct option options_table[] = {
    { .name = "collector",
      .type = OPTION_ENDPOINT,
      .fallback = "tcp://127.0.0.1:5560",
      .least = 1,
      .meta = "ENDPOINT",
      .help = "data port of the collector to ask" },
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
        "without it. TIME is as 2026-11-26T07:32:36Z, seconds since 1970, an age (-5m), or now.\n"
        "CSV is time_ms,series,value; where a series ends, the value is -NaN. OpenMetrics leaves\n"
        "that out, and ends with # EOF only if it is complete.",
};

struct export
{
    options_t *options;
    const char *collector;
    const char *match;
    bool csv;
    int64_t start_ms;
    int64_t end_ms;
    int signals; // -1 until there are any
    query_client_t *client;
    struct export_list list;
    export_samples_t *samples; // of the unit or series at hand
    uint64_t taken;            // samples of the answer at hand
    const char *family;        // that was written last; in the list
    uint64_t written;          // samples
    size_t done;               // series
    int64_t told_ms;           // monotonic, when progress was last shown
    bool tell;                 // progress, to a terminal
    struct buf out;
    struct buf why; // the collector's sentence, where it refused
};

static int s_read_options(struct export *self);
static int s_time(int64_t *ret, const struct export *self, const char *name);
static int s_run(struct export *self);
static int s_take_list(void *arg, const struct query_reply *reply, struct rbuf *r);
static int s_unit(struct export *self, size_t first, size_t end);
static int s_windows(struct export *self, const char *selector, size_t first, size_t end,
                     bool hold);
static int s_window(struct export *self, const char *selector, int64_t from_ms, int64_t to_ms);
static int s_ask(struct export *self, struct query_request *q, query_reply_fn *fn);
static int s_take_samples(void *arg, const struct query_reply *reply, struct rbuf *r);
static int s_write(struct export *self, size_t first, size_t end);
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
    query_client_close(&self.client);
    export_list_release(&self.list);
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
    self->csv = strcmp(options_text(self->options, "output"), "csv") == 0;
    self->tell = isatty(STDERR_FILENO) == 1 && isatty(STDOUT_FILENO) != 1;
    return OPTION_EXIT_OK;
}

static int
s_time(int64_t *ret, const struct export *self, const char *name)
{
    const char *text = options_text(self->options, name);
    const int rc = when_parse(ret, text, clock_real_ms());

    if (rc < 0)
        fprintf(stderr,
                "zpulse export: --%s: %s is no time: 2026-11-26T07:32:36Z, seconds since 1970, -5m "
                "or now\n",
                name, log_quote(text));
    return rc;
}

static int
s_run(struct export *self)
{
    struct query_request q = { .type = QUERY_SERIES,
                               .n_selectors = 1,
                               .selectors = { self->match } };
    int rc;

    self->signals = service_start(1);
    rc = query_client_open(&self->client, self->collector, self->signals);
    if (rc == 0)
        rc = s_ask(self, &q, s_take_list);
    if (rc < 0)
        return rc;
    export_list_finish(&self->list);
    if (self->csv)
        buf_str(&self->out, EXPORT_CSV_HEAD);
    for (size_t first = 0, end; first < self->list.n && rc == 0; first = end) {
        end = export_list_unit(&self->list, first);
        rc = s_unit(self, first, end);
        self->done = end;
    }
    if (rc == 0 && !self->csv)
        buf_str(&self->out, EXPORT_EOF);
    return rc == 0 ? output_write(&self->out, self->signals) : rc;
}

static int
s_take_list(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    struct export *self = arg;

    for (uint32_t i = 0; i < reply->n; i++) {
        struct query_series s;
        const int rc = query_take_series(r, &s);

        if (rc < 0)
            return rc;
        export_list_add(&self->list, &s.labels, s.kind);
        query_series_release(&s);
    }
    return 0;
}

// One name of one instance.
static int
s_unit(struct export *self, size_t first, size_t end)
{
    struct buf selector = { 0 };
    int rc;

    export_put_unit_selector(&selector, self->match, &self->list.at[first]);
    rc = s_windows(self, buf_cstr(&selector), first, end, !self->csv && end - first > 1);
    for (size_t i = first; rc == ERR_LIMIT && i < end; i++) {
        int one;

        buf_clear(&selector);
        export_put_series_selector(&selector, &self->list.at[i]);
        one = s_windows(self, buf_cstr(&selector), i, i + 1, false);
        rc = one < 0 ? one : i + 1 == end ? 0 : rc;
    }
    buf_release(&selector);
    return rc;
}

// The series [first, end), and what else the selector means is passed over. `hold`: all windows
// before the first word; ERR_LIMIT if that is too much, and nothing is written.
static int
s_windows(struct export *self, const char *selector, size_t first, size_t end, bool hold)
{
    int64_t from_ms = self->start_ms, span_ms = self->end_ms - self->start_ms;
    int rc = 0;

    self->samples = export_samples_new(&self->list, first, end);
    while (rc == 0 && from_ms <= self->end_ms) {
        const int64_t left_ms = self->end_ms - from_ms;
        const int64_t to_ms = from_ms + (span_ms < left_ms ? span_ms : left_ms);

        rc = s_window(self, selector, from_ms, to_ms);
        if (rc == ERR_LIMIT && to_ms > from_ms) {
            span_ms = (to_ms - from_ms) / 2;
            rc = 0;
            continue;
        }
        if (rc == 0 && hold && export_samples_count(self->samples) > HELD_SAMPLES)
            rc = ERR_LIMIT;
        else if (rc == 0 && !hold)
            rc = s_write(self, first, end);
        if (self->taken < WINDOW_SAMPLES / 4 && span_ms < self->end_ms - self->start_ms)
            span_ms = 2 * span_ms + 1;
        from_ms = to_ms + 1;
        s_progress(self, false);
    }
    if (rc == 0 && hold)
        rc = s_write(self, first, end);
    export_samples_destroy(&self->samples);
    return rc;
}

static int
s_window(struct export *self, const char *selector, int64_t from_ms, int64_t to_ms)
{
    struct query_request q = { .type = QUERY_SELECT,
                               .start_ms = from_ms,
                               .end_ms = to_ms,
                               .n_selectors = 1,
                               .selectors = { selector } };
    int rc;

    self->taken = 0;
    rc = s_ask(self, &q, s_take_samples);
    if (rc == 0)
        export_samples_keep(self->samples);
    else
        export_samples_drop(self->samples);
    return rc;
}

static int
s_ask(struct export *self, struct query_request *q, query_reply_fn *fn)
{
    int rc = -EAGAIN;

    for (int i = 0; i < BUSY_TRIES && rc == -EAGAIN; i++) {
        struct pollfd signal = { .fd = self->signals, .events = POLLIN };

        if (i > 0 && poll(&signal, 1, BUSY_MS) > 0)
            return -EINTR;
        rc = query_client_ask(self->client, q, ANSWER_MS, fn, self, &self->why);
    }
    return rc;
}

static int
s_take_samples(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    struct export *self = arg;

    for (uint32_t i = 0; i < reply->n; i++) {
        struct query_series s;
        const int rc = query_take_series(r, &s);

        if (rc < 0)
            return rc;
        self->taken += s.n;
        export_samples_add(self->samples, &s);
        query_series_release(&s);
    }
    return self->taken > WINDOW_SAMPLES ? ERR_LIMIT : 0;
}

// What was gathered of the series [first, end), which is then forgotten.
static int
s_write(struct export *self, size_t first, size_t end)
{
    int rc = 0;

    for (size_t i = first; i < end && rc == 0; i++) {
        const struct export_series *s = &self->list.at[i];
        const struct sample *samples;
        size_t n;

        samples = export_samples_get(self->samples, i, &n);
        if (n > 0 && !self->csv && (self->family == NULL || strcmp(self->family, s->family) != 0)) {
            export_put_family(&self->out, s);
            self->family = s->family;
        }
        for (size_t k = 0; k < n && rc == 0; k++) {
            if (self->csv)
                export_put_csv(&self->out, s->text, &samples[k]);
            else
                export_put_openmetrics(&self->out, s->text, &samples[k]);
            if (self->out.len >= WRITE_BYTES)
                rc = output_write(&self->out, self->signals);
        }
        self->written += n;
    }
    export_samples_clear(self->samples);
    return rc;
}

// One line that is written over; the last one stays.
static void
s_progress(struct export *self, bool last)
{
    const int64_t now_ms = clock_mono_ms();

    if (!self->tell || (!last && now_ms - self->told_ms < PROGRESS_MS))
        return;
    self->told_ms = now_ms;
    fprintf(stderr, "\r%zu of %zu series, %" PRIu64 " samples%s", self->done, self->list.n,
            self->written, last ? "\n" : "");
}

// The exit code; what went wrong is said. Who reads no more had enough.
static int
s_exit(struct export *self, int rc)
{
    s_progress(self, true);
    if (rc == 0 || rc == -EPIPE)
        return OPTION_EXIT_OK;
    if (rc == -EINTR)
        fprintf(stderr, "zpulse export: stopped before the end\n");
    else
        fprintf(stderr, "zpulse export: %s: %s\n", self->collector,
                query_client_problem(rc, &self->why));
    return rc == -ETIMEDOUT ? OPTION_EXIT_UNAVAILABLE
           : rc == -EAGAIN  ? OPTION_EXIT_TRY_AGAIN
                            : OPTION_EXIT_FAILED;
}
