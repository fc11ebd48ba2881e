// rig - see the header.

#include "tests/support/rig.h"

#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "tests/support/balance.h"
#include "tests/support/exported.h"
#include "tests/support/seeded.h"
#include "tests/support/store_names.h"

#define READY     "msg=\"ready\""
#define PROGRAM   "zpulse-collector"
#define END_MS    20000
#define SETTLE_MS 30000
#define EVEN_MS   20000
#define BURST     64 // frames of a host at a time
#define PAST_MS   3600000

struct rig {
    struct rig_options opt;
    void *state; // of the stage
    stage_t *stage;
    process_t *collector;
    bool up;
    int64_t fed_ms; // monotonic: rows until then were made
    uint64_t seed;
    char said[400]; // by the last export
    pusher_t *pushers[RIG_HOSTS];
    char program[256], data[256], store[300], seen[256];
    uint64_t passed[CRASH_POINT_COUNT];
};

rig_t *
rig_new(const struct rig_options *opt)
{
    const char *build = getenv("BUILD_DIR");
    rig_t *self = xcalloc(1, sizeof *self);

    assert_true(opt->hosts >= 1 && opt->hosts <= RIG_HOSTS);
    self->opt = *opt;
    assert_int_equal(stage_setup_plain(&self->state), 0);
    self->stage = self->state;
    if (opt->shipped)
        snprintf(self->program, sizeof self->program, PROGRAM);
    else
        snprintf(self->program, sizeof self->program, "../../%s-fault/bin/" PROGRAM,
                 build != NULL ? build : "build");
    if (opt->data != NULL)
        snprintf(self->data, sizeof self->data, "%s", opt->data);
    else
        snprintf(self->data, sizeof self->data, "%s/collector", stage_dir(self->stage));
    snprintf(self->store, sizeof self->store, "%s/store", self->data);
    snprintf(self->seen, sizeof self->seen, "%s/seen", stage_dir(self->stage));
    self->opt.hosts = 0;
    self->seed = opt->seed;
    while (self->opt.hosts < opt->hosts)
        rig_add_host(self);
    return self;
}

static void
s_name(char ret[32], unsigned host)
{
    snprintf(ret, 32, "p-%u", host);
}

void
rig_add_host(rig_t *self)
{
    const unsigned i = self->opt.hosts++;
    char name[32];

    assert_true(i < RIG_HOSTS && self->collector == NULL);
    s_name(name, i);
    self->pushers[i] = pusher_new(
        &(struct pusher_options){ .host = 1 + seeded_next(&self->seed) / 2,
                                  .name = name,
                                  .samples = { .t0_ms = clock_real_ms() - PAST_MS,
                                               .seed = seeded_next(&self->seed),
                                               .old = self->opt.old },
                                  .ballast = self->opt.ballast && i > 0 });
}

void
rig_destroy(rig_t **self_p)
{
    rig_t *self = *self_p;

    if (self == NULL)
        return;
    for (unsigned i = 0; i < self->opt.hosts; i++)
        pusher_destroy(&self->pushers[i]);
    assert_int_equal(stage_teardown(&self->state), 0);
    free(self);
    *self_p = NULL;
}

stage_t *
rig_stage(rig_t *self)
{
    return self->stage;
}

const char *
rig_store(rig_t *self)
{
    return self->store;
}

process_t *
rig_collector(rig_t *self)
{
    return self->collector;
}

void
rig_set_words(rig_t *self, const char *const words[RIG_WORDS])
{
    memcpy(self->opt.words, words, sizeof self->opt.words);
}

void
rig_start(rig_t *self, const char *at)
{
    const char *const *w = self->opt.words;
    char base[16];

    assert_null(self->collector);
    snprintf(base, sizeof base, "%u", stage_port(self->stage));
    if (at != NULL)
        setenv("ZPULSE_CRASH_AT", at, 1);
    setenv("ZPULSE_CRASH_SEEN", self->seen, 1);
    self->collector = stage_run(self->stage, self->program, "--data", self->data, "--bind",
                                "127.0.0.1", "--port-base", base, w[0], w[1], w[2], w[3], w[4],
                                w[5], w[6], w[7], NULL);
    unsetenv("ZPULSE_CRASH_AT");
    unsetenv("ZPULSE_CRASH_SEEN");
    self->up = false;
    self->fed_ms = clock_mono_ms();
    for (unsigned i = 0; i < self->opt.hosts; i++)
        pusher_connect(self->pushers[i], stage_port(self->stage));
}

bool
rig_turn(rig_t *self, unsigned per_s)
{
    const int64_t now_ms = clock_mono_ms();
    const uint32_t rows = (uint32_t) ((now_ms - self->fed_ms) * per_s / 1000);

    if (self->collector == NULL || process_ended(self->collector, 0))
        return false;
    if (rows > 0 || per_s == 0)
        self->fed_ms = now_ms;
    for (unsigned i = 0; i < self->opt.hosts; i++) {
        pusher_make(self->pushers[i], rows);
        if (!pusher_turn(self->pushers[i], BURST)) {
            stage_show(self->stage);
            fail_msg("%s", pusher_amiss(self->pushers[i]));
        }
    }
    return true;
}

bool
rig_is_up(rig_t *self)
{
    if (!self->up && self->collector != NULL)
        self->up = strstr(process_err(self->collector), READY) != NULL;
    return self->up;
}

bool
rig_is_done(rig_t *self)
{
    for (unsigned i = 0; i < self->opt.hosts; i++)
        if (!pusher_is_welcome(self->pushers[i]) || !pusher_is_done(self->pushers[i]))
            return false;
    return true;
}

// What it came by, of this life.
static void
s_count(rig_t *self)
{
    uint64_t seen[CRASH_POINT_COUNT] = { 0 };
    const int fd = open(self->seen, O_RDONLY | O_CLOEXEC);

    if (fd == -1)
        return;
    if (read(fd, seen, sizeof seen) == (ssize_t) sizeof seen)
        memcpy(self->passed, seen, sizeof seen);
    close(fd);
}

void
rig_kill(rig_t *self, int sig)
{
    process_signal(self->collector, sig);
    claim(self->stage, process_ended(self->collector, stage_ms(END_MS)));
    claim(self->stage, sig == SIGKILL || process_code(self->collector) == 0);
    (void) rig_reap(self);
}

int
rig_reap(rig_t *self)
{
    int code;

    claim(self->stage, process_ended(self->collector, stage_ms(END_MS)));
    code = process_code(self->collector);
    stage_drop(self->stage, &self->collector);
    for (unsigned i = 0; i < self->opt.hosts; i++)
        pusher_disconnect(self->pushers[i]);
    s_count(self);
    return code;
}

bool
rig_settle(rig_t *self, int timeout_ms)
{
    const int64_t until_ms = clock_mono_ms() + stage_ms(timeout_ms);

    while (!rig_is_done(self)) {
        if (!rig_turn(self, 0) || clock_mono_ms() > until_ms)
            return false;
        poll(NULL, 0, 1);
    }
    return true;
}

bool
rig_verdict(rig_t *self, int64_t since_ms, struct numbered_verdict *ret)
{
    host_samples_t *all = exported_said(self->stage, PUSHER_METRIC, 0, self->said,
                                        sizeof self->said);

    *ret = (struct numbered_verdict){ .first = UINT64_MAX };
    if (all == NULL)
        return false;
    for (unsigned i = 0; i < self->opt.hosts; i++) {
        struct numbered_verdict v;
        struct sample *held;
        char name[32];
        size_t n = 0;

        s_name(name, i);
        held = host_samples_get(all, name, &n);
        pusher_check(self->pushers[i], held, n, since_ms, &v);
        ret->missing += v.missing;
        ret->doubled += v.doubled;
        ret->foreign += v.foreign;
        ret->found += v.found;
        ret->first = v.first < ret->first ? v.first : ret->first;
    }
    host_samples_destroy(&all);
    return true;
}

const char *
rig_said(const rig_t *self)
{
    return self->said;
}

void
rig_check(rig_t *self, int64_t since_ms)
{
    struct numbered_verdict v;

    claim(self->stage, rig_verdict(self, since_ms, &v));
    if (v.missing > 0 || v.doubled > 0 || v.foreign > 0) {
        stage_show(self->stage);
        fail_msg("of %" PRIu64 " acknowledged samples %zu are missing, %zu doubled, %zu are "
                 "nobody's; the first is of row %" PRIu64 ", slot %" PRIu64,
                 rig_acked(self), v.missing, v.doubled, v.foreign, v.first / NUMBERED_WIDTH,
                 v.first % NUMBERED_WIDTH);
    }
}

void
rig_finish(rig_t *self, int64_t since_ms)
{
    rig_start(self, NULL);
    claim(self->stage, rig_settle(self, SETTLE_MS));
    claim(self->stage, balance_is_even(self->stage, BALANCE_NO_LOSS, EVEN_MS));
    rig_check(self, since_ms);
    rig_kill(self, SIGTERM);
    (void) store_names_check(self->store);
    rig_start(self, NULL);
    claim(self->stage, rig_settle(self, SETTLE_MS));
    rig_check(self, since_ms);
    rig_kill(self, SIGTERM);
}

uint64_t
rig_acked(const rig_t *self)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < self->opt.hosts; i++)
        n += pusher_acked(self->pushers[i]);
    return n;
}

uint64_t
rig_passed(const rig_t *self, enum crash_point point)
{
    return self->passed[point];
}
