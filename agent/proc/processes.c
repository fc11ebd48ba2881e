// processes - see the header.

#include "agent/proc/processes.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define PROCESSES_TAG 0x50524f43u // "PROC"

enum total { THREADS, MAX_THREADS, MAX_PROCESSES, PIDS, TOTALS };

#define TOTAL(metric, text)                                                                        \
    {                                                                                              \
        .name = metric, .kind = METRIC_GAUGE, .form = { .exponent = 0, .unit = 1 }, .job = "node", \
        .help = text                                                                               \
    }
static const struct series_spec specs[TOTALS] = {
    [THREADS] = TOTAL("node_processes_threads", "Threads there are."),
    [MAX_THREADS] = TOTAL("node_processes_max_threads", "Threads there may be."),
    [MAX_PROCESSES] = TOTAL("node_processes_max_processes", "Numbers there are for processes."),
    [PIDS] = TOTAL("node_processes_pids", "Processes there are."),
};

struct processes_state {
    unsigned tag; // PROCESSES_TAG
    proc_root_t *root;
    uint32_t slots[TOTALS];
};

static void s_set(struct processes_state *self, series_table_t *table, enum total total, int64_t m);

int
processes_parse_threads(int64_t *ret, const char *text, size_t len)
{
    struct proc_text rest = proc_text(text, len);
    struct proc_text line, word;
    const char *slash;

    if (!proc_text_line(&rest, &line))
        return ERR_FORMAT;
    for (int i = 0; i < 3; i++)
        (void) proc_text_word(&line);
    word = proc_text_word(&line);
    slash = proc_text_len(&word) > 0 ? memchr(word.at, '/', proc_text_len(&word)) : NULL;
    if (slash == NULL)
        return ERR_FORMAT;
    word.at = slash + 1;
    return proc_text_int(&word, ret) == 1 ? 0 : ERR_FORMAT;
}

static void *
s_make(const struct proc_setup *setup)
{
    struct processes_state *self = xcalloc(1, sizeof *self);

    self->tag = PROCESSES_TAG;
    self->root = setup->root;
    for (size_t i = 0; i < TOTALS; i++)
        self->slots[i] = SERIES_NONE;
    return self;
}

static int
s_sample(void *arg, series_table_t *table, size_t file, const char *text, size_t len)
{
    struct processes_state *self = arg;
    int64_t m;

    assert(self->tag == PROCESSES_TAG && file <= MAX_PROCESSES);
    if (file == THREADS) {
        if (processes_parse_threads(&m, text, len) < 0)
            return ERR_FORMAT;
    } else {
        struct proc_text rest = proc_text(text, len);
        struct proc_text line;

        if (!proc_text_line(&rest, &line) || proc_text_int(&line, &m) != 1)
            return ERR_FORMAT;
    }
    s_set(self, table, (enum total) file, m);
    return 0;
}

static void
s_set(struct processes_state *self, series_table_t *table, enum total total, int64_t m)
{
    if (self->slots[total] == SERIES_NONE)
        self->slots[total] = series_table_slot(table, &specs[total], NULL, 0);
    series_table_set(table, self->slots[total], m);
}

static void
s_walk(void *arg, series_table_t *table)
{
    struct processes_state *self = arg;
    const int fd = openat(proc_root_fd(self->root), "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd != -1 ? fdopendir(fd) : NULL;
    int64_t pids = 0;

    if (dir == NULL) {
        if (fd != -1)
            close(fd);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        pids += isdigit((unsigned char) entry->d_name[0]) != 0;
    closedir(dir);
    s_set(self, table, PIDS, pids);
}

static void
s_end(void **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

const struct proc_family processes_family = {
    .name = "processes",
    .every_ms = 10000,
    .files = { [THREADS] = { .path = "proc/loadavg" },
               [MAX_THREADS] = { .path = "proc/sys/kernel/threads-max" },
               [MAX_PROCESSES] = { .path = "proc/sys/kernel/pid_max" } },
    .make = s_make,
    .sample = s_sample,
    .walk = s_walk,
    .end = s_end,
};
