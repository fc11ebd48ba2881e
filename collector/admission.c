// admission - see the header.

#include "collector/admission.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collector/collector_stat.h"
#include "collector/enrol_service.h"
#include "collector/roster.h"
#include "collector/zap_handler.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/shell_word.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/admit_list.h"
#include "shared/net/enrol_client.h"
#include "shared/net/option.h"
#include "shared/net/selfstat.h"
#include "shared/net/sock.h"

#define ENDPOINT_SIZE   160
#define USUAL_COLLECTOR "tcp://127.0.0.1:5560" // that zpulse asks unless told otherwise

struct admission {
    struct key_pair own;
    roster_t *roster;
    refusal_book_t *refused; // borrowed
    zap_handler_t *zap;
    enrol_service_t *enrol;
    struct client_keys operator; // that was seen beside ours since the start, without its secret
    struct key_watch watch;      // over that one
};

static int s_keys(admission_t *self, const char *dir);
static int s_roster(admission_t *self, const char *dir);
static int s_list(admission_t *self, const char *dir);
static int s_operator(admission_t *self, const struct admission_options *options);
static void s_say_how(const struct admission_options *options);
static bool s_has_operator(admission_t *self);
static int s_sockets(admission_t *self, const struct admission_options *options);
static bool s_let_in(admission_t *self, const struct admit_entry *entry);
static int s_decide(void *arg, enum sock_port door, const uint8_t key[KEY_BYTES]);

int
admission_start(admission_t **ret, int *exit_ret, const struct admission_options *options)
{
    admission_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->refused = options->refused;
    *exit_ret = OPTION_EXIT_CONFIG;
    // Before the key is read: one that comes in between is another one.
    key_watch_init(&self->watch, options->keys, ENROL_OPERATOR_NAME, &self->operator,
                   clock_mono_ms());
    rc = s_keys(self, options->keys);
    rc = rc < 0 ? rc : s_roster(self, options->data);
    rc = rc < 0 ? rc : s_list(self, options->keys);
    rc = rc < 0 ? rc : s_operator(self, options);
    if (rc == 0) {
        *exit_ret = OPTION_EXIT_UNAVAILABLE;
        rc = s_sockets(self, options);
    }
    if (rc < 0) {
        admission_stop(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
admission_stop(admission_t **self_p)
{
    admission_t *self = *self_p;

    if (self == NULL)
        return;
    enrol_service_stop(&self->enrol);
    zap_handler_stop(&self->zap);
    roster_close(&self->roster);
    key_pair_wipe(&self->own);
    free(self);
    *self_p = NULL;
}

void
admission_turn(admission_t *self, bool now)
{
    struct admit_entry entry = { .role = ROLE_OPERATOR, .name = ENROL_OPERATOR_NAME };
    struct roster_member member;
    bool known, other;

    if (now)
        key_watch_hurry(&self->watch);
    // It may have read the same key again, which is not another one.
    other = key_watch_turn(&self->watch, clock_mono_ms());
    explicit_bzero(self->operator.own.secret_text, sizeof self->operator.own.secret_text);
    if (!other)
        return;
    if (key_from_text(entry.key, self->operator.own.public_text, KEY_TEXT_LEN) < 0)
        return;
    // As after a rotation: the roster was told before the file.
    known = roster_knows(self->roster, &member, self->operator.own.public_text);
    if (s_let_in(self, &entry) && !known)
        log_info("the operator's key is another one: who can read it decides who belongs", "key=%s",
                 log_quote(self->operator.own.public_text));
}

int
admission_ended_fd(const admission_t *self)
{
    return zap_handler_ended_fd(self->zap);
}

const struct key_pair *
admission_own(const admission_t *self)
{
    return &self->own;
}

roster_t *
admission_roster(const admission_t *self)
{
    return self->roster;
}

static int
s_keys(admission_t *self, const char *dir)
{
    struct buf why = { 0 };
    bool made;
    const int rc = key_file_load_or_make(&self->own, &made, dir, ENROL_COLLECTOR_NAME, &why);

    if (rc < 0)
        log_error("the keys cannot be used", "why=%s", log_quote(buf_cstr(&why)));
    else if (made)
        log_info("keys are made: who can read them is this collector", "dir=%s", log_quote(dir));
    buf_release(&why);
    return rc;
}

static int
s_roster(admission_t *self, const char *dir)
{
    size_t torn;
    const int rc = roster_open(&self->roster, &torn, dir, clock_real_ms());

    if (rc == ERR_FORMAT)
        log_error("who belongs cannot be read, and nobody is let in by what is left: restore the "
                  "file, or take it away and enrol everybody anew",
                  "file=%s/roster at_byte=%zu", log_quote(dir), torn);
    else if (rc < 0)
        log_error(
            "who belongs cannot be read", "file=%s/roster error=%s", log_quote(dir),
            log_quote(rc == -EPERM ? "it is another user's, or others may write it" : err_str(rc)));
    else if (torn > 0)
        log_warn("the last change of who belongs was cut off by a crash, and had not been told",
                 "file=%s/roster bytes=%zu", log_quote(dir), torn);
    return rc;
}

// A key that nobody knows here is a new one of the same owner, as after a folder of keys was lost:
// it takes the place of the one that has its name. One that was rotated out or revoked stays out.
// True: it is in.
static bool
s_let_in(admission_t *self, const struct admit_entry *entry)
{
    const int64_t now_ms = clock_real_ms();
    const struct enrol_text name = { entry->name, strlen(entry->name) };
    uint32_t revoked;
    int refusal = roster_enrol(self->roster, entry->key, entry->role, entry->name, now_ms);

    if (refusal == REFUSAL_NAME && roster_revoke(self->roster, &revoked, &name, now_ms) == 0) {
        log_warn("a new key has its name: the old one is revoked", "name=%s",
                 log_quote(entry->name));
        refusal = roster_enrol(self->roster, entry->key, entry->role, entry->name, now_ms);
    }
    // After a rotation or a revocation: it is said, and who belongs stands.
    if (refusal != 0)
        log_warn("a key that is written beside the collector's is not let in",
                 "name=%s role=%s reason=%s", log_quote(entry->name),
                 key_role_str((uint8_t) entry->role),
                 log_quote(enrol_reason_str((uint8_t) refusal)));
    return refusal == 0;
}

static int
s_list(admission_t *self, const char *dir)
{
    struct buf why = { 0 };
    struct admit_list list;
    const int rc = admit_list_load(&list, dir, &why);

    if (rc < 0)
        log_error("who is to be let in cannot be read", "why=%s", log_quote(buf_cstr(&why)));
    for (size_t i = 0; i < list.n; i++) {
        // It would take the place of the operator's own key, beside the list.
        if (strcmp(list.at[i].name, ENROL_OPERATOR_NAME) == 0 && list.at[i].role != ROLE_OPERATOR)
            log_warn("a key is not let in: its name is the operator's", "name=%s role=%s",
                     list.at[i].name, key_role_str((uint8_t) list.at[i].role));
        else
            (void) s_let_in(self, &list.at[i]);
    }
    admit_list_release(&list);
    buf_release(&why);
    return rc;
}

// Whose key is in the folder beside ours is the operator. One is made where nobody is: who has
// taken the file to another machine is, and gets no second one here.
static int
s_operator(admission_t *self, const struct admission_options *options)
{
    const char *dir = options->keys;
    struct admit_entry entry = { .role = ROLE_OPERATOR, .name = ENROL_OPERATOR_NAME };
    struct key_pair pair;
    struct buf why = { 0 };
    bool made = false;
    int rc = key_file_load(&pair, dir, ENROL_OPERATOR_NAME, &why);

    if (rc == -ENOENT && s_has_operator(self)) {
        buf_release(&why);
        return 0;
    }
    if (rc == -ENOENT)
        rc = key_file_load_or_make(&pair, &made, dir, ENROL_OPERATOR_NAME, &why);
    if (rc == 0)
        rc = key_from_text(entry.key, pair.public_text, KEY_TEXT_LEN);
    key_pair_wipe(&pair);
    if (rc < 0) {
        log_error("the operator's key cannot be used", "why=%s", log_quote(buf_cstr(&why)));
    } else {
        (void) s_let_in(self, &entry);
        if (made)
            log_info("the operator's key is made: who can read it decides who belongs", "dir=%s",
                     log_quote(dir));
        s_say_how(options);
    }
    buf_release(&why);
    return rc;
}

// So that it works as it stands in a shell of this machine: with the folder, and where it is not
// the one that is asked anyway, with the address.
static void
s_say_how(const struct admission_options *options)
{
    static const struct {
        const char *any, *one; // an address that stands for all of them, and one of those
    } wild[] = { { "tcp://0.0.0.0:", "tcp://127.0.0.1:" },
                 { "tcp://*:", "tcp://127.0.0.1:" },
                 { "tcp://[::]:", "tcp://[::1]:" } };
    struct buf at = { 0 }, command = { 0 }, field = { 0 };

    for (size_t i = 0; i < sizeof wild / sizeof wild[0] && at.len == 0; i++) {
        if (str_starts(options->endpoint, wild[i].any))
            buf_printf(&at, "%s%s", wild[i].one, options->endpoint + strlen(wild[i].any));
    }
    if (at.len == 0)
        buf_str(&at, options->endpoint);
    buf_str(&command, "zpulse enrol --new --keys ");
    shell_word_put(&command, options->keys);
    if (strcmp(buf_cstr(&at), USUAL_COLLECTOR) != 0) {
        buf_str(&command, " --collector ");
        shell_word_put(&command, buf_cstr(&at)); // one of IPv6 has brackets
    }
    log_quote_put(&field, buf_cstr(&command)); // whole: a command that is cut is none
    log_info("to let a host in, run here what is in 'with', and there what it prints", "with=%s",
             buf_cstr(&field));
    buf_release(&at);
    buf_release(&command);
    buf_release(&field);
}

static bool
s_has_operator(admission_t *self)
{
    const struct enrol_text all = { "", 0 };
    struct enrol_msg *page = xcalloc(1, sizeof *page);
    struct buf hold = { 0 };
    uint64_t from = 0;
    bool has = false;

    do {
        roster_list(self->roster, page, &hold, from, &all, clock_real_ms());
        for (uint32_t i = 0; i < page->keys.n_keys; i++) {
            const struct enrol_key *key = &page->keys.keys[i];

            has = has || (key->role == ROLE_OPERATOR &&
                          (key->state == KEY_VALID || key->state == KEY_RETIRING));
        }
        from = page->keys.next;
    } while (!has && from != 0);
    buf_release(&hold);
    free(page);
    return has;
}

static int
s_sockets(admission_t *self, const struct admission_options *options)
{
    char endpoint[ENDPOINT_SIZE];
    int rc = sock_endpoint(endpoint, sizeof endpoint, options->endpoint, SOCK_ENROL);

    rc = rc < 0 ? rc : zap_handler_start(&self->zap, s_decide, self);
    rc = rc < 0 ? rc
                : enrol_service_start(&self->enrol, &(struct enrol_service_options){
                                                        .endpoint = endpoint,
                                                        .own = &self->own,
                                                        .roster = self->roster,
                                                        .collector = options->collector });
    if (rc < 0)
        log_error(rc == ERR_CLOSED ? "this libzmq lets everybody in (option 93 does not take): no "
                                     "socket is opened"
                                   : "cannot listen for enrolment",
                  "endpoint=%s error=%s", log_quote(endpoint), log_quote(err_str(rc)));
    else
        log_info("keys can be enrolled", "endpoint=%s server_key=%s", log_quote(endpoint),
                 log_quote(self->own.public_text));
    return rc;
}

static int
s_decide(void *arg, enum sock_port door, const uint8_t key[KEY_BYTES])
{
    admission_t *self = arg;
    const int64_t now_ms = clock_real_ms();
    const enum roster_answer answer = roster_admit(self->roster, door, key, now_ms);
    struct query_away refused = { .cause = AWAY_REVOKED };
    struct roster_member member;
    char user[KEY_TEXT_SIZE];

    if (answer != ROSTER_NEVER) {
        selfstat_add(answer == ROSTER_IN ? STAT_ADMITTED : STAT_DENIED_UNKNOWN, 1);
        return (int) answer;
    }
    key_to_text(user, key);
    if (roster_member(self->roster, &member, user, now_ms)) {
        selfstat_add(STAT_DENIED_ROLE, 1); // by another door it would come in
        return (int) answer;
    }
    selfstat_add(STAT_DENIED_REVOKED, 1);
    if (roster_knows(self->roster, &member, user) && member.role == ROLE_AGENT) {
        memcpy(refused.name, member.name, sizeof refused.name);
        memcpy(refused.key, member.name, sizeof refused.key);
        refusal_book_add(self->refused, &refused, now_ms);
    }
    return (int) answer;
}
