// dashboard_option - the dashboard's settings.

#include "dashboard/dashboard_option.h"

#include <stdio.h>
#include <string.h>

#include "dashboard/connection_book.h"
#include "dashboard/listener.h"
#include "dashboard/permit.h"
#include "shared/base/err.h"
#include "shared/base/str.h"
#include "shared/net/sock.h"

#define LATER_DATA "nothing is kept yet"

static const struct option table[] = {
    { .name = "data",
      .type = OPTION_TEXT,
      .fallback = "/var/lib/zpulse-dashboard",
      .least = 1,
      .meta = "DIR",
      .help = "folder for what is to be kept",
      .later = LATER_DATA },
    { .name = "listen",
      .type = OPTION_ADDRESS,
      .fallback = "127.0.0.1:8088",
      .least = 1,
      .meta = "ADDRESS",
      .help = "where browsers connect; other than loopback only with --token-file" },
    { .name = "collector",
      .type = OPTION_ENDPOINT,
      .list = true,
      .fallback = "tcp://127.0.0.1:5560",
      .least = 1,
      .meta = "ENDPOINT",
      .help = "data port of a collector; live and query follow from it; the first is used" },
    { .name = "web-root",
      .type = OPTION_TEXT,
      .least = 1,
      .meta = "DIR",
      .help = "serve the files in DIR in place of our page" },
    { .name = "public-name",
      .type = OPTION_TEXT,
      .list = true,
      .least = 1,
      .most = 253,
      .meta = "NAME",
      .help = "a name that browsers may call us by, beside localhost and addresses" },
    { .name = "token-file",
      .type = OPTION_TEXT,
      .least = 1,
      .meta = "FILE",
      .help = "ask everybody for the token in FILE (mode 0600)" },
    { .name = "trusted-proxy",
      .type = OPTION_TEXT,
      .list = true,
      .least = 1,
      .meta = "ADDRESS",
      .help = "an address with no limit of connections, as loopback" },
    { .name = "max-per-address",
      .type = OPTION_UINT,
      .fallback = "256",
      .least = 1,
      .most = 100000,
      .meta = "N",
      .help = "connections of one address at a time" },
    { .name = "request-time",
      .type = OPTION_DURATION,
      .fallback = "10s",
      .least = 100,
      .most = 600000,
      .meta = "TIME",
      .help = "how long a request may take to come in" },
    { .name = "max-streams",
      .type = OPTION_UINT,
      .fallback = "4096",
      .least = 1,
      .most = 100000,
      .meta = "N",
      .help = "event streams at a time; as far as descriptors allow" },
    { .name = "feed-origin",
      .type = OPTION_TEXT,
      .least = 1,
      .most = 300,
      .meta = "ORIGIN",
      .help = "one other origin that may read /feed: http://NAME[:PORT]" },
    { .name = "keys",
      .type = OPTION_TEXT,
      .least = 1,
      .meta = "DIR",
      .help = "folder of dashboard.key and collector.pub; default: the first that exists of "
              "./run/keys, ~/.config/zpulse, /etc/zpulse/keys" },
    { .name = "rotate",
      .type = OPTION_FLAG,
      .help = "have our key replaced by another one, and end; a dashboard that runs takes it up" },
    { .name = "insecure",
      .type = OPTION_FLAG,
      .help = "no keys: with a collector on this machine that does without them, too" },
    { .name = NULL },
};

static int s_check(const options_t *options, FILE *err);

const struct option_program dashboard_program = {
    .name = "zpulse-dashboard",
    .summary = "the page, its live streams and the query API of ZPulse, over HTTP",
    .usage = "zpulse-dashboard [OPTION]...",
    .options = table,
    .check = s_check,
};

void
dashboard_options_take(struct dashboard_options *ret, const options_t *options)
{
    const char *const *collectors;

    options_list(options, "collector", &collectors);
    *ret = (struct dashboard_options){
        .listen = options_text(options, "listen"),
        .collector = collectors[0],
        .web_root = options_text(options, "web-root"),
        .feed_origin = options_text(options, "feed-origin"),
        .max_streams = (unsigned) options_uint(options, "max-streams"),
        .token_file = options_text(options, "token-file"),
        .max_per_address = (unsigned) options_uint(options, "max-per-address"),
        .rotate = options_flag(options, "rotate"),
        .request_ms = options_ms(options, "request-time"),
    };
    client_keys_dir(ret->keys, options_text(options, "keys"), options_flag(options, "insecure"));
    ret->n_public_names = options_list(options, "public-name", &ret->public_names);
    ret->n_trusted_proxies = options_list(options, "trusted-proxy", &ret->trusted_proxies);
    // One of the choices, so it is known.
    (void) log_level_parse(&ret->log_level, options_text(options, "log-level"));
}

static int
s_refuse(FILE *err, const char *option, const char *value, const char *rule)
{
    fprintf(err, "%s: %s: \"%.100s\": %s\n", dashboard_program.name, option, value, rule);
    return ERR_RANGE;
}

// As a browser writes it, so that it compares equal there: in small letters, without a path.
// Source: WHATWG HTML, "Origin", ASCII serialisation.
static bool
s_is_origin(const char *text)
{
    const char *name = text;
    size_t n;

    if (str_starts(text, "http://"))
        name += strlen("http://");
    else if (str_starts(text, "https://"))
        name += strlen("https://");
    else
        return false;
    n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_[]:");
    return n > 0 && name[n] == '\0' && name[0] != ':' && name[n - 1] != ':';
}

static int
s_check(const options_t *options, FILE *err)
{
    const char *listen = options_text(options, "listen");
    const char *const *collectors;
    const size_t n = options_list(options, "collector", &collectors);
    const char *origin = options_text(options, "feed-origin");
    const char *const *proxies;
    const size_t n_proxies = options_list(options, "trusted-proxy", &proxies);
    const char *const *names;
    const size_t n_names = options_list(options, "public-name", &names);
    int rc;

    for (size_t i = 0; i < n; i++) {
        if (options_flag(options, "insecure") && !sock_is_local(collectors[i]))
            return s_refuse(err, "collector", collectors[i],
                            "with --insecure only a collector on this machine");
    }
    if (n == 0)
        return s_refuse(err, "collector", "", "none is given");
    if (options_flag(options, "rotate") && options_flag(options, "insecure"))
        return s_refuse(err, "rotate", "true", "goes without --insecure");
    for (size_t i = 0; i < n_proxies; i++) {
        if (!connection_book_takes(proxies[i]))
            return s_refuse(err, "trusted-proxy", proxies[i], "not an IPv4 or IPv6 address");
    }
    for (size_t i = 0; i < n_names; i++) {
        if (!permit_takes(names[i]))
            return s_refuse(err, "public-name", names[i],
                            "not a name as browsers send it: no http://, no path, no spaces");
    }
    if (origin != NULL && !s_is_origin(origin))
        return s_refuse(err, "feed-origin", origin,
                        "not an origin: http:// or https://, a name, perhaps a port, nothing more");
    rc = listener_check(listen);
    if (rc == ERR_RANGE && options_text(options, "token-file") == NULL)
        return s_refuse(err, "listen", listen,
                        "an address that others reach needs --token-file; without one loopback "
                        "only");
    if (rc < 0 && rc != ERR_RANGE)
        return s_refuse(err, "listen", listen, "not an address of this machine with a port");
    return 0;
}
