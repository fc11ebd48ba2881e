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
static void s_host_name(char ret[ENROL_NAME_MAX + 1]);
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

// A key has one name, and so has its history: it is what the host was called when the key was made.
static int
s_name_host(char ret[ENROL_NAME_MAX + 1], const char *dir, struct buf *why)
{
    if (client_keys_name(ret, dir, AGENT_NAME))
        return 0;
    s_host_name(ret);
    return client_keys_save_name(dir, AGENT_NAME, ret, why);
}

// What this host is called now, as the name of a key.
static void
s_host_name(char ret[ENROL_NAME_MAX + 1])
{
    char host[ENROL_NAME_MAX + 1] = "";
    const char *more = "";

    if (gethostname(host, sizeof host - 1) == -1 || !enrol_name_ok(host, strlen(host)))
        snprintf(host, sizeof host, "localhost");
    // These two have a key each already.
    if (strcmp(host, ENROL_OPERATOR_NAME) == 0 || strcmp(host, DASHBOARD_NAME) == 0)
        more = ".host";
    snprintf(ret, ENROL_NAME_MAX + 1, "%s%s", host, more);
}

bool
up_keys_renamed(struct buf *say, const struct up_keys_options *options, const char *data)
{
    char kept[ENROL_NAME_MAX + 1], now[ENROL_NAME_MAX + 1];

    s_host_name(now);
    if (!client_keys_name(kept, options->clients, AGENT_NAME) || strcmp(kept, now) == 0)
        return false;
    buf_printf(say,
               "this host is called %s now, and goes on as %s here, with its history; to have it "
               "as %s from now on, stop, delete %s/" AGENT_NAME ".* and the folder %s, and start",
               now, kept, now, options->clients, data);
    return true;
}
