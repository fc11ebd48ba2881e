// chaos - see the header.

#include "tests/support/chaos.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/random.h"
#include "tests/support/held.h"
#include "tests/support/program_shim.h"
#include "tests/support/seeded.h"

#define ASK_MS     5000
#define PAUSE_MS   200
#define CONFIRM_MS 200 // for what nobody has to answer
#define TURN_MS    5
#define READY      "msg=\"ready\"" // of a collector
#define UP_MS      20000
#define END_MS     5000
// The most that one may have had, VmHWM. An agent: 4 MiB of records in each of two places, and what
// the program is. Under a sanitizer nobody knows: it keeps what was freed for a while.
#define AGENT_KIB     24576
#define COLLECTOR_KIB 262144 // its --memory
#define EVEN_MS       20000  // agents tell their book each second
#define RESET_PERCENT 40
#define FREEZE_MS     30000
#define LONG_S        600 // a run of so many seconds has time

// How long each deed lasts, in ms; and its word.
static const struct {
    const char *word;
    int least_ms, most_ms;
} s_deeds[DEEDS] = {
    [DEED_KILL_AGENT] = { "agent killed", 0, 2000 },
    [DEED_END_AGENT] = { "agent ended", 0, 2000 },
    [DEED_STALL_AGENT] = { "agent stalled", 50, 6000 },
    [DEED_FREEZE_AGENT] = { "agent frozen", FREEZE_MS, FREEZE_MS + 1 },
    [DEED_KILL_COLLECTOR] = { "collector killed", 0, 3000 },
    [DEED_END_COLLECTOR] = { "collector ended", 0, 3000 },
    [DEED_STALL_COLLECTOR] = { "collector stalled", 50, 6000 },
    [DEED_FREEZE_COLLECTOR] = { "collector frozen", FREEZE_MS, FREEZE_MS + 1 },
    [DEED_CUT] = { "lane cut", 50, 5000 },
    [DEED_HOLD] = { "lane held", 50, 6000 },
    [DEED_SWALLOW] = { "lane swallowed", 50, 6000 },
    [DEED_RESET] = { "lane reset", 0, 1 },
};

static void s_begin(chaos_t *self, const struct chaos_plan *plan, enum chaos_deed deed);
static void s_undo_due(chaos_t *self, int64_t now_ms);
static void s_undo(chaos_t *self, struct chaos_undo *undo, unsigned which);

uint64_t
chaos_seed(void)
{
    const char *given = getenv("FAULT_SEED");
    const uint64_t seed = given != NULL ? strtoull(given, NULL, 0) : random_u64() >> 32;

    print_message("FAULT_SEED=%" PRIu64 "\n", seed);
    return seed;
}

void
chaos_start(chaos_t *self, stage_t *stage, const struct chaos_options *opt)
{
    memset(self, 0, sizeof *self);
    self->stage = stage;
    self->opt = *opt;
    self->seed = chaos_seed();
    self->opt.fleet.seed = seeded_next(&self->seed);
    self->opt.fleet.port = stage_spare_port(stage, CHAOS_DATA);
    for (unsigned i = 0; i < FLEET_MOST; i++)
        self->agents[i].deed = DEEDS;
    self->collectors.deed = DEEDS;
    self->proxy = tcp_proxy_new();
    for (unsigned i = 0; i < CHAOS_LANES; i++) {
        self->lanes[i].deed = DEEDS;
        tcp_proxy_add(self->proxy, stage_spare_port(stage, i), (uint16_t) (stage_port(stage) + i));
    }
    self->fleet = fleet_new(stage, &self->opt.fleet);
    chaos_start_collector(self);
    fleet_start_all(self->fleet);
    claim(stage, fleet_wait_up(self->fleet, UP_MS));
}

void
chaos_end(chaos_t *self)
{
    fleet_destroy(&self->fleet);
    tcp_proxy_destroy(&self->proxy);
}

void
chaos_start_collector(chaos_t *self)
{
    const char *const *w = self->opt.collector_words;

    if (self->opt.collector_preload != NULL)
        program_shim_preload(self->opt.collector_preload, stage_dir(self->stage), "collector");
    self->collector = stage_collector(self->stage, "--memory", "256MiB", w[0], w[1], w[2], w[3],
                                      w[4], w[5], w[6], w[7], NULL);
    program_shim_preload(NULL, NULL, NULL);
}

void
chaos_kill_collector(chaos_t *self, int sig)
{
    if (self->collector == NULL)
        return;
    fleet_note_collector(self->fleet, self->collector);
    claim(self->stage, !process_ended(self->collector, 0));
    process_signal(self->collector, sig);
    claim(self->stage, process_ended(self->collector, stage_ms(END_MS)));
    claim(self->stage, sig == SIGKILL || process_code(self->collector) == 0);
    stage_drop(self->stage, &self->collector);
}

static enum chaos_deed
s_choose(chaos_t *self, const struct chaos_plan *plan)
{
    unsigned sum = 0, at;

    for (unsigned i = 0; i < DEEDS; i++)
        sum += plan->weights[i];
    at = seeded_below(&self->seed, sum);
    for (unsigned i = 0; i < DEEDS; i++) {
        if (at < plan->weights[i])
            return (enum chaos_deed) i;
        at -= plan->weights[i];
    }
    return DEEDS;
}

void
chaos_run(chaos_t *self, const struct chaos_plan *plan, int ms)
{
    const int64_t until_ms = clock_mono_ms() + ms;
    int64_t next_ms = clock_mono_ms();

    for (int64_t now_ms; (now_ms = clock_mono_ms()) < until_ms;) {
        fleet_turn(self->fleet);
        s_undo_due(self, now_ms);
        if (now_ms >= next_ms) {
            s_begin(self, plan, s_choose(self, plan));
            next_ms = now_ms + seeded_below(&self->seed, (uint32_t) (2 * plan->every_ms));
        }
        poll(NULL, 0, TURN_MS);
    }
}

static void
s_set_lane(chaos_t *self, unsigned lane, enum chaos_deed deed)
{
    static const enum proxy_mode modes[DEEDS] = {
        [DEED_CUT] = PROXY_CUT, [DEED_HOLD] = PROXY_HOLD, [DEED_SWALLOW] = PROXY_SWALLOW
    };

    if (deed == DEED_RESET)
        tcp_proxy_reset(self->proxy, lane, RESET_PERCENT, &self->seed);
    else
        tcp_proxy_set(self->proxy, lane, modes[deed]);
}

static struct chaos_undo *
s_target(chaos_t *self, enum chaos_deed deed, unsigned *which_ret)
{
    if (deed <= DEED_FREEZE_AGENT) {
        *which_ret = seeded_below(&self->seed, fleet_members(self->fleet));
        return &self->agents[*which_ret];
    }
    *which_ret = seeded_below(&self->seed, CHAOS_LANES);
    return deed <= DEED_FREEZE_COLLECTOR ? &self->collectors : &self->lanes[*which_ret];
}

// An agent has gone; a collector that is well may know of more than its spool.
static void
s_confirm(chaos_t *self, unsigned which)
{
    if (self->collectors.deed == DEEDS && self->collector != NULL)
        fleet_confirm(self->fleet, stage_endpoint(self->stage), which, stage_ms(CONFIRM_MS));
}

// Nothing where the one it would be done to has still to recover from another deed.
static void
s_begin(chaos_t *self, const struct chaos_plan *plan, enum chaos_deed deed)
{
    const int least_ms = plan->most_ms[deed] > 0 ? plan->least_ms[deed] : s_deeds[deed].least_ms;
    const int most_ms = plan->most_ms[deed] > 0 ? plan->most_ms[deed] : s_deeds[deed].most_ms;
    const int64_t lasts_ms = least_ms +
                             (int64_t) seeded_below(&self->seed, (uint32_t) (most_ms - least_ms));
    unsigned which;
    struct chaos_undo *undo = s_target(self, deed, &which);

    if (undo->deed != DEEDS)
        return;
    if (deed <= DEED_FREEZE_AGENT && fleet_state(self->fleet, which) == MEMBER_DOWN)
        return;
    // Who is starting can be killed at any moment; to be ended is for one who listens.
    if (deed == DEED_KILL_AGENT)
        fleet_kill(self->fleet, which);
    else if (deed == DEED_END_AGENT && fleet_state(self->fleet, which) == MEMBER_UP)
        claim(self->stage, fleet_end(self->fleet, which));
    else if ((deed == DEED_STALL_AGENT || deed == DEED_FREEZE_AGENT) &&
             fleet_state(self->fleet, which) == MEMBER_UP)
        fleet_stall(self->fleet, which);
    else if (deed == DEED_KILL_COLLECTOR ||
             (deed == DEED_END_COLLECTOR && strstr(process_err(self->collector), READY) != NULL))
        chaos_kill_collector(self, deed == DEED_KILL_COLLECTOR ? SIGKILL : SIGTERM);
    else if (deed == DEED_STALL_COLLECTOR || deed == DEED_FREEZE_COLLECTOR)
        process_signal(self->collector, SIGSTOP);
    else if (deed >= DEED_CUT)
        s_set_lane(self, which, deed);
    else
        return;
    if (deed == DEED_KILL_AGENT || deed == DEED_END_AGENT)
        s_confirm(self, which);
    self->done[deed]++;
    *undo = (struct chaos_undo){ .deed = deed, .due_ms = clock_mono_ms() + lasts_ms };
}

static void
s_undo_due(chaos_t *self, int64_t now_ms)
{
    for (unsigned i = 0; i < fleet_members(self->fleet); i++)
        if (self->agents[i].due_ms <= now_ms)
            s_undo(self, &self->agents[i], i);
    if (self->collectors.due_ms <= now_ms)
        s_undo(self, &self->collectors, 0);
    for (unsigned i = 0; i < CHAOS_LANES; i++)
        if (self->lanes[i].due_ms <= now_ms)
            s_undo(self, &self->lanes[i], i);
}

static void
s_undo(chaos_t *self, struct chaos_undo *undo, unsigned which)
{
    switch (undo->deed) {
    case DEED_KILL_AGENT:
    case DEED_END_AGENT:
        fleet_start(self->fleet, which);
        break;
    case DEED_STALL_AGENT:
    case DEED_FREEZE_AGENT:
        fleet_resume(self->fleet, which);
        break;
    case DEED_KILL_COLLECTOR:
    case DEED_END_COLLECTOR:
        chaos_start_collector(self);
        break;
    case DEED_STALL_COLLECTOR:
    case DEED_FREEZE_COLLECTOR:
        process_signal(self->collector, SIGCONT);
        break;
    case DEED_CUT:
    case DEED_HOLD:
    case DEED_SWALLOW:
        tcp_proxy_set(self->proxy, which, PROXY_PASS);
        break;
    case DEED_RESET:
    case DEEDS:
        break;
    }
    undo->deed = DEEDS;
}

// Streams from before are delivered, those too that have nothing which the harness gave. What is
// asked for is a tick old, and answered by the newest of each agent.
static bool
s_is_drained(stage_t *stage, void *arg)
{
    held_t *held = held_new(stage_endpoint(stage));
    const double sum = held_sum(held, "zpulse_agent_backlog_streams", stage_ms(ASK_MS));

    held_destroy(&held);
    fleet_run(((chaos_t *) arg)->fleet, PAUSE_MS);
    return sum == 0;
}

void
chaos_settle(chaos_t *self, int timeout_ms)
{
    struct fleet_stat stat;

    s_undo_due(self, INT64_MAX);
    claim(self->stage, fleet_wait_up(self->fleet, UP_MS));
    fleet_run(self->fleet, 500); // so that what is asked for has a live end
    fleet_feed(self->fleet, false);
    if (!fleet_check(self->fleet, stage_endpoint(self->stage), timeout_ms, true)) {
        stage_show(self->stage);
        chaos_say(self);
        // Once more, below all that the programs said.
        (void) fleet_check(self->fleet, stage_endpoint(self->stage), 0, false);
        // For a look at the programs as they are; any signal goes on.
        if (getenv("FAULT_HOLD") != NULL)
            pause();
        fail_msg("the collector does not hold what was given");
    }
    claim(self->stage, stage_until(self->stage, timeout_ms, s_is_drained, self));
    fleet_note_collector(self->fleet, self->collector);
    stat = fleet_stat(self->fleet);
    if (stage_ms(1) == 1) {
        claim(self->stage, stat.agent_peak_kib <= AGENT_KIB);
        claim(self->stage, stat.collector_peak_kib <= COLLECTOR_KIB);
    }
    claim(self->stage, balance_is_even(self->stage, self->opt.may, EVEN_MS));
    fleet_feed(self->fleet, true);
}

void
chaos_close(chaos_t *self)
{
    for (unsigned i = 0; i < fleet_members(self->fleet); i++)
        claim(self->stage, fleet_end(self->fleet, i));
    for (unsigned i = 0; i < fleet_members(self->fleet); i++)
        balance_note_forks(&self->compared, fleet_name(i), fleet_take_forks(self->fleet, i));
    claim(self->stage, balance_is_exported(self->stage, &self->compared));
}

void
chaos_say(chaos_t *self)
{
    const struct fleet_stat stat = fleet_stat(self->fleet);

    print_message("given %" PRIu64 ", excused %" PRIu64 "; peak of an agent %" PRId64
                  " KiB, of the collector %" PRId64 " KiB",
                  stat.given, stat.excused, stat.agent_peak_kib, stat.collector_peak_kib);
    if (stat.forks > 0)
        print_message(", forks %" PRIu64, stat.forks);
    for (unsigned i = 0; i < DEEDS; i++)
        if (self->done[i] > 0)
            print_message(", %s %u", s_deeds[i].word, self->done[i]);
    print_message("\n");
}

int
chaos_seconds(int usual)
{
    const char *given = getenv("FAULT_SECONDS");

    return given != NULL && atoi(given) > 0 ? atoi(given) : usual;
}

bool
chaos_is_long(void)
{
    return chaos_seconds(0) >= LONG_S;
}

void
chaos_finish(chaos_t *self, int timeout_ms)
{
    chaos_settle(self, timeout_ms);
    chaos_say(self);
    chaos_close(self);
    chaos_end(self);
}
