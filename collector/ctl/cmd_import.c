// cmd_import - `zpulse import FILE`: samples of the past into a collector, the way agents' go.
//
// The file is read twice: once to know it by its content, of which the ids of streams are made, and
// once to make records of it. Whatever the collector has of these streams is not sent again; so a
// file that was broken off goes on, and one that is whole costs reading. Memory is bounded: records
// are made no faster than they are acknowledged.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/command.h"
#include "collector/ctl/ctl_keys.h"
#include "collector/ctl/export_text.h"
#include "collector/ctl/import_csv.h"
#include "collector/ctl/import_openmetrics.h"
#include "collector/ctl/import_report.h"
#include "collector/ctl/import_source.h"
#include "collector/ctl/import_table.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/fnv.h"
#include "shared/base/log.h"
#include "shared/base/random.h"
#include "shared/net/option.h"
#include "shared/net/service.h"

#define WAITING_MOST 262144u            // samples of all instances, before records are made
#define WINDOW_MOST  (8u * 1024 * 1024) // bytes of records that are not acknowledged
#define PUMP_LINES   1024               // lines between two looks at the sockets
#define PROGRESS_MS  250
#define WAIT_MS      250
#define SHOWN_MOST   60 // bytes of a wrong line

static const struct option options_table[] = {
    { .name = "collector",
      .type = OPTION_ENDPOINT,
      .fallback = "tcp://127.0.0.1:5560",
      .least = 1,
      .meta = "ENDPOINT",
      .help = "data port of the collector" },
    CTL_KEYS_OPTIONS,
    { .name = "input",
      .type = OPTION_CHOICE,
      .fallback = "auto",
      .choices = "auto|openmetrics|csv",
      .letter = 'i',
      .meta = "FORM",
      .help = "what FILE is; auto: CSV if its first line is that of CSV" },
    { .name = "instance",
      .type = OPTION_TEXT,
      .fallback = "",
      .meta = "NAME",
      .help = "the label instance of series that have none" },
    { .name = "again",
      .type = OPTION_FLAG,
      .help = "send all of it, though the collector has had it: it may have let go of it since" },
    { .name = NULL },
};

static const struct option_program program = {
    .name = "zpulse import",
    .summary = "Sends the samples of a file to a collector.",
    .usage = "zpulse import [OPTION]... FILE",
    .options = options_table,
    .arguments = true,
    .tail =
        "FILE is OpenMetrics text with times, or the CSV that zpulse export writes: time_ms,\n"
        "series,value. - is standard input, which is copied to a file under $TMPDIR first.\n"
        "The same file again sends only what the collector does not have, and doubles nothing;\n"
        "so after an error, run the same again.",
};

enum form { FORM_OPENMETRICS, FORM_CSV };

struct import {
    options_t *options;
    const char *collector;
    const char *path;
    struct client_keys keys;
    const struct curve *curve; // of them, or NULL: plain
    int signals;               // -1 until there are any
    import_source_t *source;
    import_link_t *link;
    import_table_t *table;
    import_report_t *report;
    enum form form;
    struct import_openmetrics openmetrics;
    struct import_csv csv;
    uint64_t samples;  // read
    int64_t oldest_ms; // of them
    uint64_t waiting;  // of them, of which no record is made yet
    bool bad;          // a line was: what came before it is imported
    int64_t told_ms;   // monotonic, when progress was last shown
    bool tell;         // progress, to a terminal
    bool told;         // something of it stands there
};

static int s_read_options(struct import *self);
static int s_run(struct import *self);
static int s_open(struct import *self);
static int s_choose_form(struct import *self);
static int s_read(struct import *self);
static int s_take(struct import *self, const char *line, size_t n);
static int s_make_room(struct import *self, struct import_instance *is);
static int s_finish(struct import *self);
static int s_pump(struct import *self, int wait_ms);
static void s_bad_line(struct import *self, const struct import_fault *fault);
static void s_progress(struct import *self, bool last);
static int s_exit(struct import *self, int rc);

int
cmd_import(int argc, char **argv)
{
    struct import self = { .signals = -1 };
    int code;

    if (options_load(&self.options, &code, &program, argc, argv, stdout, stderr) != 0)
        return code;
    log_init("zpulse", LOG_LEVEL_WARN);
    code = s_read_options(&self);
    if (code == OPTION_EXIT_OK)
        code = s_exit(&self, s_run(&self));
    import_report_destroy(&self.report);
    import_table_destroy(&self.table);
    import_link_close(&self.link);
    import_source_close(&self.source);
    import_csv_release(&self.csv);
    import_openmetrics_release(&self.openmetrics);
    options_destroy(&self.options);
    if (self.signals >= 0)
        service_end(self.signals);
    return code;
}

static int
s_read_options(struct import *self)
{
    const char *const *words;
    const size_t n = options_arguments(self->options, &words);

    if (n != 1) {
        fprintf(stderr, "zpulse import: one FILE, or - for standard input\n");
        return OPTION_EXIT_USAGE;
    }
    self->path = words[0];
    self->collector = options_text(self->options, "collector");
    if (ctl_keys_load(&self->keys, &self->curve, "import", self->options) < 0)
        return OPTION_EXIT_CONFIG;
    self->tell = isatty(STDERR_FILENO) == 1;
    return OPTION_EXIT_OK;
}

static int
s_run(struct import *self)
{
    int rc;

    self->signals = service_start(1);
    rc = s_open(self);
    rc = rc < 0 ? rc : s_read(self);
    rc = rc < 0 ? rc : s_finish(self);
    s_progress(self, true);
    if (rc == 0 && self->samples > 0)
        rc = import_report_keep(self->report, self->oldest_ms, stderr);
    return rc < 0 ? rc : import_report_tell(self->report, self->samples, stdout);
}

static int
s_open(struct import *self)
{
    const char *instance = options_text(self->options, "instance");
    uint64_t content;
    int rc = import_source_open(&self->source, self->path, self->signals);

    rc = rc < 0 ? rc : s_choose_form(self);
    if (rc < 0) {
        if (rc != -EINTR)
            fprintf(stderr, "zpulse import: %s: %s\n", self->path, err_str(rc));
        return rc == -EINTR ? rc : ERR_FORMAT;
    }
    content = import_source_hash(self->source);
    content = fnv_add(content, self->form == FORM_CSV ? "csv" : "om", 2);
    if (options_flag(self->options, "again"))
        content = random_u64();
    rc = import_link_open(&self->link, self->collector, self->curve, self->signals);
    if (rc == 0)
        rc = import_report_open(&self->report, self->link, self->collector, self->curve,
                                self->signals);
    if (rc == 0)
        self->table = import_table_new(
            &(struct import_table_options){ .link = self->link,
                                            .instance = instance[0] != '\0' ? instance : NULL,
                                            .content = content });
    return rc;
}

static int
s_choose_form(struct import *self)
{
    const char *form = options_text(self->options, "input");
    const char *line;
    size_t n;

    self->form = strcmp(form, "csv") == 0 ? FORM_CSV : FORM_OPENMETRICS;
    if (strcmp(form, "auto") == 0 && import_source_next(self->source, &line, &n) == 1) {
        struct import_csv csv = { 0 };
        struct import_fault fault;
        struct import_line head;

        if (import_csv_line(&csv, line, n, &head, &fault) == 0)
            self->form = FORM_CSV;
        import_csv_release(&csv);
    }
    return import_source_rewind(self->source);
}

// Up to its end, or to a line that is wrong.
static int
s_read(struct import *self)
{
    struct import_fault fault = { 0 };
    const char *line;
    size_t n;
    int rc, taken = 0;

    while (taken == 0 && (rc = import_source_next(self->source, &line, &n)) == 1) {
        taken = s_take(self, line, n);
        if (taken == 0 && import_source_line(self->source) % PUMP_LINES == 0)
            taken = s_pump(self, 0);
    }
    if (taken != 0)
        return taken < 0 ? taken : 0;
    if (rc == ERR_LIMIT)
        fault.rule = "a line has at most 262144 bytes";
    else if (rc == ERR_FORMAT)
        fault.rule = "a line ends with a line feed: the file was cut";
    else if (rc < 0)
        fault.rule = err_str(rc);
    else
        (void) (self->form == FORM_CSV ? import_csv_end(&self->csv, &fault)
                                       : import_openmetrics_end(&self->openmetrics, &fault));
    if (rc == 0 && fault.rule == NULL && import_source_check(self->source) < 0) {
        fprintf(stderr, "zpulse import: %s: it changed while it was read: run it again\n",
                self->path);
        return ERR_FORMAT;
    }
    if (fault.rule != NULL)
        s_bad_line(self, &fault);
    return 0;
}

// 0; 1: the line is wrong, which is said; or what ends the import.
static int
s_take(struct import *self, const char *line, size_t n)
{
    const struct import_series *series = NULL;
    struct import_fault fault;
    struct import_line is;
    int rc = self->form == FORM_CSV
                 ? import_csv_line(&self->csv, line, n, &is, &fault)
                 : import_openmetrics_line(&self->openmetrics, line, n, &is, &fault);

    if (rc == 0 && is.sample)
        rc = import_table_find(self->table, &is, &series, &fault);
    if (rc < 0) {
        s_bad_line(self, &fault);
        return 1;
    }
    if (series == NULL) // the line has no sample
        return 0;
    import_stream_add(series->instance->stream, series->slot, is.time_ms, is.value, is.decimals);
    if (self->samples++ == 0 || is.time_ms < self->oldest_ms)
        self->oldest_ms = is.time_ms;
    self->waiting++;
    return s_make_room(self, series->instance);
}

// Which records are made when follows from the file alone: so they are the same each time.
static int
s_make_room(struct import *self, struct import_instance *is)
{
    int rc = 0;

    if (import_stream_waiting(is->stream) < IMPORT_WAITING_MOST && self->waiting < WAITING_MOST)
        return 0;
    // Of all that wait, the one with the most.
    for (uint32_t i = 0; self->waiting >= WAITING_MOST && i < import_link_count(self->link); i++) {
        struct import_instance *other = import_link_at(self->link, i);

        if (import_stream_waiting(other->stream) > import_stream_waiting(is->stream))
            is = other;
    }
    self->waiting -= import_stream_waiting(is->stream);
    import_stream_flush(is->stream);
    rc = s_pump(self, 0);
    while (rc == 0 && import_link_bytes(self->link) >= WINDOW_MOST)
        rc = s_pump(self, WAIT_MS);
    return rc;
}

static int
s_finish(struct import *self)
{
    int rc = 0;

    for (uint32_t i = 0; i < import_link_count(self->link) && rc == 0; i++) {
        import_stream_end(import_link_at(self->link, i)->stream);
        while (rc == 0 && import_link_bytes(self->link) >= WINDOW_MOST)
            rc = s_pump(self, WAIT_MS);
    }
    while (rc == 0 && !import_link_done(self->link))
        rc = s_pump(self, WAIT_MS);
    return rc;
}

static int
s_pump(struct import *self, int wait_ms)
{
    const int rc = import_link_pump(self->link, wait_ms);

    s_progress(self, false);
    return rc < 0 ? rc : import_report_look(self->report);
}

static void
s_bad_line(struct import *self, const struct import_fault *fault)
{
    char shown[SHOWN_MOST + 4] = "";
    const char *quoted, *mark;
    size_t n = fault->len < SHOWN_MOST ? fault->len : SHOWN_MOST;

    memcpy(shown, fault->value != NULL ? fault->value : "", n);
    for (size_t i = 0; i < n; i++)
        shown[i] = shown[i] == '\0' ? ' ' : shown[i];
    if (fault->len > n)
        memcpy(shown + n, "...", 4);
    s_progress(self, true);
    // A word of theirs must not read like one of ours.
    quoted = n > 0 ? log_quote(shown) : "";
    mark = n > 0 && quoted[0] != '"' ? "\"" : "";
    fprintf(stderr, "zpulse import: %s: line %" PRIu64 ": %s%s%s%s%s\n", self->path,
            import_source_line(self->source), mark, quoted, mark, n > 0 ? ": " : "", fault->rule);
    self->bad = true;
}

// One line that is written over; the last one stays.
static void
s_progress(struct import *self, bool last)
{
    const int64_t now_ms = clock_mono_ms();
    uint64_t bytes;

    if (!self->tell || self->source == NULL ||
        (last ? !self->told : now_ms - self->told_ms < PROGRESS_MS))
        return;
    bytes = import_source_bytes(self->source);
    self->told_ms = now_ms;
    self->told = !last;
    fprintf(stderr, "\r%" PRIu64 " samples, %" PRIu64 " %% of the file%s", self->samples,
            bytes > 0 ? import_source_done(self->source) * 100 / bytes : 100, last ? "\n" : "");
}

static int
s_exit(struct import *self, int rc)
{
    const char *why = NULL;
    int code = OPTION_EXIT_FAILED;

    switch (rc) {
    case 0:
        return self->bad ? OPTION_EXIT_FAILED : OPTION_EXIT_OK;
    case ERR_FORMAT: // of the file, said already; or of what the collector keeps, likewise
        return OPTION_EXIT_FAILED;
    case -EINTR:
        fprintf(stderr,
                "zpulse import: stopped before the end: the same again goes on from there\n");
        return OPTION_EXIT_FAILED;
    case -ETIMEDOUT:
        if (!import_link_was_heard(self->link)) {
            why = "no collector answers there";
            code = OPTION_EXIT_UNAVAILABLE;
        } else {
            why = "the collector has gone: the same again goes on from where it was";
            code = OPTION_EXIT_TRY_AGAIN;
        }
        break;
    case -EBUSY:
        why = "another import has one of these instances";
        code = OPTION_EXIT_TRY_AGAIN;
        break;
    case -EAGAIN:
        why = "it knows as many hosts as it may, and all of them live";
        code = OPTION_EXIT_TRY_AGAIN;
        break;
    case -EPERM:
        why = "only an operator may import";
        break;
    case ERR_RANGE:
        why = "not on this machine: without keys only loopback and ipc";
        break;
    case ERR_CLOSED:
        why = "it has other records of this file than this program makes, or has lost some";
        break;
    default:
        why = err_str(rc);
    }
    fprintf(stderr, "zpulse import: %s: %s\n", self->collector, why);
    return code;
}
