// processes - see the header.
//
// To list /proc costs the kernel a look-up for each process, and an agent a tenth of all it costs
// on a host with a hundred. But the links of that folder are counted: two of its own, one for each
// folder that is no process, and one for each process that there is (fs/proc/root.c,
// proc_root_getattr). So the folders are listed once a minute, and the links tell between; where
// the two differ, as they do in a PID namespace or with hidepid, each time.

#include "agent/proc/processes.h"

#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "agent/proc/proc_text.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"

#define PROCESSES_TAG 0x50524f43u // "PROC"
#define LISTED_EVERY  6           // walks, which are 10 s apart
#define OWN_LINKS     2           // of a folder: its name, and its "."

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
    int64_t other_links; // of /proc, those that are no process; -1: not known
    unsigned until_list; // walks, before the folders are listed again
    uint32_t slots[TOTALS];
};

// What /proc lists.
struct listed {
    int64_t pids;    // folders that are a number
    int64_t folders; // the others
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
    self->other_links = -1;
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

int64_t
processes_other_links(int64_t before, int64_t after, int64_t folders, int64_t pids)
{
    return before == after && before == OWN_LINKS + folders + pids ? before - pids : -1;
}

// Links of /proc; -1 where they tell of no processes.
static int64_t
s_links(int fd)
{
    struct statfs fs;
    struct stat st;

    if (fstatfs(fd, &fs) == -1 || fs.f_type != PROC_SUPER_MAGIC || fstat(fd, &st) == -1)
        return -1;
    return (int64_t) st.st_nlink;
}

// Takes fd.
static bool
s_list(struct listed *ret, int fd)
{
    DIR *dir = fdopendir(fd);

    *ret = (struct listed){ 0 };
    if (dir == NULL) {
        close(fd);
        return false;
    }
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        if (isdigit((unsigned char) entry->d_name[0]))
            ret->pids++;
        else if (entry->d_type == DT_DIR && entry->d_name[0] != '.')
            ret->folders++;
    }
    closedir(dir);
    return true;
}

// Between two lists; -1 when one is due. Where the last one did not agree with the links, each walk
// lists, until one does.
static int64_t
s_pids_by_links(struct processes_state *self, int proc)
{
    int64_t links;

    if (self->other_links < 0 || self->until_list == 0)
        return -1;
    self->until_list--;
    links = s_links(proc);
    return links > self->other_links ? links - self->other_links : -1;
}

static void
s_walk(void *arg, series_table_t *table)
{
    struct processes_state *self = arg;
    const int proc = openat(proc_root_fd(self->root), "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int64_t pids, links;
    struct listed listed;
    int fd;

    if (proc == -1)
        return;
    pids = s_pids_by_links(self, proc);
    if (pids < 0 && (fd = fcntl(proc, F_DUPFD_CLOEXEC, 0)) != -1) {
        links = s_links(proc);
        if (s_list(&listed, fd)) {
            pids = listed.pids;
            self->other_links = processes_other_links(links, s_links(proc), listed.folders, pids);
            self->until_list = LISTED_EVERY - 1;
        }
    }
    close(proc);
    if (pids >= 0)
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
