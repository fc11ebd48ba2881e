// journal - see the header.

#include "collector/journal.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector/collector_stat.h"
#include "shared/base/clock.h"
#include "shared/base/ring.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"

struct journal {
    journal_file_t *file; // the thread's once it runs
    pthread_t thread;
    bool running;
    ring_t *in;               // to the thread
    ring_t *out;              // from it
    int stop_fd;              // eventfd
    int failed;               // the thread's: the error that was final, or 0
    struct segment_place end; // at the start, as the next one
    uint64_t oldest;
};

static void *s_run(void *arg);
static void s_commit(journal_t *self, struct journal_group *group);
static void s_count(const struct journal_group *group, const journal_file_t *file);

int
journal_start(journal_t **ret, struct journal_found *found, const struct journal_options *opt)
{
    journal_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = self->stop_fd == -1 ? -errno : journal_file_open(&self->file, found, opt);
    rc = rc < 0 ? rc : ring_new(&self->in, JOURNAL_GROUPS);
    rc = rc < 0 ? rc : ring_new(&self->out, JOURNAL_GROUPS);
    if (rc == 0) {
        self->end = journal_file_end(self->file);
        self->oldest = journal_file_oldest(self->file);
    }
    rc = rc < 0 ? rc : -pthread_create(&self->thread, NULL, s_run, self);
    if (rc < 0) {
        journal_stop(&self);
        return rc;
    }
    self->running = true;
    *ret = self;
    return 0;
}

void
journal_stop(journal_t **self_p)
{
    journal_t *self = *self_p;
    struct journal_group *group;

    if (self == NULL)
        return;
    if (self->running) {
        (void) !eventfd_write(self->stop_fd, 1); // fails only at 2^64
        pthread_join(self->thread, NULL);
    }
    while (self->out != NULL && (group = ring_pop(self->out)) != NULL)
        journal_group_free(group);
    ring_destroy(&self->in);
    ring_destroy(&self->out);
    journal_file_close(&self->file);
    if (self->stop_fd != -1)
        close(self->stop_fd);
    free(self);
    *self_p = NULL;
}

const lane_table_t *
journal_lanes(const journal_t *self)
{
    return journal_file_lanes(self->file);
}

struct segment_place
journal_end(const journal_t *self)
{
    return self->end;
}

uint64_t
journal_oldest(const journal_t *self)
{
    return self->oldest;
}

void
journal_let_go(journal_t *self, uint64_t below)
{
    journal_file_let_go(self->file, below);
}

void
journal_hold(journal_t *self, bool on)
{
    journal_file_hold(self->file, on);
}

void
journal_submit(journal_t *self, struct journal_group **group_p)
{
    const bool taken = ring_push(self->in, *group_p);

    assert(taken);
    *group_p = NULL;
}

int
journal_fd(const journal_t *self)
{
    return ring_fd(self->out);
}

void
journal_ack(journal_t *self)
{
    ring_ack(self->out);
}

struct journal_group *
journal_take(journal_t *self)
{
    return ring_pop(self->out);
}

static void *
s_run(void *arg)
{
    journal_t *self = arg;
    struct pollfd on[] = {
        { .fd = ring_fd(self->in), .events = POLLIN },
        { .fd = self->stop_fd, .events = POLLIN },
    };

    pthread_setname_np(pthread_self(), "journal");
    for (bool stop = false; !stop;) {
        struct journal_group *group;

        while (poll(on, 2, -1) == -1 && errno == EINTR) {
        }
        stop = (on[1].revents & POLLIN) != 0;
        ring_ack(self->in);
        while ((group = ring_pop(self->in)) != NULL)
            s_commit(self, group);
    }
    return NULL;
}

static void
s_commit(journal_t *self, struct journal_group *group)
{
    bool taken;

    if (self->failed == 0) {
        journal_file_commit(self->file, group);
        s_count(group, self->file);
        self->failed = group->rc == -ENOSPC ? 0 : group->rc;
    }
    if (self->failed != 0) {
        group->rc = self->failed;
        group->done = 0;
    }
    taken = ring_push(self->out, group); // there is room for all that are on their way
    assert(taken);
}

static void
s_count(const struct journal_group *group, const journal_file_t *file)
{
    uint64_t records = 0, bytes = 0;

    for (uint32_t i = 0; i < group->done; i++) {
        records += group->items[i].kept;
        bytes += group->items[i].kept ? group->items[i].len : 0;
    }
    selfstat_add(STAT_JOURNAL_COMMITS, 1);
    selfstat_add(STAT_JOURNAL_RECORDS, records);
    selfstat_add(STAT_JOURNAL_BYTES, bytes);
    selfstat_add(STAT_JOURNAL_US, (uint64_t) (clock_mono_ns() - group->made_ns) / 1000);
    selfstat_add(STAT_JOURNAL_FULL, group->rc == -ENOSPC);
    selfstat_set(STAT_JOURNAL_DISK, (int64_t) journal_file_bytes(file));
}
