// agent - see the header.

#include "agent/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/control_link.h"
#include "agent/own_series.h"
#include "agent/proc/boot_id.h"
#include "agent/pusher.h"
#include "agent/sampler.h"
#include "agent/send_queue.h"
#include "agent/series_table.h"
#include "agent/stream_writer.h"
#include "agent/tick_stamp.h"
#include "agent/ticker.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/random.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/net/service.h"
#include "shared/net/sock.h"

#define CONTROL_BUDGET 16 // messages a turn
#define PUSH_BUDGET    64 // frames a turn
#define CONTROL_HWM    16
#define LINGER_MS      200 // for a BYE to leave
#define STOP_MS        200 // for records to leave
#define STEP_BACK_MS   7   // by which ticks move on after a step back of the wall clock
#define RECONNECT_MS   100 // and up to RECONNECT_SPREAD more, so that a fleet spreads
#define RECONNECT_MORE 400
#define WATCHDOG_US    INT64_C(5000000)

struct agent {
    const struct agent_config *config;
    int argc; // borrowed, for SIGHUP
    char **argv;
    int signal_fd; // -1 before service_start
    int lock_fd;   // of the data folder; held until the process ends
    struct identity id;
    uint64_t nonce;
    unsigned reconnect_ms;
    series_table_t *table;
    sampler_t *sampler;
    own_series_t *own;
    stream_writer_t *writer;
    send_queue_t *queue;
    ticker_t *ticker;
    tick_stamp_t *stamp;
    control_link_t *link;
    pusher_t *pusher;
    zsock_t *control; // DEALER
    bool key_due;     // the queue can not be read on without a KEY
    bool stopping;
    int64_t watchdog_us; // when the manager was last told; 0: it does not ask
};

// Places in the array that is polled.
enum item { ITEM_SIGNAL, ITEM_CONTROL, ITEM_TICK, ITEM_PUSH, ITEMS };

static int s_open_data(agent_t *self);
static int s_open_stream(agent_t *self);
static int s_open_sockets(agent_t *self);
static int s_fail(int code, const char *sentence, const char *about, int rc);
static struct control_now s_now(void);
static void s_poll_items(agent_t *self, zmq_pollitem_t items[ITEMS]);
static void s_turn(agent_t *self, const zmq_pollitem_t items[ITEMS]);
static void s_signals(agent_t *self);
static void s_reload(agent_t *self);
static void s_control(agent_t *self);
static void s_tick(agent_t *self);
static int64_t s_stamp(agent_t *self);
static void s_drain(agent_t *self);
static void s_put_table(agent_t *self);
static void s_watchdog(agent_t *self);
static void s_flush(agent_t *self);

int
agent_start(agent_t **ret, const struct agent_config *config, int argc, char **argv)
{
    agent_t *self = xcalloc(1, sizeof *self);
    int code = 0;

    self->config = config;
    self->argc = argc;
    self->argv = argv;
    self->lock_fd = -1;
    self->watchdog_us = getenv("WATCHDOG_USEC") != NULL ? 1 : 0;
    self->signal_fd = service_start(1);
    if (self->signal_fd < 0)
        code = s_fail(OPTION_EXIT_FAILED, "signals can not be read", "signalfd", self->signal_fd);
    if (code == 0)
        code = s_open_data(self);
    if (code == 0)
        code = s_open_stream(self);
    if (code == 0)
        code = s_open_sockets(self);
    if (code != 0) {
        agent_stop(&self);
        return code;
    }
    log_info("the agent is up", "host=%s collector=%s interval_ms=%lld", log_quote(config->name),
             log_quote(config->collector), (long long) config->interval_ms);
    service_notify("READY=1");
    *ret = self;
    return 0;
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

    self->id.name = self->config->name;
    self->id.name_len = strlen(self->id.name);
    self->id.version = zpulse_version;
    self->id.version_len = strlen(zpulse_version);
    self->id.interval_ms = (uint32_t) self->config->interval_ms;
    self->nonce = random_u64();
    buf_printf(&path, "%s/proc/sys/kernel/random/boot_id", self->config->rootfs);
    n = file_read(&text, AT_FDCWD, buf_cstr(&path), 4096);
    if (n < 0 || boot_id_parse(self->id.boot_id, (const char *) text.at, (size_t) n) < 0)
        log_info("no boot id; a restart of the host can not be told from one of the agent",
                 "file=%s", log_quote(buf_cstr(&path)));
    buf_release(&text);
    buf_release(&path);
}

// Every record into the queue; what the queue can't keep readable is a KEY's affair.
static void
s_keep(void *arg, const struct record *record, uint32_t slots)
{
    agent_t *self = arg;

    if (!send_queue_push(self->queue, record, slots))
        self->key_due = true;
    selfstat_add(AGENT_SAMPLES, record->count);
}

static int
s_open_stream(agent_t *self)
{
    struct stream_writer_options opt = { .stream = random_u64(), .now_ms = clock_real_ms() };
    int rc;

    s_identify(self);
    own_series_init();
    rc = sampler_open(&self->sampler, self->config->rootfs);
    if (rc < 0)
        return s_fail(OPTION_EXIT_UNAVAILABLE, "the root folder has no proc", self->config->rootfs,
                      rc);
    self->table = series_table_new();
    self->own = own_series_new();
    self->queue = send_queue_new(SEND_QUEUE_BYTES);
    opt.id = self->id;
    opt.phase = (unsigned) (random_u64() % STREAM_KEY_EVERY);
    self->writer = stream_writer_new(&opt, s_keep, self);
    self->stamp = tick_stamp_new();
    rc = ticker_open(&self->ticker, self->config->interval_ms, self->id.host);
    return rc < 0 ? s_fail(OPTION_EXIT_FAILED, "ticks can not be timed", "timerfd", rc) : 0;
}

static int
s_open_control(agent_t *self, zsock_t **ret)
{
    const struct sock_spec spec = {
        .type = ZMQ_DEALER,
        .send_hwm = CONTROL_HWM,
        .recv_hwm = CONTROL_HWM,
        .max_bytes = CONTROL_MAX,
        .linger_ms = LINGER_MS,
        .immediate = true, // a PING that waits for a connection would tell of a time long past
        .reconnect_ms = self->reconnect_ms,
    };
    int rc = sock_new(ret, &spec);

    return rc < 0 ? rc : sock_connect(*ret, self->config->control);
}

static bool
s_link_send(void *arg, const void *at, size_t n)
{
    agent_t *self = arg;

    return sock_send(self->control, at, n, false) == 0;
}

static struct control_book
s_link_book(void *arg)
{
    agent_t *self = arg;
    const struct send_queue_stat queue = send_queue_stat(self->queue);

    return (struct control_book){
        .stream = stream_writer_stream(self->writer),
        .base = queue.base,
        .next = queue.next,
        .dropped = queue.dropped_samples,
        .missed = (uint64_t) selfstat_value(AGENT_TICKS_MISSED),
    };
}

static void
s_link_welcomed(void *arg, uint64_t next)
{
    agent_t *self = arg;

    send_queue_resume(self->queue, next);
    s_put_table(self);
}

static void
s_link_key(void *arg)
{
    agent_t *self = arg;

    send_queue_again(self->queue);
    s_put_table(self);
    self->key_due = true;
}

// Both or none: where the new ones can't be had, the old ones may still come back.
static void
s_link_renew(void *arg)
{
    agent_t *self = arg;
    pusher_t *pusher = NULL;
    zsock_t *control = NULL;
    int rc = pusher_open(&pusher, self->config->collector, self->reconnect_ms);

    if (rc == 0)
        rc = s_open_control(self, &control);
    if (rc < 0) {
        log_error("sockets can not be made anew", "error=%s", log_quote(err_str(rc)));
        pusher_close(&pusher);
        zsock_destroy(&control);
        return;
    }
    pusher_close(&self->pusher);
    zsock_destroy(&self->control);
    self->pusher = pusher;
    self->control = control;
}

static int
s_open_sockets(agent_t *self)
{
    const struct control_link_handler handler = {
        .arg = self,
        .send = s_link_send,
        .book = s_link_book,
        .welcomed = s_link_welcomed,
        .key = s_link_key,
        .renew = s_link_renew,
    };
    int rc;

    self->reconnect_ms = RECONNECT_MS + (unsigned) (self->id.host % RECONNECT_MORE);
    rc = pusher_open(&self->pusher, self->config->collector, self->reconnect_ms);
    if (rc == 0)
        rc = s_open_control(self, &self->control);
    if (rc < 0)
        return s_fail(OPTION_EXIT_UNAVAILABLE, "the collector's address can not be used",
                      self->config->collector, rc);
    if (self->config->more_collectors)
        log_warn("only the first collector is used", "collector=%s",
                 log_quote(self->config->collector));
    self->link = control_link_new(&self->id, self->nonce, self->config->collector, &handler,
                                  s_now());
    return 0;
}

void
agent_stop(agent_t **self_p)
{
    agent_t *self = *self_p;

    if (self == NULL)
        return;
    if (self->link != NULL) {
        service_notify("STOPPING=1");
        s_flush(self);
        control_link_bye(self->link);
    }
    control_link_destroy(&self->link);
    pusher_close(&self->pusher);
    zsock_destroy(&self->control);
    ticker_close(&self->ticker);
    tick_stamp_destroy(&self->stamp);
    stream_writer_destroy(&self->writer);
    send_queue_destroy(&self->queue);
    own_series_destroy(&self->own);
    sampler_close(&self->sampler);
    series_table_destroy(&self->table);
    if (self->signal_fd >= 0)
        service_end(self->signal_fd);
    if (self->lock_fd >= 0)
        close(self->lock_fd);
    free(self);
    *self_p = NULL;
}

static struct control_now
s_now(void)
{
    return (struct control_now){ .mono_us = clock_mono_ns() / 1000, .real_ms = clock_real_ms() };
}

int
agent_run(agent_t *self)
{
    while (!self->stopping) {
        const int64_t wait_us = control_link_deadline_us(self->link) - s_now().mono_us;
        zmq_pollitem_t items[ITEMS];

        s_poll_items(self, items);
        // Rounded up, or the last millisecond would be a busy one.
        if (zmq_poll(items, ITEMS, wait_us > 0 ? (long) (wait_us + 999) / 1000 : 0) >= 0) {
            s_turn(self, items);
        } else if (errno != EINTR) {
            log_error("poll failed", "error=%s", log_quote(err_str(-errno)));
            return OPTION_EXIT_FAILED;
        }
    }
    log_info("the agent ends", NULL);
    return OPTION_EXIT_OK;
}

// A socket of which nothing is wanted costs system calls all the same, so it is not among them.
static zmq_pollitem_t
s_poll_item(void *socket, int events)
{
    return events != 0 ? (zmq_pollitem_t){ .socket = socket, .events = (short) events }
                       : (zmq_pollitem_t){ .fd = -1 };
}

// Filled at each turn, as sockets are made anew at times.
static void
s_poll_items(agent_t *self, zmq_pollitem_t items[ITEMS])
{
    const bool push = control_link_is_welcomed(self->link) && send_queue_has(self->queue);
    const int in = control_link_wants_in(self->link) ? ZMQ_POLLIN : 0;
    const int out = control_link_wants_out(self->link) ? ZMQ_POLLOUT : 0;

    items[ITEM_SIGNAL] = (zmq_pollitem_t){ .fd = self->signal_fd, .events = ZMQ_POLLIN };
    items[ITEM_CONTROL] = s_poll_item(sock_raw(self->control), in | out);
    items[ITEM_TICK] = (zmq_pollitem_t){ .fd = ticker_fd(self->ticker), .events = ZMQ_POLLIN };
    items[ITEM_PUSH] = s_poll_item(pusher_raw(self->pusher), push ? ZMQ_POLLOUT : 0);
}

// Control before data. It is read whether it was polled or not: what has lain is read now.
static void
s_turn(agent_t *self, const zmq_pollitem_t items[ITEMS])
{
    if (items[ITEM_SIGNAL].revents != 0)
        s_signals(self);
    s_control(self);
    if ((items[ITEM_CONTROL].revents & ZMQ_POLLOUT) != 0)
        control_link_writable(self->link, s_now());
    if (items[ITEM_TICK].revents != 0)
        s_tick(self);
    s_drain(self);
    control_link_turn(self->link, s_now());
    s_watchdog(self);
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

static void
s_reload(agent_t *self)
{
    const struct agent_config *old = self->config;
    struct agent_config config;
    int exit_code;

    if (agent_config_load(&config, &exit_code, self->argc, self->argv) != 0) {
        log_error("settings are not readable; the old ones stay", NULL);
        return;
    }
    log_set_level(config.log_level);
    log_info("settings read again", NULL);
    if (config.interval_ms != old->interval_ms || strcmp(config.data, old->data) != 0 ||
        strcmp(config.name, old->name) != 0 || strcmp(config.rootfs, old->rootfs) != 0 ||
        strcmp(config.collector, old->collector) != 0)
        log_warn("settings other than log-level apply at the next start", NULL);
    agent_config_release(&config);
}

static void
s_control(agent_t *self)
{
    zmq_msg_t msg;

    zmq_msg_init(&msg);
    for (unsigned budget = CONTROL_BUDGET; budget > 0; budget--) {
        const int rc = sock_recv(self->control, &msg);

        if (rc <= 0)
            break;
        control_link_receive(self->link, zmq_msg_data(&msg), zmq_msg_size(&msg), s_now());
    }
    zmq_msg_close(&msg);
}

static void
s_tick(agent_t *self)
{
    const uint64_t ticks = ticker_read(self->ticker);
    const int64_t start_ns = clock_mono_ns();
    struct send_queue_stat queue;
    int64_t stamp;

    if (ticks == 0)
        return;
    stamp = s_stamp(self);
    selfstat_add(AGENT_TICKS, 1);
    selfstat_add(AGENT_TICKS_MISSED, ticks - 1);
    series_table_begin(self->table);
    sampler_sample(self->sampler, self->table);
    own_series_sample(self->own, self->table);
    series_table_end(self->table);
    if (self->key_due)
        stream_writer_key_due(self->writer);
    self->key_due = false;
    stream_writer_row(self->writer, self->table, stamp);

    queue = send_queue_stat(self->queue);
    selfstat_set(AGENT_QUEUE_BYTES, (int64_t) queue.bytes);
    selfstat_set(AGENT_QUEUE_RECORDS, (int64_t) queue.waiting);
    selfstat_set(AGENT_SAMPLES_DROPPED, (int64_t) queue.dropped_samples);
    selfstat_set(AGENT_RECORDS_DROPPED, (int64_t) queue.dropped_records);
    selfstat_set(AGENT_SERIES, (int64_t) series_table_count(self->table));
    selfstat_set(AGENT_SERIES_REFUSED, (int64_t) series_table_refused(self->table));
    selfstat_set(AGENT_RECONNECTS, (int64_t) control_link_stat(self->link).losses);
    selfstat_set(AGENT_TICK_US, (clock_mono_ns() - start_ns) / 1000);
}

static int64_t
s_stamp(agent_t *self)
{
    int64_t step_ms;
    const int64_t stamp = tick_stamp_next(self->stamp, clock_real_ms(), clock_mono_ms(), &step_ms);

    if (step_ms != 0) {
        selfstat_add(AGENT_CLOCK_STEPS, 1);
        log_warn("the wall clock has jumped", "by_ms=%lld", (long long) step_ms);
    }
    // So that the ticks to come fall between those that had the same times before.
    if (step_ms < 0 && ticker_shift(self->ticker, STEP_BACK_MS) < 0)
        log_warn("ticks can not be moved after the clock's step back", NULL);
    return stamp;
}

static void
s_drain(agent_t *self)
{
    int rc;

    if (!control_link_is_welcomed(self->link))
        return;
    if (send_queue_table_due(self->queue))
        s_put_table(self);
    rc = pusher_drain(self->pusher, self->queue, PUSH_BUDGET);
    if (rc < 0 && rc != -EAGAIN)
        log_error("the data socket fails", "error=%s", log_quote(err_str(rc)));
}

static void
s_ahead(void *arg, const struct record *record, uint32_t slots)
{
    agent_t *self = arg;

    (void) slots;
    send_queue_put_ahead(self->queue, record);
}

// The table as it was at the next record to be sent: definitions after it are in the queue.
static void
s_put_table(agent_t *self)
{
    struct record head;
    uint32_t slots;

    if (send_queue_head(self->queue, &head, &slots))
        stream_writer_table(self->writer, self->table, slots, &head, s_ahead, self);
}

static void
s_watchdog(agent_t *self)
{
    const int64_t now_us = s_now().mono_us;

    if (self->watchdog_us == 0 || now_us - self->watchdog_us < WATCHDOG_US)
        return;
    self->watchdog_us = now_us;
    service_notify("WATCHDOG=1");
}

// What the socket takes without being waited for long.
static void
s_flush(agent_t *self)
{
    const int64_t until_ms = clock_mono_ms() + STOP_MS;

    while (control_link_is_welcomed(self->link) && send_queue_has(self->queue)) {
        const int64_t left_ms = until_ms - clock_mono_ms();
        zmq_pollitem_t item = { .socket = pusher_raw(self->pusher), .events = ZMQ_POLLOUT };

        if (left_ms <= 0 || (zmq_poll(&item, 1, (long) left_ms) <= 0 && errno != EINTR))
            break;
        s_drain(self);
    }
}
