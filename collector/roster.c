// roster - see the header. Who changes something holds `changing` throughout, so what it has looked
// at stays so while the disk is waited for; `lock` guards the tables, for a moment at a time.

#include "collector/roster.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "collector/key_table.h"
#include "collector/roster_log.h"
#include "collector/roster_tidy.h"
#include "collector/try_limit.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/net/key_file.h"

struct roster {
    pthread_mutex_t changing;
    pthread_mutex_t lock; // guards what follows, but the log: that is `changing`'s
    key_table_t *keys;
    token_table_t *tokens;
    try_limit_t *tries;
    int64_t now_ms; // of the change that is being applied, or of the open
    roster_log_t *log;
};

// Which roles a door admits; a bit each. Of the enrolment door every one, and none.
static const uint8_t s_doors[] = {
    [SOCK_DATA] = 1 << ROLE_AGENT | 1 << ROLE_OPERATOR,
    [SOCK_CONTROL] = 1 << ROLE_AGENT | 1 << ROLE_OPERATOR,
    [SOCK_LIVE] = 1 << ROLE_DASHBOARD | 1 << ROLE_OPERATOR,
    [SOCK_QUERY] = 1 << ROLE_DASHBOARD | 1 << ROLE_OPERATOR,
    [SOCK_ENROL] = 1 << ROLE_AGENT | 1 << ROLE_DASHBOARD | 1 << ROLE_OPERATOR,
};
#define N_DOORS (sizeof s_doors / sizeof s_doors[0])

static void s_apply(void *arg, const struct roster_record *record);
static int s_change(roster_t *self, const struct roster_record *record, int64_t now_ms);
static int s_check_join(roster_t *self, struct roster_record *record, bool *again,
                        const struct roster_joiner *joiner, int64_t now_ms);
static int s_refusal(int rc);
static bool s_named(char into[ENROL_NAME_MAX + 1], const struct enrol_text *name);

int
roster_open(roster_t **ret, size_t *torn, const char *dir, int64_t now_ms)
{
    roster_t *self = xcalloc(1, sizeof *self);
    int rc;

    pthread_mutex_init(&self->changing, NULL);
    pthread_mutex_init(&self->lock, NULL);
    self->keys = key_table_new(ROSTER_KEYS);
    self->tokens = token_table_new(ROSTER_TOKENS);
    self->tries = try_limit_new();
    self->now_ms = now_ms;
    rc = roster_log_open(&self->log, torn, dir, s_apply, self);
    rc = rc < 0 ? rc : roster_tidy(self->log, self->keys, self->tokens, now_ms);
    if (rc < 0) {
        roster_close(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
roster_close(roster_t **self_p)
{
    roster_t *self = *self_p;

    if (self == NULL)
        return;
    roster_log_close(&self->log);
    key_table_destroy(&self->keys);
    token_table_destroy(&self->tokens);
    try_limit_destroy(&self->tries);
    pthread_mutex_destroy(&self->lock);
    pthread_mutex_destroy(&self->changing);
    free(self);
    *self_p = NULL;
}

enum roster_answer
roster_admit(roster_t *self, enum sock_port door, const uint8_t key[ENROL_KEY_BYTES],
             int64_t now_ms)
{
    enum roster_answer answer = door == SOCK_ENROL ? ROSTER_IN : ROSTER_LATER;
    const struct key_entry *entry;

    if ((size_t) door >= N_DOORS)
        return ROSTER_NEVER;
    pthread_mutex_lock(&self->lock);
    entry = key_table_get(self->keys, key);
    if (entry != NULL) {
        answer = key_entry_lives(entry, now_ms) && (s_doors[door] >> entry->role & 1) != 0
                     ? ROSTER_IN
                     : ROSTER_NEVER;
        if (answer == ROSTER_IN)
            key_table_seen(self->keys, key, now_ms);
    }
    pthread_mutex_unlock(&self->lock);
    return answer;
}

static void
s_member(struct roster_member *ret, const struct key_entry *entry)
{
    memcpy(ret->key, entry->key, sizeof ret->key);
    ret->role = entry->role;
    memcpy(ret->name, entry->name, strlen(entry->name) + 1);
}

// Of a key that lives at this time; NULL: whether it does or not.
static bool
s_look(roster_t *self, struct roster_member *ret, const char *user, const int64_t *now_ms)
{
    uint8_t key[ENROL_KEY_BYTES];
    const struct key_entry *entry;
    bool is;

    if (user == NULL || key_from_text(key, user, strlen(user)) < 0)
        return false;
    pthread_mutex_lock(&self->lock);
    entry = key_table_get(self->keys, key);
    is = entry != NULL && (now_ms == NULL || key_entry_lives(entry, *now_ms));
    if (is)
        s_member(ret, entry);
    pthread_mutex_unlock(&self->lock);
    return is;
}

bool
roster_member(roster_t *self, struct roster_member *ret, const char *user, int64_t now_ms)
{
    return s_look(self, ret, user, &now_ms);
}

bool
roster_knows(roster_t *self, struct roster_member *ret, const char *user)
{
    return s_look(self, ret, user, NULL);
}

int
roster_join(roster_t *self, struct roster_member *ret, const struct roster_joiner *joiner,
            int64_t now_ms)
{
    struct roster_record record = { .type = ROSTER_KEY, .at_ms = now_ms };
    bool may, again = false;
    int refusal;

    pthread_mutex_lock(&self->lock);
    may = try_limit_may(self->tries, joiner->address, now_ms);
    pthread_mutex_unlock(&self->lock);
    if (!may)
        return REFUSAL_RATE;
    memcpy(record.key, joiner->key, sizeof record.key);
    pthread_mutex_lock(&self->changing);
    // Text that is no token has an image that no token has.
    if (token_image(record.token, joiner->token->at, joiner->token->len) < 0)
        memset(record.token, 0, sizeof record.token);
    pthread_mutex_lock(&self->lock);
    refusal = s_check_join(self, &record, &again, joiner, now_ms);
    if (refusal == REFUSAL_TOKEN)
        try_limit_failed(self->tries, joiner->address, now_ms);
    pthread_mutex_unlock(&self->lock);
    if (refusal == 0 && !again)
        refusal = s_change(self, &record, now_ms);
    if (refusal == 0) {
        pthread_mutex_lock(&self->lock);
        s_member(ret, key_table_get(self->keys, joiner->key));
        pthread_mutex_unlock(&self->lock);
    }
    pthread_mutex_unlock(&self->changing);
    return refusal;
}

int
roster_enrol(roster_t *self, const uint8_t key[ENROL_KEY_BYTES], enum key_role role,
             const char *name, int64_t now_ms)
{
    struct roster_record record = { .type = ROSTER_KEY, .role = (uint8_t) role, .at_ms = now_ms };
    const struct enrol_text text = { name, strlen(name) };
    const struct key_entry *entry;
    int refusal = 0;
    bool again;

    if (!s_named(record.name, &text))
        return REFUSAL_FORMAT;
    memcpy(record.key, key, sizeof record.key);
    pthread_mutex_lock(&self->changing);
    pthread_mutex_lock(&self->lock);
    entry = key_table_get(self->keys, key);
    again = entry != NULL && key_entry_lives(entry, now_ms) && entry->role == role &&
            strcmp(entry->name, name) == 0;
    if (!again) {
        struct key_entry probe = { .name = record.name };

        memcpy(probe.key, key, sizeof probe.key);
        refusal = s_refusal(key_table_may_add(self->keys, &probe, now_ms));
    }
    pthread_mutex_unlock(&self->lock);
    if (refusal == 0 && !again)
        refusal = s_change(self, &record, now_ms);
    pthread_mutex_unlock(&self->changing);
    return refusal;
}

int
roster_invite(roster_t *self, char token[TOKEN_TEXT_SIZE], int64_t *expires_ms, enum key_role role,
              const struct enrol_text *name, uint32_t uses, int64_t ttl_ms, int64_t now_ms)
{
    struct roster_record record = { .type = ROSTER_TOKEN, .role = (uint8_t) role, .uses = uses };
    int refusal = 0;

    // One name is one host's: a token for several cannot say it.
    if (uses < 1 || uses > ROSTER_USES_MOST || ttl_ms < 1 || ttl_ms > ROSTER_TTL_MOST_MS ||
        (name->len > 0 && (uses > 1 || !s_named(record.name, name))))
        return REFUSAL_FORMAT;
    record.until_ms = now_ms + ttl_ms;
    if (token_make(token, record.token) < 0)
        return REFUSAL_STORAGE;
    pthread_mutex_lock(&self->changing);
    pthread_mutex_lock(&self->lock);
    if (!token_table_has_room(self->tokens, now_ms))
        refusal = REFUSAL_LIMIT;
    pthread_mutex_unlock(&self->lock);
    if (refusal == 0)
        refusal = s_change(self, &record, now_ms);
    pthread_mutex_unlock(&self->changing);
    if (refusal != 0)
        explicit_bzero(token, TOKEN_TEXT_SIZE);
    *expires_ms = record.until_ms;
    return refusal;
}

int
roster_rotate(roster_t *self, const uint8_t old[ENROL_KEY_BYTES],
              const uint8_t fresh[ENROL_KEY_BYTES], int64_t now_ms, int64_t overlap_ms,
              int64_t *until_ms)
{
    struct roster_record record = { .type = ROSTER_ROTATE,
                                    .at_ms = now_ms,
                                    .until_ms = now_ms + overlap_ms };
    const struct key_entry *before, *after;
    int refusal;
    bool again;

    memcpy(record.key, fresh, sizeof record.key);
    memcpy(record.token, old, sizeof record.token);
    pthread_mutex_lock(&self->changing);
    pthread_mutex_lock(&self->lock);
    before = key_table_get(self->keys, old);
    after = key_table_get(self->keys, fresh);
    again = before != NULL && after != NULL && key_entry_state(before, now_ms) == KEY_RETIRING &&
            after->state == KEY_VALID && strcmp(before->name, after->name) == 0;
    if (again)
        record.until_ms = before->until_ms;
    refusal = again ? 0 : s_refusal(key_table_may_rotate(self->keys, old, fresh));
    pthread_mutex_unlock(&self->lock);
    if (refusal == 0 && !again)
        refusal = s_change(self, &record, now_ms);
    pthread_mutex_unlock(&self->changing);
    *until_ms = record.until_ms;
    return refusal;
}

int
roster_revoke(roster_t *self, uint32_t *keys, const struct enrol_text *name, int64_t now_ms)
{
    struct roster_record record = { .type = ROSTER_REVOKE, .at_ms = now_ms };
    int refusal = 0;

    *keys = 0;
    if (!s_named(record.name, name))
        return REFUSAL_FORMAT;
    pthread_mutex_lock(&self->changing);
    // First of all it holds; the disk may take its time, or fail.
    pthread_mutex_lock(&self->lock);
    *keys = (uint32_t) key_table_revoke(self->keys, record.name, now_ms);
    pthread_mutex_unlock(&self->lock);
    if (*keys == 0)
        refusal = REFUSAL_UNKNOWN;
    else if (roster_log_append(self->log, &record) < 0)
        refusal = REFUSAL_STORAGE;
    pthread_mutex_unlock(&self->changing);
    return refusal;
}

void
roster_list(roster_t *self, struct enrol_msg *ret, struct buf *hold, uint64_t from,
            const struct enrol_text *name, int64_t now_ms)
{
    const struct key_entry *entry;
    uint32_t n = 0;

    ret->type = ENROL_KEYS;
    ret->keys.next = 0;
    // Once, so that nothing moves while it is pointed into.
    buf_clear(hold);
    buf_reserve(hold, ENROL_KEYS_MAX * (ENROL_KEY_BYTES + ENROL_NAME_MAX));
    pthread_mutex_lock(&self->lock);
    while ((entry = key_table_next(self->keys, from)) != NULL && n < ENROL_KEYS_MAX) {
        const size_t len = strlen(entry->name);

        from = entry->serial;
        if (name->len > 0 && (name->len != len || memcmp(name->at, entry->name, len) != 0))
            continue;
        ret->keys.keys[n++] = (struct enrol_key){
            .key = hold->at + hold->len,
            .name = { (const char *) hold->at + hold->len + ENROL_KEY_BYTES, len },
            .role = (uint8_t) entry->role,
            .state = (uint8_t) key_entry_state(entry, now_ms),
            .since_ms = entry->since_ms,
            .until_ms = entry->until_ms,
            .seen_ms = entry->seen_ms,
        };
        buf_bytes(hold, entry->key, ENROL_KEY_BYTES);
        buf_bytes(hold, entry->name, len);
    }
    if (entry != NULL)
        ret->keys.next = from;
    pthread_mutex_unlock(&self->lock);
    ret->keys.n_keys = n;
}

size_t
roster_readers_gone(roster_t *self, int64_t now_ms)
{
    size_t n;

    pthread_mutex_lock(&self->lock);
    n = key_table_readers_gone(self->keys, now_ms);
    pthread_mutex_unlock(&self->lock);
    return n;
}

// Into the tables, under the lock; or as the file is read back. What a table does not take was
// refused when it was asked, too.
static void
s_apply(void *arg, const struct roster_record *record)
{
    roster_t *self = arg;
    struct key_entry key = { .name = record->name,
                             .role = (enum key_role) record->role,
                             .since_ms = record->at_ms };
    struct token_entry token = { .role = (enum key_role) record->role,
                                 .uses = record->uses,
                                 .expires_ms = record->until_ms };

    switch (record->type) {
    case ROSTER_KEY:
        memcpy(key.key, record->key, sizeof key.key);
        memcpy(key.token, record->token, sizeof key.token);
        (void) key_table_add(self->keys, &key, record->at_ms);
        token_table_use(self->tokens, record->token);
        break;
    case ROSTER_HELD:
        memcpy(key.key, record->key, sizeof key.key);
        memcpy(key.token, record->token, sizeof key.token);
        key.state = (enum key_state) record->state;
        key.until_ms = record->until_ms;
        key_table_restore(self->keys, &key);
        break;
    case ROSTER_REVOKE:
        (void) key_table_revoke(self->keys, record->name, record->at_ms);
        break;
    case ROSTER_ROTATE:
        (void) key_table_rotate(self->keys, record->token, record->key, record->at_ms,
                                record->until_ms);
        break;
    default:
        assert(record->type == ROSTER_TOKEN);
        memcpy(token.image, record->token, sizeof token.image);
        memcpy(token.name, record->name, sizeof token.name);
        (void) token_table_add(self->tokens, &token, self->now_ms);
    }
}

// The change is durable, or it is none.
static int
s_change(roster_t *self, const struct roster_record *record, int64_t now_ms)
{
    if (roster_log_append(self->log, record) < 0)
        return REFUSAL_STORAGE;
    pthread_mutex_lock(&self->lock);
    self->now_ms = now_ms;
    s_apply(self, record);
    pthread_mutex_unlock(&self->lock);
    return 0;
}

static bool
s_is_for(const struct roster_joiner *joiner, enum key_role role)
{
    return joiner->role == 0 || joiner->role == role;
}

// Fills in role and name. Under the lock.
static int
s_check_join(roster_t *self, struct roster_record *record, bool *again,
             const struct roster_joiner *joiner, int64_t now_ms)
{
    const struct key_entry *before = key_table_get(self->keys, record->key);
    const struct token_entry *token = token_table_find(self->tokens, record->token, now_ms);
    const uint8_t none[ENROL_KEY_BYTES] = { 0 };
    struct key_entry probe = { .name = record->name };

    // The token may be used up by this very key: then it is known by having been it.
    if (before != NULL && key_entry_lives(before, now_ms) &&
        memcmp(record->token, none, sizeof none) != 0 &&
        memcmp(before->token, record->token, sizeof before->token) == 0) {
        *again = true;
        return s_is_for(joiner, before->role) ? 0 : REFUSAL_KEY;
    }
    if (token == NULL)
        return REFUSAL_TOKEN;
    // Who has the token may be told what it is: that is no guess.
    if (!s_is_for(joiner, token->role))
        return REFUSAL_FOR;
    record->role = (uint8_t) token->role;
    if (token->name[0] != '\0')
        memcpy(record->name, token->name, sizeof record->name);
    else if (!s_named(record->name, joiner->name))
        return REFUSAL_FORMAT;
    memcpy(probe.key, record->key, sizeof probe.key);
    return s_refusal(key_table_may_add(self->keys, &probe, now_ms));
}

static int
s_refusal(int rc)
{
    switch (rc) {
    case 0:
        return 0;
    case -EEXIST:
    case ERR_UNKNOWN: // to rotate what is not valid
        return REFUSAL_KEY;
    case -EADDRINUSE:
        return REFUSAL_NAME;
    default:
        return REFUSAL_LIMIT;
    }
}

static bool
s_named(char into[ENROL_NAME_MAX + 1], const struct enrol_text *name)
{
    if (!enrol_name_ok(name->at, name->len))
        return false;
    memcpy(into, name->at, name->len);
    into[name->len] = '\0';
    return true;
}
