// room - store, host table, publisher and ingest put together as the reactor does, with a SUB that
// listens.

#ifndef TESTS_UNIT_COLLECTOR_ROOM_H
#define TESTS_UNIT_COLLECTOR_ROOM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "collector/collector_stat.h"
#include "collector/ingest.h"
#include "collector/publisher.h"
#include "collector/store/head.h"
#include "shared/base/clock.h"
#include "shared/net/selfstat.h"
#include "shared/net/sock.h"
#include "tests/support/fake_stream.h"

#define ROOM_COLLECTOR   UINT64_C(0xc0)
#define ROOM_EPOCH       UINT64_C(0xe0)
#define ROOM_DEADLINE_MS 5000

static struct room {
    store_t *store;
    host_table_t *hosts;
    publisher_t *publisher;
    ingest_t *ingest;
    zsock_t *xpub;
    zsock_t *sub;
    unsigned naks;
    struct nak nak; // the last
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
    assert_int_equal(sock_new(&room.xpub, &spec), 0);
    assert_int_equal(sock_bind(room.xpub, endpoint), 0);
    spec.type = ZMQ_SUB;
    spec.verboser = false;
    assert_int_equal(sock_new(&room.sub, &spec), 0);
    assert_int_equal(sock_connect(room.sub, endpoint), 0);
    zmq_msg_init(&room.topic);
    zmq_msg_init(&room.body);
    assert_int_equal(head_new(&room.store, 16u << 20), 0);
    room.hosts = host_table_new(
        10, &(struct host_events){ .changed = room_changed, .forgotten = room_forgotten });
    room.publisher = publisher_new(&(struct publisher_options){ .xpub = room.xpub,
                                                                .store = room.store,
                                                                .hosts = room.hosts,
                                                                .collector = ROOM_COLLECTOR,
                                                                .epoch = ROOM_EPOCH });
    room.ingest = ingest_new(&(struct ingest_options){ .store = room.store,
                                                       .hosts = room.hosts,
                                                       .publisher = room.publisher,
                                                       .most_series = most_series,
                                                       .nak = room_nak });
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
    publisher_destroy(&room.publisher);
    host_table_destroy(&room.hosts);
    store_destroy(&room.store);
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
