// enrol - how keys come by their names: DEALER to ROUTER, on the socket that lets every key in.
//
// In:  fields; or one part of a message from a stranger.
// Out: bytes; or fields, checked. Text and keys are borrowed from the bytes, and not terminated.
// Who: whoever asks is known by the connection's key, never by what stands here. JOIN is anybody's,
//      ROTATE that of a key that is let in elsewhere; the rest are an operator's.
// Source: shared/wire/FORMAT.md.

#ifndef SHARED_WIRE_ENROL_H
#define SHARED_WIRE_ENROL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ENROL_VERSION_MAJOR 1
#define ENROL_VERSION_MINOR 0
#define ENROL_MAX           65536 // bytes of a message
#define ENROL_NAME_MAX      253   // bytes of a name: as long as a host's may be
#define ENROL_TOKEN_MAX     64
#define ENROL_TEXT_MAX      256 // of an address, a version, a reason
#define ENROL_SERVERS_MAX   8
#define ENROL_KEYS_MAX      128 // in one answer
#define ENROL_KEY_BYTES     32

enum key_role {
    ROLE_AGENT = 1,     // pushes samples of its own host
    ROLE_DASHBOARD = 2, // reads
    ROLE_OPERATOR = 3,  // reads, imports, and says who belongs
};

enum key_state {
    KEY_VALID = 1,
    KEY_RETIRING = 2, // another has taken its place; let in until a time
    KEY_RETIRED = 3,  // that time is over
    KEY_REVOKED = 4,
};

enum enrol_type {
    ENROL_JOIN = 1,     // I have a token, let my key in
    ENROL_JOINED = 2,   // under this name, and these are the collectors
    ENROL_REFUSED = 3,  // to any question
    ENROL_ROTATE = 4,   // let this key in in place of mine
    ENROL_ROTATED = 5,  // and yours until then
    ENROL_INVITE = 6,   // operator: a token, please
    ENROL_INVITED = 7,  // here it is, this one time
    ENROL_LIST = 8,     // operator: whose keys are there
    ENROL_KEYS = 9,     // these
    ENROL_REVOKE = 10,  // operator: let no key of this name in
    ENROL_REVOKED = 11, // so many were
};

enum enrol_reason {
    REFUSAL_TOKEN = 1,   // not known, used up or expired: which of them is not said
    REFUSAL_NAME = 2,    // another key has this name
    REFUSAL_FORMAT = 3,  // no name, role, key or number that may be
    REFUSAL_LIMIT = 4,   // as many keys or tokens as may be
    REFUSAL_RATE = 5,    // too many tries; later
    REFUSAL_ROLE = 6,    // not for this key to ask
    REFUSAL_STORAGE = 7, // it could not be made to last
    REFUSAL_UNKNOWN = 8, // no key has this name
    REFUSAL_KEY = 9,     // this key is revoked, or has a name already
    REFUSAL_FOR = 10,    // the token is one of another role: it is not spent
};

struct enrol_text {
    const char *at;
    size_t len;
};

struct enrol_server {
    struct enrol_text endpoint; // of its data port; empty: the one that was asked
    const uint8_t *key;         // ENROL_KEY_BYTES
};

struct enrol_key {
    const uint8_t *key;
    struct enrol_text name;
    uint8_t role;     // enum key_role
    uint8_t state;    // enum key_state
    int64_t since_ms; // of its enrolment
    int64_t until_ms; // of KEY_RETIRING; 0: no end is set
    int64_t seen_ms;  // last let in; 0: not since the collector's start
};

struct enrol_msg {
    uint8_t type; // enum enrol_type
    uint32_t n;   // of the question; its answer has the same
    union {
        struct {
            struct enrol_text token;
            struct enrol_text name; // that is wished for; empty: the token's
            struct enrol_text version;
            uint8_t role; // that the key is made for; 0: whatever the token's is
        } join;
        struct {
            struct enrol_text name;
            uint8_t role;
            uint64_t collector; // its id
            int64_t now_ms;     // its clock
            uint32_t n_servers;
            struct enrol_server servers[ENROL_SERVERS_MAX];
        } joined;
        struct {
            uint8_t reason; // enum enrol_reason
            struct enrol_text why;
        } refused;
        struct {
            const uint8_t *key;
        } rotate;
        struct {
            int64_t until_ms;
        } rotated;
        struct {
            uint8_t role;
            uint32_t uses;
            int64_t ttl_ms;
            struct enrol_text name; // empty: who joins says it
        } invite;
        struct {
            struct enrol_text token;
            int64_t expires_ms;
            const uint8_t *server; // the collector's key
        } invited;
        struct {
            uint64_t from;          // 0, or `next` of the answer before
            struct enrol_text name; // empty: all
        } list;
        struct {
            uint64_t next; // where the list goes on; 0: it is at its end
            uint32_t n_keys;
            struct enrol_key keys[ENROL_KEYS_MAX];
        } keys;
        struct {
            struct enrol_text name;
        } revoke;
        struct {
            uint32_t keys;
        } revoked;
    };
};

// The bytes used, or ERR_LIMIT.
ptrdiff_t enrol_put(void *out, size_t size, const struct enrol_msg *msg);
// 0, ERR_FORMAT, ERR_LIMIT, ERR_VERSION or ERR_UNKNOWN.
int enrol_take(struct enrol_msg *ret, const void *at, size_t n);

// What a key may be called: 1 to ENROL_NAME_MAX bytes of UTF-8 without spaces and control
// characters.
bool enrol_name_ok(const char *name, size_t len);
const char *enrol_type_str(uint8_t type);
const char *enrol_reason_str(uint8_t reason);
const char *key_role_str(uint8_t role);
const char *key_state_str(uint8_t state);
// "agent" ... 0, or ERR_UNKNOWN.
int key_role_parse(enum key_role *ret, const char *text);

#endif
