// doctor_print - see the header.

#include "collector/ctl/doctor_print.h"

#include <stdio.h>
#include <stdlib.h>

#include "collector/ctl/figure.h"
#include "collector/ctl/table_print.h"
#include "collector/ctl/when.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"

#define CELL_SIZE 160

// How a number is written.
enum form { BYTES, COUNT, WHEN, SPAN_US, AGE, KEPT };

// One host's, as far as it is measured.
struct clock {
    const char *host;
    double ahead_ms;
    double known_ms; // to how much
};

struct line {
    const char *title;
    enum query_number number;
    enum form form;
    enum query_number of; // behind it as "of ...", 0: nothing
};

// Section by section, in the order of the page.
static const struct line s_store[] = {
    { "files", STATUS_STORE_FILES, COUNT, 0 },
    { "their bytes", STATUS_STORE_BYTES, BYTES, STATUS_KEEP_BYTES },
    { "tiles written since the start", STATUS_WRITTEN_TILES, COUNT, 0 },
    { "samples in these", STATUS_WRITTEN_SAMPLES, COUNT, 0 },
    { "bytes of these", STATUS_WRITTEN_BYTES, BYTES, 0 },
    { "oldest sample", STATUS_STORE_OLDEST_MS, WHEN, 0 },
    { "newest sample", STATUS_STORE_NEWEST_MS, WHEN, 0 },
    { "a day makes", STATUS_DAY_BYTES, BYTES, 0 },
    { "kept for", STATUS_KEEP_MS, KEPT, 0 },
    { "last write", STATUS_STORE_COMMIT_MS, AGE, 0 },
    { "it took", STATUS_STORE_COMMIT_US, SPAN_US, 0 },
    { "last checkpoint", STATUS_CHECKPOINT_MS, AGE, 0 },
    { "it took", STATUS_CHECKPOINT_US, SPAN_US, 0 },
    { "waits to be written", STATUS_STORE_WAITING, BYTES, 0 },
    { "files set aside as damaged", STATUS_STORE_DAMAGED_FILES, COUNT, 0 },
    { "disk free", STATUS_DISK_FREE, BYTES, STATUS_DISK_BYTES },
};
static const struct line s_journal[] = {
    { "bytes", STATUS_JOURNAL_BYTES, BYTES, STATUS_JOURNAL_BYTES_MOST },
    { "groups made durable", STATUS_JOURNAL_COMMITS, COUNT, 0 },
    { "groups without room", STATUS_JOURNAL_FULL, COUNT, 0 },
    { "bytes found damaged", STATUS_JOURNAL_DAMAGED, COUNT, 0 },
    { "records read back at the start", STATUS_REPLAYED, COUNT, 0 },
};
static const struct line s_memory[] = {
    { "of the process", STATUS_RESIDENT_BYTES, BYTES, 0 },
    { "of samples and labels", STATUS_HEAD_BYTES, BYTES, STATUS_HEAD_BYTES_MOST },
    { "of labels", STATUS_INDEX_BYTES, BYTES, STATUS_INDEX_BYTES_MOST },
    { "samples in memory", STATUS_HEAD_SAMPLES, COUNT, 0 },
    { "given up there", STATUS_EVICTED, COUNT, 0 },
};
static const struct line s_samples[] = {
    { "taken", STATUS_SAMPLES, COUNT, 0 },
    { "refused: in the future", STATUS_REFUSED_FUTURE, COUNT, 0 },
    { "refused: no room for their series", STATUS_REFUSED_SERIES, COUNT, 0 },
    { "of a time that has another value", STATUS_CONFLICTS, COUNT, 0 },
    { "frames refused", STATUS_FRAMES_REFUSED, COUNT, 0 },
};
static const struct line s_series[] = {
    { "known", STATUS_SERIES, COUNT, 0 },
    { "made within an hour", STATUS_SERIES_MADE, COUNT, 0 },
    { "labels with their values", STATUS_PAIRS, COUNT, 0 },
    { "made within an hour", STATUS_PAIRS_MADE, COUNT, 0 },
};

static void s_section(struct buf *out, const char *title, const struct doctor_facts *f,
                      const struct line *lines, size_t n);
static void s_cell(char out[CELL_SIZE], const struct doctor_facts *f, const struct line *line);
static const char *s_form(char out[FIGURE_SIZE], const struct doctor_facts *f,
                          enum query_number number, enum form form);
static void s_ratios(struct buf *out, const struct doctor_facts *f);
static void s_hosts(struct buf *out, const struct doctor_facts *f);
static size_t s_clocks(struct clock *ret, const struct doctor_facts *f);
static size_t s_unbalanced(const struct doctor_facts *f);
static void s_counts(struct buf *out, const struct doctor_facts *f, uint8_t of, const char *label);
static const char *s_name(char id[STR_HEX64_SIZE], const struct doctor_facts *f, uint64_t host);
static void s_hosts_json(struct json *j, const struct doctor_facts *f);
static void s_counts_json(struct json *j, const struct doctor_facts *f, const char *key,
                          uint8_t of);

#define SECTION(out, title, f, lines) \
    s_section(out, title, f, lines, sizeof(lines) / sizeof(lines)[0])

void
doctor_put_findings(struct buf *out, const struct findings *findings)
{
    if (findings->n == 0)
        buf_str(out, "all is well\n");
    for (size_t i = 0; i < findings->n; i++)
        buf_printf(out, "WRONG  %s\n       %s\n", findings->at[i].what, findings->at[i].what_now);
}

void
doctor_put_text(struct buf *out, const struct doctor_facts *f, const char *label)
{
    SECTION(out, "STORE", f, s_store);
    s_ratios(out, f);
    SECTION(out, "JOURNAL", f, s_journal);
    SECTION(out, "MEMORY", f, s_memory);
    SECTION(out, "SAMPLES SINCE THE START", f, s_samples);
    s_hosts(out, f);
    SECTION(out, "SERIES", f, s_series);
    s_counts(out, f, QUERY_COUNT_HOST, "BY HOST");
    s_counts(out, f, QUERY_COUNT_NAME, "BY LABEL");
    s_counts(out, f, QUERY_COUNT_VALUE, label);
}

static void
s_section(struct buf *out, const char *title, const struct doctor_facts *f,
          const struct line *lines, size_t n)
{
    const struct table_column columns[] = { { title, false }, { "", false } };
    table_t *table = table_new(columns, 2);

    for (size_t i = 0; i < n; i++) {
        char cell[CELL_SIZE];

        if (!doctor_known(f, lines[i].number))
            continue;
        s_cell(cell, f, &lines[i]);
        table_add(table, (const char *const[]){ lines[i].title, cell });
    }
    buf_byte(out, '\n');
    table_put_text(table, out);
    table_destroy(&table);
}

static void
s_cell(char out[CELL_SIZE], const struct doctor_facts *f, const struct line *line)
{
    const uint64_t most = line->of != 0 ? doctor_number(f, line->of) : 0;
    const double part = most > 0 ? 100.0 * (double) doctor_number(f, line->number) / (double) most
                                 : 0;
    char a[FIGURE_SIZE], b[FIGURE_SIZE];

    s_form(a, f, line->number, line->form);
    if (most > 0)
        snprintf(out, CELL_SIZE, "%s of %s, %.0f %%", a, figure_bytes(b, most), part);
    else
        snprintf(out, CELL_SIZE, "%s", a);
}

static const char *
s_form(char out[FIGURE_SIZE], const struct doctor_facts *f, enum query_number number,
       enum form form)
{
    const uint64_t value = doctor_number(f, number);

    switch (form) {
    case BYTES:
        return figure_bytes(out, value);
    case WHEN:
        return when_put(out, (int64_t) value);
    case SPAN_US:
        snprintf(out, FIGURE_SIZE, "%.1f ms", (double) value / 1000);
        return out;
    case AGE: {
        char ago[FIGURE_SIZE];

        snprintf(out, FIGURE_SIZE, "%.20s ago", figure_duration(ago, doctor_age(f, number)));
        return out;
    }
    case KEPT:
        if (value > 0)
            return figure_duration(out, (int64_t) value);
        snprintf(out, FIGURE_SIZE, "ever");
        return out;
    case COUNT:
        break;
    }
    return figure_count(out, value);
}

// What follows from several numbers.
static void
s_ratios(struct buf *out, const struct doctor_facts *f)
{
    const double samples = (double) doctor_number(f, STATUS_WRITTEN_SAMPLES);
    const double days = doctor_days(f);

    if (samples > 0)
        buf_printf(out, "%.2f bytes a sample\n",
                   (double) doctor_number(f, STATUS_WRITTEN_BYTES) / samples);
    if (days >= 0)
        buf_printf(out, "at this rate %.1f days fit in --keep-bytes\n", days);
}

static int
s_by_offset(const void *a, const void *b)
{
    const struct clock *x = a, *y = b;
    const double p = x->ahead_ms < 0 ? -x->ahead_ms : x->ahead_ms;
    const double q = y->ahead_ms < 0 ? -y->ahead_ms : y->ahead_ms;

    return (p < q) - (p > q);
}

// Of hosts that are measured, the furthest off first; how many. Room for all hosts.
static size_t
s_clocks(struct clock *ret, const struct doctor_facts *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_hosts; i++) {
        const struct host_info *host = &f->hosts[i];

        if (host->rtt_us < 0)
            continue;
        ret[n++] = (struct clock){ .host = host->name, .known_ms = (double) host->rtt_us / 2000 };
        // None is not less than none: "-0 ms" reads like an error.
        if (host->offset_ms != 0)
            ret[n - 1].ahead_ms = -(double) host->offset_ms;
    }
    if (n > 0)
        qsort(ret, n, sizeof *ret, s_by_offset);
    return n;
}

static size_t
s_unbalanced(const struct doctor_facts *f)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_ledgers; i++)
        n += f->ledgers[i].settled && f->ledgers[i].unbalanced != 0;
    return n;
}

static void
s_hosts(struct buf *out, const struct doctor_facts *f)
{
    static const struct table_column columns[] = { { "CLOCKS", false }, { "AHEAD", false } };
    struct clock *clocks = xcalloc(f->n_hosts + 1, sizeof *clocks);
    const size_t n = s_clocks(clocks, f);
    table_t *table = table_new(columns, 2);
    size_t in_state[HOST_STATE_MAX + 1] = { 0 };

    for (size_t i = 0; i < f->n_hosts; i++)
        in_state[f->hosts[i].state]++;
    buf_printf(out, "\nHOSTS  %zu", f->n_hosts);
    for (unsigned i = 0; i <= HOST_STATE_MAX; i++)
        if (in_state[i] > 0)
            buf_printf(out, ", %zu %s", in_state[i], host_state_str((uint8_t) i));
    buf_printf(out, "; ledgers that do not balance: %zu\n", s_unbalanced(f));
    for (size_t i = 0; i < n && i < DOCTOR_TOP; i++) {
        char cell[CELL_SIZE];

        snprintf(cell, sizeof cell, "%.0f ms, known to %.1f ms", clocks[i].ahead_ms,
                 clocks[i].known_ms);
        table_add(table, (const char *const[]){ clocks[i].host, cell });
    }
    if (n > 0)
        table_put_text(table, out);
    table_destroy(&table);
    free(clocks);
}

static void
s_counts(struct buf *out, const struct doctor_facts *f, uint8_t of, const char *label)
{
    const bool names = of == QUERY_COUNT_NAME;
    const struct table_column columns[] = {
        { label, false }, { "SERIES", true }, { names ? "VALUES" : "NEW", true }, { "NEW", true }
    };
    table_t *table = table_new(columns, names ? 4 : 3);
    size_t n = 0;

    for (size_t i = 0; i < f->n_counts && n < DOCTOR_TOP; i++) {
        const struct query_count *count = &f->counts[i];
        char id[STR_HEX64_SIZE], series[FIGURE_SIZE], third[FIGURE_SIZE], made[FIGURE_SIZE];

        if (count->of != of)
            continue;
        n++;
        figure_count(series, count->series);
        figure_count(third, names ? count->values : count->made);
        figure_count(made, count->values_made);
        table_add(table, (const char *const[]){ of == QUERY_COUNT_HOST ? s_name(id, f, count->host)
                                                                       : count->text,
                                                series, third, made });
    }
    if (n > 0) {
        buf_byte(out, '\n');
        table_put_text(table, out);
    }
    table_destroy(&table);
}

static const char *
s_name(char id[STR_HEX64_SIZE], const struct doctor_facts *f, uint64_t host)
{
    const struct host_info *known = doctor_host(f, host);

    if (known != NULL)
        return known->name;
    return host == f->collector ? "(the collector itself)" : str_hex64_put(id, host);
}

void
doctor_put_findings_json(struct json *j, const struct findings *findings)
{
    json_key(j, "ok");
    json_bool(j, findings->n == 0);
    json_key(j, "findings");
    json_array(j);
    for (size_t i = 0; i < findings->n; i++) {
        json_object(j);
        json_key(j, "what");
        json_str(j, findings->at[i].what);
        json_key(j, "do");
        json_str(j, findings->at[i].what_now);
        json_object_end(j);
    }
    json_array_end(j);
}

void
doctor_put_json(struct json *j, const struct doctor_facts *f, const char *label)
{
    char id[STR_HEX64_SIZE];

    json_key(j, "collector");
    json_str(j, str_hex64_put(id, f->collector));
    json_key(j, "now_ms");
    json_int(j, f->now_ms);
    json_key(j, "numbers");
    json_object(j);
    for (unsigned i = 1; i < STATUS_NUMBERS; i++) {
        if (!f->numbers.known[i])
            continue;
        json_key(j, query_number_str(i));
        json_int(j, f->numbers.value[i]);
    }
    json_object_end(j);
    json_key(j, "keep_bytes_days");
    if (doctor_days(f) >= 0)
        json_fixed(j, doctor_days(f), 1);
    else
        json_null(j);
    s_hosts_json(j, f);
    json_key(j, "label");
    json_str(j, label);
    s_counts_json(j, f, "series_by_host", QUERY_COUNT_HOST);
    s_counts_json(j, f, "series_by_label", QUERY_COUNT_NAME);
    s_counts_json(j, f, "series_by_value", QUERY_COUNT_VALUE);
}

static void
s_hosts_json(struct json *j, const struct doctor_facts *f)
{
    struct clock *clocks = xcalloc(f->n_hosts + 1, sizeof *clocks);
    const size_t n = s_clocks(clocks, f);

    json_key(j, "hosts");
    json_uint(j, f->n_hosts);
    json_key(j, "unbalanced");
    json_uint(j, s_unbalanced(f));
    json_key(j, "clocks");
    json_array(j);
    for (size_t i = 0; i < n; i++) {
        json_object(j);
        json_key(j, "name");
        json_str(j, clocks[i].host);
        json_key(j, "ahead_ms");
        json_fixed(j, clocks[i].ahead_ms, 0);
        json_key(j, "known_ms");
        json_fixed(j, clocks[i].known_ms, 3);
        json_object_end(j);
    }
    json_array_end(j);
    free(clocks);
}

static void
s_counts_json(struct json *j, const struct doctor_facts *f, const char *key, uint8_t of)
{
    json_key(j, key);
    json_array(j);
    for (size_t i = 0; i < f->n_counts; i++) {
        const struct query_count *count = &f->counts[i];
        const struct host_info *host = doctor_host(f, count->host);
        char id[STR_HEX64_SIZE];

        if (count->of != of)
            continue;
        json_object(j);
        if (of == QUERY_COUNT_HOST) {
            json_key(j, "id");
            json_str(j, str_hex64_put(id, count->host));
        }
        json_key(j, "name");
        if (of == QUERY_COUNT_HOST && host == NULL)
            json_null(j);
        else
            json_str(j, of == QUERY_COUNT_HOST ? host->name : count->text);
        json_key(j, "series");
        json_uint(j, count->series);
        if (of == QUERY_COUNT_NAME) {
            json_key(j, "values");
            json_uint(j, count->values);
        }
        json_key(j, "new");
        json_uint(j, of == QUERY_COUNT_NAME ? count->values_made : count->made);
        json_object_end(j);
    }
    json_array_end(j);
}
