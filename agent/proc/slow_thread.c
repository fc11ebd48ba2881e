// slow_thread - see the header.
//
// A worker is a thread and one round of paths, counted: its thread and its owner each hold it, and
// the last to let go frees it, so a thread that comes back from the kernel after hours finds all it
// touches. Only what stands in a worker is shared, under its lock, which nobody holds while asking.
//
//   idle     done == n              waits for a round
//   waiting  done <  n, busy < 0    waits for start_ms
//   asking   done <  n, busy >= 0   in the kernel about paths[done], since busy
//   left     end, busy >= 0         the same, given up by its owner; detached; ends when answered

#include "agent/proc/slow_thread.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/cond.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/map.h"
#include "shared/base/xalloc.h"

#define STACK_BYTES (256u * 1024u)
#define END_WAIT_MS 100 // for an answer that is just coming
#define LEAD_MS     500 // of a round ahead of the sample that tells it
#define GOOD_FOR    3   // samples an answer is good for, and
#define GOOD_MS     5000
#define FORGET_AT   64u // answers about paths that are gone, kept up to so many beside a round's

struct worker {
    pthread_mutex_t lock;
    pthread_cond_t told;     // to the thread: a round, or the end
    pthread_cond_t answered; // by the thread: the round is over, or it ends
    unsigned refs;
    pthread_t thread;
    int root_fd; // its own
    slow_fn ask;
    char **paths; // owned, as are the answers
    struct slow_answer *answers;
    size_t n;         // of both
    size_t done;      // answers given
    size_t taken;     // answers the owner has seen
    int64_t start_ms; // of the round, clock_mono_ms
    int64_t busy_ms;  // since when it asks; -1: it does not
    bool end;
};

struct slow_thread {
    struct slow_options opt; // root_fd is ours
    struct worker *worker;   // or NULL
    struct worker *left[SLOW_LEFT_MAX];
    size_t n_left;
    map_t *answers;   // path -> struct slow_answer, owned
    int64_t ahead_ms; // clock_mono_ms of the last slow_thread_ask_ahead; 0: none
    int64_t every_ms; // from that to the one before; opt.every_ms at first
    bool hangs;       // it was so when last asked: the end does not wait a second time
};

static void *s_run(void *arg);
static void s_take_round(struct worker *worker, char **paths, size_t n, int64_t start_ms);
static void s_let_go(struct worker *worker);
static struct worker *s_start(slow_thread_t *self);
static void s_collect_worker(slow_thread_t *self, struct worker *worker);
static bool s_is_stuck(const struct worker *worker, int64_t stuck_ms);
static void s_leave(slow_thread_t *self);
static bool s_wait_answer(struct worker *worker, int64_t ms);
static void s_forget(slow_thread_t *self, bool all);

slow_thread_t *
slow_thread_new(const struct slow_options *opt)
{
    slow_thread_t *self = xcalloc(1, sizeof *self);

    self->opt = *opt;
    self->opt.root_fd = fcntl(opt->root_fd, F_DUPFD_CLOEXEC, 3);
    self->answers = map_new();
    self->every_ms = opt->every_ms;
    return self;
}

bool
slow_thread_hangs(slow_thread_t *self)
{
    slow_thread_collect(self);
    self->hangs = self->worker != NULL && !s_wait_answer(self->worker, END_WAIT_MS);
    return self->n_left > 0 || self->hangs;
}

void
slow_thread_destroy(slow_thread_t **self_p)
{
    slow_thread_t *self = *self_p;

    if (self == NULL)
        return;
    if (self->worker != NULL) {
        struct worker *worker = self->worker;

        pthread_mutex_lock(&worker->lock);
        worker->end = true;
        pthread_cond_signal(&worker->told);
        pthread_mutex_unlock(&worker->lock);
        if (s_wait_answer(worker, self->hangs ? 0 : END_WAIT_MS))
            pthread_join(worker->thread, NULL);
        else
            pthread_detach(worker->thread);
        s_let_go(worker);
    }
    for (size_t i = 0; i < self->n_left; i++)
        s_let_go(self->left[i]);
    s_forget(self, true);
    map_destroy(&self->answers);
    if (self->opt.root_fd != -1)
        close(self->opt.root_fd);
    free(self);
    *self_p = NULL;
}

// The thread. --------------------------------------------------------------------------------

static void *
s_run(void *arg)
{
    struct worker *worker = arg;

    pthread_mutex_lock(&worker->lock);
    while (!worker->end) {
        struct slow_answer answer = { 0 };

        if (worker->done == worker->n) {
            pthread_cond_wait(&worker->told, &worker->lock);
            continue;
        }
        if (clock_mono_ms() < worker->start_ms) {
            (void) cond_wait_until(&worker->told, &worker->lock, worker->start_ms);
            continue;
        }
        worker->busy_ms = clock_mono_ms();
        pthread_mutex_unlock(&worker->lock);
        // A round is not touched while busy_ms says that it is under way.
        answer.error = worker->ask(worker->root_fd, worker->paths[worker->done], &answer.value);
        pthread_mutex_lock(&worker->lock);
        answer.state = answer.error < 0 ? SLOW_ERROR : SLOW_OK;
        answer.at_ms = clock_mono_ms();
        worker->answers[worker->done++] = answer;
        worker->busy_ms = -1;
        pthread_cond_signal(&worker->answered);
    }
    pthread_mutex_unlock(&worker->lock);
    s_let_go(worker);
    return NULL;
}

static void
s_drop_round(struct worker *worker)
{
    for (size_t i = 0; i < worker->n; i++)
        free(worker->paths[i]);
    free(worker->paths);
    free(worker->answers);
}

// Frees it with the last of its two holders.
static void
s_let_go(struct worker *worker)
{
    unsigned refs;

    pthread_mutex_lock(&worker->lock);
    refs = --worker->refs;
    pthread_mutex_unlock(&worker->lock);
    if (refs > 0)
        return;
    pthread_cond_destroy(&worker->told);
    pthread_cond_destroy(&worker->answered);
    pthread_mutex_destroy(&worker->lock);
    s_drop_round(worker);
    if (worker->root_fd != -1)
        close(worker->root_fd);
    free(worker);
}

// A worker without a round, its thread running; NULL if there can be none now.
static struct worker *
s_start(slow_thread_t *self)
{
    struct worker *worker = xcalloc(1, sizeof *worker);
    pthread_attr_t attr;
    sigset_t all, before;
    int rc;

    worker->refs = 2;
    worker->busy_ms = -1;
    worker->ask = self->opt.ask;
    worker->root_fd = fcntl(self->opt.root_fd, F_DUPFD_CLOEXEC, 3);
    pthread_mutex_init(&worker->lock, NULL);
    cond_init(&worker->told);
    cond_init(&worker->answered);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); // signals are main's
    rc = pthread_create(&worker->thread, &attr, s_run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attr);
    if (rc == 0)
        return worker;
    log_warn("a thread can not be started; trying again at the next sample", "error=%s",
             log_quote(err_str(-rc)));
    worker->refs = 1;
    s_let_go(worker);
    return NULL;
}

// The owner. ---------------------------------------------------------------------------------

// Takes the paths and the list; the lock is held and the thread does not ask.
static void
s_take_round(struct worker *worker, char **paths, size_t n, int64_t start_ms)
{
    s_drop_round(worker);
    worker->paths = paths;
    worker->answers = xcalloc(n > 0 ? n : 1, sizeof *worker->answers);
    worker->n = n;
    worker->done = 0;
    worker->taken = 0;
    worker->start_ms = start_ms;
    pthread_cond_signal(&worker->told);
}

// Whether somebody hangs at this path.
static bool
s_hangs_at(const slow_thread_t *self, const char *path)
{
    const struct slow_answer *answer = map_get(self->answers, path, strlen(path));

    return answer != NULL && answer->state == SLOW_STUCK;
}

void
slow_thread_ask(slow_thread_t *self, const char *const *paths, size_t n, int64_t delay_ms)
{
    struct worker *worker;
    char **round;
    size_t asked = 0;

    slow_thread_collect(self);
    if (map_count(self->answers) > n + FORGET_AT)
        s_forget(self, false);
    if (self->worker == NULL && n > 0)
        self->worker = s_start(self);
    worker = self->worker;
    if (worker == NULL)
        return;
    round = xcalloc(n > 0 ? n : 1, sizeof *round);
    for (size_t i = 0; i < n; i++)
        if (!s_hangs_at(self, paths[i]))
            round[asked++] = xstrdup(paths[i]);
    pthread_mutex_lock(&worker->lock);
    if (worker->busy_ms < 0) {
        s_take_round(worker, round, asked, clock_mono_ms() + delay_ms);
        round = NULL;
    }
    pthread_mutex_unlock(&worker->lock);
    for (size_t i = 0; round != NULL && i < asked; i++)
        free(round[i]);
    free(round);
}

void
slow_thread_ask_ahead(slow_thread_t *self, const char *const *paths, size_t n)
{
    const int64_t now_ms = clock_mono_ms();
    int64_t lead_ms;

    if (self->ahead_ms != 0)
        self->every_ms = now_ms - self->ahead_ms;
    self->ahead_ms = now_ms;
    lead_ms = self->every_ms / 2 < LEAD_MS ? self->every_ms / 2 : LEAD_MS;
    slow_thread_ask(self, paths, n, self->every_ms - lead_ms);
}

void
slow_thread_collect(slow_thread_t *self)
{
    for (size_t i = self->n_left; i-- > 0;) {
        struct worker *worker = self->left[i];
        bool over;

        pthread_mutex_lock(&worker->lock);
        s_collect_worker(self, worker);
        over = worker->busy_ms < 0;
        pthread_mutex_unlock(&worker->lock);
        if (!over)
            continue;
        s_let_go(worker);
        self->left[i] = self->left[--self->n_left];
    }
    if (self->worker == NULL)
        return;
    pthread_mutex_lock(&self->worker->lock);
    s_collect_worker(self, self->worker);
    if (s_is_stuck(self->worker, self->opt.stuck_ms) && self->n_left < SLOW_LEFT_MAX)
        s_leave(self);
    else
        pthread_mutex_unlock(&self->worker->lock);
}

static struct slow_answer *
s_answer_of(slow_thread_t *self, const char *path)
{
    struct slow_answer *answer = map_get(self->answers, path, strlen(path));

    if (answer == NULL) {
        answer = xcalloc(1, sizeof *answer);
        map_put(self->answers, path, strlen(path), answer);
    }
    return answer;
}

// The worker's lock is held.
static void
s_collect_worker(slow_thread_t *self, struct worker *worker)
{
    for (; worker->taken < worker->done; worker->taken++) {
        const char *path = worker->paths[worker->taken];
        struct slow_answer *answer = s_answer_of(self, path);

        if (answer->state == SLOW_STUCK)
            log_info("the kernel answers again", "about=%s", log_quote(path));
        *answer = worker->answers[worker->taken];
    }
    if (s_is_stuck(worker, self->opt.stuck_ms)) {
        const char *path = worker->paths[worker->done];
        struct slow_answer *answer = s_answer_of(self, path);

        if (answer->state != SLOW_STUCK)
            log_warn("the kernel does not answer; the series are absent until it does",
                     "about=%s waited_ms=%lld", log_quote(path), (long long) self->opt.stuck_ms);
        answer->state = SLOW_STUCK;
    }
}

static bool
s_is_stuck(const struct worker *worker, int64_t stuck_ms)
{
    return worker->busy_ms >= 0 && clock_mono_ms() - worker->busy_ms >= stuck_ms;
}

// The worker hangs: the paths behind the one it hangs at go to a new one. Its lock is held, and
// is let go of here.
static void
s_leave(slow_thread_t *self)
{
    struct worker *hung = self->worker;
    const size_t behind = hung->done + 1;
    const size_t n = hung->n - behind;
    char **paths = xcalloc(n > 0 ? n : 1, sizeof *paths);

    for (size_t i = 0; i < n; i++)
        paths[i] = xstrdup(hung->paths[behind + i]);
    hung->end = true;
    pthread_detach(hung->thread);
    pthread_mutex_unlock(&hung->lock);
    self->left[self->n_left++] = hung;
    self->worker = s_start(self);
    if (self->worker != NULL) {
        pthread_mutex_lock(&self->worker->lock);
        s_take_round(self->worker, paths, n, clock_mono_ms());
        pthread_mutex_unlock(&self->worker->lock);
        return;
    }
    for (size_t i = 0; i < n; i++)
        free(paths[i]);
    free(paths);
}

// True as soon as the thread does not ask, or asks the next; false if it is still at the same one
// after ms.
static bool
s_wait_answer(struct worker *worker, int64_t ms)
{
    const int64_t until_ms = clock_mono_ms() + ms;
    size_t done;
    bool answered;

    pthread_mutex_lock(&worker->lock);
    done = worker->done;
    while (worker->busy_ms >= 0 && worker->done == done && clock_mono_ms() < until_ms)
        (void) cond_wait_until(&worker->answered, &worker->lock, until_ms);
    answered = worker->busy_ms < 0 || worker->done != done;
    pthread_mutex_unlock(&worker->lock);
    return answered;
}

bool
slow_thread_wait(slow_thread_t *self, int64_t ms)
{
    const int64_t until_ms = clock_mono_ms() + ms;

    for (;;) {
        struct worker *worker;
        bool over;
        int64_t look_ms;

        slow_thread_collect(self);
        worker = self->worker;
        if (worker == NULL)
            return false;
        pthread_mutex_lock(&worker->lock);
        over = worker->done == worker->n;
        // Until something is answered, or may be called stuck.
        look_ms = worker->busy_ms >= 0 ? worker->busy_ms + self->opt.stuck_ms : until_ms;
        if (look_ms <= clock_mono_ms() || look_ms > until_ms)
            look_ms = until_ms;
        if (!over && clock_mono_ms() < until_ms)
            (void) cond_wait_until(&worker->answered, &worker->lock, look_ms);
        pthread_mutex_unlock(&worker->lock);
        if (over || clock_mono_ms() >= until_ms) {
            slow_thread_collect(self);
            return over;
        }
    }
}

struct slow_answer
slow_thread_answer(const slow_thread_t *self, const char *path)
{
    const struct slow_answer *answer = map_get(self->answers, path, strlen(path));

    if (answer == NULL || (answer->state != SLOW_STUCK &&
                           clock_mono_ms() - answer->at_ms > GOOD_FOR * self->every_ms + GOOD_MS))
        return (struct slow_answer){ .state = SLOW_UNKNOWN };
    return *answer;
}

// All answers, or those of paths where nobody hangs: the next round brings them anew.
static void
s_forget(slow_thread_t *self, bool all)
{
    map_t *kept = map_new();
    struct map_entry entry;
    size_t at = 0;

    while (map_next(self->answers, &at, &entry)) {
        const struct slow_answer *answer = entry.value;

        if (!all && answer->state == SLOW_STUCK)
            map_put(kept, entry.key, entry.len, entry.value);
        else
            free(entry.value);
    }
    map_destroy(&self->answers);
    self->answers = kept;
}
