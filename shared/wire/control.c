// control - what agent and collector say beside the data: DEALER to ROUTER, one part a message.
//
// A message is 'Z' 'C', version, type, then the fields of its struct in the order of the tables
// below, which both directions follow. Bytes behind the last field are a later version's: nothing
// here asks whether all were read.

#include "shared/wire/control.h"

#include <assert.h>
#include <stdbool.h>

#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/wbuf.h"

enum field_kind {
    FIELD_U8 = 1,
    FIELD_FLAGS, // a byte that ends a message and is left out while it is 0
    FIELD_U32,
    FIELD_U64,      // i64 too
    FIELD_LAST_U64, // one that ends a message and is left out while it is 0
    FIELD_IDENTITY,
    FIELD_LEDGER,
    // `at` is that of the count, `array` that of the array.
    FIELD_HELLO_STREAMS,
    FIELD_WELCOME_STREAMS,
    FIELD_WELCOME_TOTALS, // of those streams, in their order; left out where none is known
};

// One field of one message. Offsets are those of the union's members within the whole message.
struct field {
    uint8_t kind; // enum field_kind; 0 ends a message
    uint16_t at;  // in struct control_msg
    uint16_t array;
};

#define AT(member)         (uint16_t) offsetof(struct control_msg, member)
#define U8(member)         FIELD_U8, AT(member), 0
#define FLAGS(member)      FIELD_FLAGS, AT(member), 0
#define U32(member)        FIELD_U32, AT(member), 0
#define U64(member)        FIELD_U64, AT(member), 0
#define LAST_U64(member)   FIELD_LAST_U64, AT(member), 0
#define IDENTITY(name)     FIELD_IDENTITY, AT(name), 0
#define LEDGER(name)       FIELD_LEDGER, AT(name), 0
#define STREAMS(kind, msg) kind, AT(msg.n_streams), AT(msg.streams)
#define FIELDS_MAX         10 // of a message, and the end

// To add a field in a later version: at the end of its message, nowhere else.
static const struct field fields[][FIELDS_MAX] = {
    [CONTROL_HELLO] = { { IDENTITY(hello.id) },
                        { U64(hello.nonce) },
                        { U32(hello.max_frame) },
                        { U64(hello.collector) },
                        { STREAMS(FIELD_HELLO_STREAMS, hello) },
                        { LEDGER(hello.ledger) },
                        { FLAGS(hello.flags) } },
    [CONTROL_WELCOME] = { { U64(welcome.collector) },
                          { U64(welcome.epoch) },
                          { U64(welcome.now_ms) },
                          { U32(welcome.max_frame) },
                          { STREAMS(FIELD_WELCOME_STREAMS, welcome) },
                          { STREAMS(FIELD_WELCOME_TOTALS, welcome) } },
    [CONTROL_PING] = { { U64(ping.host) },
                       { U64(ping.nonce) },
                       { U64(ping.n) },
                       { U64(ping.t1_ms) },
                       { U64(ping.offset_ms) },
                       { U64(ping.rtt_us) },
                       { U64(ping.head) },
                       { LEDGER(ping.ledger) } },
    [CONTROL_PONG] = { { U64(pong.n) },
                       { U64(pong.t1_ms) },
                       { U64(pong.t2_ms) },
                       { U64(pong.t3_ms) } },
    [CONTROL_NAK] = { { U8(nak.reason) }, { U64(nak.stream) }, { U64(nak.next) } },
    [CONTROL_GOAWAY] = { { U8(goaway.reason) }, { U32(goaway.delay_ms) } },
    [CONTROL_BYE] = { { U64(bye.host) }, { U64(bye.nonce) } },
    [CONTROL_ACK] = { { U64(ack.stream) },
                      { U64(ack.next) },
                      { U64(ack.limit) },
                      { U64(ack.stored) },
                      { U64(ack.elsewhere) },
                      { U64(ack.refused) },
                      { LAST_U64(ack.total) } },
};
#define N_TYPES (sizeof fields / sizeof fields[0])

static void s_put_field(struct wbuf *w, const struct field *field, const void *from);
static int s_take_field(struct rbuf *r, const struct field *field, void *to);
static bool s_known(uint8_t type);
static const char *s_name(const char *const *names, size_t n, uint8_t value);

ptrdiff_t
control_put(void *out, size_t size, const struct control_msg *msg)
{
    struct wbuf w;

    assert(s_known(msg->type)); // we do not send what we do not know
    wbuf_init(&w, out, size < CONTROL_MAX ? size : CONTROL_MAX);
    wbuf_u8(&w, 'Z');
    wbuf_u8(&w, 'C');
    wbuf_u8(&w, CONTROL_VERSION_MAJOR << 4 | CONTROL_VERSION_MINOR);
    wbuf_u8(&w, msg->type);
    for (const struct field *field = fields[msg->type]; field->kind != 0; field++)
        s_put_field(&w, field, msg);
    return wbuf_finish(&w);
}

int
control_take(struct control_msg *ret, const void *at, size_t n)
{
    struct rbuf r;
    uint8_t major;
    int rc = 0;

    if (n > CONTROL_MAX)
        return ERR_LIMIT;
    rbuf_init(&r, at, n);
    if (rbuf_u8(&r) != 'Z' || rbuf_u8(&r) != 'C')
        return ERR_FORMAT;
    major = rbuf_u8(&r) >> 4;
    if (major > CONTROL_VERSION_MAJOR)
        return ERR_VERSION;
    ret->type = rbuf_u8(&r);
    if (rbuf_rc(&r) < 0 || major < CONTROL_VERSION_MAJOR)
        return ERR_FORMAT;
    // Not damage: a later minor version may have types of its own, which are skipped.
    if (!s_known(ret->type))
        return ERR_UNKNOWN;
    for (const struct field *field = fields[ret->type]; field->kind != 0 && rc == 0; field++)
        rc = s_take_field(&r, field, ret);
    return rc;
}

const char *
control_type_str(uint8_t type)
{
    static const char *const names[] = {
        [CONTROL_HELLO] = "hello", [CONTROL_WELCOME] = "welcome", [CONTROL_PING] = "ping",
        [CONTROL_PONG] = "pong",   [CONTROL_NAK] = "nak",         [CONTROL_GOAWAY] = "goaway",
        [CONTROL_BYE] = "bye",     [CONTROL_ACK] = "ack",
    };

    return s_name(names, sizeof names / sizeof names[0], type);
}

const char *
goaway_reason_str(uint8_t reason)
{
    static const char *const names[] = {
        [GOAWAY_VERSION] = "version",   [GOAWAY_NAME] = "name",   [GOAWAY_CLONE] = "clone",
        [GOAWAY_SHUTDOWN] = "shutdown", [GOAWAY_LIMIT] = "limit", [GOAWAY_ROLE] = "role",
        [GOAWAY_REVOKED] = "revoked",
    };

    return s_name(names, sizeof names / sizeof names[0], reason);
}

const char *
nak_reason_str(uint8_t reason)
{
    static const char *const names[] = {
        [NAK_HELLO] = "hello",
        [NAK_KEY] = "key",
        [NAK_STORAGE] = "storage",
        [NAK_NEXT] = "next",
    };

    return s_name(names, sizeof names / sizeof names[0], reason);
}

static void
s_put_hello_streams(struct wbuf *w, const struct hello_stream *streams, uint32_t n)
{
    assert(n <= CONTROL_STREAMS_MAX);
    wbuf_u32(w, n);
    for (uint32_t i = 0; i < n; i++) {
        wbuf_u64(w, streams[i].stream);
        wbuf_u64(w, streams[i].base);
        wbuf_u64(w, streams[i].head);
        wbuf_u64(w, streams[i].acked_here);
    }
}

static void
s_put_welcome_streams(struct wbuf *w, const struct welcome_stream *streams, uint32_t n)
{
    assert(n <= CONTROL_STREAMS_MAX);
    wbuf_u32(w, n);
    for (uint32_t i = 0; i < n; i++) {
        wbuf_u64(w, streams[i].stream);
        wbuf_u64(w, streams[i].next);
        wbuf_u32(w, streams[i].crc);
        wbuf_u64(w, streams[i].limit);
    }
}

static void
s_put_welcome_totals(struct wbuf *w, const struct welcome_stream *streams, uint32_t n)
{
    uint32_t said = 0;

    for (uint32_t i = 0; i < n; i++)
        said += streams[i].total != 0;
    for (uint32_t i = 0; i < n && said > 0; i++)
        wbuf_u64(w, streams[i].total);
}

static void
s_put_field(struct wbuf *w, const struct field *field, const void *from)
{
    const void *at = (const char *) from + field->at;
    const void *array = (const char *) from + field->array;

    switch (field->kind) {
    case FIELD_U8:
        wbuf_u8(w, *(const uint8_t *) at);
        break;
    case FIELD_FLAGS:
        if (*(const uint8_t *) at != 0)
            wbuf_u8(w, *(const uint8_t *) at);
        break;
    case FIELD_U32:
        wbuf_u32(w, *(const uint32_t *) at);
        break;
    case FIELD_U64:
        wbuf_u64(w, *(const uint64_t *) at);
        break;
    case FIELD_LAST_U64:
        if (*(const uint64_t *) at != 0)
            wbuf_u64(w, *(const uint64_t *) at);
        break;
    case FIELD_IDENTITY:
        identity_put(w, at);
        break;
    case FIELD_LEDGER:
        ledger_put(w, at);
        break;
    case FIELD_HELLO_STREAMS:
        s_put_hello_streams(w, array, *(const uint32_t *) at);
        break;
    case FIELD_WELCOME_STREAMS:
        s_put_welcome_streams(w, array, *(const uint32_t *) at);
        break;
    case FIELD_WELCOME_TOTALS:
        s_put_welcome_totals(w, array, *(const uint32_t *) at);
        break;
    default:
        assert(false);
    }
}

// The arrays have their place in the message already; nothing is allocated for a stranger.
static int
s_take_hello_streams(struct rbuf *r, struct hello_stream *streams, uint32_t *n_ret)
{
    uint32_t n = rbuf_u32(r);

    if (n > CONTROL_STREAMS_MAX)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < n; i++) {
        streams[i].stream = rbuf_u64(r);
        streams[i].base = rbuf_u64(r);
        streams[i].head = rbuf_u64(r);
        streams[i].acked_here = rbuf_u64(r);
        if (streams[i].stream == 0 || streams[i].base > streams[i].head)
            rbuf_fail(r);
    }
    *n_ret = n;
    return rbuf_rc(r);
}

static int
s_take_welcome_streams(struct rbuf *r, struct welcome_stream *streams, uint32_t *n_ret)
{
    uint32_t n = rbuf_u32(r);

    if (n > CONTROL_STREAMS_MAX)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < n; i++) {
        streams[i].stream = rbuf_u64(r);
        streams[i].next = rbuf_u64(r);
        streams[i].crc = rbuf_u32(r);
        streams[i].limit = rbuf_u64(r);
        streams[i].total = 0;
        if (streams[i].stream == 0)
            rbuf_fail(r);
    }
    *n_ret = n;
    return rbuf_rc(r);
}

static int
s_take_welcome_totals(struct rbuf *r, struct welcome_stream *streams, uint32_t n)
{
    if (rbuf_left(r) < n * sizeof(uint64_t))
        return 0;
    for (uint32_t i = 0; i < n; i++)
        streams[i].total = rbuf_u64(r);
    return rbuf_rc(r);
}

static int
s_take_field(struct rbuf *r, const struct field *field, void *to)
{
    void *at = (char *) to + field->at;
    void *array = (char *) to + field->array;

    switch (field->kind) {
    case FIELD_U8:
        *(uint8_t *) at = rbuf_u8(r);
        break;
    case FIELD_FLAGS:
        *(uint8_t *) at = rbuf_left(r) > 0 ? rbuf_u8(r) : 0;
        break;
    case FIELD_U32:
        *(uint32_t *) at = rbuf_u32(r);
        break;
    case FIELD_U64:
        *(uint64_t *) at = rbuf_u64(r);
        break;
    case FIELD_LAST_U64:
        *(uint64_t *) at = rbuf_left(r) >= sizeof(uint64_t) ? rbuf_u64(r) : 0;
        break;
    case FIELD_IDENTITY:
        return identity_take(r, at);
    case FIELD_LEDGER:
        return ledger_take(r, at);
    case FIELD_HELLO_STREAMS:
        return s_take_hello_streams(r, array, at);
    case FIELD_WELCOME_STREAMS:
        return s_take_welcome_streams(r, array, at);
    case FIELD_WELCOME_TOTALS:
        return s_take_welcome_totals(r, array, *(const uint32_t *) at);
    default:
        assert(false);
    }
    return rbuf_rc(r);
}

static bool
s_known(uint8_t type)
{
    return type < N_TYPES && fields[type][0].kind != 0;
}

// Log lines name whatever a peer has sent.
static const char *
s_name(const char *const *names, size_t n, uint8_t value)
{
    return value < n && names[value] != NULL ? names[value] : "unknown";
}
