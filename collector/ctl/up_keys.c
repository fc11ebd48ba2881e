// up_keys - see the header.

#include "collector/ctl/up_keys.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/net/admit_list.h"
#include "shared/net/client_keys.h"
#include "shared/net/enrol_client.h"

#define DASHBOARD_NAME "dashboard"
#define AGENT_NAME     "agent"
#define CLIENTS        3

static int s_collector(bool *made, const struct up_keys_options *options, struct buf *why);
static int s_client(struct admit_entry *ret, bool *made, const char *dir, enum key_role role,
                    const char *file, struct buf *why);
static int s_name_host(char ret[ENROL_NAME_MAX + 1], const char *dir, struct buf *why);

int
up_keys_make(bool *made, const struct up_keys_options *options, struct buf *why)
{
    struct admit_entry entries[CLIENTS];
    size_t n = 0;
    int rc;

    *made = false;
    rc = s_client(&entries[n++], made, options->clients, ROLE_OPERATOR, ENROL_OPERATOR_NAME, why);
    if (rc == 0)
        rc = s_client(&entries[n++], made, options->clients, ROLE_DASHBOARD, DASHBOARD_NAME, why);
    if (rc == 0 && options->agent) {
        rc = s_client(&entries[n], made, options->clients, ROLE_AGENT, AGENT_NAME, why);
        rc = rc < 0 ? rc : s_name_host(entries[n++].name, options->clients, why);
    }
    rc = rc < 0 ? rc : s_collector(made, options, why);
    return rc < 0 ? rc : admit_list_set(options->collector, entries, n, why);
}

// Its public half goes to the others: they speak with it alone.
static int
s_collector(bool *made, const struct up_keys_options *options, struct buf *why)
{
    char known[KEY_TEXT_SIZE];
    struct key_pair pair;
    bool fresh = false;
    int rc = key_file_load_or_make(&pair, &fresh, options->collector, ENROL_COLLECTOR_NAME, why);

    *made = *made || fresh;
    if (rc < 0)
        return rc;
    rc = key_file_load_public(known, options->clients, ENROL_COLLECTOR_NAME, why);
    if (rc == -ENOENT || (rc == 0 && strcmp(known, pair.public_text) != 0))
        rc = key_file_save_public(options->clients, ENROL_COLLECTOR_NAME, pair.public_text, why);
    key_pair_wipe(&pair);
    return rc;
}

static int
s_client(struct admit_entry *ret, bool *made, const char *dir, enum key_role role, const char *file,
         struct buf *why)
{
    struct key_pair pair;
    bool fresh = false;
    int rc = key_file_load_or_make(&pair, &fresh, dir, file, why);

    *made = *made || fresh;
    if (rc < 0)
        return rc;
    *ret = (struct admit_entry){ .role = role };
    snprintf(ret->name, sizeof ret->name, "%s", file);
    rc = key_from_text(ret->key, pair.public_text, KEY_TEXT_LEN);
    key_pair_wipe(&pair);
    return rc;
}

// What the host was called when its key was made: a key has one name, and so has its history.
static int
s_name_host(char ret[ENROL_NAME_MAX + 1], const char *dir, struct buf *why)
{
    char host[ENROL_NAME_MAX + 1] = "";
    const char *more = "";

    if (client_keys_name(ret, dir, AGENT_NAME))
        return 0;
    if (gethostname(host, sizeof host - 1) == -1 || !enrol_name_ok(host, strlen(host)))
        snprintf(host, sizeof host, "localhost");
    // These two have a key each already.
    if (strcmp(host, ENROL_OPERATOR_NAME) == 0 || strcmp(host, DASHBOARD_NAME) == 0)
        more = ".host";
    snprintf(ret, ENROL_NAME_MAX + 1, "%s%s", host, more);
    return client_keys_save_name(dir, AGENT_NAME, ret, why);
}
