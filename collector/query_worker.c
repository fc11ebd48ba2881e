// query_worker - answers questions from the store, in a thread of its own.

#include "collector/query_worker.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector/cardinality.h"
#include "collector/collector_stat.h"
#include "collector/query_selection.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/ring.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"

#define AWAIT_SLICE_MS 100
#define TOO_LONG       "the answer takes longer than 5 s: ask for a shorter time"

struct query_worker {
    struct query_worker_options is;
    pthread_t thread;
    bool running;
    ring_t *jobs;   // to the thread
    ring_t *chunks; // from it
    int room_fd;    // eventfd: a chunk was taken
    int stop_fd;    // eventfd
    atomic_bool stopping;
};

// One answer on its way.
struct answer {
    query_worker_t *worker;
    const struct query_job *job;
    struct query_reply head;
    struct buf out;  // the reply at hand
    uint32_t n;      // items in it
    uint64_t series; // of the whole answer
    uint64_t samples;
    int64_t until_ms; // monotonic
};

static void *s_run(void *arg);
static bool s_wait(const query_worker_t *self, int fd);
static void s_answer(query_worker_t *self, const struct query_job *job);
static void s_await_store(const query_worker_t *self);
static void s_hosts(struct answer *a);
static void s_events(struct answer *a);
static void s_numbers(struct answer *a);
static void s_series(struct answer *a);
static int s_read(struct answer *a, store_cursor_t *cursor);
static bool s_put(struct answer *a, const struct store_series *series);
static uint64_t s_oldest(store_t *store);
static void s_begin(struct answer *a);
static void s_finish(struct answer *a, const char *lacks);
static bool s_send(struct answer *a, bool last);
static void s_fail(struct answer *a, uint8_t status, const char *text);
static void s_store_failed(struct answer *a, const store_cursor_t *cursor, int rc);

void
query_job_free(struct query_job *job)
{
    for (uint32_t i = 0; i < job->n_hosts; i++)
        host_info_release(&job->hosts[i]);
    free(job->hosts);
    buf_release(&job->bytes);
    free(job);
}

void
query_chunk_free(struct query_chunk *chunk)
{
    buf_release(&chunk->bytes);
    free(chunk);
}

int
query_worker_start(query_worker_t **ret, const struct query_worker_options *options)
{
    query_worker_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->is = *options;
    atomic_init(&self->stopping, false);
    self->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = self->room_fd == -1 || self->stop_fd == -1 ? -errno : 0;
    rc = rc < 0 ? rc : ring_new(&self->jobs, QUERY_JOBS_MAX);
    rc = rc < 0 ? rc : ring_new(&self->chunks, QUERY_CHUNKS_MAX);
    rc = rc < 0 ? rc : -pthread_create(&self->thread, NULL, s_run, self);
    if (rc < 0) {
        query_worker_stop(&self);
        return rc;
    }
    self->running = true;
    *ret = self;
    return 0;
}

void
query_worker_stop(query_worker_t **self_p)
{
    query_worker_t *self = *self_p;
    struct query_chunk *chunk;
    struct query_job *job;

    if (self == NULL)
        return;
    atomic_store(&self->stopping, true);
    if (self->running) {
        (void) !eventfd_write(self->stop_fd, 1); // fails only at 2^64
        pthread_join(self->thread, NULL);
    }
    while (self->jobs != NULL && (job = ring_pop(self->jobs)) != NULL)
        query_job_free(job);
    while (self->chunks != NULL && (chunk = ring_pop(self->chunks)) != NULL)
        query_chunk_free(chunk);
    ring_destroy(&self->jobs);
    ring_destroy(&self->chunks);
    if (self->room_fd != -1)
        close(self->room_fd);
    if (self->stop_fd != -1)
        close(self->stop_fd);
    free(self);
    *self_p = NULL;
}

bool
query_worker_is_full(query_worker_t *self)
{
    return ring_count(self->jobs) >= QUERY_JOBS_MAX;
}

void
query_worker_ask(query_worker_t *self, struct query_job *job)
{
    bool taken = ring_push(self->jobs, job);

    assert(taken);
}

int
query_worker_fd(const query_worker_t *self)
{
    return ring_fd(self->chunks);
}

void
query_worker_ack(query_worker_t *self)
{
    ring_ack(self->chunks);
}

struct query_chunk *
query_worker_take(query_worker_t *self)
{
    struct query_chunk *chunk = ring_pop(self->chunks);

    if (chunk != NULL)
        (void) !eventfd_write(self->room_fd, 1);
    return chunk;
}

static void *
s_run(void *arg)
{
    query_worker_t *self = arg;
    struct query_job *job;

    pthread_setname_np(pthread_self(), "query");
    while (s_wait(self, ring_fd(self->jobs))) {
        ring_ack(self->jobs);
        while (!atomic_load(&self->stopping) && (job = ring_pop(self->jobs)) != NULL) {
            int64_t from_ns = clock_mono_ns();

            s_answer(self, job);
            query_job_free(job);
            selfstat_add(STAT_QUERY_US, (uint64_t) (clock_mono_ns() - from_ns) / 1000);
        }
    }
    return NULL;
}

// False when it is time to end.
static bool
s_wait(const query_worker_t *self, int fd)
{
    struct pollfd on[] = {
        { .fd = fd, .events = POLLIN },
        { .fd = self->stop_fd, .events = POLLIN },
    };

    while (poll(on, 2, -1) == -1 && errno == EINTR) {
    }
    return !atomic_load(&self->stopping);
}

static void
s_answer(query_worker_t *self, const struct query_job *job)
{
    struct answer a = {
        .worker = self,
        .job = job,
        .until_ms = clock_mono_ms() + QUERY_MOST_MS,
        .head = {
            .type = job->request.type,
            .id = job->request.id,
            .collector = self->is.collector,
            .epoch = self->is.epoch,
            .now_ms = clock_real_ms(),
        },
    };

    if (job->request.type == QUERY_HOSTS) {
        s_hosts(&a);
    } else if (job->request.type == QUERY_STATUS) {
        s_numbers(&a);
    } else {
        s_await_store(self);
        if (job->request.type == QUERY_EVENTS)
            s_events(&a);
        else if (job->request.type == QUERY_CARDINALITY)
            s_numbers(&a);
        else
            s_series(&a);
    }
    buf_release(&a.out);
}

// After a start the store is filled from the journal. In short waits, since we may be told to end.
static void
s_await_store(const query_worker_t *self)
{
    const int64_t until_ms = clock_mono_ms() + self->is.wait_ms;

    while (self->is.whole != NULL && !atomic_load(&self->stopping) && clock_mono_ms() < until_ms) {
        const int64_t next_ms = clock_mono_ms() + AWAIT_SLICE_MS;

        if (self->is.whole(self->is.arg, next_ms < until_ms ? next_ms : until_ms))
            return;
    }
}

static void
s_hosts(struct answer *a)
{
    s_begin(a);
    for (uint32_t i = 0; i < a->job->n_hosts; i++) {
        host_info_put(&a->out, &a->job->hosts[i]);
        a->n++;
        if (a->out.len >= QUERY_CHUNK_BYTES && !s_send(a, false))
            return;
    }
    s_send(a, true);
}

static void
s_events(struct answer *a)
{
    const struct query_request *q = &a->job->request;
    struct event_window w = { .host = q->host, .start_ms = q->start_ms, .end_ms = q->end_ms };
    bool more;

    s_begin(a);
    do {
        more = event_log_put(a->worker->is.events, &w, QUERY_CHUNK_BYTES, &a->out, &a->n);
        if (!s_send(a, !more))
            return;
    } while (more);
}

// STATUS and CARDINALITY: one reply has room for all.
static void
s_numbers(struct answer *a)
{
    const struct query_worker_options *is = &a->worker->is;
    int rc = 0;

    s_begin(a);
    if (a->job->request.type == QUERY_STATUS)
        a->n = collector_status_put(&a->out, is->about, is->store,
                                    is->whole != NULL && !is->whole(is->arg, 0));
    else
        rc = cardinality_put(&a->out, &a->n, is->store, &a->job->request);
    if (rc == 0)
        s_send(a, true);
    else
        s_fail(a, QUERY_BAD, "this store does not count its series");
}

// SERIES, SELECT and LAST are one walk over a cursor. `upto` is the cursor's, so it is the same in
// all replies of the answer. What was imported under the host's name before it came stands under an
// id of its own, and is read before: its rows are never live.
static void
s_series(struct answer *a)
{
    const struct query_request *q = &a->job->request;
    store_t *store = a->worker->is.store;
    store_cursor_t *cursor = NULL, *imported = NULL;
    struct query_selection selection;
    char error[MATCHERS_ERROR_SIZE];
    int rc = query_selection_take(&selection, q, error);

    if (rc < 0) {
        s_fail(a, QUERY_BAD, error);
        goto out;
    }
    selection.what.until_ms = a->until_ms;
    selection.what.stop = &a->worker->stopping;
    rc = store_open(store, &selection.what, &cursor);
    if (rc == 0 && a->job->imported != 0) {
        selection.what.host = a->job->imported;
        rc = store_open(store, &selection.what, &imported);
    }
    if (rc < 0) {
        s_fail(a, QUERY_BAD, err_str(rc));
        goto out;
    }
    a->head.upto = selection.what.labels_only ? s_oldest(store) : store_upto(cursor);
    s_begin(a);
    rc = imported != NULL ? s_read(a, imported) : 0;
    rc = rc == 0 ? s_read(a, cursor) : rc;
    if (rc < 0)
        s_store_failed(a, cursor, rc);
    else if (rc == 0 && query_selection_limited(&selection))
        s_fail(a, QUERY_TOO_LARGE, "a regular expression took too many steps");
    else if (rc == 0)
        s_finish(a, store_why(cursor));
out:
    store_close(&imported);
    store_close(&cursor);
    query_selection_release(&selection);
}

// 0; 1: the answer has ended; or as store_next.
static int
s_read(struct answer *a, store_cursor_t *cursor)
{
    struct store_series series;
    int rc;

    while ((rc = store_next(cursor, &series)) == 1) {
        if (!s_put(a, &series))
            return 1;
    }
    return rc;
}

// False once the answer has ended: too much, or stopped.
static bool
s_put(struct answer *a, const struct store_series *series)
{
    struct query_series item = {
        .id = series->id, .kind = series->kind, .host = series->host, .n = series->n
    };

    a->series++;
    a->samples += series->n;
    if (a->series > QUERY_SERIES_MAX) {
        s_fail(a, QUERY_TOO_LARGE, "more than 100,000 series match");
        return false;
    }
    if (a->samples > QUERY_SAMPLES_MAX) {
        s_fail(a, QUERY_TOO_LARGE, "more than 4,000,000 samples match");
        return false;
    }
    if (clock_mono_ms() > a->until_ms) {
        s_fail(a, QUERY_TOO_LARGE, TOO_LONG);
        return false;
    }
    // Borrowed for the call: the encoder changes neither.
    item.labels = *series->labels;
    item.samples = (struct sample *) (uintptr_t) series->samples;
    query_put_series(&a->out, &item);
    a->n++;
    return a->out.len < QUERY_CHUNK_BYTES || s_send(a, false);
}

// Before this time there is nothing; 0: not known.
static uint64_t
s_oldest(store_t *store)
{
    const int64_t oldest_ms = store_oldest(store);

    return oldest_ms > 0 && oldest_ms < INT64_MAX ? (uint64_t) oldest_ms : 0;
}

static void
s_begin(struct answer *a)
{
    buf_clear(&a->out);
    query_put_reply(&a->out, &a->head);
    a->n = 0;
}

// The last reply. What the answer lacks is said by one more, which has nothing else.
static void
s_finish(struct answer *a, const char *lacks)
{
    if (lacks != NULL && a->n > 0 && !s_send(a, false))
        return;
    a->head.text = lacks;
    if (lacks != NULL)
        s_begin(a);
    s_send(a, true);
}

// The reply at hand to the reactor, waiting for room; and the next begun. False when it is time to
// end.
static bool
s_send(struct answer *a, bool last)
{
    query_worker_t *self = a->worker;
    struct query_chunk *chunk = xcalloc(1, sizeof *chunk);

    query_patch_reply(&a->out, 0, a->n, last ? 0 : QUERY_MORE);
    chunk->to = a->job->from;
    chunk->last = last;
    chunk->bytes = a->out;
    a->out = (struct buf){ 0 };
    while (!ring_push(self->chunks, chunk)) {
        eventfd_t taken;

        if (!s_wait(self, self->room_fd)) {
            query_chunk_free(chunk);
            return false;
        }
        (void) !eventfd_read(self->room_fd, &taken);
    }
    if (!last)
        s_begin(a);
    return true;
}

// A worker that is told to end answers nobody.
static void
s_store_failed(struct answer *a, const store_cursor_t *cursor, int rc)
{
    const char *why = store_why(cursor);

    if (rc == -ETIMEDOUT)
        s_fail(a, QUERY_TOO_LARGE, TOO_LONG);
    else if (rc == ERR_LIMIT)
        s_fail(a, QUERY_TOO_LARGE, why != NULL ? why : err_str(rc));
    else if (rc != ERR_CLOSED)
        s_fail(a, QUERY_BAD, err_str(rc));
}

// What was sent before stands as MORE; this reply ends the answer.
static void
s_fail(struct answer *a, uint8_t status, const char *text)
{
    selfstat_add(STAT_QUERIES_REFUSED, 1);
    a->head.status = status;
    a->head.text = text;
    s_begin(a);
    s_send(a, true);
}
