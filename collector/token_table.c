// token_table - see the header.

#include "collector/token_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/net/key_file.h"

#define PREFIX     "ze1"
#define PREFIX_LEN 3
#define BASE32_LEN 52 // 256 bits by 5, the last one with 4 bits of nothing

static const char s_base32[] = "abcdefghijklmnopqrstuvwxyz234567";

struct token_table {
    struct token_entry *at;
    size_t n;
    size_t most;
};

static void s_encode(char text[TOKEN_TEXT_SIZE], const uint8_t secret[KEY_BYTES]);
static int s_decode(uint8_t secret[KEY_BYTES], const char *text, size_t len);
static bool s_good(const struct token_entry *entry, int64_t now_ms);
static bool s_equal(const uint8_t a[ENROL_KEY_BYTES], const uint8_t b[ENROL_KEY_BYTES]);

int
token_make(char text[TOKEN_TEXT_SIZE], uint8_t image[ENROL_KEY_BYTES])
{
    uint8_t secret[KEY_BYTES];
    struct key_pair pair;
    int rc = key_pair_make(&pair);

    if (rc < 0)
        return rc;
    rc = key_from_text(secret, pair.secret_text, KEY_TEXT_LEN);
    assert(rc == 0); // libzmq has just written it
    s_encode(text, secret);
    rc = key_from_text(image, pair.public_text, KEY_TEXT_LEN);
    assert(rc == 0);
    explicit_bzero(secret, sizeof secret);
    key_pair_wipe(&pair);
    return 0;
}

int
token_image(uint8_t image[ENROL_KEY_BYTES], const char *text, size_t len)
{
    char secret_text[KEY_TEXT_SIZE], public_text[KEY_TEXT_SIZE];
    uint8_t secret[KEY_BYTES];
    int rc = s_decode(secret, text, len);

    if (rc < 0)
        return rc;
    key_to_text(secret_text, secret);
    rc = zmq_curve_public(public_text, secret_text) == 0
             ? key_from_text(image, public_text, KEY_TEXT_LEN)
             : ERR_FORMAT;
    explicit_bzero(secret, sizeof secret);
    explicit_bzero(secret_text, sizeof secret_text);
    return rc;
}

token_table_t *
token_table_new(size_t most)
{
    token_table_t *self = xcalloc(1, sizeof *self);

    self->most = most;
    self->at = xcalloc(most, sizeof *self->at);
    return self;
}

void
token_table_destroy(token_table_t **self_p)
{
    token_table_t *self = *self_p;

    if (self == NULL)
        return;
    free(self->at);
    free(self);
    *self_p = NULL;
}

bool
token_table_has_room(const token_table_t *self, int64_t now_ms)
{
    if (self->n < self->most)
        return true;
    for (size_t i = 0; i < self->n; i++) {
        if (!s_good(&self->at[i], now_ms))
            return true;
    }
    return false;
}

int
token_table_add(token_table_t *self, const struct token_entry *entry, int64_t now_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < self->n; i++) {
        if (s_good(&self->at[i], now_ms))
            self->at[kept++] = self->at[i];
    }
    self->n = kept;
    if (self->n == self->most)
        return ERR_LIMIT;
    self->at[self->n++] = *entry;
    return 0;
}

const struct token_entry *
token_table_find(const token_table_t *self, const uint8_t image[ENROL_KEY_BYTES], int64_t now_ms)
{
    const struct token_entry *found = NULL;

    for (size_t i = 0; i < self->n; i++) {
        const bool equal = s_equal(self->at[i].image, image);
        const bool good = s_good(&self->at[i], now_ms);

        if (equal && good)
            found = &self->at[i];
    }
    return found;
}

void
token_table_use(token_table_t *self, const uint8_t image[ENROL_KEY_BYTES])
{
    for (size_t i = 0; i < self->n; i++) {
        if (s_equal(self->at[i].image, image) && self->at[i].uses > 0)
            self->at[i].uses--;
    }
}

const struct token_entry *
token_table_next(const token_table_t *self, size_t *at, int64_t now_ms)
{
    while (*at < self->n) {
        const struct token_entry *entry = &self->at[(*at)++];

        if (s_good(entry, now_ms))
            return entry;
    }
    return NULL;
}

static bool
s_good(const struct token_entry *entry, int64_t now_ms)
{
    return entry->uses > 0 && now_ms < entry->expires_ms;
}

static bool
s_equal(const uint8_t a[ENROL_KEY_BYTES], const uint8_t b[ENROL_KEY_BYTES])
{
    volatile uint8_t differ = 0; // every byte is looked at, whatever the compiler knows

    for (size_t i = 0; i < ENROL_KEY_BYTES; i++)
        differ = (uint8_t) (differ | (a[i] ^ b[i]));
    return differ == 0;
}

static void
s_encode(char text[TOKEN_TEXT_SIZE], const uint8_t secret[KEY_BYTES])
{
    unsigned bits = 0, have = 0;
    size_t at = 0;

    memcpy(text, PREFIX, PREFIX_LEN);
    for (size_t i = 0; i < BASE32_LEN; i++) {
        if (have < 5) {
            bits = bits << 8 | (at < KEY_BYTES ? secret[at] : 0);
            at++;
            have += 8;
        }
        have -= 5;
        text[PREFIX_LEN + i] = s_base32[bits >> have & 31];
    }
    text[TOKEN_TEXT_LEN] = '\0';
}

static int
s_decode(uint8_t secret[KEY_BYTES], const char *text, size_t len)
{
    unsigned bits = 0, have = 0;
    size_t n = 0;

    if (len != TOKEN_TEXT_LEN || memcmp(text, PREFIX, PREFIX_LEN) != 0)
        return ERR_FORMAT;
    for (size_t i = PREFIX_LEN; i < len; i++) {
        const char *at = text[i] != '\0' ? strchr(s_base32, text[i]) : NULL;

        if (at == NULL)
            return ERR_FORMAT;
        bits = (bits << 5 | (unsigned) (at - s_base32)) & 0xfff;
        have += 5;
        if (have >= 8) {
            have -= 8;
            secret[n++] = (uint8_t) (bits >> have);
        }
    }
    // Four bits are left, and are nothing: another text for the same token is none.
    return (bits & 15) == 0 ? 0 : ERR_FORMAT;
}
