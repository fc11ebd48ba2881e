// enrol_answer - see the header.

#include "collector/enrol_answer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "collector/collector_stat.h"
#include "shared/base/buf.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"

#define LOG_EVERY_MS 1000 // of refusals, which anybody can cause

struct enrol_answerer {
    roster_t *roster;
    uint8_t server[KEY_BYTES];
    uint64_t collector;
    struct enrol_msg in;         // being answered; too large for a stack
    struct enrol_msg out;        // the answer, which may point into what follows
    struct roster_member member; // who joins
    char token[TOKEN_TEXT_SIZE]; // that was made
    struct buf hold;             // keys and names of a list
    int64_t refused_ms;          // when a refusal was logged last
};

static int s_join(enrol_answerer_t *self, const struct enrol_asker *asker, int64_t now_ms);
static int s_rotate(enrol_answerer_t *self, const struct enrol_asker *asker, int64_t now_ms);
static int s_operator(enrol_answerer_t *self, const struct enrol_asker *asker, int64_t now_ms);
static int s_invite(enrol_answerer_t *self, const char *by, int64_t now_ms);
static int s_revoke(enrol_answerer_t *self, const char *by, int64_t now_ms);
static void s_refuse(enrol_answerer_t *self, const struct enrol_asker *asker, int refusal);
static struct enrol_text s_text(const char *text);

enrol_answerer_t *
enrol_answerer_new(roster_t *roster, const uint8_t server[KEY_BYTES], uint64_t collector)
{
    enrol_answerer_t *self = xcalloc(1, sizeof *self);

    self->roster = roster;
    memcpy(self->server, server, sizeof self->server);
    self->collector = collector;
    return self;
}

void
enrol_answerer_destroy(enrol_answerer_t **self_p)
{
    enrol_answerer_t *self = *self_p;

    if (self == NULL)
        return;
    buf_release(&self->hold);
    explicit_bzero(self, sizeof *self);
    free(self);
    *self_p = NULL;
}

ptrdiff_t
enrol_answer(enrol_answerer_t *self, uint8_t out[ENROL_MAX], const void *at, size_t n,
             const struct enrol_asker *asker, int64_t now_ms)
{
    ptrdiff_t len = enrol_take(&self->in, at, n);
    int refusal;

    if (len < 0)
        return len;
    switch (self->in.type) {
    case ENROL_JOIN:
        refusal = s_join(self, asker, now_ms);
        break;
    case ENROL_ROTATE:
        refusal = s_rotate(self, asker, now_ms);
        break;
    case ENROL_INVITE:
    case ENROL_LIST:
    case ENROL_REVOKE:
        refusal = s_operator(self, asker, now_ms);
        break;
    default: // what only a collector says
        return ERR_UNKNOWN;
    }
    if (refusal != 0)
        s_refuse(self, asker, refusal);
    self->out.n = self->in.n;
    len = enrol_put(out, ENROL_MAX, &self->out);
    assert(len > 0); // the longest list fits
    explicit_bzero(self->token, sizeof self->token);
    return len;
}

static int
s_join(enrol_answerer_t *self, const struct enrol_asker *asker, int64_t now_ms)
{
    uint8_t key[ENROL_KEY_BYTES];
    int refusal = REFUSAL_KEY;

    if (key_from_text(key, asker->user, strlen(asker->user)) == 0)
        refusal = roster_join(self->roster, &self->member,
                              &(struct roster_joiner){ .key = key,
                                                       .token = &self->in.join.token,
                                                       .name = &self->in.join.name,
                                                       .role = self->in.join.role,
                                                       .address = asker->address },
                              now_ms);
    if (refusal != 0) {
        if (refusal == REFUSAL_TOKEN || refusal == REFUSAL_RATE)
            selfstat_add(STAT_TOKENS_REFUSED, 1);
        return refusal;
    }
    selfstat_add(STAT_ENROLLED, 1);
    self->out.type = ENROL_JOINED;
    self->out.joined.name = s_text(self->member.name);
    self->out.joined.role = (uint8_t) self->member.role;
    self->out.joined.collector = self->collector;
    self->out.joined.now_ms = now_ms;
    self->out.joined.n_servers = 1;
    self->out.joined.servers[0] = (struct enrol_server){ s_text(""), self->server };
    log_info("a key is enrolled", "name=%s role=%s address=%s", log_quote(self->member.name),
             key_role_str((uint8_t) self->member.role), log_quote(asker->address));
    return 0;
}

static int
s_rotate(enrol_answerer_t *self, const struct enrol_asker *asker, int64_t now_ms)
{
    uint8_t key[ENROL_KEY_BYTES];
    int64_t until_ms = 0;
    int refusal;

    if (!roster_member(self->roster, &self->member, asker->user, now_ms))
        return REFUSAL_ROLE;
    memcpy(key, self->in.rotate.key, sizeof key);
    refusal = roster_rotate(self->roster, self->member.key, key, now_ms, ENROL_OVERLAP_MS,
                            &until_ms);
    if (refusal != 0)
        return refusal;
    self->out.type = ENROL_ROTATED;
    self->out.rotated.until_ms = until_ms;
    log_info("a key is replaced", "name=%s address=%s", log_quote(self->member.name),
             log_quote(asker->address));
    return 0;
}

static int
s_operator(enrol_answerer_t *self, const struct enrol_asker *asker, int64_t now_ms)
{
    if (!roster_member(self->roster, &self->member, asker->user, now_ms) ||
        self->member.role != ROLE_OPERATOR)
        return REFUSAL_ROLE;
    if (self->in.type == ENROL_INVITE)
        return s_invite(self, self->member.name, now_ms);
    if (self->in.type == ENROL_REVOKE)
        return s_revoke(self, self->member.name, now_ms);
    roster_list(self->roster, &self->out, &self->hold, self->in.list.from, &self->in.list.name,
                now_ms);
    return 0;
}

static int
s_invite(enrol_answerer_t *self, const char *by, int64_t now_ms)
{
    int64_t expires_ms = 0;
    const int refusal = roster_invite(self->roster, self->token, &expires_ms,
                                      (enum key_role) self->in.invite.role, &self->in.invite.name,
                                      self->in.invite.uses, self->in.invite.ttl_ms, now_ms);

    if (refusal != 0)
        return refusal;
    self->out.type = ENROL_INVITED;
    self->out.invited.token = s_text(self->token);
    self->out.invited.expires_ms = expires_ms;
    self->out.invited.server = self->server;
    log_info("a token is made", "by=%s role=%s uses=%u ms=%lld", log_quote(by),
             key_role_str(self->in.invite.role), self->in.invite.uses,
             (long long) self->in.invite.ttl_ms);
    return 0;
}

static int
s_revoke(enrol_answerer_t *self, const char *by, int64_t now_ms)
{
    char name[ENROL_NAME_MAX + 1];
    uint32_t keys = 0;
    const int refusal = roster_revoke(self->roster, &keys, &self->in.revoke.name, now_ms);

    memcpy(name, self->in.revoke.name.at, self->in.revoke.name.len);
    name[self->in.revoke.name.len] = '\0';
    if (refusal == REFUSAL_STORAGE)
        log_error("a revocation could not be written: it holds until the collector's end only",
                  "name=%s", log_quote(name));
    if (refusal != 0)
        return refusal;
    self->out.type = ENROL_REVOKED;
    self->out.revoked.keys = keys;
    log_info("keys are revoked", "by=%s name=%s keys=%u", log_quote(by), log_quote(name), keys);
    return 0;
}

static void
s_refuse(enrol_answerer_t *self, const struct enrol_asker *asker, int refusal)
{
    self->out.type = ENROL_REFUSED;
    self->out.refused.reason = (uint8_t) refusal;
    self->out.refused.why = s_text(enrol_reason_str((uint8_t) refusal));
    if (log_allow(&self->refused_ms, LOG_EVERY_MS))
        log_warn("a question about keys is refused", "type=%s reason=%s address=%s",
                 enrol_type_str(self->in.type), log_quote(enrol_reason_str((uint8_t) refusal)),
                 log_quote(asker->address));
}

static struct enrol_text
s_text(const char *text)
{
    return (struct enrol_text){ text, strlen(text) };
}
