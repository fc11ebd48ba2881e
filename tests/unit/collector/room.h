// room - store, host table, publisher and ingest put together as the reactor does, with a SUB that
// listens.

#ifndef TESTS_UNIT_COLLECTOR_ROOM_H
#define TESTS_UNIT_COLLECTOR_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/collector_stat.h"
#include "collector/ingest.h"
#include "collector/publisher.h"
#include "collector/store/local_store.h"
#include "shared/base/clock.h"
#include "shared/net/selfstat.h"
#include "shared/net/sock.h"
#include "tests/support/fake_stream.h"
#include "tests/support/folder.h"

#define ROOM_COLLECTOR   UINT64_C(0xc0)
#define ROOM_EPOCH       UINT64_C(0xe0)
#define ROOM_DEADLINE_MS 20000
#define ROOM_SLOT_BYTES  APPLIER_SLOT_BYTES_MOST

static const char *room_base = "/tmp"; // where journals are made

static struct room {
    local_store_t *local;
    store_t *store; // its face
    host_table_t *hosts;
    publisher_t *publisher;
    ingest_t *ingest;
    host_ledger_t *ledger;
    zsock_t *xpub;
    zsock_t *sub;
    char dir[64]; // of the journal; made once, kept from opening to opening
    journal_t *journal;
    applier_t *applier;
    event_log_t *events;
    unsigned naks;
    struct nak nak; // the last
    unsigned acks;
    struct ack ack; // the last
    unsigned fills;
    struct live_filled fill; // the last
    struct host_time now;
    zmq_msg_t topic, body; // heard last
} room;

static inline void
room_changed(void *arg, const struct host *host)
{
    (void) arg;
    publisher_host(room.publisher, &host->info);
}

static inline void
room_forgotten(void *arg, const struct host *host)
{
    (void) arg;
    ingest_forget(room.ingest, host->info.host);
    publisher_forget(room.publisher, host->info.host);
}

static inline void
room_nak(void *arg, uint64_t host, const struct nak *nak)
{
    (void) arg;
    (void) host;
    room.naks++;
    room.nak = *nak;
}

static inline void
room_ack(void *arg, uint64_t host, const struct ack *ack)
{
    (void) arg;
    (void) host;
    room.acks++;
    room.ack = *ack;
}

static inline void
room_filled(void *arg, uint64_t host, int64_t from_ms, int64_t to_ms)
{
    (void) arg;
    room.fills++;
    room.fill = (struct live_filled){ .host = host, .from_ms = from_ms, .to_ms = to_ms };
}

// Of all agents, but the number of series: to be set before the room is.
static struct agent_limits room_agent = { .new_series = AGENT_NEW_SERIES,
                                          .samples = AGENT_SAMPLES,
                                          .label_bytes = AGENT_LABEL_BYTES,
                                          .frame_bytes = AGENT_FRAME_BYTES };

static inline void
room_open_journal(uint32_t most_series)
{
    struct agent_limits agent = room_agent;
    struct journal_found found;

    agent.series = most_series;

    assert_int_equal(journal_start(&room.journal, &found,
                                   &(struct journal_options){ .dir = room.dir,
                                                              .owner = ROOM_COLLECTOR,
                                                              .segment_bytes = 1u << 20,
                                                              .bytes_most = UINT64_C(1) << 30,
                                                              .hold_bytes = JOURNAL_HOLD_BYTES,
                                                              .now_ms = clock_real_ms }),
                     0);
    if (room.events == NULL)
        room.events = event_log_new();
    room.applier = applier_new(
        room.local, room.events,
        &(struct applier_limits){ .agent = agent, .slot_bytes = ROOM_SLOT_BYTES });
    if (room.ledger == NULL)
        room.ledger = host_ledger_new(room.store);
    room.ingest = ingest_new(&(struct ingest_options){ .journal = room.journal,
                                                       .applier = room.applier,
                                                       .hosts = room.hosts,
                                                       .ledger = room.ledger,
                                                       .agent = &agent,
                                                       .receive_bytes = 64u << 20,
                                                       .ack = room_ack,
                                                       .nak = room_nak,
                                                       .filled = room_filled });
}

// As the reactor does once the journal is read back, and then turn by turn.
static inline void
room_replayed(void)
{
    applier_attach(room.applier, &(struct applier_live){ .hosts = room.hosts,
                                                         .publisher = room.publisher,
                                                         .ledger = room.ledger,
                                                         .arg = room.ingest,
                                                         .ask = ingest_ask });
    ingest_replayed(room.ingest);
}

static inline void
room_go_live(void)
{
    room_replayed();
    while (ingest_catch_up(room.ingest, room.now))
        ;
}

// Until nothing is staged or on its way to the disk.
static inline void
room_settle(void)
{
    const int64_t until = clock_mono_ms() + ROOM_DEADLINE_MS;

    ingest_flush(room.ingest, room.now);
    while (ingest_busy(room.ingest)) {
        zmq_pollitem_t item = { .fd = journal_fd(room.journal), .events = ZMQ_POLLIN };

        assert_true(clock_mono_ms() < until);
        zmq_poll(&item, 1, 100);
        if (ingest_committed(room.ingest, room.now) < 0)
            return;
        ingest_flush(room.ingest, room.now);
    }
}

static inline int
room_setup_with(uint32_t most_series)
{
    struct sock_spec spec = { .type = ZMQ_XPUB,
                              .send_hwm = 1000,
                              .recv_hwm = 1000,
                              .max_bytes = LIVE_MAX,
                              .verboser = true };

    static unsigned number; // a name is free again only some time after its socket was closed
    char endpoint[32];

    (void) snprintf(endpoint, sizeof endpoint, "inproc://live-%u", number++);
    memset(&room, 0, sizeof room);
    collector_stat_init();
    room.now = (struct host_time){ .mono_ms = 1000, .real_ms = 1700000000000 };
    assert_int_equal(sock_new(&room.xpub, &spec, NULL), 0);
    assert_int_equal(sock_bind(room.xpub, endpoint), 0);
    spec.type = ZMQ_SUB;
    spec.verboser = false;
    assert_int_equal(sock_new(&room.sub, &spec, NULL), 0);
    assert_int_equal(sock_connect(room.sub, endpoint), 0);
    zmq_msg_init(&room.topic);
    zmq_msg_init(&room.body);
    assert_int_equal(local_store_new(&room.local, 16u << 20), 0);
    room.store = local_store_face(room.local);
    room.hosts = host_table_new(
        10, &(struct host_events){ .changed = room_changed, .forgotten = room_forgotten });
    room.publisher = publisher_new(&(struct publisher_options){ .xpub = room.xpub,
                                                                .store = room.store,
                                                                .hosts = room.hosts,
                                                                .collector = ROOM_COLLECTOR,
                                                                .epoch = ROOM_EPOCH });
    (void) snprintf(room.dir, sizeof room.dir, "%s/zpulse-room-XXXXXX", room_base);
    assert_non_null(mkdtemp(room.dir));
    room_open_journal(most_series);
    room_go_live();
    return 0;
}

static inline int
room_setup(void **state)
{
    (void) state;
    return room_setup_with(1000);
}

static inline int
room_teardown(void **state)
{
    (void) state;
    ingest_destroy(&room.ingest);
    journal_stop(&room.journal);
    applier_destroy(&room.applier);
    event_log_destroy(&room.events);
    host_ledger_destroy(&room.ledger);
    assert_int_equal(folder_remove(room.dir), 0);
    publisher_destroy(&room.publisher);
    host_table_destroy(&room.hosts);
    local_store_destroy(&room.local);
    zmq_msg_close(&room.topic);
    zmq_msg_close(&room.body);
    zsock_destroy(&room.sub);
    zsock_destroy(&room.xpub);
    return 0;
}

static inline const struct host *
room_hello(uint64_t id, uint64_t nonce, const char *name, uint64_t stream)
{
    struct control_msg msg = fake_hello(id, nonce, name, stream);
    struct route route = { .len = 1 };
    const struct host *host;

    assert_int_equal(host_table_hello(room.hosts, &msg.hello, &route, room.now, &host), 0);
    ingest_hello(room.ingest, host, msg.hello.streams, msg.hello.n_streams);
    return host;
}

static inline void
room_give(const struct fake_stream *s)
{
    ingest_frame(room.ingest, s->frame, s->len, room.now);
    room_settle();
}

// HELLO, IDENT and TABLE of n: the stream's beginning, nonce 1.
static inline void
room_begin(struct fake_stream *s, uint64_t host, const char *name, uint32_t n)
{
    room_hello(host, 1, name, s->id);
    fake_ident(s, host, name);
    room_give(s);
    fake_table(s, n);
    room_give(s);
}

// Subscribes, and waits until the publisher has heard of it.
static inline void
room_subscribe(const char *topic)
{
    int64_t before = selfstat_value(STAT_SUBSCRIPTIONS);
    int64_t until = clock_mono_ms() + ROOM_DEADLINE_MS;

    assert_int_equal(zmq_setsockopt(sock_raw(room.sub), ZMQ_SUBSCRIBE, topic, strlen(topic)), 0);
    while (selfstat_value(STAT_SUBSCRIPTIONS) == before) {
        zmq_pollitem_t item = { .socket = sock_raw(room.xpub), .events = ZMQ_POLLIN };

        assert_true(clock_mono_ms() < until);
        zmq_poll(&item, 1, 100);
        publisher_read(room.publisher, 100);
    }
}

// The next message that was published: 1 with its header, the rest to be read from *r; 0 if there
// is none. inproc hands over at once, so there is nothing to wait for.
static inline int
room_hear(struct live_header *header, struct rbuf *r)
{
    if (sock_recv(room.sub, &room.topic) != 1)
        return 0;
    assert_int_equal(sock_recv(room.sub, &room.body), 1);
    assert_int_equal(live_take(header, r, zmq_msg_data(&room.body), zmq_msg_size(&room.body)), 0);
    assert_int_equal(header->collector, ROOM_COLLECTOR);
    assert_int_equal(header->epoch, ROOM_EPOCH);
    return 1;
}

// The samples of the series that match, of any time; n series.
static inline uint64_t
room_samples(const char *selector, uint32_t *series)
{
    struct store_select what = { .start_ms = INT64_MIN, .end_ms = INT64_MAX, .n_matchers = 1 };
    char error[MATCHERS_ERROR_SIZE];
    matchers_t *matchers = NULL;
    struct store_series s;
    store_cursor_t *cursor;
    uint64_t samples = 0;

    *series = 0;
    assert_int_equal(matchers_parse(&matchers, selector, error), 0);
    what.matchers = &matchers;
    assert_int_equal(store_open(room.store, &what, &cursor), 0);
    for (; store_next(cursor, &s) == 1; ++*series)
        samples += s.n;
    store_close(&cursor);
    matchers_destroy(&matchers);
    return samples;
}

#endif
