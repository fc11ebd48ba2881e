// query_service - questions off the ROUTER, to the worker, and the answers back.

#include "collector/query_service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/collector_stat.h"
#include "collector/gate.h"
#include "collector/routed.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"
#include "shared/wire/import_host.h"

#define SAY_AGAIN_MS 10000

// Who does not read as fast as it asks.
struct client {
    struct route at;
    struct query_chunk **chunks; // oldest first
    size_t n_chunks;
    size_t size; // allocated
    size_t bytes;
    int64_t moved_ms; // monotonic, when it last took one
    bool given_up;    // drop what comes, up to the end of the answer
};

struct query_service {
    struct query_service_options is;
    struct client *clients[PENDING_CLIENTS_MAX]; // only those that wait: few, so no table
    unsigned n_clients;
    int64_t said_ms; // when a bad question or asker was last logged
};

static void s_ask(query_service_t *self, const struct route *from, zmq_msg_t *body);
static uint64_t s_imported(const query_service_t *self, const struct query_request *q);
static query_worker_t *s_worker(const query_service_t *self, const struct query_request *q);
static bool s_reply(query_service_t *self, query_worker_t *worker, unsigned budget,
                    int64_t mono_ms);
static void s_attach_hosts(const query_service_t *self, struct query_job *job);
static void s_ledger(query_service_t *self, const struct query_job *job);
static void s_refused(query_service_t *self, const struct query_job *job);
static void s_put_ledger(const query_service_t *self, struct buf *out, const struct host *host);
static void s_table(query_service_t *self, const struct query_job *job);
static void s_refuse(query_service_t *self, const struct query_job *job, uint8_t status,
                     const char *text);
static void s_say(query_service_t *self, const struct route *to, const struct query_reply *reply);
static void s_deliver(query_service_t *self, struct query_chunk *chunk, int64_t mono_ms);
static int s_send(query_service_t *self, const struct query_chunk *chunk);
static struct client *s_client(query_service_t *self, const struct route *at);
static struct client *s_add_client(query_service_t *self, const struct route *at, int64_t mono_ms);
static void s_keep(query_service_t *self, struct client *client, struct query_chunk *chunk);
static bool s_try(query_service_t *self, struct client *client, int64_t mono_ms);
static void s_give_up(query_service_t *self, struct client *client);
static void s_remove_client(query_service_t *self, unsigned at);

query_service_t *
query_service_new(const struct query_service_options *options)
{
    query_service_t *self = xcalloc(1, sizeof *self);

    self->is = *options;
    return self;
}

void
query_service_destroy(query_service_t **self_p)
{
    query_service_t *self = *self_p;

    if (self == NULL)
        return;
    while (self->n_clients > 0)
        s_remove_client(self, self->n_clients - 1);
    free(self);
    *self_p = NULL;
}

bool
query_service_read(query_service_t *self, unsigned budget)
{
    struct roster_member member;
    zmq_msg_t body;
    unsigned done = 0;

    zmq_msg_init(&body);
    for (; done < budget; done++) {
        struct route from;
        int rc = routed_recv(self->is.router, &from, &body);

        if (rc == 0)
            break;
        selfstat_add(STAT_QUERIES, 1);
        if (rc == 1 && gate_passes(self->is.roster, &member, &body) && gate_reads(&member))
            s_ask(self, &from, &body);
        else
            selfstat_add(STAT_QUERIES_REFUSED, 1);
    }
    zmq_msg_close(&body);
    return done == budget;
}

bool
query_service_reply(query_service_t *self, unsigned budget, int64_t mono_ms)
{
    bool more = s_reply(self, self->is.worker, budget, mono_ms);

    if (self->is.far != NULL)
        more = s_reply(self, self->is.far, budget, mono_ms) || more;
    return more;
}

bool
query_service_flush(query_service_t *self, int64_t mono_ms)
{
    bool waiting = false;

    for (unsigned i = self->n_clients; i-- > 0;) {
        struct client *client = self->clients[i];

        if (!s_try(self, client, mono_ms))
            s_remove_client(self, i);
        else
            waiting = waiting || client->n_chunks > 0;
    }
    return waiting;
}

// What needs the store goes to the worker; what only we know is answered here. A question that can
// not be read is answered with the id it seems to have.
static void
s_ask(query_service_t *self, const struct route *from, zmq_msg_t *body)
{
    struct query_job *job = xcalloc(1, sizeof *job);
    const struct query_request *q = &job->request;
    int rc;

    job->from = *from;
    buf_bytes(&job->bytes, zmq_msg_data(body), zmq_msg_size(body));
    rc = query_take_request(&job->request, job->bytes.at, job->bytes.len);
    if (rc < 0) {
        if (log_allow(&self->said_ms, SAY_AGAIN_MS))
            log_warn("question refused", "error=%s", log_quote(err_str(rc)));
        s_refuse(self, job, QUERY_BAD, err_str(rc));
    } else if (q->host != 0 && q->type != QUERY_HOSTS && q->host != self->is.collector &&
               host_table_find(self->is.hosts, q->host) == NULL) {
        s_refuse(self, job, QUERY_UNKNOWN, "no host with this id is known");
    } else if (q->type == QUERY_TABLE) {
        s_table(self, job);
    } else if (q->type == QUERY_LEDGER) {
        s_ledger(self, job);
    } else if (q->type == QUERY_AWAY) {
        s_refused(self, job);
    } else if (query_worker_is_full(s_worker(self, q))) {
        s_refuse(self, job, QUERY_BUSY, "too many questions wait");
    } else {
        if (q->type == QUERY_HOSTS)
            s_attach_hosts(self, job);
        job->imported = s_imported(self, q);
        query_worker_ask(s_worker(self, q), job);
        return;
    }
    query_job_free(job);
}

// What was imported under the name of a host stands there under an id that follows from the name,
// unless the host was known by then. 0: there can be nothing.
static uint64_t
s_imported(const query_service_t *self, const struct query_request *q)
{
    const struct host *host = q->host != 0 ? host_table_find(self->is.hosts, q->host) : NULL;

    if (host == NULL || host->imported || (q->type != QUERY_SELECT && q->type != QUERY_SERIES))
        return 0;
    return import_host_id(host->info.name, strlen(host->info.name));
}

static bool
s_is_far(const query_service_t *self, const struct query_request *q)
{
    const uint64_t imported = s_imported(self, q);

    if (q->type != QUERY_SELECT && q->type != QUERY_SERIES)
        return q->type == QUERY_STATUS;
    return store_is_far(self->is.store, q->host, q->start_ms) ||
           (imported != 0 && store_is_far(self->is.store, imported, q->start_ms));
}

static query_worker_t *
s_worker(const query_service_t *self, const struct query_request *q)
{
    return self->is.far != NULL && s_is_far(self, q) ? self->is.far : self->is.worker;
}

static bool
s_reply(query_service_t *self, query_worker_t *worker, unsigned budget, int64_t mono_ms)
{
    query_worker_ack(worker);
    for (; budget > 0; budget--) {
        struct query_chunk *chunk = query_worker_take(worker);

        if (chunk == NULL)
            return false;
        s_deliver(self, chunk, mono_ms);
    }
    return true;
}

// A copy, since the table changes while the worker reads.
static void
s_attach_hosts(const query_service_t *self, struct query_job *job)
{
    const struct host *host;
    size_t at = 0;

    job->hosts = xcalloc(host_table_count(self->is.hosts) + 1, sizeof *job->hosts);
    while ((host = host_table_next(self->is.hosts, &at)) != NULL)
        if (host_table_is_listed(self->is.hosts, host))
            host_info_copy(&job->hosts[job->n_hosts++], &host->info);
}

// In replies of some hundred hosts each, which go the way of the worker's: kept for who does not
// read.
static void
s_ledger(query_service_t *self, const struct query_job *job)
{
    const struct query_request *q = &job->request;
    const struct query_reply head = { .type = QUERY_LEDGER,
                                      .id = q->id,
                                      .collector = self->is.collector,
                                      .epoch = self->is.epoch,
                                      .now_ms = clock_real_ms() };
    const struct host *host = NULL;
    size_t at = 0;
    bool more = true;

    while (more) {
        struct query_chunk *chunk = xcalloc(1, sizeof *chunk);
        uint32_t n = 0;

        chunk->to = job->from;
        query_put_reply(&chunk->bytes, &head);
        while (chunk->bytes.len < QUERY_CHUNK_BYTES) {
            host = q->host != 0 ? host_table_find(self->is.hosts, q->host)
                                : host_table_next(self->is.hosts, &at);
            if (host == NULL)
                break;
            if (q->host == 0 && !host_table_is_listed(self->is.hosts, host))
                continue;
            s_put_ledger(self, &chunk->bytes, host);
            n++;
            if (q->host != 0)
                break;
        }
        more = host != NULL && q->host == 0;
        chunk->last = !more;
        query_patch_reply(&chunk->bytes, 0, n, more ? QUERY_MORE : 0);
        s_deliver(self, chunk, clock_mono_ms());
    }
}

// A few hundred at most: one reply.
static void
s_refused(query_service_t *self, const struct query_job *job)
{
    const struct query_reply head = { .type = QUERY_AWAY,
                                      .id = job->request.id,
                                      .collector = self->is.collector,
                                      .epoch = self->is.epoch,
                                      .now_ms = clock_real_ms() };
    struct query_away *list = xcalloc(REFUSAL_BOOK_MOST, sizeof *list);
    struct query_chunk *chunk = xcalloc(1, sizeof *chunk);
    const size_t n = refusal_book_list(self->is.refused, list, head.now_ms);

    chunk->to = job->from;
    chunk->last = true;
    query_put_reply(&chunk->bytes, &head);
    for (size_t i = 0; i < n; i++)
        query_put_away(&chunk->bytes, &list[i]);
    query_patch_reply(&chunk->bytes, 0, (uint32_t) n, 0);
    s_deliver(self, chunk, clock_mono_ms());
    free(list);
}

static void
s_put_ledger(const query_service_t *self, struct buf *out, const struct host *host)
{
    struct query_ledger item;

    host_ledger_get(self->is.ledger, host->info.host,
                    ingest_count(self->is.ingest, host->info.host), &item);
    if (host->imported)
        item.conflicts = store_conflicts(self->is.store,
                                         ingest_into(self->is.ingest, host->info.host));
    item.name = host->info.name; // borrowed for the call
    item.state = host->info.state;
    query_put_ledger(out, &item);
}

static void
s_table(query_service_t *self, const struct query_job *job)
{
    if (job->request.host == 0) {
        s_refuse(self, job, QUERY_BAD, "a table is of one host");
        return;
    }
    publisher_ask_table(self->is.publisher, job->request.host);
    s_say(self, &job->from,
          &(struct query_reply){ .type = QUERY_TABLE, .status = QUERY_OK, .id = job->request.id });
}

static void
s_refuse(query_service_t *self, const struct query_job *job, uint8_t status, const char *text)
{
    selfstat_add(STAT_QUERIES_REFUSED, 1);
    s_say(self, &job->from,
          &(struct query_reply){
              .type = job->request.type, .status = status, .id = job->request.id, .text = text });
}

// A reply of the reactor's own. It may pass one of the worker's for another question: ids tell.
static void
s_say(query_service_t *self, const struct route *to, const struct query_reply *reply)
{
    struct query_chunk *chunk = xcalloc(1, sizeof *chunk);
    struct query_reply whole = *reply;

    whole.collector = self->is.collector;
    whole.epoch = self->is.epoch;
    whole.now_ms = clock_real_ms();
    chunk->to = *to;
    chunk->last = true;
    query_put_reply(&chunk->bytes, &whole);
    if (s_send(self, chunk) == -EAGAIN)
        selfstat_add(STAT_REPLIES_DROPPED, 1);
    query_chunk_free(chunk);
}

// At once where nothing of the asker's waits, else behind it: replies stay in order.
static void
s_deliver(query_service_t *self, struct query_chunk *chunk, int64_t mono_ms)
{
    struct client *client = s_client(self, &chunk->to);

    if (client == NULL) {
        if (s_send(self, chunk) != -EAGAIN) {
            query_chunk_free(chunk);
            return;
        }
        client = s_add_client(self, &chunk->to, mono_ms);
    }
    if (client == NULL) {
        selfstat_add(STAT_REPLIES_DROPPED, 1);
        query_chunk_free(chunk);
        return;
    }
    s_keep(self, client, chunk);
}

// 0, -EAGAIN, or what says that it will never be read.
static int
s_send(query_service_t *self, const struct query_chunk *chunk)
{
    int rc = routed_send(self->is.router, &chunk->to, chunk->bytes.at, chunk->bytes.len);

    if (rc == 0)
        selfstat_add(STAT_REPLY_BYTES, chunk->bytes.len);
    else if (rc != -EAGAIN)
        selfstat_add(STAT_REPLIES_DROPPED, 1);
    return rc;
}

static struct client *
s_client(query_service_t *self, const struct route *at)
{
    for (unsigned i = 0; i < self->n_clients; i++) {
        if (route_equal(&self->clients[i]->at, at))
            return self->clients[i];
    }
    return NULL;
}

static struct client *
s_add_client(query_service_t *self, const struct route *at, int64_t mono_ms)
{
    struct client *client;

    if (self->n_clients == PENDING_CLIENTS_MAX)
        return NULL;
    client = xcalloc(1, sizeof *client);
    client->at = *at;
    client->moved_ms = mono_ms;
    self->clients[self->n_clients++] = client;
    return client;
}

// An answer that was given up is dropped to its end: half of one is none.
static void
s_keep(query_service_t *self, struct client *client, struct query_chunk *chunk)
{
    bool last = chunk->last;

    if (!client->given_up && client->bytes + chunk->bytes.len > PENDING_BYTES_MAX)
        s_give_up(self, client);
    if (client->given_up) {
        query_chunk_free(chunk);
        client->given_up = !last;
        return;
    }
    if (client->n_chunks == client->size) {
        client->size = client->size > 0 ? client->size * 2 : 16;
        client->chunks = xrealloc(client->chunks, client->size, sizeof(struct query_chunk *));
    }
    client->chunks[client->n_chunks++] = chunk;
    client->bytes += chunk->bytes.len;
}

// False when there is nothing more to remember of it.
static bool
s_try(query_service_t *self, struct client *client, int64_t mono_ms)
{
    size_t sent = 0;
    int rc = 0;

    while (sent < client->n_chunks && (rc = s_send(self, client->chunks[sent])) == 0) {
        client->bytes -= client->chunks[sent]->bytes.len;
        query_chunk_free(client->chunks[sent++]);
    }
    if (sent > 0) {
        client->n_chunks -= sent;
        memmove(client->chunks, client->chunks + sent,
                client->n_chunks * sizeof(struct query_chunk *));
        client->moved_ms = mono_ms;
    }
    if (rc != 0 && rc != -EAGAIN)
        return false; // gone: what is yet to come finds nobody either
    if (client->n_chunks > 0 && mono_ms - client->moved_ms >= PENDING_MS)
        s_give_up(self, client);
    return client->n_chunks > 0 || client->given_up;
}

// Drops what waits; the answer of which the end is yet to come goes on being dropped.
static void
s_give_up(query_service_t *self, struct client *client)
{
    client->given_up = !client->chunks[client->n_chunks - 1]->last;
    selfstat_add(STAT_REPLIES_DROPPED, 1);
    for (size_t i = 0; i < client->n_chunks; i++)
        query_chunk_free(client->chunks[i]);
    client->n_chunks = 0;
    client->bytes = 0;
    if (log_allow(&self->said_ms, SAY_AGAIN_MS))
        log_warn("an asker does not read: its answers are given up", NULL);
}

static void
s_remove_client(query_service_t *self, unsigned at)
{
    struct client *client = self->clients[at];

    for (size_t i = 0; i < client->n_chunks; i++)
        query_chunk_free(client->chunks[i]);
    free(client->chunks);
    free(client);
    self->clients[at] = self->clients[--self->n_clients];
}
