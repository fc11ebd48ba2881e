// rig - see the header.

#include "tests/support/rig.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "tests/support/balance.h"
#include "tests/support/exported.h"
#include "tests/support/seeded.h"

#define READY     "msg=\"ready\""
#define PROGRAM   "zpulse-collector"
#define END_MS    20000
#define SETTLE_MS 30000
#define EVEN_MS   20000
#define BURST     64 // frames of a host at a time
#define PAST_MS   3600000
#define KNOWN     "^(meta\\.db|raw-[0-7]-[0-9]{8}\\.db)(\\.damaged[0-9]*)?(-wal|-shm)?$"

struct rig {
    struct rig_options opt;
    void *state; // of the stage
    stage_t *stage;
    process_t *collector;
    bool up;
    int64_t fed_ms; // monotonic: rows until then were made
    pusher_t *pushers[RIG_HOSTS];
    char program[256], data[256], store[300], seen[256];
    uint64_t passed[CRASH_POINT_COUNT];
};

rig_t *
rig_new(const struct rig_options *opt)
{
    const char *build = getenv("BUILD_DIR");
    rig_t *self = xcalloc(1, sizeof *self);
    uint64_t seed = opt->seed;

    assert_true(opt->hosts >= 1 && opt->hosts <= RIG_HOSTS);
    self->opt = *opt;
    assert_int_equal(stage_setup(&self->state), 0);
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
    for (unsigned i = 0; i < opt->hosts; i++) {
        char name[32];

        snprintf(name, sizeof name, "p-%u", i);
        self->pushers[i] = pusher_new(
            &(struct pusher_options){ .host = 1 + seeded_next(&seed) / 2,
                                      .name = name,
                                      .samples = { .t0_ms = clock_real_ms() - PAST_MS,
                                                   .seed = seeded_next(&seed),
                                                   .old = opt->old } });
    }
    return self;
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

pusher_t *
rig_pusher(rig_t *self, unsigned i)
{
    assert_true(i < self->opt.hosts);
    return self->pushers[i];
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
        if (!pusher_is_done(self->pushers[i]))
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

void
rig_check(rig_t *self, int64_t since_ms)
{
    host_samples_t *all = exported_run(self->stage, PUSHER_METRIC, 0);

    claim(self->stage, all != NULL);
    for (unsigned i = 0; i < self->opt.hosts; i++) {
        struct numbered_verdict v;
        struct sample *held;
        char name[32];
        size_t n = 0;

        snprintf(name, sizeof name, "p-%u", i);
        held = host_samples_get(all, name, &n);
        pusher_check(self->pushers[i], held, n, since_ms, &v);
        if (v.missing > 0 || v.doubled > 0 || v.foreign > 0) {
            stage_show(self->stage);
            fail_msg("%s: of %" PRIu64 " acknowledged samples %zu are missing, %zu doubled, %zu "
                     "are nobody's; the first is of row %" PRIu64 ", slot %" PRIu64,
                     name, pusher_acked(self->pushers[i]), v.missing, v.doubled, v.foreign,
                     v.first / NUMBERED_WIDTH, v.first % NUMBERED_WIDTH);
        }
    }
    host_samples_destroy(&all);
}

// The file that one is beside, or the same name.
static bool
s_has_file(const rig_t *self, const char *name)
{
    const size_t len = strlen(name);
    const bool beside = len > 4 && (strcmp(name + len - 4, "-wal") == 0 ||
                                    strcmp(name + len - 4, "-shm") == 0);
    char path[600];

    snprintf(path, sizeof path, "%s/%.*s", self->store, (int) (beside ? len - 4 : len), name);
    return access(path, F_OK) == 0;
}

unsigned
rig_check_folder(rig_t *self, bool clean)
{
    DIR *folder = opendir(self->store);
    const struct dirent *entry;
    unsigned aside = 0;
    regex_t known;

    if (folder == NULL) // nothing was stored yet
        return 0;
    assert_int_equal(regcomp(&known, KNOWN, REG_EXTENDED), 0);
    while ((entry = readdir(folder)) != NULL) {
        regmatch_t part[4];

        if (entry->d_name[0] == '.')
            continue;
        if (regexec(&known, entry->d_name, 4, part, 0) != 0)
            fail_msg("store/%s is no name of the store's", entry->d_name);
        if (!s_has_file(self, entry->d_name))
            fail_msg("store/%s is beside no file", entry->d_name);
        if (clean && part[2].rm_so == -1 && part[3].rm_so != -1)
            fail_msg("store/%s is left after a clean stop", entry->d_name);
        aside += part[2].rm_so != -1 && part[3].rm_so == -1;
    }
    regfree(&known);
    closedir(folder);
    return aside;
}

void
rig_finish(rig_t *self, int64_t since_ms)
{
    rig_start(self, NULL);
    claim(self->stage, rig_settle(self, SETTLE_MS));
    claim(self->stage, balance_is_even(self->stage, BALANCE_NO_LOSS, EVEN_MS));
    rig_check(self, since_ms);
    rig_kill(self, SIGTERM);
    (void) rig_check_folder(self, true);
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
