// operator - see the header.

#include "collector/ctl/operator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/client_keys.h"
#include "shared/net/service.h"

#define ASK_MS 5000

struct operator
{
    const char *command;
    const char *collector;
    char *keys; // folder
    int signals;
    enrol_client_t *client;
};

int
operator_open(operator_t **ret, int *exit_ret, const char *command, const options_t *options)
{
    operator_t *self = xcalloc(1, sizeof *self);
    struct client_keys keys = { 0 };
    char dir[CLIENT_KEYS_DIR_SIZE];
    struct buf why = { 0 };
    int rc;

    self->command = command;
    self->collector = options_text(options, "collector");
    log_init("zpulse", LOG_LEVEL_WARN);
    self->signals = service_start(1);
    *exit_ret = OPTION_EXIT_CONFIG;
    client_keys_dir(dir, options_text(options, "keys"), false);
    self->keys = xstrdup(dir);
    rc = client_keys_load(&keys, dir, ENROL_OPERATOR_NAME, &why);
    if (rc == 0) {
        rc = enrol_client_open(&self->client,
                               &(struct enrol_client_options){ .collector = self->collector,
                                                               .server = keys.server,
                                                               .own = &keys.own,
                                                               .wake_fd = self->signals });
        if (rc < 0)
            buf_printf(&why, "%s: %s", self->collector, err_str(rc));
    }
    client_keys_wipe(&keys);
    if (rc < 0) {
        fprintf(stderr, "zpulse %s: %s\n", command, buf_cstr(&why));
        operator_close(&self);
    } else {
        *ret = self;
    }
    buf_release(&why);
    return rc;
}

void
operator_close(operator_t **self_p)
{
    operator_t *self = *self_p;

    if (self == NULL)
        return;
    enrol_client_close(&self->client);
    free(self->keys);
    service_end(self->signals);
    free(self);
    *self_p = NULL;
}

const char *
operator_keys(const operator_t *self)
{
    return self->keys;
}

const char *
operator_collector(const operator_t *self)
{
    return self->collector;
}

int
operator_wake_fd(const operator_t *self)
{
    return self->signals;
}

// Whom the question is about, or nobody.
static struct enrol_text
s_name_of(const struct enrol_msg *question)
{
    if (question->type == ENROL_REVOKE)
        return question->revoke.name;
    if (question->type == ENROL_INVITE && question->invite.name.at != NULL)
        return question->invite.name;
    return (struct enrol_text){ "", 0 };
}

int
operator_ask(operator_t *self, int *exit_ret, struct enrol_msg *answer, struct enrol_msg *question)
{
    const int rc = enrol_client_ask(self->client, answer, question, ASK_MS);

    *exit_ret = OPTION_EXIT_FAILED;
    if (rc == 0 && answer->type == question->type + 1)
        return 0;
    if (rc == 0 && answer->type == ENROL_REFUSED) {
        const struct enrol_text name = s_name_of(question);

        fprintf(stderr, "zpulse %s: %s: %.*s%s%.*s\n", self->command, self->collector,
                (int) name.len, name.at, name.len > 0 ? ": " : "", (int) answer->refused.why.len,
                answer->refused.why.at);
        return -EPERM;
    }
    if (rc == -ETIMEDOUT)
        *exit_ret = OPTION_EXIT_UNAVAILABLE;
    if (rc != -EINTR)
        fprintf(stderr, "zpulse %s: %s: %s\n", self->command, self->collector,
                rc == -ETIMEDOUT
                    ? "nobody answers there who has the key in collector.pub and takes ours"
                : rc < 0 ? err_str(rc)
                         : "an answer of another kind");
    return rc < 0 ? rc : ERR_FORMAT;
}
