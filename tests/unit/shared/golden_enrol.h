// golden_enrol - the messages about keys that are kept for ever.

#ifndef TESTS_UNIT_SHARED_GOLDEN_ENROL_H
#define TESTS_UNIT_SHARED_GOLDEN_ENROL_H

#include "shared/base/err.h"
#include "shared/wire/enrol.h"
#include "tests/unit/shared/golden.h"
#include "tests/unit/shared/golden_message.h"

#define GOLDEN_TEXT(literal)         \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static const uint8_t golden_key[ENROL_KEY_BYTES] = {
    0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31,
};

static inline void
make_enrol(struct buf *out, const struct enrol_msg *msg)
{
    uint8_t bytes[1024];
    ptrdiff_t n = enrol_put(bytes, sizeof bytes, msg);

    assert_true(n > 0);
    buf_bytes(out, bytes, (size_t) n);
}

static inline void
make_join(struct buf *out)
{
    make_enrol(out, &(struct enrol_msg){ .type = ENROL_JOIN,
                                         .n = 1,
                                         .join = { .token = GOLDEN_TEXT("ze1secret"),
                                                   .name = GOLDEN_TEXT("web-01"),
                                                   .version = GOLDEN_TEXT("1.0.0") } });
}

static inline void
make_join_role(struct buf *out)
{
    make_enrol(out, &(struct enrol_msg){ .type = ENROL_JOIN,
                                         .n = 1,
                                         .join = { .token = GOLDEN_TEXT("ze1secret"),
                                                   .name = GOLDEN_TEXT("web-01"),
                                                   .version = GOLDEN_TEXT("1.0.0"),
                                                   .role = ROLE_DASHBOARD } });
}

static inline void
make_joined(struct buf *out)
{
    make_enrol(
        out, &(struct enrol_msg){
                 .type = ENROL_JOINED,
                 .n = 1,
                 .joined = { .name = GOLDEN_TEXT("web-01"),
                             .role = ROLE_AGENT,
                             .collector = COLLECTOR,
                             .now_ms = T0,
                             .n_servers = 1,
                             .servers = { { GOLDEN_TEXT("tcp://10.0.0.2:5560"), golden_key } } } });
}

static inline void
make_refused(struct buf *out)
{
    make_enrol(out, &(struct enrol_msg){ .type = ENROL_REFUSED,
                                         .n = 2,
                                         .refused = { REFUSAL_TOKEN, GOLDEN_TEXT("no token") } });
}

static inline void
make_rotate(struct buf *out)
{
    make_enrol(out, &(struct enrol_msg){ .type = ENROL_ROTATE, .n = 3, .rotate = { golden_key } });
}

static inline void
make_rotated(struct buf *out)
{
    make_enrol(out, &(struct enrol_msg){ .type = ENROL_ROTATED, .n = 3, .rotated = { T0 } });
}

static inline void
make_invite(struct buf *out)
{
    make_enrol(out,
               &(struct enrol_msg){ .type = ENROL_INVITE,
                                    .n = 4,
                                    .invite = { ROLE_AGENT, 1, 3600000, GOLDEN_TEXT("web-01") } });
}

static inline void
make_invited(struct buf *out)
{
    make_enrol(out, &(struct enrol_msg){ .type = ENROL_INVITED,
                                         .n = 4,
                                         .invited = { GOLDEN_TEXT("ze1secret"), T0, golden_key } });
}

static inline void
make_list(struct buf *out)
{
    make_enrol(out, &(struct enrol_msg){ .type = ENROL_LIST, .n = 5, .list = { .from = 7 } });
}

static inline void
make_keys(struct buf *out)
{
    make_enrol(out, &(struct enrol_msg){
                        .type = ENROL_KEYS,
                        .n = 5,
                        .keys = { .next = 8,
                                  .n_keys = 1,
                                  .keys = { { golden_key, GOLDEN_TEXT("web-01"), ROLE_AGENT,
                                              KEY_RETIRING, T0, T0 + 1, 0 } } } });
}

static inline void
make_revoke(struct buf *out)
{
    make_enrol(out, &(struct enrol_msg){
                        .type = ENROL_REVOKE, .n = 6, .revoke = { GOLDEN_TEXT("web-01") } });
}

static inline void
make_revoked(struct buf *out)
{
    make_enrol(out, &(struct enrol_msg){ .type = ENROL_REVOKED, .n = 6, .revoked = { 2 } });
}

static inline void
tell_key(struct buf *out, const uint8_t *key)
{
    for (int i = 0; i < ENROL_KEY_BYTES; i++)
        buf_printf(out, "%02x", key[i]);
}

static inline void
tell_text(struct buf *out, const char *what, const struct enrol_text *text)
{
    buf_printf(out, "%s \"%.*s\"\n", what, (int) text->len, text->at);
}

// The few numbers and texts of each, in their order.
static inline void
tell_enrol(struct buf *out, const uint8_t *at, size_t n)
{
    struct enrol_msg msg;
    int rc = enrol_take(&msg, at, n);

    buf_printf(out, "%s\n", rc < 0 ? err_str(rc) : enrol_type_str(msg.type));
    if (rc < 0)
        return;
    buf_printf(out, "n %" PRIu32 "\n", msg.n);
    if (msg.type == ENROL_JOIN) {
        tell_text(out, "token", &msg.join.token);
        tell_text(out, "name", &msg.join.name);
        tell_text(out, "version", &msg.join.version);
        if (msg.join.role != 0)
            buf_printf(out, "role %s\n", key_role_str(msg.join.role));
    } else if (msg.type == ENROL_JOINED) {
        tell_text(out, "name", &msg.joined.name);
        buf_printf(out, "role %s collector %016" PRIx64 " now %" PRId64 "\n",
                   key_role_str(msg.joined.role), msg.joined.collector, msg.joined.now_ms);
        for (uint32_t i = 0; i < msg.joined.n_servers; i++) {
            tell_text(out, "server", &msg.joined.servers[i].endpoint);
            tell_key(out, msg.joined.servers[i].key);
            buf_byte(out, '\n');
        }
    } else if (msg.type == ENROL_REFUSED) {
        buf_printf(out, "%s\n", enrol_reason_str(msg.refused.reason));
        tell_text(out, "why", &msg.refused.why);
    } else if (msg.type == ENROL_ROTATE) {
        tell_key(out, msg.rotate.key);
        buf_byte(out, '\n');
    } else if (msg.type == ENROL_ROTATED) {
        buf_printf(out, "until %" PRId64 "\n", msg.rotated.until_ms);
    } else if (msg.type == ENROL_INVITE) {
        buf_printf(out, "role %s uses %" PRIu32 " for %" PRId64 " ms\n",
                   key_role_str(msg.invite.role), msg.invite.uses, msg.invite.ttl_ms);
        tell_text(out, "name", &msg.invite.name);
    } else if (msg.type == ENROL_INVITED) {
        tell_text(out, "token", &msg.invited.token);
        buf_printf(out, "expires %" PRId64 " server ", msg.invited.expires_ms);
        tell_key(out, msg.invited.server);
        buf_byte(out, '\n');
    } else if (msg.type == ENROL_LIST) {
        buf_printf(out, "from %" PRIu64 "\n", msg.list.from);
        tell_text(out, "name", &msg.list.name);
    } else if (msg.type == ENROL_KEYS) {
        buf_printf(out, "next %" PRIu64 "\n", msg.keys.next);
        for (uint32_t i = 0; i < msg.keys.n_keys; i++) {
            const struct enrol_key *key = &msg.keys.keys[i];

            tell_key(out, key->key);
            buf_printf(out, " %.*s %s %s since %" PRId64 " until %" PRId64 " seen %" PRId64 "\n",
                       (int) key->name.len, key->name.at, key_role_str(key->role),
                       key_state_str(key->state), key->since_ms, key->until_ms, key->seen_ms);
        }
    } else if (msg.type == ENROL_REVOKE) {
        tell_text(out, "name", &msg.revoke.name);
    } else {
        buf_printf(out, "keys %" PRIu32 "\n", msg.revoked.keys);
    }
}

#endif
