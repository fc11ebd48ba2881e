// agent - see the header.
//
// One turn of the loop: signals, what the collector says, a tick if one is due, what applications
// have sent, what can be sent, what the link has due. Nothing in a turn waits: files of /proc
// answer from memory, sends do not block, log lines are dropped. So a tick is a turn late at most.

#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/app_input.h"
#include "agent/app_series.h"
#include "agent/clock_steps.h"
#include "agent/enrol_run.h"
#include "agent/own_series.h"
#include "agent/proc/boot_id.h"
#include "agent/sampler.h"
#include "agent/series_table.h"
#include "agent/tick_clocks.h"
#include "agent/tick_stamp.h"
#include "agent/ticker.h"
#include "agent/uplink.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/xalloc.h"
#include "shared/net/client_keys.h"
#include "shared/net/key_watch.h"
#include "shared/net/selfstat.h"
#include "shared/net/service.h"
#include "shared/net/sock.h"

#define STEP_BACK_MS   7 // by which ticks move on after a step back of the wall clock
#define WATCHDOG_MS    5000
#define REFUSED_LOG_MS 60000

// libzmq looks a name up in the thread that serves the socket, for as long as the resolver tries:
// no application waits for that.
enum { IO_UPLINK = 1, IO_APPS, IO_THREADS = IO_APPS };

struct agent {
    const struct agent_config *config;
    int argc; // borrowed, for SIGHUP
    char **argv;
    int signal_fd; // below zero before service_start
    int lock_fd;   // of the data folder; held until the process ends
    struct identity id;
    series_table_t *table;
    sampler_t *sampler;
    own_series_t *own;
    app_series_t *app_series;
    app_input_t *app_input;
    ticker_t *ticker;
    tick_stamp_t *stamp;
    clock_steps_t *steps;
    struct client_keys keys; // but for --insecure
    struct key_watch key_watch;
    uplink_t *uplink;
    bool stopping;
    uint64_t said_refused; // series the log was told of
    int64_t refused_log_ms;
    int64_t watchdog_ms; // when the manager was last told; 0: it does not ask
};

// Places in the array that is polled.
enum item {
    ITEM_SIGNAL,
    ITEM_TICK,
    ITEM_UPLINK,
    ITEM_APPS = ITEM_UPLINK + UPLINK_ITEMS, // as many as there are
    ITEMS_MOST = ITEM_APPS + APP_INPUT_MOST
};

static void s_policy(int from, int to);
static int s_open_data(agent_t *self);
static int s_open_host(agent_t *self);
static int s_open_applications(agent_t *self);
static int s_open_uplink(agent_t *self);
static int s_fail(int code, const char *sentence, const char *about, int rc);
static void s_turn(agent_t *self, const zmq_pollitem_t items[ITEMS_MOST]);
static void s_apps(agent_t *self, int64_t now_ms);
static void s_signals(agent_t *self);
static void s_reload(agent_t *self);
static void s_tick(agent_t *self);
static void s_say_refused(agent_t *self);
static int64_t s_stamp(agent_t *self);
static void s_tell_steps(agent_t *self, const struct host_event *event);
static void s_watchdog(agent_t *self);

int
agent_start(agent_t **ret, const struct agent_config *config, int argc, char **argv)
{
    agent_t *self = xcalloc(1, sizeof *self);
    int code = 0;

    self->config = config;
    self->argc = argc;
    self->argv = argv;
    self->lock_fd = -1;
    self->watchdog_ms = getenv("WATCHDOG_USEC") != NULL ? 1 : 0;
    s_policy(SCHED_OTHER, SCHED_BATCH);
    self->signal_fd = service_start(IO_THREADS);
    if (self->signal_fd < 0)
        code = s_fail(OPTION_EXIT_FAILED, "signals can not be read", "signalfd", self->signal_fd);
    if (code == 0)
        code = s_open_data(self);
    if (code == 0 && config->keys != NULL) // before they are read, or a change between is missed
        key_watch_init(&self->key_watch, config->keys, ENROL_AGENT_NAME, &self->keys,
                       clock_mono_ms());
    if (code == 0 && client_keys_start(&self->keys, config->keys, ENROL_AGENT_NAME) < 0)
        code = OPTION_EXIT_CONFIG;
    if (code == 0)
        code = s_open_host(self);
    if (code == 0)
        code = s_open_applications(self);
    if (code == 0)
        code = s_open_uplink(self);
    s_policy(SCHED_BATCH, SCHED_OTHER);
    if (code != 0) {
        agent_stop(&self);
        return code;
    }
    log_info("the agent is up", "host=%s collector=%s interval_ms=%lld", log_quote(self->id.name),
             log_quote(config->collector), (long long) config->interval_ms);
    service_notify("READY=1");
    *ret = self;
    return 0;
}

// Threads inherit it. Those of the start are woken by what main gives them, often on its processor,
// while it has more for them: as batch they run when it has none, and wake once for all of it. On a
// busy host they interrupt nobody, and main is on time. Another policy is the operator's.
static void
s_policy(int from, int to)
{
    struct sched_param param;
    int policy;

    if (pthread_getschedparam(pthread_self(), &policy, &param) == 0 && policy == from)
        (void) pthread_setschedparam(pthread_self(), to, &param);
}

static int
s_fail(int code, const char *sentence, const char *about, int rc)
{
    log_error(sentence, "about=%s error=%s", log_quote(about), log_quote(err_str(rc)));
    return code;
}

static int
s_open_data(agent_t *self)
{
    const char *data = self->config->data;
    // The lock first: two agents that start at once in a new folder must not make two ids.
    int rc = service_lock(&self->lock_fd, data);

    if (rc == ERR_LOCKED)
        return s_fail(OPTION_EXIT_TRY_AGAIN, "another agent uses the data folder", data, rc);
    if (rc < 0)
        return s_fail(OPTION_EXIT_UNAVAILABLE, "the data folder can not be used", data, rc);
    rc = service_id(&self->id.host, data, "host_id");
    if (rc == ERR_FORMAT)
        return s_fail(OPTION_EXIT_CONFIG, "host_id in the data folder is not 16 hex digits", data,
                      rc);
    if (rc < 0)
        return s_fail(OPTION_EXIT_UNAVAILABLE, "the data folder can not be used", data, rc);
    return 0;
}

static void
s_identify(agent_t *self)
{
    struct buf path = { 0 }, text = { 0 };
    ptrdiff_t n;

    // Of the sampled root, not of ours: in a container the two boot ids may differ.
    // The key's, if nothing else is asked for: another one would be refused.
    self->id.name = self->config->named || self->keys.name[0] == '\0' ? self->config->name
                                                                      : self->keys.name;
    self->id.name_len = strlen(self->id.name);
    self->id.version = zpulse_version;
    self->id.version_len = strlen(zpulse_version);
    self->id.interval_ms = (uint32_t) self->config->interval_ms;
    buf_printf(&path, "%s/proc/sys/kernel/random/boot_id", self->config->rootfs);
    n = file_read(&text, AT_FDCWD, buf_cstr(&path), 4096);
    if (n < 0 || boot_id_parse(self->id.boot_id, (const char *) text.at, (size_t) n) < 0)
        log_info("no boot id; a restart of the host can not be told from one of the agent",
                 "file=%s", log_quote(buf_cstr(&path)));
    buf_release(&text);
    buf_release(&path);
}

static int
s_open_host(agent_t *self)
{
    int rc;

    s_identify(self);
    own_series_init();
    rc = sampler_open(&self->sampler, self->config->rootfs, self->config->interval_ms,
                      &self->config->families);
    if (rc < 0)
        return s_fail(OPTION_EXIT_UNAVAILABLE, "the root folder has no proc", self->config->rootfs,
                      rc);
    self->table = series_table_new();
    self->own = own_series_new();
    self->stamp = tick_stamp_new();
    self->steps = clock_steps_new();
    rc = ticker_open(&self->ticker, self->config->interval_ms, self->id.host);
    return rc < 0 ? s_fail(OPTION_EXIT_FAILED, "ticks can not be timed", "timerfd", rc) : 0;
}

static int
s_open_applications(agent_t *self)
{
    struct app_input_options opt = {
        .sub = self->config->app_sub,
        .pull = self->config->app_pull,
        .table = self->table,
        .io_thread = IO_APPS,
    };
    const char *culprit = "";
    int rc;

    self->app_series = app_series_new(self->table, self->config->interval_ms);
    opt.series = self->app_series;
    rc = app_input_open(&self->app_input, &opt, &culprit);
    return rc < 0 ? s_fail(OPTION_EXIT_UNAVAILABLE, "an endpoint for applications can not be had",
                           culprit, rc)
                  : 0;
}

static int
s_open_uplink(agent_t *self)
{
    const struct uplink_options opt = {
        .collector = self->config->collector,
        .control = self->config->control,
        .curve = self->config->keys != NULL ? &self->keys.curve : NULL,
        .io_thread = IO_UPLINK,
        .outbox = { .id = self->id,
                    .table = self->table,
                    .data = self->config->data,
                    .spool_bytes = self->config->spool_bytes,
                    .spool_age_ms = self->config->spool_age_ms,
                    .spool_sync_ms = self->config->spool_sync_ms,
                    .backlog_rate = self->config->backlog_rate,
                    .key_phase = -1, // so that a fleet's KEYs do not fall together
                    .memory = self->config->memory },
    };
    const int rc = uplink_open(&self->uplink, &opt);

    // A spool that is not ours to read: a start later finds it no other.
    if (rc == ERR_VERSION || rc == ERR_UNKNOWN)
        return s_fail(OPTION_EXIT_CONFIG, "what is sampled can not be kept", self->config->data,
                      rc);
    if (rc < 0)
        return s_fail(OPTION_EXIT_UNAVAILABLE, "what is sampled can not be delivered",
                      self->config->collector, rc);
    if (self->config->more_collectors)
        log_warn("only the first collector is used", "collector=%s",
                 log_quote(self->config->collector));
    return 0;
}

bool
agent_stop(agent_t **self_p)
{
    agent_t *self = *self_p;
    bool spooled, clean;

    if (self == NULL)
        return true;
    service_notify("STOPPING=1");
    spooled = uplink_close(&self->uplink); // while everything it borrows is still there
    app_input_close(&self->app_input);
    app_series_destroy(&self->app_series);
    ticker_close(&self->ticker);
    tick_stamp_destroy(&self->stamp);
    clock_steps_destroy(&self->steps);
    own_series_destroy(&self->own);
    clean = sampler_close(&self->sampler) && spooled;
    series_table_destroy(&self->table);
    if (self->signal_fd >= 0)
        clean = service_end(self->signal_fd) && clean;
    client_keys_wipe(&self->keys);
    // Who is left behind with the spool may yet write to it: nobody else has the folder before the
    // kernel has let go of that thread.
    if (self->lock_fd >= 0 && spooled)
        close(self->lock_fd);
    free(self);
    *self_p = NULL;
    return clean;
}

// Until something is due that no item tells; -1: a tick comes first. And the applications' items.
static long
s_wait_ms(agent_t *self, zmq_pollitem_t items[ITEMS_MOST])
{
    const int64_t apps_ms = app_input_poll(self->app_input, items + ITEM_APPS, clock_mono_ms());
    // Rounded up, or the last millisecond would be a busy one.
    const int64_t uplink_ms = (uplink_wait_us(self->uplink) + 999) / 1000;
    const int64_t wait_ms = apps_ms >= 0 && apps_ms < uplink_ms ? apps_ms : uplink_ms;

    return wait_ms < self->config->interval_ms ? (long) wait_ms : -1;
}

int
agent_run(agent_t *self)
{
    while (!self->stopping) {
        zmq_pollitem_t items[ITEMS_MOST] = {
            [ITEM_SIGNAL] = { .fd = self->signal_fd, .events = ZMQ_POLLIN },
            [ITEM_TICK] = { .fd = ticker_fd(self->ticker), .events = ZMQ_POLLIN },
        };
        const int n = ITEM_APPS + (int) app_input_items(self->app_input);

        uplink_poll(self->uplink, items + ITEM_UPLINK);
        if (sock_poll(items, n, s_wait_ms(self, items)) >= 0) {
            s_turn(self, items);
        } else if (errno != EINTR) {
            log_error("poll failed", "error=%s", log_quote(err_str(-errno)));
            return OPTION_EXIT_FAILED;
        }
    }
    s_apps(self, clock_real_ms()); // what would have gone with the next tick
    s_tell_steps(self, clock_steps_rest(self->steps));
    log_info("the agent ends", NULL);
    return OPTION_EXIT_OK;
}

static void
s_turn(agent_t *self, const zmq_pollitem_t items[ITEMS_MOST])
{
    if (items[ITEM_SIGNAL].revents != 0)
        s_signals(self);
    uplink_receive(self->uplink, items + ITEM_UPLINK);
    if (items[ITEM_TICK].revents != 0)
        s_tick(self);
    app_input_receive(self->app_input, items + ITEM_APPS);
    if (app_series_is_urgent(self->app_series))
        s_apps(self, clock_real_ms());
    if (key_watch_turn(&self->key_watch, clock_mono_ms())) {
        uplink_renew(self->uplink);
        key_watch_say(&self->key_watch);
    }
    uplink_send(self->uplink);
    s_watchdog(self);
}

// Who has just started an application looks for it now, and not in a second.
static void
s_apps(agent_t *self, int64_t now_ms)
{
    size_t n_blocks;
    const struct app_block *blocks = app_series_take(self->app_series, &n_blocks, now_ms);

    uplink_apps(self->uplink, now_ms, blocks, n_blocks);
}

static void
s_signals(agent_t *self)
{
    for (enum service_event event;
         (event = service_next(self->signal_fd)) != SERVICE_NONE && !self->stopping;) {
        if (event == SERVICE_STOP)
            self->stopping = true;
        else if (event == SERVICE_RELOAD)
            s_reload(self);
    }
}

// The log level, and which families are sampled how often and of what: the series table stays, so
// no sample is lost and no series doubled. Another interval, name or collector would be another
// identity in the middle of a stream; a start makes that.
static void
s_reload(agent_t *self)
{
    struct agent_config config;
    int exit_code;

    if (agent_config_load(&config, &exit_code, self->argc, self->argv) != 0) {
        log_error("settings are not readable; the old ones stay", NULL);
        return;
    }
    log_set_level(config.log_level);
    key_watch_hurry(&self->key_watch);
    sampler_set_wishes(self->sampler, &config.families);
    log_info("settings read again", NULL);
    if (agent_config_wants_start(&config, self->config))
        log_warn("settings other than log-level, families and filters apply at the next start",
                 NULL);
    agent_config_release(&config);
}

static void
s_tick(agent_t *self)
{
    const uint64_t ticks = ticker_read(self->ticker);
    const int64_t start_ns = clock_mono_ns();
    const struct app_block *blocks;
    size_t n_blocks;
    int64_t stamp;

    if (ticks == 0)
        return;
    stamp = s_stamp(self);
    selfstat_add(AGENT_TICKS, 1);
    uplink_missed(self->uplink, MISSED_HUNG, ticks - 1);
    app_series_hung(self->app_series, (int64_t) (ticks - 1) * self->config->interval_ms);
    // The stamp is taken before the files are read, so it is never later than what it stamps.
    series_table_begin(self->table);
    sampler_sample(self->sampler, self->table);
    own_series_sample(self->own, self->table);
    app_series_sample(self->app_series);
    app_input_sample(self->app_input);
    series_table_end(self->table);
    app_series_tick(self->app_series, stamp, start_ns / 1000000);
    blocks = app_series_take(self->app_series, &n_blocks, stamp);
    uplink_row(self->uplink, stamp, blocks, n_blocks);
    uplink_count(self->uplink);
    selfstat_set(AGENT_SERIES, (int64_t) series_table_count(self->table));
    s_say_refused(self);
    selfstat_set(AGENT_TICK_US, (clock_mono_ns() - start_ns) / 1000);
}

// Of a host with more than the table holds, what came last is not told.
static void
s_say_refused(agent_t *self)
{
    const uint64_t refused = series_table_refused(self->table);

    selfstat_set(AGENT_SERIES_REFUSED, (int64_t) refused);
    if (refused == self->said_refused || !log_allow(&self->refused_log_ms, REFUSED_LOG_MS))
        return;
    log_warn("series are refused: too many, or with a bad label; filters leave out what is not "
             "wanted",
             "refused=%" PRIu64 " most=%u", refused - self->said_refused, SERIES_TABLE_MAX);
    self->said_refused = refused;
}

static int64_t
s_stamp(agent_t *self)
{
    const struct tick_clocks now = tick_clocks_read();
    struct tick_jump jump;
    const int64_t stamp = tick_stamp_next(self->stamp, now, &jump);
    const int64_t step_ms = jump.step_ms;

    // The timer stood still with the host: these ticks are not among those that it counts.
    if (jump.slept_ms > 0) {
        const uint64_t ticks = (uint64_t) (jump.slept_ms / self->config->interval_ms);

        uplink_missed(self->uplink, MISSED_SUSPENDED, ticks);
        log_info("the host has slept", "ms=%lld ticks=%llu", (long long) jump.slept_ms,
                 (unsigned long long) ticks);
    }
    if (step_ms != 0) {
        selfstat_add(AGENT_CLOCK_STEPS, 1);
        clock_steps_add(self->steps, step_ms, now.real_ms);
        log_warn("the wall clock has jumped", "by_ms=%lld", (long long) step_ms);
    }
    // What was taken in by the old clock would wait in memory until the new one is there again.
    if (step_ms < 0)
        s_apps(self, stamp - step_ms);
    // So that the ticks to come fall between those that had the same times before.
    if (step_ms < 0 && ticker_shift(self->ticker, STEP_BACK_MS) < 0)
        log_warn("ticks can not be moved after the clock's step back", NULL);
    s_tell_steps(self, clock_steps_due(self->steps, now.mono_ms));
    return stamp;
}

static void
s_tell_steps(agent_t *self, const struct host_event *event)
{
    if (event != NULL)
        uplink_event(self->uplink, event);
}

// Told from the loop itself: an agent that hangs in a turn is one the manager should restart.
static void
s_watchdog(agent_t *self)
{
    int64_t now_ms;

    if (self->watchdog_ms == 0)
        return;
    now_ms = clock_mono_ms();
    if (now_ms - self->watchdog_ms < WATCHDOG_MS)
        return;
    self->watchdog_ms = now_ms;
    service_notify("WATCHDOG=1");
}
