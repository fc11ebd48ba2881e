// control_service - what the collector says to its agents, and hears.
//
// Past 500 lines: it is the list of all that may be said on that socket, and of what it changes.

#include "collector/control_service.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/collector_stat.h"
#include "collector/gate.h"
#include "collector/hello_stands.h"
#include "collector/import_admit.h"
#include "collector/parting.h"
#include "collector/pong_list.h"
#include "collector/routed.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/random.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/curve.h"
#include "shared/net/selfstat.h"
#include "shared/wire/frame.h"

#define SAY_AGAIN_MS 10000
struct control_service {
    struct control_service_options is;
    struct control_msg in;      // being answered; too large for the stack of a loop
    struct control_msg out;     // the answer
    struct roster_member from;  // who says it
    const char *address;        // from where; of the message at hand
    struct parting parting;     // who was told to go
    struct pong_list pongs;     // what PINGs are answered with at the end of the turn, or later
    int64_t bad_said_ms;        // when it was last logged that ...
    int64_t refused_said_ms;    // likewise
    uint8_t bytes[CONTROL_MAX]; // of `out`
};

// What a HELLO is refused with, and when to come again.
static const uint32_t s_delays_ms[] = {
    [GOAWAY_VERSION] = 60000, // until somebody installs another one
    [GOAWAY_NAME] = 10000,    [GOAWAY_CLONE] = 2000, [GOAWAY_SHUTDOWN] = 1000,
    [GOAWAY_LIMIT] = 10000,   [GOAWAY_ROLE] = 60000, [GOAWAY_REVOKED] = 60000,
};

static struct host_time s_now(void);
static void s_take(control_service_t *self, const struct route *from, zmq_msg_t *body);
static void s_part(control_service_t *self, const struct route *from, zmq_msg_t *body,
                   const struct gate_line *line);
static void s_note(control_service_t *self, struct query_away *refused);
static void s_answer(control_service_t *self, const struct route *from, const void *at, size_t n);
static void s_bad(control_service_t *self, int rc);
static bool s_speaks_for(const control_service_t *self, uint64_t id);
static void s_hello(control_service_t *self, const struct route *from);
static void s_send_away(control_service_t *self, const struct route *from, const struct host *host,
                        uint8_t reason, enum away_cause cause);
static int s_admit(control_service_t *self, const struct route *from, const struct host **ret);
static void s_welcome(control_service_t *self, const struct route *to, const struct host *host);
static bool s_was_ours(const control_service_t *self, uint64_t host);
static void s_look_for_loss(control_service_t *self, const struct host *host);
static void s_ping(control_service_t *self, const struct route *from, struct host_time heard);
static void s_pong(void *arg, const struct pong_wait *wait);
static bool s_owes(void *arg, uint64_t host);
static void s_goaway(control_service_t *self, const struct route *to, uint8_t reason);
static void s_nak_hello(control_service_t *self, const struct route *to);
static int s_knock(control_service_t *self, const struct route *to);
static int s_send(control_service_t *self, const struct route *to);

control_service_t *
control_service_new(const struct control_service_options *options)
{
    control_service_t *self = xcalloc(1, sizeof *self);

    self->is = *options;
    return self;
}

void
control_service_destroy(control_service_t **self_p)
{
    if (*self_p != NULL)
        pong_list_release(&(*self_p)->pongs);
    free(*self_p);
    *self_p = NULL;
}

bool
control_service_read(control_service_t *self, unsigned budget)
{
    zmq_msg_t body;
    unsigned done = 0;

    zmq_msg_init(&body);
    for (; done < budget; done++) {
        struct route from;
        int rc = routed_recv(self->is.router, &from, &body);

        if (rc == 0)
            break;
        selfstat_add(STAT_CONTROL_MESSAGES, 1);
        if (rc < 0)
            s_bad(self, rc);
        else
            s_take(self, &from, &body);
    }
    zmq_msg_close(&body);
    return done == budget;
}

void
control_service_pongs(control_service_t *self, int64_t mono_ms)
{
    pong_list_turn(&self->pongs,
                   &(struct pong_list_handler){ .arg = self, .owes = s_owes, .send = s_pong },
                   mono_ms);
}

void
control_service_tick(control_service_t *self, int64_t mono_ms)
{
    parting_tick(&self->parting, mono_ms);
}

void
control_service_ack(control_service_t *self, uint64_t id, const struct ack *ack)
{
    const struct host *host = host_table_find(self->is.hosts, id);

    // One that said BYE may still be listening: it ends only once its spool is flushed.
    if (host == NULL)
        return;
    self->out.type = CONTROL_ACK;
    self->out.ack = *ack;
    s_send(self, &host->route);
    selfstat_add(STAT_ACKS, 1);
}

void
control_service_nak(control_service_t *self, uint64_t id, const struct nak *nak)
{
    const struct host *host = host_table_find(self->is.hosts, id);

    if (host == NULL || (host->info.state == HOST_STOPPED && !host->imported))
        return;
    self->out.type = CONTROL_NAK;
    self->out.nak = *nak;
    s_send(self, &host->route);
    selfstat_add(STAT_NAKS, 1);
    log_debug("NAK", "host=%s stream=%016llx reason=%s next=%llu", log_quote(host->info.name),
              (unsigned long long) nak->stream, nak_reason_str(nak->reason),
              (unsigned long long) nak->next);
}

void
control_service_shutdown(control_service_t *self)
{
    const struct host *host;
    size_t at = 0;

    while ((host = host_table_next(self->is.hosts, &at)) != NULL) {
        if (host->imported ? !host->importing
                           : host->info.state == HOST_STOPPED || host->info.state == HOST_SILENT)
            continue;
        self->out.type = CONTROL_GOAWAY;
        self->out.goaway = (struct goaway){
            .reason = GOAWAY_SHUTDOWN,
            .delay_ms = s_delays_ms[GOAWAY_SHUTDOWN] + (uint32_t) (random_u64() % 1000),
        };
        s_send(self, &host->route);
        selfstat_add(STAT_GOAWAYS, 1);
    }
}

static struct host_time
s_now(void)
{
    return (struct host_time){ .mono_ms = clock_mono_ms(), .real_ms = clock_real_ms() };
}

static void
s_take(control_service_t *self, const struct route *from, zmq_msg_t *body)
{
    struct gate_line line;

    self->address = curve_peer(body);
    if (gate_holds(self->is.roster, &self->from, body, &line))
        s_answer(self, from, zmq_msg_data(body), zmq_msg_size(body));
    else
        s_part(self, from, body, &line);
}

// Its key was revoked while it was connected: it hears so, and is cut. Whoever has no key at all is
// told nothing.
static void
s_part(control_service_t *self, const struct route *from, zmq_msg_t *body,
       const struct gate_line *line)
{
    struct query_away refused = { .cause = AWAY_REVOKED };

    if (roster_knows(self->is.roster, &self->from, curve_user(body))) {
        memcpy(refused.name, self->from.name, sizeof refused.name);
        if (self->from.role == ROLE_AGENT)
            s_note(self, &refused);
        s_goaway(self, from, GOAWAY_REVOKED);
        parting_add(&self->parting, line, clock_mono_ms());
    } else {
        gate_cut(line);
    }
}

static void
s_note(control_service_t *self, struct query_away *refused)
{
    if (self->from.role != GATE_ANYBODY)
        memcpy(refused->key, self->from.name, sizeof refused->key);
    refusal_text(refused->address, sizeof refused->address, self->address, strlen(self->address));
    refusal_book_add(self->is.refused, refused, clock_real_ms());
}

// One message. The stamp of a PING is taken before it is decoded: agents measure with it.
static void
s_answer(control_service_t *self, const struct route *from, const void *at, size_t n)
{
    struct host_time now = s_now();
    int rc = control_take(&self->in, at, n);

    if (rc == ERR_VERSION)
        s_goaway(self, from, GOAWAY_VERSION);
    if (rc < 0) {
        s_bad(self, rc);
        return;
    }
    switch (self->in.type) {
    case CONTROL_HELLO:
        s_hello(self, from);
        break;
    case CONTROL_PING:
        s_ping(self, from, now);
        break;
    case CONTROL_BYE:
        if (s_speaks_for(self, self->in.bye.host))
            host_table_bye(self->is.hosts, &self->in.bye, now);
        break;
    default: // what only a collector says
        s_bad(self, ERR_UNKNOWN);
    }
}

static void
s_bad(control_service_t *self, int rc)
{
    selfstat_add(STAT_CONTROL_BAD, 1);
    if (log_allow(&self->bad_said_ms, SAY_AGAIN_MS))
        log_warn("control message dropped", "error=%s", log_quote(err_str(rc)));
}

// Whether a host that is here is the sender's.
static bool
s_speaks_for(const control_service_t *self, uint64_t id)
{
    const struct host *host = host_table_find(self->is.hosts, id);

    return host == NULL || gate_speaks_for(&self->from, host->info.name, host->imported);
}

// A name is its key's, and so is a host once it had that name: whoever comes with its id and
// another name would take over what it has not sent yet. 0, or why not.
static enum away_cause
s_claims(const control_service_t *self, const struct hello *hello)
{
    const bool imports = (hello->flags & HELLO_IMPORT) != 0;
    const struct lane_host *before = ingest_count(self->is.ingest, hello->id.host);
    char name[ENROL_NAME_MAX + 1];

    if (self->from.role == GATE_ANYBODY)
        return 0;
    if (self->from.role != (imports ? ROLE_OPERATOR : ROLE_AGENT))
        return AWAY_ROLE;
    if (imports)
        return 0;
    if (hello->id.name_len >= sizeof name)
        return AWAY_KEY;
    memcpy(name, hello->id.name, hello->id.name_len);
    name[hello->id.name_len] = '\0';
    if (!gate_speaks_for(&self->from, name, false))
        return AWAY_KEY;
    if (!s_speaks_for(self, hello->id.host) ||
        (before != NULL && before->name != NULL && strcmp(before->name, name) != 0))
        return AWAY_OWNER;
    return 0;
}

// 0, a goaway_reason, or ERR_FORMAT.
static int
s_enter(control_service_t *self, const struct route *from, const struct host **ret)
{
    const struct hello *hello = &self->in.hello;

    return (hello->flags & HELLO_IMPORT) != 0
               ? import_admit(self->is.hosts, hello, from, s_now(), ret)
               : host_table_hello(self->is.hosts, hello, from, s_now(), ret);
}

static void
s_hello(control_service_t *self, const struct route *from)
{
    const struct hello *hello = &self->in.hello;
    const struct hello_stands stands = { self->is.store, self->is.ingest, self->is.collector };
    const struct host *host = host_table_find(self->is.hosts, hello->id.host);
    bool known = host != NULL && host->nonce == hello->nonce &&
                 (host->info.state == HOST_UP || host->imported);
    const enum away_cause cause = s_claims(self, hello);
    char id[STR_HEX64_SIZE];
    int reason;

    // It is not here before it is answered: it says HELLO again.
    if (cause == 0 && !hello_stands_known(&stands, hello))
        return;
    reason = cause == 0           ? s_admit(self, from, &host)
             : cause == AWAY_ROLE ? GOAWAY_ROLE
                                  : GOAWAY_NAME;
    if (reason < 0) {
        s_bad(self, reason);
        return;
    }
    if (reason > 0) {
        s_send_away(self, from, host, (uint8_t) reason, cause);
        return;
    }
    ingest_hello(self->is.ingest, host, hello->streams, hello->n_streams);
    hello_stands_raise(&stands, hello);
    // An importer keeps no book: its file has it all.
    if (!host->imported)
        host_ledger_hello(self->is.ledger, host->info.host, &hello->ledger,
                          s_was_ours(self, host->info.host),
                          ingest_count(self->is.ingest, host->info.host), s_now());
    s_welcome(self, from, host);
    s_look_for_loss(self, host);
    if (!host->imported)
        refusal_book_welcome(self->is.refused, host->info.host, hello->nonce, host->info.name);
    log_line(known ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO,
             host->imported ? "importer is welcome" : "agent is welcome",
             "host=%s id=%s version=%s streams=%u", log_quote(host->info.name),
             str_hex64_put(id, host->info.host), log_quote(host->info.version), hello->n_streams);
}

// `host` is in the way, or NULL. An importer is told by its own program: the operator sees that.
static void
s_send_away(control_service_t *self, const struct route *from, const struct host *host,
            uint8_t reason, enum away_cause cause)
{
    static const enum away_cause causes[] = {
        [GOAWAY_NAME] = AWAY_NAME,
        [GOAWAY_CLONE] = AWAY_CLONE,
        [GOAWAY_LIMIT] = AWAY_LIMIT,
        [GOAWAY_ROLE] = AWAY_ROLE,
    };
    const struct hello *hello = &self->in.hello;
    struct query_away refused = { .cause = (uint8_t) (cause != 0 ? cause : causes[reason]),
                                  .host = hello->id.host,
                                  .nonce = hello->nonce };
    char id[STR_HEX64_SIZE];

    s_goaway(self, from, reason);
    selfstat_add(STAT_HOSTS_REFUSED, 1);
    if ((hello->flags & HELLO_IMPORT) == 0) {
        refusal_text(refused.name, sizeof refused.name, hello->id.name, hello->id.name_len);
        s_note(self, &refused);
    }
    if (log_allow(&self->refused_said_ms, SAY_AGAIN_MS))
        log_warn("agent refused", "reason=%s why=%s id=%s in_the_way=%s address=%s delay_ms=%u",
                 goaway_reason_str(reason), away_cause_str(refused.cause),
                 str_hex64_put(id, hello->id.host),
                 host != NULL ? log_quote(host->info.name) : "nobody", log_quote(self->address),
                 s_delays_ms[reason]);
}

// Who is in the way may only seem to live: an agent that was killed and comes back at once. Its
// connection is gone then, which shows when something is sent to it. 0, or a goaway_reason.
static int
s_admit(control_service_t *self, const struct route *from, const struct host **ret)
{
    int reason = s_enter(self, from, ret);

    if (reason <= 0 || *ret == NULL)
        return reason;
    if (s_knock(self, &(*ret)->route) != -EHOSTUNREACH)
        return reason;
    host_table_lost(self->is.hosts, (*ret)->info.host, s_now());
    return s_enter(self, from, ret);
}

// Whether the agent was with us last. One that does not know by whom it was welcomed, since nothing
// is left in its spool, was, if it has never been elsewhere.
static bool
s_was_ours(const control_service_t *self, uint64_t host)
{
    const uint64_t last = self->in.hello.collector;
    const struct lane_host *own = ingest_count(self->is.ingest, host);

    if (last != 0)
        return last == self->is.collector;
    return own != NULL && own->settled && own->before == 0 && own->elsewhere == 0;
}

// What we acknowledged to this agent and no longer have: our folder is an older copy, or damaged.
static void
s_look_for_loss(control_service_t *self, const struct host *host)
{
    const struct hello *hello = &self->in.hello;
    const struct welcome *welcome = &self->out.welcome;

    for (uint32_t i = 0; hello->collector == self->is.collector && i < hello->n_streams; i++)
        if (hello->streams[i].acked_here > welcome->streams[i].next)
            log_error("the journal lacks what was acknowledged: the agent counts it as lost",
                      "host=%s stream=%016llx from=%llu to=%llu", log_quote(host->info.name),
                      (unsigned long long) hello->streams[i].stream,
                      (unsigned long long) welcome->streams[i].next,
                      (unsigned long long) hello->streams[i].acked_here - 1);
}

// Names each of the agent's streams with what is durable of it here, and its credit.
static void
s_welcome(control_service_t *self, const struct route *to, const struct host *host)
{
    const struct hello *hello = &self->in.hello;
    struct welcome *welcome = &self->out.welcome;

    self->out.type = CONTROL_WELCOME;
    *welcome = (struct welcome){
        .collector = self->is.collector,
        .epoch = self->is.epoch,
        .now_ms = clock_real_ms(),
        .max_frame = ingest_max_frame(self->is.ingest, host),
        .n_streams = hello->n_streams,
    };
    for (uint32_t i = 0; i < hello->n_streams; i++)
        welcome->streams[i] = ingest_welcome(self->is.ingest, host->info.host,
                                             hello->streams[i].stream);
    s_send(self, to);
}

// Who is not known by host, start and connection is asked for a HELLO: after a restart of ours, and
// when its connection was cut, since its routing id is then another.
static void
s_ping(control_service_t *self, const struct route *from, struct host_time heard)
{
    const struct ping *ping = &self->in.ping;
    struct pong_wait wait;
    uint64_t before;

    if (!s_speaks_for(self, ping->host) ||
        host_table_ping(self->is.hosts, ping, from, heard) == NULL) {
        s_nak_hello(self, from);
        return;
    }
    if (host_ledger_ping(self->is.ledger, ping->host, &ping->ledger,
                         ingest_count(self->is.ingest, ping->host), heard, &before))
        ingest_before(self->is.ingest, ping->host, before);
    wait = (struct pong_wait){
        .host = ping->host,
        .to = *from,
        .pong = { .n = ping->n, .t1_ms = ping->t1_ms, .t2_ms = heard.real_ms },
        .mono_ms = heard.mono_ms,
    };
    if (!pong_list_add(&self->pongs, &wait))
        s_pong(self, &wait);
}

static void
s_pong(void *arg, const struct pong_wait *wait)
{
    control_service_t *self = arg;

    self->out.type = CONTROL_PONG;
    self->out.pong = wait->pong;
    self->out.pong.t3_ms = clock_real_ms();
    s_send(self, &wait->to);
}

static bool
s_owes(void *arg, uint64_t host)
{
    return ingest_owes_ack(((control_service_t *) arg)->is.ingest, host);
}

static void
s_goaway(control_service_t *self, const struct route *to, uint8_t reason)
{
    self->out.type = CONTROL_GOAWAY;
    self->out.goaway = (struct goaway){ .reason = reason, .delay_ms = s_delays_ms[reason] };
    s_send(self, to);
    selfstat_add(STAT_GOAWAYS, 1);
}

static void
s_nak_hello(control_service_t *self, const struct route *to)
{
    self->out.type = CONTROL_NAK;
    self->out.nak = (struct nak){ .reason = NAK_HELLO };
    selfstat_add(STAT_NAKS, 1);
    s_send(self, to);
}

// Whether anybody is there: a PONG to no PING, which changes nothing for who lives.
static int
s_knock(control_service_t *self, const struct route *to)
{
    self->out.type = CONTROL_PONG;
    self->out.pong = (struct pong){ .n = 0 };
    return s_send(self, to);
}

// 0, or why it was not sent.
static int
s_send(control_service_t *self, const struct route *to)
{
    ptrdiff_t n = control_put(self->bytes, sizeof self->bytes, &self->out);
    int rc;

    assert(n > 0);
    rc = routed_send(self->is.router, to, self->bytes, (size_t) n);
    if (rc < 0)
        selfstat_add(STAT_CONTROL_UNSENT, 1);
    return rc;
}
