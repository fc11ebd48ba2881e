// reactor - one thread that owns the collector's sockets, and all that is known of agents.
//
// Past 500 lines: it is the list of all that stands on the sockets, and of what each turn does.

#include "collector/reactor.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "collector/cardinality_series.h"
#include "collector/collector_stat.h"
#include "collector/control_service.h"
#include "collector/gate.h"
#include "collector/host_ledger.h"
#include "collector/host_memory.h"
#include "collector/host_table.h"
#include "collector/ingest.h"
#include "collector/journal_release.h"
#include "collector/ledger_series.h"
#include "collector/publisher.h"
#include "collector/query_service.h"
#include "collector/query_worker.h"
#include "collector/reactor_sockets.h"
#include "collector/stat_series.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/peer_guard.h"
#include "shared/net/selfstat.h"
#include "shared/net/sock.h"
#include "shared/wire/frame.h"

// Of one turn.
#define CONTROL_BUDGET      64
#define QUERY_BUDGET        16
#define CHUNK_BUDGET        16
#define SUBSCRIPTION_BUDGET 256
#define TABLE_BUDGET        64
#define DATA_BUDGET         256
#define DATA_BUDGET_NS      (2 * 1000 * 1000)

#define STATE_EVERY_MS      250
#define SELF_EVERY_MS       1000
#define PENDING_EVERY_MS    10 // tries again for askers that do not read
#define SAY_AGAIN_MS        10000
// At the end: for what is on its way to the disk, so that its agents need not send it again.
#define LAST_COMMIT_MS 500
#define REBIND_MS      60000 // until the port is free again, which takes libzmq a moment

enum place {
    PLACE_CONTROL,
    PLACE_QUERY,
    PLACE_CHUNKS,
    PLACE_FAR_CHUNKS,
    PLACE_LIVE,
    PLACE_JOURNAL,
    PLACE_REPLAY,
    PLACE_DATA,
    PLACE_STOP,
    PLACES
};

struct reactor {
    pthread_t thread;
    bool running;
    int stop_fd;  // eventfd
    int ended_fd; // eventfd: the thread has ended
    struct reactor_sockets sockets;
    zmq_pollitem_t items[PLACES];
    journal_t *journal; // borrowed, as the three below
    local_store_t *local;
    replay_t *replay; // NULL once it is done
    replay_t *behind; // the same; NULL once what came meanwhile is in the store
    bool in_part;     // it did not read all, and the journal keeps it
    applier_t *applier;
    host_table_t *hosts; // those below know one another by it
    host_ledger_t *ledger;
    publisher_t *publisher;
    ingest_t *ingest;
    control_service_t *control;
    query_worker_t *worker;
    query_worker_t *far; // for what may wait for the disk
    query_service_t *queries;
    stat_series_t *own;
    ledger_series_t *ledgers;
    cardinality_series_t *counts;
    roster_t *roster;          // borrowed; NULL: peers are not told apart
    size_t readers_gone;       // of it, that the live socket knows of
    bool cut;                  // the live socket is not bound
    int64_t cut_ms;            // since then
    const char *data_endpoint; // borrowed with it
    bool more;                 // a budget was used up: do not wait
    int64_t state_at_ms;       // monotonic: when next due
    int64_t self_at_ms;        // likewise
    int64_t error_said_ms;
    bool failed; // nothing can be made durable any more
};

static int s_build(reactor_t *self, const struct reactor_options *options);
static void s_build_answers(reactor_t *self, const struct reactor_options *o);
static void s_items(reactor_t *self);
static void s_changed(void *arg, const struct host *host);
static void s_forgotten(void *arg, const struct host *host);
static bool s_imported(void *arg, const struct host *host);
static void s_ack(void *arg, uint64_t host, const struct ack *ack);
static void s_nak(void *arg, uint64_t host, const struct nak *nak);
static void s_filled(void *arg, uint64_t host, int64_t from_ms, int64_t to_ms);
static bool s_whole(void *arg, int64_t until_ms);
static void *s_run(void *arg);
static void s_turn(reactor_t *self);
static void s_committed(reactor_t *self);
static void s_replayed(reactor_t *self);
static bool s_catch_up(reactor_t *self, struct host_time now);
static bool s_read_data(reactor_t *self);
static size_t s_readers_gone(const reactor_t *self);
static void s_last_commit(reactor_t *self);
static void s_timers(reactor_t *self, struct host_time now);
static int s_wait_ms(const reactor_t *self, bool pending);

int
reactor_start(reactor_t **ret, const struct reactor_options *options,
              char failed[REACTOR_ENDPOINT_SIZE])
{
    reactor_t *self = xcalloc(1, sizeof *self);
    int rc;

    failed[0] = '\0';
    self->journal = options->journal;
    self->local = options->local;
    self->replay = self->behind = options->replay;
    self->applier = options->applier;
    self->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    self->ended_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    rc = self->stop_fd == -1 || self->ended_fd == -1 ? -errno : 0;
    rc = rc < 0
             ? rc
             : reactor_sockets_bind(&self->sockets, options->data_endpoint, options->own, failed);
    rc = rc < 0 ? rc : s_build(self, options);
    if (rc == 0)
        s_items(self);
    rc = rc < 0 ? rc : -pthread_create(&self->thread, NULL, s_run, self);
    if (rc < 0) {
        reactor_stop(&self);
        return rc;
    }
    self->running = true;
    *ret = self;
    return 0;
}

void
reactor_stop(reactor_t **self_p)
{
    reactor_t *self = *self_p;

    if (self == NULL)
        return;
    if (self->running) {
        (void) !eventfd_write(self->stop_fd, 1); // fails only at 2^64
        pthread_join(self->thread, NULL);
    }
    query_worker_stop(&self->worker);
    query_worker_stop(&self->far);
    query_service_destroy(&self->queries);
    stat_series_destroy(&self->own);
    ledger_series_destroy(&self->ledgers);
    cardinality_series_destroy(&self->counts);
    control_service_destroy(&self->control);
    ingest_destroy(&self->ingest);
    publisher_destroy(&self->publisher);
    host_ledger_destroy(&self->ledger);
    host_table_destroy(&self->hosts);
    reactor_sockets_close(&self->sockets);
    if (self->stop_fd != -1)
        close(self->stop_fd);
    if (self->ended_fd != -1)
        close(self->ended_fd);
    free(self);
    *self_p = NULL;
}

int
reactor_ended_fd(const reactor_t *self)
{
    return self->ended_fd;
}

// What stands on the sockets. The workers' threads start here, and wait for work.
static int
s_build(reactor_t *self, const struct reactor_options *o)
{
    const struct query_worker_options worker = { .store = o->store,
                                                 .events = o->events,
                                                 .about = o->about,
                                                 .collector = o->collector,
                                                 .epoch = o->epoch,
                                                 .whole = s_whole,
                                                 .arg = o->replay,
                                                 .wait_ms = REPLAY_WAIT_MS };
    int rc = query_worker_start(&self->worker, &worker);

    rc = rc < 0 ? rc : query_worker_start(&self->far, &worker);
    if (rc < 0)
        return rc;
    self->hosts = host_table_new(o->most_agents, &(struct host_events){ .arg = self,
                                                                        .changed = s_changed,
                                                                        .forgotten = s_forgotten,
                                                                        .imported = s_imported });
    host_memory_recall(self->hosts, journal_lanes(o->journal));
    self->publisher = publisher_new(&(struct publisher_options){
        .xpub = self->sockets.live,
        .store = o->store,
        .hosts = self->hosts,
        .collector = o->collector,
        .epoch = o->epoch,
    });
    self->ledger = host_ledger_new(o->store);
    self->ingest = ingest_new(&(struct ingest_options){
        .journal = o->journal,
        .applier = o->applier,
        .hosts = self->hosts,
        .ledger = self->ledger,
        .agent = o->agent,
        .receive_bytes = o->receive_bytes,
        .arg = self,
        .ack = s_ack,
        .nak = s_nak,
        .filled = s_filled,
    });
    self->roster = o->roster;
    self->data_endpoint = o->data_endpoint;
    self->readers_gone = s_readers_gone(self);
    self->control = control_service_new(&(struct control_service_options){
        .roster = o->roster,
        .refused = o->refused,
        .router = self->sockets.control,
        .hosts = self->hosts,
        .ingest = self->ingest,
        .ledger = self->ledger,
        .store = o->local,
        .collector = o->collector,
        .epoch = o->epoch,
    });
    s_build_answers(self, o);
    return 0;
}

// Who tells of what the others know.
static void
s_build_answers(reactor_t *self, const struct reactor_options *o)
{
    self->queries = query_service_new(&(struct query_service_options){
        .roster = o->roster,
        .refused = o->refused,
        .router = self->sockets.query,
        .worker = self->worker,
        .far = self->far,
        .store = o->store,
        .publisher = self->publisher,
        .hosts = self->hosts,
        .ingest = self->ingest,
        .ledger = self->ledger,
        .collector = o->collector,
        .epoch = o->epoch,
    });
    self->own = stat_series_new(o->store, self->hosts, o->collector);
    self->counts = cardinality_series_new(o->store, self->hosts, o->collector);
    self->ledgers = ledger_series_new(&(struct ledger_series_options){
        .store = o->store,
        .hosts = self->hosts,
        .ingest = self->ingest,
        .ledger = self->ledger,
        .collector = o->collector,
    });
}

static void
s_items(reactor_t *self)
{
    for (unsigned i = 0; i < PLACES; i++)
        self->items[i].events = ZMQ_POLLIN;
    self->items[PLACE_CONTROL].socket = sock_raw(self->sockets.control);
    self->items[PLACE_QUERY].socket = sock_raw(self->sockets.query);
    self->items[PLACE_LIVE].socket = sock_raw(self->sockets.live);
    self->items[PLACE_DATA].socket = sock_raw(self->sockets.data);
    self->items[PLACE_CHUNKS].fd = query_worker_fd(self->worker);
    self->items[PLACE_FAR_CHUNKS].fd = query_worker_fd(self->far);
    self->items[PLACE_JOURNAL].fd = journal_fd(self->journal);
    self->items[PLACE_REPLAY].fd = replay_fd(self->replay);
    self->items[PLACE_STOP].fd = self->stop_fd;
}

static void
s_changed(void *arg, const struct host *host)
{
    reactor_t *self = arg;
    char id[STR_HEX64_SIZE];

    // Who has just said HELLO is logged as welcome.
    if (!host->imported && (host->info.state != HOST_UP || host->heard_ms != host->hello_ms))
        log_info("agent has changed", "host=%s id=%s state=%s", log_quote(host->info.name),
                 str_hex64_put(id, host->info.host), host_state_str(host->info.state));
    publisher_host(self->publisher, &host->info);
}

static void
s_forgotten(void *arg, const struct host *host)
{
    reactor_t *self = arg;

    ingest_forget(self->ingest, host->info.host);
    host_ledger_forget(self->ledger, host->info.host);
    ledger_series_forget(self->ledgers, host->info.host);
    publisher_forget(self->publisher, host->info.host);
}

// What its importer has sent must be applied before its streams are let go of.
static bool
s_imported(void *arg, const struct host *host)
{
    reactor_t *self = arg;

    if (ingest_busy(self->ingest) || ingest_is_behind(self->ingest))
        return false;
    ingest_forget(self->ingest, host->info.host);
    return true;
}

static void
s_ack(void *arg, uint64_t host, const struct ack *ack)
{
    control_service_ack(((reactor_t *) arg)->control, host, ack);
}

static void
s_filled(void *arg, uint64_t host, int64_t from_ms, int64_t to_ms)
{
    host_table_filled(((reactor_t *) arg)->hosts, host, from_ms);
    publisher_filled(((reactor_t *) arg)->publisher,
                     &(struct live_filled){ .host = host, .from_ms = from_ms, .to_ms = to_ms },
                     clock_real_ms());
}

// In the worker's thread.
static bool
s_whole(void *arg, int64_t until_ms)
{
    return replay_await_all(arg, until_ms);
}

static void
s_nak(void *arg, uint64_t host, const struct nak *nak)
{
    control_service_nak(((reactor_t *) arg)->control, host, nak);
}

static void *
s_run(void *arg)
{
    reactor_t *self = arg;
    bool pending = false;

    pthread_setname_np(pthread_self(), "reactor");
    self->state_at_ms = clock_mono_ms();
    self->self_at_ms = self->state_at_ms;
    for (;;) {
        int rc = zmq_poll(self->items, PLACES, s_wait_ms(self, pending));

        if (rc == -1 && errno != EINTR) {
            // ETERM or a bug of ours: nothing can be read any more.
            log_error("poll failed: the reactor ends", "error=%s", log_quote(strerror(errno)));
            break;
        }
        if (rc == -1)
            continue;
        if ((self->items[PLACE_STOP].revents & ZMQ_POLLIN) != 0)
            break;
        s_turn(self);
        if (self->failed)
            break;
        pending = query_service_flush(self->queries, clock_mono_ms());
    }
    s_last_commit(self);
    control_service_shutdown(self->control);
    (void) !eventfd_write(self->ended_fd, 1);
    return NULL;
}

// Control before questions, questions before data.
static void
s_turn(reactor_t *self)
{
    struct host_time now = { .mono_ms = clock_mono_ms(), .real_ms = clock_real_ms() };
    bool more = control_service_read(self->control, CONTROL_BUDGET);

    more = query_service_read(self->queries, QUERY_BUDGET) || more;
    more = query_service_reply(self->queries, CHUNK_BUDGET, now.mono_ms) || more;
    more = publisher_read(self->publisher, SUBSCRIPTION_BUDGET) || more;
    more = publisher_flush(self->publisher, TABLE_BUDGET) || more;
    s_committed(self);
    s_replayed(self);
    more = s_catch_up(self, now) || more;
    more = s_read_data(self) || more;
    ingest_flush(self->ingest, now);
    control_service_pongs(self->control, now.mono_ms);
    s_timers(self, now);
    self->more = more;
}

static void
s_committed(reactor_t *self)
{
    const struct host_time now = { .mono_ms = clock_mono_ms(), .real_ms = clock_real_ms() };
    int rc;

    if ((self->items[PLACE_JOURNAL].revents & ZMQ_POLLIN) == 0)
        return;
    rc = ingest_committed(self->ingest, now);
    if (rc == 0)
        return;
    log_error("the journal cannot be written, and what the disk has of it is not known: ending, "
              "agents keep what was not acknowledged",
              "error=%s", log_quote(err_str(rc)));
    self->failed = true;
}

// From here on the applier is ours.
static void
s_replayed(reactor_t *self)
{
    if (self->replay == NULL || !replay_is_done(self->replay))
        return;
    self->in_part = !replay_is_whole(self->replay);
    host_memory_look_back(self->hosts, self->replay);
    ingest_refused_before(self->ingest, replay_lanes(self->replay));
    self->replay = NULL;
    self->items[PLACE_REPLAY].events = 0;
    applier_attach(self->applier, &(struct applier_live){ .hosts = self->hosts,
                                                          .publisher = self->publisher,
                                                          .ledger = self->ledger,
                                                          .arg = self->ingest,
                                                          .ask = ingest_ask });
    ingest_replayed(self->ingest);
}

// True: there is more to do.
static bool
s_catch_up(reactor_t *self, struct host_time now)
{
    if (ingest_catch_up(self->ingest, now))
        return true;
    if (self->replay == NULL && self->behind != NULL) {
        replay_caught_up(self->behind);
        self->behind = NULL;
    }
    return false;
}

// What is staged, as far as the disk has it in time.
static void
s_last_commit(reactor_t *self)
{
    const int64_t until_ms = clock_mono_ms() + LAST_COMMIT_MS;
    struct host_time now;

    do {
        zmq_pollitem_t item = { .fd = journal_fd(self->journal), .events = ZMQ_POLLIN };

        now = (struct host_time){ .mono_ms = clock_mono_ms(), .real_ms = clock_real_ms() };
        ingest_flush(self->ingest, now);
        if (!ingest_busy(self->ingest) || now.mono_ms >= until_ms)
            return;
        zmq_poll(&item, 1, until_ms - now.mono_ms);
    } while (ingest_committed(self->ingest, now) == 0);
}

// True if the budget ended it, not want of frames.
static bool
s_read_data(reactor_t *self)
{
    int64_t now_ns = clock_mono_ns();
    int64_t until_ns = now_ns + DATA_BUDGET_NS;
    struct roster_member sender;
    zmq_msg_t msg;
    int rc = 1;

    zmq_msg_init(&msg);
    for (unsigned done = 0; done < DATA_BUDGET && now_ns < until_ns; done++) {
        struct host_time now = { .mono_ms = now_ns / 1000000, .real_ms = clock_real_ms() };

        rc = sock_recv(self->sockets.data, &msg);
        if (rc != 1)
            break;
        if (gate_passes(self->roster, &sender, &msg))
            ingest_frame_of(self->ingest, &sender, zmq_msg_data(&msg), zmq_msg_size(&msg), now);
        now_ns = clock_mono_ns();
    }
    zmq_msg_close(&msg);
    if (rc < 0 && log_allow(&self->error_said_ms, SAY_AGAIN_MS))
        log_error("frames can not be read", "error=%s", log_quote(err_str(rc)));
    return rc == 1;
}

static size_t
s_readers_gone(const reactor_t *self)
{
    return self->roster != NULL ? roster_readers_gone(self->roster, clock_real_ms()) : 0;
}

// A subscription says nothing once it is there: who was revoked, or whose key has had its time, is
// cut with all the others, and is not let in again. Where the port is gone meanwhile, nobody could
// listen any more.
static void
s_cut_listeners(reactor_t *self, int64_t mono_ms)
{
    const size_t gone = s_readers_gone(self);
    int rc = 0;

    if (!self->cut && gone != self->readers_gone) {
        self->readers_gone = gone;
        rc = reactor_sockets_cut_live(&self->sockets, self->data_endpoint);
        self->cut = true;
        self->cut_ms = mono_ms;
    }
    if (rc == 0 && self->cut) {
        rc = reactor_sockets_bind_live(&self->sockets, self->data_endpoint);
        self->cut = rc < 0;
        if (rc == -EADDRINUSE && mono_ms - self->cut_ms < REBIND_MS)
            rc = 0; // at the next tick
    }
    if (rc == 0)
        return;
    log_error("the live socket cannot be opened again", "error=%s", log_quote(err_str(rc)));
    self->failed = true;
}

// By the clock each turn: a timer that is late is not made up for.
static void
s_timers(reactor_t *self, struct host_time now)
{
    if (now.mono_ms >= self->state_at_ms) {
        host_table_tick(self->hosts, now);
        s_cut_listeners(self, now.mono_ms);
        control_service_tick(self->control, now.mono_ms);
        self->state_at_ms = now.mono_ms + STATE_EVERY_MS;
    }
    if (now.mono_ms >= self->self_at_ms) {
        if (journal_release(self->journal, self->local, ingest_applied(self->ingest),
                            self->replay != NULL || self->in_part) < 0)
            self->failed = true;
        selfstat_set(STAT_CONNECTIONS_REFUSED, (int64_t) peer_guard_refused());
        stat_series_tell(self->own, now.real_ms);
        ledger_series_tell(self->ledgers, now);
        cardinality_series_tell(self->counts, now);
        self->self_at_ms = now.mono_ms + SELF_EVERY_MS;
    }
}

// Until the next timer; not at all while a budget left something unread; shortly while somebody
// does not take its answers, since nothing tells when it can.
static int
s_wait_ms(const reactor_t *self, bool pending)
{
    int64_t now_ms = clock_mono_ms();
    int64_t due_ms = self->state_at_ms < self->self_at_ms ? self->state_at_ms : self->self_at_ms;
    int64_t wait_ms = due_ms - now_ms;

    if (self->more || wait_ms < 0)
        return 0;
    return (int) (pending && wait_ms > PENDING_EVERY_MS ? PENDING_EVERY_MS : wait_ms);
}
