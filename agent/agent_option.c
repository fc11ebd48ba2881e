// agent_option - see the header.
//
// The table names every setting the agent will ever have in its present design, so that a unit file
// written today is not refused, and says of each that has no effect yet why.

#include "agent/agent_option.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/err.h"
#include "shared/base/str.h"
#include "shared/net/key_file.h"
#include "shared/net/sock.h"

#define LATER_STATSD "numbers of StatsD clients are not taken in yet"

// What node_exporter leaves out unless told otherwise: partitions and what is no disk, mounts that
// hold no data of their own.
#define DISK_EXCLUDE "^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$"
#define MOUNT_EXCLUDE \
    "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
#define FSTYPE_EXCLUDE                                                                      \
    "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|" \
    "iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|"       \
    "squashfs|sysfs|tracefs)$"
#define FILTER(what, things, without)                                                       \
    { .name = what "-include",                                                              \
      .type = OPTION_TEXT,                                                                  \
      .meta = "REGEX",                                                                      \
      .help = "take in only " things " that match it" },                                    \
    {                                                                                       \
        .name = what "-exclude", .type = OPTION_TEXT, .fallback = without, .meta = "REGEX", \
        .help = "leave out " things " that match it"                                        \
    }

static const struct option options[] = {
    { .name = "data",
      .type = OPTION_TEXT,
      .fallback = "/var/lib/zpulse-agent",
      .least = 1,
      .meta = "DIR",
      .help = "folder of the host id and the spool; made where it is missing" },
    { .name = "collector",
      .type = OPTION_ENDPOINT,
      .list = true,
      .fallback = "tcp://127.0.0.1:5560",
      .least = 1,
      .meta = "ENDPOINT",
      .help = "data port of a collector; control is the next one" },
    { .name = "name",
      .type = OPTION_TEXT,
      .least = 1,
      .meta = "HOST",
      .help = "what this host is called; default: its host name" },
    { .name = "interval",
      .type = OPTION_DURATION,
      .fallback = "1s",
      .least = 100,
      .most = 3600000,
      .meta = "TIME",
      .help = "between two samples" },
    { .name = "rootfs",
      .type = OPTION_TEXT,
      .fallback = "/",
      .least = 1,
      .meta = "DIR",
      .help = "read DIR/proc in place of /proc" },
    { .name = "family",
      .type = OPTION_TEXT,
      .list = true,
      .meta = "NAME=SETTING",
      .help = "off, on, or the time between two samples of a family (or all): hwmon=1m" },
    FILTER("disk", "block devices", DISK_EXCLUDE),
    FILTER("net", "network interfaces", NULL),
    FILTER("mount", "mount points", MOUNT_EXCLUDE),
    FILTER("fstype", "types of file systems", FSTYPE_EXCLUDE),
    { .name = "once",
      .type = OPTION_FLAG,
      .help = "print one sample of everything as exposition text, and end" },
    { .name = "app-sub",
      .type = OPTION_ENDPOINT,
      .list = true,
      .fallback = "@tcp://127.0.0.1:5555",
      .meta = "ENDPOINT",
      .help = "JSON of applications that PUB; @ binds, > connects" },
    { .name = "app-pull",
      .type = OPTION_ENDPOINT,
      .list = true,
      .fallback = "@tcp://127.0.0.1:5565",
      .meta = "ENDPOINT",
      .help = "JSON of applications that PUSH; @ binds, > connects" },
    { .name = "statsd",
      .type = OPTION_ADDRESS,
      .fallback = "127.0.0.1:8125",
      .meta = "ADDRESS",
      .help = "StatsD and DogStatsD by UDP",
      .later = LATER_STATSD },
    { .name = "spool-sync",
      .type = OPTION_DURATION,
      .fallback = "5s",
      .least = 100,
      .most = 3600000,
      .meta = "TIME",
      .help = "at most so much is lost by a power cut" },
    { .name = "spool-bytes",
      .type = OPTION_BYTES,
      .fallback = "1GiB",
      .least = 16 << 20,
      .meta = "BYTES",
      .help = "of the spool, at most; beyond, the oldest is lost" },
    { .name = "spool-age",
      .type = OPTION_DURATION,
      .fallback = "7d",
      .least = 60000,
      .meta = "TIME",
      .help = "of what is in the spool, at most" },
    { .name = "backlog-rate",
      .type = OPTION_BYTES,
      .fallback = "1MiB",
      .least = 1024,
      .meta = "BYTES",
      .help = "a second, of records that are sent late" },
    { .name = "memory",
      .type = OPTION_BYTES,
      .fallback = "4MiB",
      .least = 1 << 20,
      .most = 1 << 30,
      .meta = "BYTES",
      .help =
          "for records that wait to be acknowledged; what does not fit is sent from the spool" },
    { .name = "keys",
      .type = OPTION_TEXT,
      .least = 1,
      .meta = "DIR",
      .help = "folder of agent.key and collector.pub; default: the first that exists of "
              "./run/keys, ~/.config/zpulse, /etc/zpulse/keys" },
    { .name = "insecure",
      .type = OPTION_FLAG,
      .help = "no keys: with a collector on this machine that does without them, too" },
    { .name = "enrol",
      .type = OPTION_ENDPOINT,
      .meta = "ENDPOINT",
      .help = "have this host's key admitted, once: the command that zpulse enrol --new prints" },
    { .name = "server-key",
      .type = OPTION_TEXT,
      .meta = "KEY",
      .help = "of the collector that enrols" },
    { .name = "rotate",
      .type = OPTION_FLAG,
      .help = "replace this host's key, which the collector knows, by a new one, and end" },
    { .name = "token",
      .type = OPTION_TEXT,
      .secret = true,
      .meta = "TOKEN",
      .help = "one-time, for --enrol" },
    { .name = NULL },
};

static void s_name(struct agent_config *config);
static int s_check(const options_t *given, FILE *err);
static int s_enrolment(const options_t *given, FILE *err);
static int s_collector(struct agent_config *config, const options_t *given, FILE *err);
static int s_applications(struct agent_config *config, const options_t *given, FILE *err);

static const struct option_program program = {
    .name = "zpulse-agent",
    .summary = "Samples this host and pushes what it finds to a ZPulse collector.",
    .usage = "zpulse-agent [OPTION]...",
    .options = options,
    .check = s_check,
};

int
agent_config_load(struct agent_config *ret, int *exit_ret, int argc, char **argv)
{
    int rc;

    *ret = (struct agent_config){ 0 };
    rc = options_load(&ret->options, exit_ret, &program, argc, argv, stdout, stderr);
    if (rc != 0)
        return rc;
    ret->data = options_text(ret->options, "data");
    client_keys_dir(ret->keys_dir, options_text(ret->options, "keys"),
                    options_flag(ret->options, "insecure"));
    ret->keys = ret->keys_dir[0] != '\0' ? ret->keys_dir : NULL;
    ret->rootfs = options_text(ret->options, "rootfs");
    ret->interval_ms = options_ms(ret->options, "interval");
    ret->spool_sync_ms = options_ms(ret->options, "spool-sync");
    ret->spool_age_ms = options_ms(ret->options, "spool-age");
    ret->spool_bytes = options_uint(ret->options, "spool-bytes");
    ret->backlog_rate = options_uint(ret->options, "backlog-rate");
    ret->memory = options_uint(ret->options, "memory");
    ret->once = options_flag(ret->options, "once");
    s_name(ret);
    // One of the choices, and checked: neither can fail now.
    (void) log_level_parse(&ret->log_level, options_text(ret->options, "log-level"));
    (void) s_collector(ret, ret->options, stderr);
    (void) s_applications(ret, ret->options, stderr);
    (void) family_wishes_read(&ret->families, ret->options, program.name, stderr);
    return 0;
}

static void
s_name(struct agent_config *config)
{
    config->name = options_text(config->options, "name");
    config->named = config->name != NULL;
    if (config->name != NULL)
        return;
    // What cannot be a label is no name; the host id still tells the host from others.
    if (gethostname(config->host_name, sizeof config->host_name - 1) == -1 ||
        config->host_name[0] == '\0' || !str_is_utf8(config->host_name, strlen(config->host_name)))
        strcpy(config->host_name, "localhost");
    config->name = config->host_name;
}

static int
s_check(const options_t *given, FILE *err)
{
    struct agent_config config;
    int rc = s_collector(&config, given, err);

    if (rc == 0)
        rc = s_enrolment(given, err);
    if (rc == 0)
        rc = s_applications(&config, given, err);
    return rc < 0 ? rc : family_wishes_read(&config.families, given, program.name, err);
}

static int
s_collector(struct agent_config *config, const options_t *given, FILE *err)
{
    const char *const *list;
    const size_t n = options_list(given, "collector", &list);
    const char *endpoint = list[0];

    config->more_collectors = n > 1;
    if (endpoint[0] == '@') {
        fprintf(err, "zpulse-agent: collector: %s: the agent connects, it does not bind\n",
                endpoint);
        return ERR_RANGE;
    }
    if (endpoint[0] == '>')
        endpoint++;
    // Without keys a frame is not encrypted and its sender not proved: it may not leave this
    // machine.
    if (options_flag(given, "insecure") && !sock_is_local(endpoint)) {
        fprintf(err,
                "zpulse-agent: collector: %s: not an address of this machine; with --insecure "
                "every socket is loopback only\n",
                endpoint);
        return ERR_RANGE;
    }
    if (strlen(endpoint) >= sizeof config->collector ||
        sock_endpoint(config->control, sizeof config->control, endpoint, SOCK_CONTROL) < 0) {
        fprintf(err, "zpulse-agent: collector: %s: needs a port with room for five in a row\n",
                endpoint);
        return ERR_FORMAT;
    }
    strcpy(config->collector, endpoint);
    return 0;
}

// All of it, or nothing.
static int
s_enrolment(const options_t *given, FILE *err)
{
    const char *server = options_text(given, "server-key");

    if (options_flag(given, "rotate") && options_flag(given, "insecure")) {
        fprintf(err, "zpulse-agent: rotate: goes without --insecure\n");
        return ERR_FORMAT;
    }
    if (options_text(given, "enrol") == NULL)
        return 0;
    if (server == NULL || options_text(given, "token") == NULL || options_flag(given, "insecure")) {
        fprintf(err, "zpulse-agent: enrol: goes with --server-key and --token, and without "
                     "--insecure\n");
        return ERR_FORMAT;
    }
    if (!key_is_text(server, strlen(server))) {
        fprintf(err, "zpulse-agent: server-key: %.60s: no key: 40 characters of Z85 are one\n",
                server);
        return ERR_FORMAT;
    }
    return 0;
}

static int
s_endpoints(struct app_endpoint_list *ret, const char *name, const options_t *given, FILE *err)
{
    ret->n = options_list(given, name, &ret->endpoints);
    ret->given = options_given(given, name);
    for (size_t i = 0; i < ret->n; i++) {
        struct app_endpoint endpoint;
        const char *why;
        const int rc = app_endpoint_parse(&endpoint, &why, ret->endpoints[i]);

        if (rc < 0) {
            fprintf(err, "zpulse-agent: %s: %s: %s\n", name, ret->endpoints[i], why);
            return rc;
        }
    }
    return 0;
}

static int
s_applications(struct agent_config *config, const options_t *given, FILE *err)
{
    int rc = s_endpoints(&config->app_sub, "app-sub", given, err);

    if (rc == 0)
        rc = s_endpoints(&config->app_pull, "app-pull", given, err);
    if (rc == 0 && config->app_sub.n + config->app_pull.n > APP_ENDPOINTS_MOST) {
        fprintf(err, "zpulse-agent: app-sub, app-pull: %zu endpoints, at most %d\n",
                config->app_sub.n + config->app_pull.n, APP_ENDPOINTS_MOST);
        rc = ERR_LIMIT;
    }
    return rc;
}

bool
agent_config_wants_start(const struct agent_config *fresh, const struct agent_config *old)
{
    return strcmp(fresh->keys_dir, old->keys_dir) != 0 || fresh->interval_ms != old->interval_ms ||
           fresh->spool_sync_ms != old->spool_sync_ms || fresh->spool_age_ms != old->spool_age_ms ||
           fresh->spool_bytes != old->spool_bytes || fresh->backlog_rate != old->backlog_rate ||
           fresh->memory != old->memory || strcmp(fresh->data, old->data) != 0 ||
           strcmp(fresh->name, old->name) != 0 || strcmp(fresh->rootfs, old->rootfs) != 0 ||
           strcmp(fresh->collector, old->collector) != 0 ||
           !app_endpoint_list_equal(&fresh->app_sub, &old->app_sub) ||
           !app_endpoint_list_equal(&fresh->app_pull, &old->app_pull);
}

void
agent_config_release(struct agent_config *config)
{
    options_destroy(&config->options);
}
