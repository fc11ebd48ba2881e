// control_link - see the header.
//
// All that is due is a time compared in control_link_turn; control_link_deadline_us is the least of
// those times, so the two must name the same ones. Times are of the caller's clock, in
// microseconds. A send that is refused is news: with IMMEDIATE a socket without a connection takes
// nothing.

#include "agent/control_link.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/wire/frame.h"

#define SECOND_US      INT64_C(1000000)
#define HELLO_EVERY_US SECOND_US
// A PING goes with whatever else wakes us about a second after the last one, which is a tick, and
// on its own only if nothing does: a wake-up for it alone would be a fifth of the agent's cost. It
// goes behind the tick's record, which waits for the spool, so that libzmq's thread wakes once for
// both; but for one that measures: its answer is not to wait for what the record makes to be done.
#define PING_FROM_US  (SECOND_US - SECOND_US / 20)
#define PING_BY_US    (SECOND_US + SECOND_US / 4)
#define MEASURE_EVERY 10 // PINGs
#define SILENT_US     (3 * SECOND_US)
#define RENEW_US      (10 * SECOND_US)
// A socket that is closed goes only when libzmq has looked its name up: with a name server that
// does not answer, a minute for two. Made anew each 10 s, they would be as many as descriptors
// last. And of a fleet that comes back at once each is in the middle of its handshake for as long
// as all of them take together: who begins anew before that never ends.
#define RENEW_MOST_US  (160 * SECOND_US)
#define KEY_EVERY_US   SECOND_US
#define AWAY_LEAST_MS  1000
#define AWAY_MOST_MS   3600000
#define LOG_EVERY_MS   60000
#define HELLO_SIZE_MAX (BODY_NAME_MAX + 2048u)

enum state { STATE_DOWN, STATE_WELCOMED, STATE_AWAY };

struct control_link {
    enum state state;
    const struct identity *id;
    uint64_t nonce;
    const char *endpoint;
    struct control_link_handler handler;
    int64_t hello_us;    // DOWN: when the next HELLO is due
    bool wants_out;      // DOWN: the socket did not take the last one
    int64_t ping_us;     // WELCOMED: when the last PING was sent
    int64_t turn_us;     // when the turn before ended, and so the socket was last found empty
    int64_t pong_us;     // WELCOMED: when the collector was last known to live
    unsigned unmeasured; // WELCOMED: PINGs since the one that measured last
    bool measuring;      // WELCOMED: the PING sent last measures, and its PONG has not come
    int64_t away_us;     // AWAY: until then
    int64_t heard_us;    // anything of the collector, or sockets made anew
    int64_t renew_us;    // from heard_us until sockets are made anew: longer each time
    int64_t down_us;     // since when there has been no WELCOME
    int64_t key_us;      // when a NAK{KEY} was last passed on
    bool said_silent;    // the log knows that nobody answers
    uint64_t n;          // PINGs sent
    uint64_t epoch;      // of the collector that said WELCOME
    uint8_t away_reason; // of the last GOAWAY, or 0
    int64_t away_log_ms;
    int64_t malformed_log_ms;
    int64_t storage_log_ms;
    struct control_link_stat stat;
};

static void s_hello(control_link_t *self, struct control_now now);
static bool s_ping_is_due(const control_link_t *self, struct control_now now);
static void s_ping(control_link_t *self, struct control_now now);
static void s_lose(control_link_t *self, struct control_now now);
static void s_say_silent(control_link_t *self);
static void s_welcome(control_link_t *self, const struct welcome *w, struct control_now now);
static void s_pong(control_link_t *self, const struct pong *pong, struct control_now now);
static void s_nak(control_link_t *self, const struct nak *nak, struct control_now now);
static void s_goaway(control_link_t *self, const struct goaway *goaway, struct control_now now);

control_link_t *
control_link_new(const struct identity *id, uint64_t nonce, const char *endpoint,
                 const struct control_link_handler *handler, struct control_now now)
{
    control_link_t *self = xcalloc(1, sizeof *self);

    self->id = id;
    self->nonce = nonce;
    self->endpoint = endpoint;
    self->handler = *handler;
    self->hello_us = now.mono_us;
    self->heard_us = now.mono_us;
    self->renew_us = RENEW_US;
    self->turn_us = now.mono_us;
    self->down_us = now.mono_us;
    self->key_us = now.mono_us - KEY_EVERY_US;
    self->stat.rtt_us = -1;
    return self;
}

void
control_link_destroy(control_link_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void
control_link_turn(control_link_t *self, struct control_now now)
{
    // Who has slept can not tell whether the other was silent.
    if (now.mono_us - self->turn_us >= SILENT_US)
        self->pong_us = now.mono_us;
    self->turn_us = now.mono_us;
    if (self->state == STATE_AWAY && now.mono_us >= self->away_us) {
        self->state = STATE_DOWN;
        self->hello_us = self->heard_us = self->down_us = now.mono_us;
    }
    if (self->state == STATE_WELCOMED && now.mono_us - self->pong_us >= SILENT_US) {
        s_lose(self, now);
        s_say_silent(self);
    }
    if (self->state == STATE_WELCOMED && s_ping_is_due(self, now))
        s_ping(self, now);
    if (self->state == STATE_WELCOMED && now.mono_us >= self->hello_us &&
        self->handler.hello_due(self->handler.arg))
        s_hello(self, now);
    if (self->state != STATE_DOWN)
        return;
    // Whether it was absent all the time or has just gone: libzmq may have given the connection up
    // for good (a handshake that failed), and a half-open one is not noticed for minutes.
    if (now.mono_us - self->heard_us >= self->renew_us) {
        self->heard_us = self->hello_us = now.mono_us;
        self->renew_us = self->renew_us < RENEW_MOST_US / 2 ? 2 * self->renew_us : RENEW_MOST_US;
        self->handler.renew(self->handler.arg);
    }
    if (now.mono_us - self->down_us >= SILENT_US)
        s_say_silent(self);
    if (now.mono_us >= self->hello_us)
        s_hello(self, now);
}

static bool
s_send(control_link_t *self, const struct control_msg *msg)
{
    uint8_t bytes[HELLO_SIZE_MAX];
    const ptrdiff_t n = control_put(bytes, sizeof bytes, msg);

    assert(n > 0); // HELLO is the largest
    return self->handler.send(self->handler.arg, bytes, (size_t) n);
}

static void
s_hello(control_link_t *self, struct control_now now)
{
    struct control_book book = { 0 };
    struct control_msg msg = { .type = CONTROL_HELLO };

    self->handler.book(self->handler.arg, &book, true);
    msg.hello.id = *self->id;
    msg.hello.nonce = self->nonce;
    msg.hello.max_frame = FRAME_MAX;
    msg.hello.collector = book.collector;
    msg.hello.n_streams = book.n_streams;
    memcpy(msg.hello.streams, book.streams, book.n_streams * sizeof book.streams[0]);
    msg.hello.ledger = book.ledger;
    self->wants_out = !s_send(self, &msg);
    self->hello_us = now.mono_us + HELLO_EVERY_US;
}

static bool
s_ping_is_due(const control_link_t *self, struct control_now now)
{
    const int64_t since_us = now.mono_us - self->ping_us;
    const bool measures = self->measuring || self->unmeasured == 0;

    if (since_us < PING_FROM_US || since_us >= PING_BY_US || measures || self->handler.soon == NULL)
        return since_us >= PING_FROM_US;
    return !self->handler.soon(self->handler.arg);
}

static void
s_ping(control_link_t *self, struct control_now now)
{
    struct control_book book = { 0 };
    struct control_msg msg = {
        .type = CONTROL_PING,
        .ping = { .host = self->id->host,
                  .nonce = self->nonce,
                  .n = self->n + 1,
                  .t1_ms = now.real_ms,
                  .offset_ms = self->stat.offset_ms,
                  .rtt_us = self->stat.rtt_us },
    };

    self->handler.book(self->handler.arg, &book, false);
    msg.ping.head = book.head;
    msg.ping.ledger = book.ledger;
    self->n++;
    self->ping_us = now.mono_us;
    self->measuring = self->measuring || self->unmeasured == 0;
    self->unmeasured = (self->unmeasured + 1) % MEASURE_EVERY;
    if (!s_send(self, &msg))
        s_lose(self, now);
}

// No frames from here on. HELLO is due at once.
static void
s_lose(control_link_t *self, struct control_now now)
{
    if (self->state == STATE_WELCOMED) {
        self->stat.losses++;
        self->down_us = now.mono_us;
        self->handler.gone(self->handler.arg);
    }
    self->state = STATE_DOWN;
    self->hello_us = now.mono_us;
}

static void
s_say_silent(control_link_t *self)
{
    if (self->said_silent)
        return;
    self->said_silent = true;
    log_warn("the collector does not answer; records wait in the spool", "collector=%s",
             log_quote(self->endpoint));
}

int64_t
control_link_deadline_us(const control_link_t *self)
{
    int64_t due;

    switch (self->state) {
    case STATE_AWAY:
        return self->away_us;
    case STATE_WELCOMED:
        due = self->ping_us + PING_BY_US;
        return due < self->pong_us + SILENT_US ? due : self->pong_us + SILENT_US;
    case STATE_DOWN:
        break;
    }
    due = self->hello_us;
    return due < self->heard_us + self->renew_us ? due : self->heard_us + self->renew_us;
}

bool
control_link_wants_in(const control_link_t *self)
{
    return self->state != STATE_WELCOMED || self->measuring;
}

bool
control_link_wants_out(const control_link_t *self)
{
    return self->state == STATE_DOWN && self->wants_out;
}

void
control_link_writable(control_link_t *self, struct control_now now)
{
    if (control_link_wants_out(self))
        s_hello(self, now);
}

void
control_link_receive(control_link_t *self, const void *at, size_t n, struct control_now now)
{
    struct control_msg msg;
    const int rc = control_take(&msg, at, n);

    self->heard_us = now.mono_us;
    self->renew_us = RENEW_US;
    if (rc < 0 && rc != ERR_UNKNOWN) {
        self->stat.malformed++;
        if (log_allow(&self->malformed_log_ms, LOG_EVERY_MS))
            log_warn("a message of the collector is not readable; dropped",
                     "collector=%s error=%s bytes=%zu", log_quote(self->endpoint),
                     log_quote(err_str(rc)), n);
        return;
    }
    switch (rc < 0 ? 0 : msg.type) {
    case CONTROL_WELCOME:
        s_welcome(self, &msg.welcome, now);
        break;
    case CONTROL_PONG:
        s_pong(self, &msg.pong, now);
        break;
    case CONTROL_ACK:
        if (self->state == STATE_WELCOMED)
            self->handler.ack(self->handler.arg, &msg.ack);
        break;
    case CONTROL_NAK:
        s_nak(self, &msg.nak, now);
        break;
    case CONTROL_GOAWAY:
        s_goaway(self, &msg.goaway, now);
        break;
    default:
        break; // of a newer minor version, or an agent's: not for us
    }
}

static void
s_welcome(control_link_t *self, const struct welcome *w, struct control_now now)
{
    char collector[STR_HEX64_SIZE];

    // Who was sent away stays away.
    if (self->state == STATE_AWAY)
        return;
    // HELLO is repeated until an answer comes, and for new streams: who hears of it knows which of
    // its streams that is news of. Another epoch is another collector, and there all is news.
    if (self->state == STATE_WELCOMED && w->epoch != self->epoch)
        self->handler.gone(self->handler.arg);
    if (self->state != STATE_WELCOMED || w->epoch != self->epoch) {
        self->state = STATE_WELCOMED;
        self->wants_out = false;
        self->epoch = w->epoch;
        self->stat.collector = w->collector;
        self->pong_us = now.mono_us;
        self->ping_us = now.mono_us - PING_BY_US; // due at once: it measures the clocks
        self->unmeasured = 0;
        self->measuring = false;
        self->said_silent = false;
        self->hello_us = now.mono_us;
        log_info("the collector welcomes us", "collector=%s id=%s streams=%" PRIu32,
                 log_quote(self->endpoint), str_hex64_put(collector, w->collector), w->n_streams);
    }
    self->handler.welcomed(self->handler.arg, w);
}

static void
s_pong(control_link_t *self, const struct pong *pong, struct control_now now)
{
    int64_t there_ms, back_ms, held_ms, rtt_us;
    bool measures;

    if (self->state != STATE_WELCOMED)
        return;
    // It may have lain since the turn before, or the one before that if it was for the spool.
    self->pong_us = self->turn_us;
    measures = self->measuring && pong->n == self->n;
    if (!measures)
        return;
    self->measuring = false;
    // RFC 5905 section 8. The sums are of a stranger's numbers and may not fit.
    if (__builtin_sub_overflow(pong->t2_ms, pong->t1_ms, &there_ms) ||
        __builtin_sub_overflow(pong->t3_ms, now.real_ms, &back_ms) ||
        __builtin_sub_overflow(pong->t3_ms, pong->t2_ms, &held_ms) ||
        __builtin_mul_overflow(held_ms, 1000, &rtt_us) ||
        __builtin_sub_overflow(now.mono_us - self->ping_us, rtt_us, &rtt_us) ||
        __builtin_add_overflow(there_ms, back_ms, &there_ms))
        return;
    self->stat.offset_ms = there_ms / 2;
    self->stat.rtt_us = rtt_us > 0 ? rtt_us : 0;
}

static void
s_nak(control_link_t *self, const struct nak *nak, struct control_now now)
{
    if (self->state != STATE_WELCOMED)
        return;
    switch (nak->reason) {
    case NAK_HELLO:
        s_lose(self, now);
        break;
    case NAK_KEY:
        if (now.mono_us - self->key_us < KEY_EVERY_US)
            break;
        self->key_us = now.mono_us;
        self->handler.nak(self->handler.arg, nak);
        break;
    case NAK_STORAGE:
        if (log_allow(&self->storage_log_ms, LOG_EVERY_MS))
            log_warn("the collector can not store; records wait in the spool", "collector=%s",
                     log_quote(self->endpoint));
        self->handler.nak(self->handler.arg, nak);
        break;
    case NAK_NEXT:
        self->handler.nak(self->handler.arg, nak);
        break;
    default:
        break; // of a newer minor version
    }
}

static void
s_goaway(control_link_t *self, const struct goaway *goaway, struct control_now now)
{
    int64_t delay_ms = goaway->delay_ms;

    // A stranger's number: neither a busy loop nor for ever.
    delay_ms = delay_ms < AWAY_LEAST_MS ? AWAY_LEAST_MS : delay_ms;
    delay_ms = delay_ms > AWAY_MOST_MS ? AWAY_MOST_MS : delay_ms;
    s_lose(self, now);
    self->state = STATE_AWAY;
    self->away_us = now.mono_us + delay_ms * 1000;
    // Another reason is news; the same one each two seconds is not.
    if (goaway->reason != self->away_reason || log_allow(&self->away_log_ms, LOG_EVERY_MS))
        log_warn("the collector sends us away", "collector=%s reason=%s retry_ms=%" PRId64,
                 log_quote(self->endpoint), goaway_reason_str(goaway->reason), delay_ms);
    self->away_reason = goaway->reason;
}

void
control_link_renew(control_link_t *self, struct control_now now)
{
    s_lose(self, now);
    self->heard_us = self->down_us = now.mono_us;
    self->renew_us = RENEW_US;
    self->handler.renew(self->handler.arg);
}

void
control_link_bye(control_link_t *self)
{
    const struct control_msg msg = {
        .type = CONTROL_BYE,
        .bye = { .host = self->id->host, .nonce = self->nonce },
    };

    if (self->state == STATE_WELCOMED)
        (void) s_send(self, &msg); // the process ends whether it was taken or not
}

bool
control_link_is_welcomed(const control_link_t *self)
{
    return self->state == STATE_WELCOMED;
}

struct control_link_stat
control_link_stat(const control_link_t *self)
{
    return self->stat;
}
