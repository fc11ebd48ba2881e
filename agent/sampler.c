// sampler - see the header.
//
// Reading, parsing and setting are three functions of three modules; this one holds them together
// and knows what to say when one of them fails. A family that fails costs the others nothing.

#include "agent/sampler.h"

#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include "agent/own_series.h"
#include "agent/proc/cpustat.h"
#include "agent/proc/loadavg.h"
#include "agent/proc/meminfo.h"
#include "agent/proc/proc_root.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"

// In the order of a sample, and the counter of each one's malformed files.
static const struct {
    const struct proc_family *family;
    enum agent_stat parse_errors;
} families[] = {
    { &cpustat_family, AGENT_PARSE_ERRORS_STAT },
    { &meminfo_family, AGENT_PARSE_ERRORS_MEMINFO },
    { &loadavg_family, AGENT_PARSE_ERRORS_LOADAVG },
};
#define N_FAMILIES (sizeof families / sizeof families[0])

struct source {
    struct proc_file file;
    void *state;    // of the family
    bool malformed; // in the tick before
};

struct sampler {
    proc_root_t *root;
    struct buf text; // of one file at a time; grows to the largest and stays
    struct source sources[N_FAMILIES];
};

static void s_sample_family(sampler_t *self, size_t i, series_table_t *table);

int
sampler_open(sampler_t **ret, const char *rootfs)
{
    const struct proc_machine machine = { .user_hz = sysconf(_SC_CLK_TCK) };
    sampler_t *self;
    proc_root_t *root;
    const int rc = proc_root_open(&root, rootfs);

    if (rc < 0)
        return rc;
    self = xcalloc(1, sizeof *self);
    self->root = root;
    for (size_t i = 0; i < N_FAMILIES; i++) {
        self->sources[i].file = PROC_FILE(families[i].family->file);
        self->sources[i].state = families[i].family->make(&machine);
    }
    *ret = self;
    return 0;
}

void
sampler_close(sampler_t **self_p)
{
    sampler_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < N_FAMILIES; i++) {
        proc_file_close(&self->sources[i].file);
        families[i].family->end(&self->sources[i].state);
    }
    proc_root_close(&self->root);
    buf_release(&self->text);
    free(self);
    *self_p = NULL;
}

void
sampler_sample(sampler_t *self, series_table_t *table)
{
    for (size_t i = 0; i < N_FAMILIES; i++)
        s_sample_family(self, i, table);
}

static void
s_sample_family(sampler_t *self, size_t i, series_table_t *table)
{
    struct source *source = &self->sources[i];
    const char *path = source->file.path;
    bool news;
    const ptrdiff_t n = proc_root_read(self->root, &source->file, &self->text, &news);
    int rc;

    if (news && n < 0)
        log_warn("a file of /proc is not readable; its series are absent", "file=%s error=%s", path,
                 log_quote(err_str((int) n)));
    else if (news)
        log_info("a file of /proc is readable again", "file=%s", path);
    if (n < 0)
        return;
    rc = families[i].family->sample(source->state, table, (const char *) self->text.at, (size_t) n);
    // Each is counted, but said only when it begins: at one tick a second a log would be flooded.
    if (rc < 0) {
        selfstat_add(families[i].parse_errors, 1);
        if (!source->malformed)
            log_warn("a file of /proc is not what it should be; its series are absent",
                     "file=%s error=%s bytes=%td", path, log_quote(err_str(rc)), n);
    }
    source->malformed = rc < 0;
}
