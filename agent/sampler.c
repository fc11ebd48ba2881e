// sampler - see the header.
//
// Reading, parsing and setting are functions of three modules; this one holds them together, knows
// what is due and what to say when a file fails. A family that fails costs the others nothing.
//
// A family of every N ticks is due at the first tick, and then at those in which its place in the
// list comes up, so that slow families do not all fall on the same tick. So is a file that has an
// interval of its own.

#include "agent/sampler.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/own_series.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"

// Owners of series in the table: 0 is everybody who is no family. Behind the families come files
// that have an interval of their own.
#define OWNER(family) ((unsigned) (family) + 1)
#define OWNER_FILES   OWNER(FAMILIES_MAX)
_Static_assert(OWNER_FILES < SERIES_OWNERS, "an owner for each family");

// A family at work.
struct worker {
    void *state; // of the family; NULL while it is off
    struct proc_file files[PROC_FAMILY_FILES];
    bool malformed[PROC_FAMILY_FILES];      // in the sample before
    uint64_t every;                         // ticks
    uint64_t file_every[PROC_FAMILY_FILES]; // ticks, for one with an interval of its own
};

struct sampler {
    proc_root_t *root;
    int64_t interval_ms;
    uint64_t tick;   // ticks so far
    struct buf text; // of one file at a time; grows to the largest and stays
    name_filter_t *filters[PROC_FILTERS];
    char *include[PROC_FILTERS]; // as compiled; owned
    char *exclude[PROC_FILTERS];
    struct worker workers[FAMILIES_MAX];              // by place in family_list
    unsigned owners[FAMILIES_MAX][PROC_FAMILY_FILES]; // of the series of each file
    bool left_behind; // a thread that hangs, by a family that was stopped
};

static unsigned s_set_filters(sampler_t *self, const struct family_wishes *wishes);
static void s_start(sampler_t *self, size_t i);
static void s_stop(sampler_t *self, size_t i);
static void s_name_owners(sampler_t *self);
static uint64_t s_ticks(const sampler_t *self, int64_t every_ms);
static bool s_is_due(const sampler_t *self, unsigned owner, uint64_t every);
static void s_sample_file(sampler_t *self, size_t i, size_t file, series_table_t *table);
static bool s_read(sampler_t *self, size_t i, size_t file, size_t head);

static bool
s_is_slow(const struct proc_source *file)
{
    return file->path != NULL && file->every_ms > 0;
}

int
sampler_open(sampler_t **ret, const char *rootfs, int64_t interval_ms,
             const struct family_wishes *wishes)
{
    sampler_t *self;
    proc_root_t *root;
    const int rc = proc_root_open(&root, rootfs);

    if (rc < 0)
        return rc;
    self = xcalloc(1, sizeof *self);
    self->root = root;
    self->interval_ms = interval_ms;
    s_name_owners(self);
    sampler_set_wishes(self, wishes);
    *ret = self;
    return 0;
}

bool
sampler_close(sampler_t **self_p)
{
    sampler_t *self = *self_p;
    bool clean;

    if (self == NULL)
        return true;
    for (size_t i = 0; i < family_count; i++)
        s_stop(self, i);
    clean = !self->left_behind;
    for (size_t i = 0; i < PROC_FILTERS; i++) {
        name_filter_destroy(&self->filters[i]);
        free(self->include[i]);
        free(self->exclude[i]);
    }
    proc_root_close(&self->root);
    buf_release(&self->text);
    free(self);
    *self_p = NULL;
    return clean;
}

void
sampler_set_wishes(sampler_t *self, const struct family_wishes *wishes)
{
    const unsigned changed = s_set_filters(self, wishes);

    for (size_t i = 0; i < family_count; i++) {
        const struct family_wish *wish = &wishes->wish[i];
        struct worker *worker = &self->workers[i];

        if (worker->state != NULL && (wish->off || (family_list[i]->filters & changed) != 0))
            s_stop(self, i);
        if (worker->state == NULL && !wish->off)
            s_start(self, i);
        worker->every = s_ticks(self, wish->every_ms);
        for (size_t f = 0; f < PROC_FAMILY_FILES; f++)
            worker->file_every[f] = wish->every_ms == family_list[i]->every_ms &&
                                            s_is_slow(&family_list[i]->files[f])
                                        ? s_ticks(self, family_list[i]->files[f].every_ms)
                                        : worker->every;
    }
}

// Bits of those that are not what they were.
static unsigned
s_set_filters(sampler_t *self, const struct family_wishes *wishes)
{
    char error[NAME_FILTER_ERROR_SIZE];
    unsigned changed = 0;

    for (size_t i = 0; i < PROC_FILTERS; i++) {
        const char *include = wishes->include[i] != NULL ? wishes->include[i] : "";
        const char *exclude = wishes->exclude[i] != NULL ? wishes->exclude[i] : "";

        if (self->include[i] != NULL && strcmp(self->include[i], include) == 0 &&
            strcmp(self->exclude[i], exclude) == 0)
            continue;
        changed |= 1u << i;
        name_filter_destroy(&self->filters[i]);
        free(self->include[i]);
        free(self->exclude[i]);
        self->include[i] = xstrdup(include);
        self->exclude[i] = xstrdup(exclude);
        // Both were compiled when the options were checked.
        if (name_filter_new(&self->filters[i], include, exclude, error) < 0)
            log_error("a filter can not be compiled; everything passes it", "error=%s",
                      log_quote(error));
    }
    return changed;
}

static void
s_start(sampler_t *self, size_t i)
{
    const struct proc_family *family = family_list[i];
    struct worker *worker = &self->workers[i];
    struct proc_setup setup = { .user_hz = sysconf(_SC_CLK_TCK),
                                .page_bytes = sysconf(_SC_PAGESIZE),
                                .root = self->root };

    for (size_t f = 0; f < PROC_FILTERS; f++)
        setup.filters[f] = self->filters[f];
    *worker = (struct worker){ .state = family->make(&setup) };
    for (size_t f = 0; f < PROC_FAMILY_FILES; f++)
        worker->files[f] = PROC_FILE(family->files[f].path);
}

static void
s_stop(sampler_t *self, size_t i)
{
    struct worker *worker = &self->workers[i];

    if (worker->state == NULL)
        return;
    for (size_t f = 0; f < PROC_FAMILY_FILES; f++)
        proc_file_close(&worker->files[f]);
    if (family_list[i]->hangs != NULL && family_list[i]->hangs(worker->state))
        self->left_behind = true;
    family_list[i]->end(&worker->state);
}

// The family, but for files that may rest while the others of their family do not.
static void
s_name_owners(sampler_t *self)
{
    unsigned next = OWNER_FILES;

    for (size_t i = 0; i < family_count; i++)
        for (size_t f = 0; f < PROC_FAMILY_FILES; f++)
            self->owners[i][f] = s_is_slow(&family_list[i]->files[f]) ? next++ : OWNER(i);
    assert(next <= SERIES_OWNERS);
}

// To the nearest whole number of ticks, at least one.
static uint64_t
s_ticks(const sampler_t *self, int64_t every_ms)
{
    const int64_t ticks = (every_ms + self->interval_ms / 2) / self->interval_ms;

    return ticks > 1 ? (uint64_t) ticks : 1;
}

void
sampler_settle(sampler_t *self, int64_t ms)
{
    for (size_t i = 0; i < family_count; i++)
        if (self->workers[i].state != NULL && family_list[i]->settle != NULL)
            family_list[i]->settle(self->workers[i].state, ms);
}

void
sampler_sample(sampler_t *self, series_table_t *table)
{
    for (size_t i = 0; i < family_count; i++) {
        struct worker *worker = &self->workers[i];
        const struct proc_family *family = family_list[i];
        const bool on = worker->state != NULL;
        const bool due = on && s_is_due(self, OWNER(i), worker->every);

        // What is off does not rest: its series get their stale mark.
        series_table_rest(table, OWNER(i), on && !due);
        for (size_t f = 0; f < PROC_FAMILY_FILES && family->files[f].path != NULL; f++) {
            const unsigned owner = self->owners[i][f];
            const bool file_due = on && s_is_due(self, owner, worker->file_every[f]);

            series_table_rest(table, owner, on && !file_due);
            series_table_own(table, owner);
            if (file_due)
                s_sample_file(self, i, f, table);
        }
        series_table_own(table, OWNER(i));
        if (due && family->walk != NULL)
            family->walk(worker->state, table);
    }
    series_table_own(table, 0);
    self->tick++;
}

static bool
s_is_due(const sampler_t *self, unsigned owner, uint64_t every)
{
    return self->tick == 0 || (self->tick + owner) % every == 0;
}

static void
s_sample_file(sampler_t *self, size_t i, size_t file, series_table_t *table)
{
    const struct proc_family *family = family_list[i];
    struct worker *worker = &self->workers[i];
    size_t head = family->head != NULL ? family->head(worker->state, file) : 0;
    int rc;

    if (head == PROC_HEAD_NONE)
        return;
    do {
        if (!s_read(self, i, file, head))
            return;
        rc = family->sample(worker->state, table, file, (const char *) self->text.at,
                            self->text.len);
        head = 0;
    } while (rc == PROC_WANTS_ALL);
    // Each is counted, but said only when it begins: at one tick a second a log would be flooded.
    if (rc < 0) {
        selfstat_add(own_series_parse_errors(i), 1);
        if (!worker->malformed[file])
            log_warn("a file is not what it should be; its series are absent",
                     "file=%s error=%s bytes=%zu", worker->files[file].path, log_quote(err_str(rc)),
                     self->text.len);
    }
    worker->malformed[file] = rc < 0;
}

static bool
s_read(sampler_t *self, size_t i, size_t file, size_t head)
{
    struct proc_file *at = &self->workers[i].files[file];
    bool news;
    const ptrdiff_t n = proc_root_read(self->root, at, head, &self->text, &news);

    if (news && n >= 0)
        log_info("a file is readable again", "file=%s", at->path);
    else if (news && family_list[i]->files[file].optional)
        log_debug("this kernel has no such file", "file=%s error=%s", at->path,
                  log_quote(err_str((int) n)));
    else if (news)
        log_warn("a file is not readable; its series are absent", "file=%s error=%s", at->path,
                 log_quote(err_str((int) n)));
    return n >= 0;
}
