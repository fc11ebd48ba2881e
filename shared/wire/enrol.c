// enrol - see the header.
//
// A message is 'Z' 'E', version, type, its number, then the fields in the order of the table below,
// which both directions follow. Bytes behind the last field are a later version's.

#include "shared/wire/enrol.h"

#include <assert.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/rbuf.h"
#include "shared/base/str.h"
#include "shared/base/wbuf.h"

enum field_kind {
    FIELD_U8 = 1,
    FIELD_ROLE, // u8 that is one
    FIELD_MORE, // u8 at the end, left out where it is 0: earlier writers have none
    FIELD_U32,
    FIELD_U64, // i64 too
    FIELD_KEY,
    FIELD_TEXT,
    FIELD_TOKEN,
    FIELD_NAME,  // or none
    FIELD_NAMED, // a name, certainly
    FIELD_SERVERS,
    FIELD_KEYS,
};

// One field of one message; `at` is in struct enrol_msg, of arrays it is that of the count.
struct field {
    uint8_t kind; // enum field_kind; 0 ends a message
    uint16_t at;
};

#define AT(member) (uint16_t) offsetof(struct enrol_msg, member)
#define FIELDS_MAX 6 // of a message, and the end

static const struct field fields[][FIELDS_MAX] = {
    [ENROL_JOIN] = { { FIELD_TOKEN, AT(join.token) },
                     { FIELD_NAME, AT(join.name) },
                     { FIELD_TEXT, AT(join.version) },
                     { FIELD_MORE, AT(join.role) } },
    [ENROL_JOINED] = { { FIELD_NAMED, AT(joined.name) },
                       { FIELD_ROLE, AT(joined.role) },
                       { FIELD_U64, AT(joined.collector) },
                       { FIELD_U64, AT(joined.now_ms) },
                       { FIELD_SERVERS, AT(joined.n_servers) } },
    [ENROL_REFUSED] = { { FIELD_U8, AT(refused.reason) }, { FIELD_TEXT, AT(refused.why) } },
    [ENROL_ROTATE] = { { FIELD_KEY, AT(rotate.key) } },
    [ENROL_ROTATED] = { { FIELD_U64, AT(rotated.until_ms) } },
    [ENROL_INVITE] = { { FIELD_ROLE, AT(invite.role) },
                       { FIELD_U32, AT(invite.uses) },
                       { FIELD_U64, AT(invite.ttl_ms) },
                       { FIELD_NAME, AT(invite.name) } },
    [ENROL_INVITED] = { { FIELD_TOKEN, AT(invited.token) },
                        { FIELD_U64, AT(invited.expires_ms) },
                        { FIELD_KEY, AT(invited.server) } },
    [ENROL_LIST] = { { FIELD_U64, AT(list.from) }, { FIELD_NAME, AT(list.name) } },
    [ENROL_KEYS] = { { FIELD_U64, AT(keys.next) }, { FIELD_KEYS, AT(keys.n_keys) } },
    [ENROL_REVOKE] = { { FIELD_NAMED, AT(revoke.name) } },
    [ENROL_REVOKED] = { { FIELD_U32, AT(revoked.keys) } },
};
#define N_TYPES (sizeof fields / sizeof fields[0])

static void s_put_field(struct wbuf *w, const struct field *field, const struct enrol_msg *msg);
static int s_take_field(struct rbuf *r, const struct field *field, struct enrol_msg *msg);
static bool s_known(uint8_t type);
static const char *s_str(const char *const *names, size_t n, uint8_t value);

ptrdiff_t
enrol_put(void *out, size_t size, const struct enrol_msg *msg)
{
    struct wbuf w;

    assert(s_known(msg->type)); // we do not send what we do not know
    wbuf_init(&w, out, size < ENROL_MAX ? size : ENROL_MAX);
    wbuf_u8(&w, 'Z');
    wbuf_u8(&w, 'E');
    wbuf_u8(&w, ENROL_VERSION_MAJOR << 4 | ENROL_VERSION_MINOR);
    wbuf_u8(&w, msg->type);
    wbuf_u32(&w, msg->n);
    for (const struct field *field = fields[msg->type]; field->kind != 0; field++)
        s_put_field(&w, field, msg);
    return wbuf_finish(&w);
}

int
enrol_take(struct enrol_msg *ret, const void *at, size_t n)
{
    struct rbuf r;
    uint8_t major;
    int rc = 0;

    if (n > ENROL_MAX)
        return ERR_LIMIT;
    rbuf_init(&r, at, n);
    if (rbuf_u8(&r) != 'Z' || rbuf_u8(&r) != 'E')
        return ERR_FORMAT;
    major = rbuf_u8(&r) >> 4;
    if (major > ENROL_VERSION_MAJOR)
        return ERR_VERSION;
    ret->type = rbuf_u8(&r);
    ret->n = rbuf_u32(&r);
    if (rbuf_rc(&r) < 0 || major < ENROL_VERSION_MAJOR)
        return ERR_FORMAT;
    // Not damage: a later minor version may have types of its own.
    if (!s_known(ret->type))
        return ERR_UNKNOWN;
    for (const struct field *field = fields[ret->type]; field->kind != 0 && rc == 0; field++)
        rc = s_take_field(&r, field, ret);
    return rc;
}

bool
enrol_name_ok(const char *name, size_t len)
{
    if (len < 1 || len > ENROL_NAME_MAX || !str_is_utf8(name, len))
        return false;
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char) name[i] <= ' ' || name[i] == 0x7f)
            return false;
    }
    return true;
}

const char *
enrol_type_str(uint8_t type)
{
    static const char *const names[] = {
        [ENROL_JOIN] = "join",       [ENROL_JOINED] = "joined",   [ENROL_REFUSED] = "refused",
        [ENROL_ROTATE] = "rotate",   [ENROL_ROTATED] = "rotated", [ENROL_INVITE] = "invite",
        [ENROL_INVITED] = "invited", [ENROL_LIST] = "list",       [ENROL_KEYS] = "keys",
        [ENROL_REVOKE] = "revoke",   [ENROL_REVOKED] = "revoked",
    };

    return s_str(names, sizeof names / sizeof names[0], type);
}

const char *
enrol_reason_str(uint8_t reason)
{
    static const char *const names[] = {
        [REFUSAL_TOKEN] = "no valid token",
        [REFUSAL_NAME] = "the name is taken",
        [REFUSAL_FORMAT] = "malformed",
        [REFUSAL_LIMIT] = "too many",
        [REFUSAL_RATE] = "too many tries",
        [REFUSAL_ROLE] = "not allowed",
        [REFUSAL_STORAGE] = "cannot be kept",
        [REFUSAL_UNKNOWN] = "no such name",
        [REFUSAL_KEY] = "the key is known",
        [REFUSAL_FOR] = "the token is for a key of another role, and is not spent",
    };

    return s_str(names, sizeof names / sizeof names[0], reason);
}

const char *
key_role_str(uint8_t role)
{
    static const char *const names[] = {
        [ROLE_AGENT] = "agent", [ROLE_DASHBOARD] = "dashboard", [ROLE_OPERATOR] = "operator"
    };

    return s_str(names, sizeof names / sizeof names[0], role);
}

const char *
key_state_str(uint8_t state)
{
    static const char *const names[] = {
        [KEY_VALID] = "valid",
        [KEY_RETIRING] = "retiring",
        [KEY_RETIRED] = "retired",
        [KEY_REVOKED] = "revoked",
    };

    return s_str(names, sizeof names / sizeof names[0], state);
}

int
key_role_parse(enum key_role *ret, const char *text)
{
    for (unsigned role = ROLE_AGENT; role <= ROLE_OPERATOR; role++) {
        if (strcmp(text, key_role_str((uint8_t) role)) == 0) {
            *ret = (enum key_role) role;
            return 0;
        }
    }
    return ERR_UNKNOWN;
}

static void
s_put_text(struct wbuf *w, const struct enrol_text *text)
{
    wbuf_strn(w, text->at != NULL ? text->at : "", text->len);
}

static void
s_put_servers(struct wbuf *w, const struct enrol_msg *msg)
{
    assert(msg->joined.n_servers <= ENROL_SERVERS_MAX);
    wbuf_u32(w, msg->joined.n_servers);
    for (uint32_t i = 0; i < msg->joined.n_servers; i++) {
        s_put_text(w, &msg->joined.servers[i].endpoint);
        wbuf_bytes(w, msg->joined.servers[i].key, ENROL_KEY_BYTES);
    }
}

static void
s_put_keys(struct wbuf *w, const struct enrol_msg *msg)
{
    assert(msg->keys.n_keys <= ENROL_KEYS_MAX);
    wbuf_u32(w, msg->keys.n_keys);
    for (uint32_t i = 0; i < msg->keys.n_keys; i++) {
        const struct enrol_key *key = &msg->keys.keys[i];

        wbuf_bytes(w, key->key, ENROL_KEY_BYTES);
        s_put_text(w, &key->name);
        wbuf_u8(w, key->role);
        wbuf_u8(w, key->state);
        wbuf_u64(w, (uint64_t) key->since_ms);
        wbuf_u64(w, (uint64_t) key->until_ms);
        wbuf_u64(w, (uint64_t) key->seen_ms);
    }
}

static void
s_put_field(struct wbuf *w, const struct field *field, const struct enrol_msg *msg)
{
    const void *at = (const char *) msg + field->at;

    switch (field->kind) {
    case FIELD_U8:
    case FIELD_ROLE:
        wbuf_u8(w, *(const uint8_t *) at);
        break;
    case FIELD_MORE:
        if (*(const uint8_t *) at != 0)
            wbuf_u8(w, *(const uint8_t *) at);
        break;
    case FIELD_U32:
        wbuf_u32(w, *(const uint32_t *) at);
        break;
    case FIELD_U64:
        wbuf_u64(w, *(const uint64_t *) at);
        break;
    case FIELD_KEY:
        wbuf_bytes(w, *(const uint8_t *const *) at, ENROL_KEY_BYTES);
        break;
    case FIELD_SERVERS:
        s_put_servers(w, msg);
        break;
    case FIELD_KEYS:
        s_put_keys(w, msg);
        break;
    default:
        s_put_text(w, at);
    }
}

static void
s_take_text(struct rbuf *r, struct enrol_text *text, size_t most)
{
    text->at = rbuf_str(r, most, &text->len);
}

static void
s_take_name(struct rbuf *r, struct enrol_text *name, bool may_lack)
{
    s_take_text(r, name, ENROL_NAME_MAX);
    if (rbuf_rc(r) == 0 && !(may_lack && name->len == 0) && !enrol_name_ok(name->at, name->len))
        rbuf_fail(r);
}

static uint8_t
s_take_role(struct rbuf *r)
{
    const uint8_t role = rbuf_u8(r);

    if (role < ROLE_AGENT || role > ROLE_OPERATOR)
        rbuf_fail(r);
    return role;
}

// The arrays have their place in the message already; nothing is allocated for a stranger.
static int
s_take_servers(struct rbuf *r, struct enrol_msg *msg)
{
    const uint32_t n = rbuf_u32(r);

    if (n > ENROL_SERVERS_MAX)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < n; i++) {
        s_take_text(r, &msg->joined.servers[i].endpoint, ENROL_TEXT_MAX);
        msg->joined.servers[i].key = rbuf_bytes(r, ENROL_KEY_BYTES);
    }
    msg->joined.n_servers = n;
    return rbuf_rc(r);
}

static int
s_take_keys(struct rbuf *r, struct enrol_msg *msg)
{
    const uint32_t n = rbuf_u32(r);

    if (n > ENROL_KEYS_MAX)
        return ERR_LIMIT;
    for (uint32_t i = 0; i < n; i++) {
        struct enrol_key *key = &msg->keys.keys[i];

        key->key = rbuf_bytes(r, ENROL_KEY_BYTES);
        s_take_name(r, &key->name, false);
        key->role = s_take_role(r);
        key->state = rbuf_u8(r);
        key->since_ms = (int64_t) rbuf_u64(r);
        key->until_ms = (int64_t) rbuf_u64(r);
        key->seen_ms = (int64_t) rbuf_u64(r);
    }
    msg->keys.n_keys = n;
    return rbuf_rc(r);
}

static int
s_take_field(struct rbuf *r, const struct field *field, struct enrol_msg *msg)
{
    void *at = (char *) msg + field->at;

    switch (field->kind) {
    case FIELD_U8:
        *(uint8_t *) at = rbuf_u8(r);
        break;
    case FIELD_ROLE:
        *(uint8_t *) at = s_take_role(r);
        break;
    case FIELD_MORE:
        *(uint8_t *) at = rbuf_left(r) > 0 ? rbuf_u8(r) : 0;
        break;
    case FIELD_U32:
        *(uint32_t *) at = rbuf_u32(r);
        break;
    case FIELD_U64:
        *(uint64_t *) at = rbuf_u64(r);
        break;
    case FIELD_KEY:
        *(const uint8_t **) at = rbuf_bytes(r, ENROL_KEY_BYTES);
        break;
    case FIELD_TOKEN:
        s_take_text(r, at, ENROL_TOKEN_MAX);
        break;
    case FIELD_NAME:
    case FIELD_NAMED:
        s_take_name(r, at, field->kind == FIELD_NAME);
        break;
    case FIELD_SERVERS:
        return s_take_servers(r, msg);
    case FIELD_KEYS:
        return s_take_keys(r, msg);
    default:
        s_take_text(r, at, ENROL_TEXT_MAX);
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
s_str(const char *const *names, size_t n, uint8_t value)
{
    return value < n && names[value] != NULL ? names[value] : "unknown";
}
