// fleet - see the header.
//
// The application's side of the ipc:// endpoint is a PUSH socket of the member, made when its agent
// says that it is up and closed before it is killed: so nothing that was given to one agent waits
// in a pipe for the next one.

#include "tests/support/fleet_inner.h"

#include <czmq.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "shared/base/buf.h"
#include "shared/base/clock.h"
#include "shared/base/xalloc.h"
#include "shared/net/sock.h"
#include "tests/support/program_shim.h"
#include "tests/support/seeded.h"
#include "tests/support/spool_view.h"
#include "tests/support/stage_keys.h"

#define TURN_MS      5
#define UP_TEXT      "the agent is up"
#define FORK_TEXT    "records of a stream that this agent never made"
#define END_MS       5000
#define IN_SOCKET_MS 100 // half a tick
#define TIME_CLASSES 16  // times of one clock offset are equal modulo this
#define HWM          512

static void s_give(fleet_t *self, struct member *m);
static void s_look(fleet_t *self, struct member *m);
static void s_forget_agent(fleet_t *self, struct member *m);

fleet_t *
fleet_new(stage_t *stage, const struct fleet_options *opt)
{
    fleet_t *self = xcalloc(1, sizeof *self);
    const char *root = opt->data_root != NULL ? opt->data_root : stage_dir(stage);
    struct buf text = { 0 };
    char keys[300];

    assert_true(opt->members <= FLEET_MOST);
    self->stage = stage;
    self->opt = *opt;
    self->seed = opt->seed;
    self->feeds = true;
    for (unsigned i = 0; i < opt->members; i++) {
        struct member *m = &self->members[i];

        snprintf(m->name, sizeof m->name, "%s", fleet_name(i));
        // The collector, which starts later, is to know it.
        stage_keys_agent(keys, sizeof keys, stage_dir(stage), m->name);
        m->tally = tally_new(m->name);
        buf_clear(&text);
        buf_printf(&text, "%s/agent-%s", root, m->name);
        m->data = xstrdup(buf_cstr(&text));
        buf_clear(&text);
        buf_printf(&text, "ipc://%s/%s.sock", stage_dir(stage), m->name);
        m->endpoint = xstrdup(buf_cstr(&text));
        // Values tell whose they are: one that strays is changed, not doubled.
        m->n = (uint64_t) (i + 1) * 1000000000;
    }
    buf_release(&text);
    return self;
}

void
fleet_destroy(fleet_t **self_p)
{
    fleet_t *self = *self_p;

    if (self == NULL)
        return;
    for (unsigned i = 0; i < self->opt.members; i++) {
        struct member *m = &self->members[i];

        if (m->state == MEMBER_STALLED)
            process_signal(m->agent, SIGCONT);
        zsock_destroy(&m->push);
        tally_destroy(&m->tally);
        free(m->data);
        free(m->endpoint);
    }
    free(self);
    *self_p = NULL;
}

void
fleet_turn(fleet_t *self)
{
    for (unsigned i = 0; i < self->opt.members; i++) {
        struct member *m = &self->members[i];

        if (m->state == MEMBER_STARTING)
            s_look(self, m);
        if (m->state == MEMBER_UP && self->feeds)
            s_give(self, m);
    }
}

static void
s_look(fleet_t *self, struct member *m)
{
    static const struct sock_spec spec = {
        .type = ZMQ_PUSH,
        .send_hwm = HWM,
        .recv_hwm = HWM,
        .max_bytes = 65536,
        .linger_ms = 0,
        .immediate = true,
    };

    (void) self;
    if (strstr(process_err(m->agent), UP_TEXT) == NULL)
        return;
    assert_int_equal(sock_new(&m->push, &spec, NULL), 0);
    assert_int_equal(sock_connect(m->push, m->endpoint), 0);
    m->state = MEMBER_UP;
    m->due_ms = m->up_ms = clock_mono_ms();
}

// A time no other value of the member has, whatever its clock did: later than the last one, and of
// a class modulo TIME_CLASSES that is this offset's own.
static int64_t
s_time(struct member *m)
{
    int64_t at = clock_real_ms() + m->offset_ms;

    at = at > m->last_ms ? at : m->last_ms + 1;
    at += (TIME_CLASSES + (int64_t) m->time_class - at % TIME_CLASSES) % TIME_CLASSES;
    return at;
}

// At the time of its arrival; if there is no room it is not missed.
static void
s_give_fat(fleet_t *self, struct member *m, unsigned application)
{
    struct buf text = { 0 };

    buf_printf(&text, "{\"color\":\"fat-%u\"", application);
    for (unsigned i = 0; i < FLEET_FAT; i++)
        buf_printf(&text, ",\"f%u\":%.17g", i, (double) (int64_t) seeded_next(&self->seed) * 1e-10);
    buf_printf(&text, "}");
    (void) sock_send(m->push, buf_cstr(&text), text.len, false);
    buf_release(&text);
}

static void
s_give(fleet_t *self, struct member *m)
{
    const int64_t now_ms = clock_mono_ms();
    char text[160], when[32];
    struct tm parts;
    time_t seconds;
    int64_t at;
    int n;

    if (now_ms < m->due_ms)
        return;
    at = s_time(m);
    seconds = (time_t) (at / 1000);
    gmtime_r(&seconds, &parts);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
    n = snprintf(text, sizeof text, "{\"timestamp\":\"%s.%03dZ\",\"n\":%" PRIu64 "}", when,
                 (int) (at % 1000), m->n);
    // Nobody is connected yet, or it does not read: then the value is not given at all.
    if (sock_send(m->push, text, (size_t) n, false) < 0)
        return;
    tally_give(m->tally, at, (double) m->n, now_ms);
    for (unsigned i = 0; i < self->opt.fat; i++)
        s_give_fat(self, m, i);
    m->n++;
    m->last_ms = at;
    self->stat.given++;
    // Between half and three halves of its interval; after a pause there is no rush.
    m->due_ms = now_ms + 500 / self->opt.per_s + seeded_below(&self->seed, 1000 / self->opt.per_s);
}

void
fleet_run(fleet_t *self, int ms)
{
    const int64_t until_ms = clock_mono_ms() + ms;

    while (clock_mono_ms() < until_ms) {
        fleet_turn(self);
        poll(NULL, 0, TURN_MS);
    }
}

bool
fleet_wait_up(fleet_t *self, int timeout_ms)
{
    const int64_t until_ms = clock_mono_ms() + stage_ms(timeout_ms);
    bool waits = true;

    while (waits) {
        waits = false;
        fleet_turn(self);
        for (unsigned i = 0; i < self->opt.members; i++) {
            struct member *m = &self->members[i];

            if (m->state == MEMBER_STARTING && process_ended(m->agent, 0))
                return false;
            waits = waits || m->state == MEMBER_STARTING;
        }
        if (waits && clock_mono_ms() >= until_ms)
            return false;
        poll(NULL, 0, TURN_MS);
    }
    return true;
}

unsigned
fleet_members(const fleet_t *self)
{
    return self->opt.members;
}

const char *
fleet_name(unsigned i)
{
    static char name[16];

    snprintf(name, sizeof name, "h-%02u", i);
    return name;
}

enum member_state
fleet_state(const fleet_t *self, unsigned i)
{
    return self->members[i].state;
}

tally_t *
fleet_tally(fleet_t *self, unsigned i)
{
    return self->members[i].tally;
}

const char *
fleet_data(const fleet_t *self, unsigned i)
{
    return self->members[i].data;
}

process_t *
fleet_process(fleet_t *self, unsigned i)
{
    return self->members[i].agent;
}

void
fleet_start(fleet_t *self, unsigned i)
{
    struct member *m = &self->members[i];
    const char *const *w = self->opt.words;
    char collector[64], app[256], keys[300];

    assert_int_equal(m->state, MEMBER_DOWN);
    snprintf(collector, sizeof collector, "tcp://127.0.0.1:%u", self->opt.port);
    snprintf(app, sizeof app, "@%s", m->endpoint);
    stage_keys_agent(keys, sizeof keys, stage_dir(self->stage), m->name);
    if (self->opt.preload != NULL) {
        program_shim_clock(stage_dir(self->stage), m->name, m->offset_ms); // also where it is new
        program_shim_preload(self->opt.preload, stage_dir(self->stage), m->name);
    }
    // Words end at the first NULL, also in the middle.
    m->agent = stage_run(self->stage, "zpulse-agent", "--data", m->data, "--name", m->name,
                         "--collector", collector, "--app-pull", app, "--app-sub", "", "--statsd",
                         "", "--family", "all=off", "--interval", "200ms", keys, w[0], w[1], w[2],
                         w[3], w[4], w[5], w[6], w[7], NULL);
    program_shim_preload(NULL, NULL, NULL);
    m->state = MEMBER_STARTING;
}

void
fleet_start_all(fleet_t *self)
{
    for (unsigned i = 0; i < self->opt.members; i++)
        if (self->members[i].state == MEMBER_DOWN)
            fleet_start(self, i);
}

// Of what was given before `at_ms`, what this agent may not have taken yet is younger.
static int64_t
s_since(const struct member *m, int64_t at_ms)
{
    const int64_t since_ms = at_ms - stage_ms(FLEET_GRACE_MS);

    return since_ms > m->up_ms ? since_ms : m->up_ms;
}

// What went with it is excused: what was given to it behind all that is in its spool. What it was
// given is taken in order, so nothing before that is.
static void
s_excuse(fleet_t *self, struct member *m)
{
    const int64_t at_ms = m->state == MEMBER_STALLED ? m->stalled_ms : clock_mono_ms();
    struct sample *kept;
    char path[512];
    size_t n;

    if (m->state == MEMBER_STARTING)
        return; // nothing was given to it
    snprintf(path, sizeof path, "%s/spool", m->data);
    n = spool_view(&kept, path, FLEET_METRIC);
    self->stat.excused += tally_excuse_behind(m->tally, kept, n, s_since(m, at_ms));
    free(kept);
}

// What may have gone with it is excused; its socket and process are given up.
static void
s_forget_agent(fleet_t *self, struct member *m)
{
    s_excuse(self, m);
    for (const char *at = process_err(m->agent); (at = strstr(at, FORK_TEXT)) != NULL; at++) {
        m->forks++;
        self->stat.forks++;
    }
    zsock_destroy(&m->push);
    m->state = MEMBER_DOWN;
}

static void
s_raise(int64_t *most, int64_t value)
{
    *most = value > *most ? value : *most;
}

void
fleet_kill(fleet_t *self, unsigned i)
{
    struct member *m = &self->members[i];

    assert_int_not_equal(m->state, MEMBER_DOWN);
    s_raise(&self->stat.agent_peak_kib, process_peak_kib(m->agent));
    self->stat.kills++;
    process_signal(m->agent, SIGKILL);
    claim(self->stage, process_ended(m->agent, stage_ms(END_MS)));
    s_forget_agent(self, m);
    stage_drop(self->stage, &m->agent);
}

bool
fleet_end(fleet_t *self, unsigned i)
{
    struct member *m = &self->members[i];
    bool ok;

    assert_int_not_equal(m->state, MEMBER_DOWN);
    s_raise(&self->stat.agent_peak_kib, process_peak_kib(m->agent));
    if (m->state == MEMBER_STALLED)
        process_signal(m->agent, SIGCONT);
    process_signal(m->agent, SIGTERM);
    ok = process_ended(m->agent, stage_ms(END_MS)) && process_code(m->agent) == 0;
    s_forget_agent(self, m);
    stage_drop(self->stage, &m->agent);
    return ok;
}

void
fleet_stall(fleet_t *self, unsigned i)
{
    struct member *m = &self->members[i];

    if (m->state != MEMBER_UP)
        return;
    process_signal(m->agent, SIGSTOP);
    m->stalled_ms = clock_mono_ms();
    m->state = MEMBER_STALLED;
    self->stat.stalls++;
}

void
fleet_resume(fleet_t *self, unsigned i)
{
    struct member *m = &self->members[i];

    if (m->state != MEMBER_STALLED)
        return;
    process_signal(m->agent, SIGCONT);
    // What was given just before the stall has been taken no earlier than now.
    tally_touch(m->tally, s_since(m, m->stalled_ms), clock_mono_ms());
    m->state = MEMBER_UP;
}

void
fleet_set_clock(fleet_t *self, unsigned i, int64_t offset_ms)
{
    struct member *m = &self->members[i];

    // What is still in the socket is of the future then; more than 10 min of it is refused.
    if (offset_ms < m->offset_ms)
        self->stat.excused += tally_excuse(m->tally, clock_mono_ms() - stage_ms(IN_SOCKET_MS));
    m->offset_ms = offset_ms;
    m->last_ms = 0;
    m->time_class = (m->time_class + 1) % TIME_CLASSES;
    program_shim_clock(stage_dir(self->stage), m->name, offset_ms);
}

void
fleet_set_fat(fleet_t *self, unsigned fat)
{
    self->opt.fat = fat;
}

void
fleet_feed(fleet_t *self, bool on)
{
    self->feeds = on;
}

unsigned
fleet_take_forks(fleet_t *self, unsigned i)
{
    const unsigned forks = self->members[i].forks;

    self->members[i].forks = 0;
    return forks;
}

struct fleet_stat
fleet_stat(const fleet_t *self)
{
    struct fleet_stat stat = self->stat;

    for (unsigned i = 0; i < self->opt.members; i++) {
        process_t *agent = self->members[i].agent;

        if (agent != NULL)
            s_raise(&stat.agent_peak_kib, process_peak_kib(agent));
    }
    return stat;
}

void
fleet_note_collector(fleet_t *self, process_t *collector)
{
    const int64_t peak = process_peak_kib(collector);

    self->stat.collector_peak_kib = peak > self->stat.collector_peak_kib
                                        ? peak
                                        : self->stat.collector_peak_kib;
}
