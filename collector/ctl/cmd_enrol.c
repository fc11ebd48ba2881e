// cmd_enrol - `zpulse enrol`: a token that lets a key in; or, with a token, ours.

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/command.h"
#include "collector/ctl/operator.h"
#include "collector/ctl/when.h"
#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/shell_word.h"
#include "shared/base/xalloc.h"
#include "shared/net/client_keys.h"
#include "shared/net/service.h"
#include "shared/net/sock.h"

#define HOST_SIZE    (HOST_NAME_MAX + 1)
#define JOIN_MS      10000
#define EXPIRES_MOST (UINT64_C(30) * 24 * 3600 * 1000) // ms
#define USES_MOST    100000

static const struct option options_table[] = {
    OPERATOR_OPTIONS,
    { .name = "new", .type = OPTION_FLAG, .help = "make a token, and print the command for it" },
    { .name = "name",
      .type = OPTION_TEXT,
      .least = 1,
      .most = ENROL_NAME_MAX,
      .meta = "NAME",
      .help =
          "what the key will be called; without it who joins says so: its host name, or ROLE.HOST "
          "of a dashboard or operator" },
    { .name = "role",
      .type = OPTION_CHOICE,
      .fallback = "agent",
      .choices = "agent|dashboard|operator",
      .meta = "ROLE",
      .help = "what the key may do" },
    { .name = "uses",
      .type = OPTION_UINT,
      .fallback = "1",
      .least = 1,
      .most = USES_MOST,
      .meta = "N",
      .help = "how many keys the token lets in; more than one only without --name" },
    { .name = "expires",
      .type = OPTION_DURATION,
      .fallback = "1h",
      .least = 1000,
      .most = EXPIRES_MOST,
      .meta = "TIME",
      .help = "how long the token is good for" },
    { .name = "token",
      .type = OPTION_TEXT,
      .least = 1,
      .most = ENROL_TOKEN_MAX,
      .secret = true,
      .meta = "TOKEN",
      .help = "join with this token and its --role: an operator's or a dashboard's key is made in "
              "--keys" },
    { .name = "server-key",
      .type = OPTION_TEXT,
      .least = 1,
      .meta = "KEY",
      .help = "the collector's, for --token" },
    { .name = NULL },
};

static int s_check(const options_t *options, FILE *err);

static const struct option_program program = {
    .name = "zpulse enrol",
    .summary = "Makes a token that lets a key in, or joins by one.",
    .usage = "zpulse enrol --new [OPTION]...\n       zpulse enrol --token TOKEN --server-key KEY "
             "--role ROLE [OPTION]...",
    .options = options_table,
    .check = s_check,
    .tail = "A token is shown once, is good for --uses keys and --expires, and is then nothing. "
            "Whoever has it\nmeanwhile can join: give it to one host only.",
};

static int s_invite(const options_t *options);
static void s_print(const operator_t *operator, const options_t * options,
                    const struct enrol_msg *answer);
static int s_join(const options_t *options);

int
cmd_enrol(int argc, char **argv)
{
    options_t *options = NULL;
    int code;

    if (options_load(&options, &code, &program, argc, argv, stdout, stderr) != 0)
        return code;
    code = options_flag(options, "new") ? s_invite(options) : s_join(options);
    options_destroy(&options);
    return code;
}

static int
s_refuse(FILE *err, const char *why)
{
    fprintf(err, "zpulse enrol: %s\n", why);
    return ERR_RANGE;
}

static int
s_check(const options_t *options, FILE *err)
{
    const char *name = options_text(options, "name");
    const char *server = options_text(options, "server-key");
    const bool token = options_text(options, "token") != NULL;

    if (options_flag(options, "new") == token)
        return s_refuse(err, "one of --new and --token is wanted");
    if (name != NULL && !enrol_name_ok(name, strlen(name)))
        return s_refuse(err, "name: a name has no spaces and control characters");
    if (name != NULL && options_uint(options, "uses") > 1 && !token)
        return s_refuse(err,
                        "uses: one NAME is one host's: a token for several goes without --name");
    // Its key would be kept as the operator's.
    if (token && strcmp(options_text(options, "role"), "agent") == 0)
        return s_refuse(err, "role: agent: `zpulse-agent --enrol` joins with an agent's token; "
                             "another one goes with its --role, dashboard or operator");
    if (token && server == NULL)
        return s_refuse(err, "server-key: --token goes with the collector's key");
    if (server != NULL && !key_is_text(server, strlen(server))) {
        fprintf(err, "zpulse enrol: server-key: %.60s: no key: 40 characters of Z85 are one\n",
                server);
        return ERR_RANGE;
    }
    return 0;
}

static int
s_invite(const options_t *options)
{
    struct enrol_msg *question = xcalloc(1, sizeof *question);
    struct enrol_msg *answer = xcalloc(1, sizeof *answer);
    const char *name = options_text(options, "name");
    operator_t *operator= NULL;
    enum key_role role = ROLE_AGENT;
    int code;

    (void) key_role_parse(&role, options_text(options, "role")); // one of the choices
    question->type = ENROL_INVITE;
    question->invite.role = (uint8_t) role;
    question->invite.uses = (uint32_t) options_uint(options, "uses");
    question->invite.ttl_ms = options_ms(options, "expires");
    if (name != NULL)
        question->invite.name = (struct enrol_text){ name, strlen(name) };
    if (operator_open(&operator, & code, "enrol", options) == 0) {
        if (operator_ask(operator, & code, answer, question) == 0) {
            s_print(operator, options, answer);
            code = fflush(stdout) == 0 ? OPTION_EXIT_OK : OPTION_EXIT_FAILED;
        }
        operator_close(&operator);
    }
    free(question);
    free(answer);
    return code;
}

// The command alone on stdout, so that it can be piped; what there is to know of it on stderr.
static void
s_print(const operator_t *operator, const options_t * options, const struct enrol_msg *answer)
{
    const char *collector = operator_collector(operator);
    const char *role = options_text(options, "role");
    const bool agent = strcmp(role, "agent") == 0;
    struct buf at = { 0 };
    char server[KEY_TEXT_SIZE], until[WHEN_SIZE];

    key_to_text(server, answer->invited.server);
    // An agent's is an agent's; another is called by its role where it is kept.
    shell_word_put(&at, collector);
    printf("%s %s --server-key '%s' --token %.*s%s%s\n",
           agent ? "zpulse-agent --enrol" : "zpulse enrol --collector", buf_cstr(&at), server,
           (int) answer->invited.token.len, answer->invited.token.at, agent ? "" : " --role ",
           agent ? "" : role);
    buf_release(&at);
    fprintf(stderr, "good until %s, for %u key%s; it is shown this once\n",
            when_put(until, answer->invited.expires_ms), (unsigned) options_uint(options, "uses"),
            options_uint(options, "uses") == 1 ? "" : "s");
    if (sock_is_local(collector))
        fprintf(stderr, "%s is this machine: on another one write its address there\n", collector);
}

// A name is one key's: a host's own is its agent's, so others of it are called ROLE.HOST. It counts
// where the token has none.
static void
s_wish(char ret[ENROL_NAME_MAX + 1], const options_t *options)
{
    const char *name = options_text(options, "name"), *role = options_text(options, "role");
    char host[HOST_SIZE] = "";

    if (name == NULL && gethostname(host, sizeof host) == 0)
        snprintf(ret, ENROL_NAME_MAX + 1, "%s.%s", role, host);
    else
        snprintf(ret, ENROL_NAME_MAX + 1, "%s", name != NULL ? name : role);
    if (!enrol_name_ok(ret, strlen(ret)))
        snprintf(ret, ENROL_NAME_MAX + 1, "%s", role);
}

// To the folder in which they are looked for later.
static int
s_join(const options_t *options)
{
    char dir[CLIENT_KEYS_DIR_SIZE], wish[ENROL_NAME_MAX + 1];
    struct buf why = { 0 };
    struct enrol_joined joined;
    enum key_role role = ROLE_OPERATOR;
    int signals, rc;

    (void) key_role_parse(&role, options_text(options, "role")); // one of the choices
    client_keys_dir(dir, options_text(options, "keys"), false);
    s_wish(wish, options);
    log_init("zpulse", LOG_LEVEL_WARN);
    signals = service_start(1);
    rc = enrol_join(
        &joined,
        &(struct enrol_join){ .collector = options_text(options, "collector"),
                              .server = options_text(options, "server-key"),
                              .token = options_text(options, "token"),
                              .role = role,
                              .wish = wish,
                              .version = zpulse_version,
                              .dir = dir,
                              .name = role == ROLE_DASHBOARD ? "dashboard" : ENROL_OPERATOR_NAME,
                              .wake_fd = signals,
                              .timeout_ms = JOIN_MS },
        &why);
    if (rc == 0)
        printf("%s is enrolled as %s; its keys are in %s\n", joined.name,
               key_role_str((uint8_t) joined.role), dir);
    else if (rc != -EINTR)
        fprintf(stderr, "zpulse enrol: %s\n", buf_cstr(&why));
    buf_release(&why);
    service_end(signals);
    if (rc == 0)
        return OPTION_EXIT_OK;
    return rc == -ETIMEDOUT ? OPTION_EXIT_UNAVAILABLE : OPTION_EXIT_FAILED;
}
