// selfstat - see selfstat.h. One array of atomics beside the program's table, and /proc/self.

#include "shared/net/selfstat.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/file.h"
#include "shared/base/str.h"

#define COUNTERS_MAX 128
#define PROC_MAX     4096 // of /proc/self/stat: one line of some 300 bytes

// Of proc(5), /proc/pid/stat, counted from the field after the name in parentheses.
enum stat_field {
    STAT_UTIME = 11,
    STAT_STIME = 12,
    STAT_START = 19,
    STAT_VSIZE = 20,
    STAT_RSS = 21
};
#define STAT_FIELDS (STAT_RSS + 1)

static const struct selfstat_def *s_defs;
static unsigned s_count;
static _Atomic int64_t s_values[COUNTERS_MAX];

static const struct process_def {
    const char *name;
    enum metric_kind kind;
    const char *help;
} s_process_defs[] = {
    { "process_cpu_seconds_total", METRIC_COUNTER, "User and system CPU time spent, in seconds." },
    { "process_resident_memory_bytes", METRIC_GAUGE, "Resident memory size in bytes." },
    { "process_virtual_memory_bytes", METRIC_GAUGE, "Virtual memory size in bytes." },
    { "process_open_fds", METRIC_GAUGE, "Number of open file descriptors." },
    { "process_max_fds", METRIC_GAUGE, "Maximum number of open file descriptors." },
    { "process_start_time_seconds", METRIC_GAUGE,
      "Start time of the process since the epoch, in seconds." },
};
#define N_PROCESS_DEFS (sizeof s_process_defs / sizeof s_process_defs[0])

static void s_read_stat(struct selfstat_process *ret);
static bool s_stat_fields(uint64_t fields[STAT_FIELDS], const char *text);
static uint64_t s_open_fds(void);

void
selfstat_init(const struct selfstat_def *defs, unsigned n)
{
    assert(n <= COUNTERS_MAX);
    s_defs = defs;
    s_count = n;
    for (unsigned i = 0; i < COUNTERS_MAX; i++)
        atomic_store_explicit(&s_values[i], 0, memory_order_relaxed);
}

void
selfstat_add(unsigned at, uint64_t n)
{
    assert(at < s_count);
    if (n == 0) // of most counters most of the time, and an atomic addition is not free
        return;
    atomic_fetch_add_explicit(&s_values[at], (int64_t) n, memory_order_relaxed);
}

void
selfstat_set(unsigned at, int64_t v)
{
    assert(at < s_count);
    atomic_store_explicit(&s_values[at], v, memory_order_relaxed);
}

int64_t
selfstat_value(unsigned at)
{
    assert(at < s_count);
    return atomic_load_explicit(&s_values[at], memory_order_relaxed);
}

void
selfstat_process(struct selfstat_process *ret)
{
    struct rlimit files;

    memset(ret, 0, sizeof *ret);
    s_read_stat(ret);
    ret->open_fds = s_open_fds();
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        ret->max_fds = files.rlim_cur;
}

static void
s_read_stat(struct selfstat_process *ret)
{
    const double ticks = (double) sysconf(_SC_CLK_TCK);
    uint64_t fields[STAT_FIELDS];
    struct buf text = { 0 };

    if (file_read(&text, AT_FDCWD, "/proc/self/stat", PROC_MAX) > 0 &&
        s_stat_fields(fields, buf_cstr(&text))) {
        // The start is counted from boot, in the time that runs on through a suspend.
        const double boot = (double) (clock_real_ms() - clock_boot_ms()) / 1000;

        ret->cpu_seconds = (double) (fields[STAT_UTIME] + fields[STAT_STIME]) / ticks;
        ret->virtual_bytes = fields[STAT_VSIZE];
        ret->resident_bytes = fields[STAT_RSS] * (uint64_t) sysconf(_SC_PAGESIZE);
        ret->start_time_seconds = boot + (double) fields[STAT_START] / ticks;
    }
    buf_release(&text);
}

// The name may hold spaces and parentheses: the last ')' ends it. False if the line is too short.
static bool
s_stat_fields(uint64_t fields[STAT_FIELDS], const char *text)
{
    const char *at = strrchr(text, ')');

    if (at == NULL)
        return false;
    at++;
    for (unsigned i = 0; i < STAT_FIELDS; i++) {
        size_t len;

        at += strspn(at, " ");
        len = strcspn(at, " \n");
        if (len == 0)
            return false;
        if (str_u64(&fields[i], at, len) < 0)
            fields[i] = 0; // the state's letter, and numbers below zero: none that we use
        at += len;
    }
    return true;
}

// The folder's size, as Linux has it since 6.2; before that, where it is 0, one a name in it: a
// process with very many pays for it once a tick.
static uint64_t
s_open_fds(void)
{
    struct stat st;
    DIR *dir;
    uint64_t n = 0;

    if (stat("/proc/self/fd", &st) == 0 && st.st_size > 0)
        return (uint64_t) st.st_size;
    dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return 0;
    for (const struct dirent *e; (e = readdir(dir)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n - 1; // without the one that lists them
}

void
selfstat_each(selfstat_fn *fn, void *arg)
{
    struct selfstat_process p;

    for (unsigned i = 0; i < s_count; i++)
        fn(arg, s_defs[i].name, s_defs[i].label, s_defs[i].value, s_defs[i].kind,
           (double) selfstat_value(i));
    selfstat_process(&p);

    const double values[N_PROCESS_DEFS] = {
        p.cpu_seconds,       (double) p.resident_bytes, (double) p.virtual_bytes,
        (double) p.open_fds, (double) p.max_fds,        p.start_time_seconds,
    };
    for (size_t i = 0; i < N_PROCESS_DEFS; i++)
        fn(arg, s_process_defs[i].name, NULL, NULL, s_process_defs[i].kind, values[i]);
}

const char *
selfstat_help(const char *name)
{
    for (unsigned i = 0; i < s_count; i++) {
        if (strcmp(s_defs[i].name, name) == 0)
            return s_defs[i].help;
    }
    for (size_t i = 0; i < N_PROCESS_DEFS; i++) {
        if (strcmp(s_process_defs[i].name, name) == 0)
            return s_process_defs[i].help;
    }
    return NULL;
}
