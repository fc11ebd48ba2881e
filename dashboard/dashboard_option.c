// dashboard_option - the dashboard's settings.

#include "dashboard/dashboard_option.h"

#include <stdio.h>
#include <string.h>

#include "shared/net/sock.h"

#define LATER_DATA "nothing is kept yet"
#define LATER_KEYS "peers can not be told apart until keys exist"
#define LATER_FEED "there is no /feed until numbers of applications are taken in"

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
      .help = "where browsers connect; loopback only" },
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
    { .name = "allow-host",
      .type = OPTION_TEXT,
      .list = true,
      .least = 1,
      .most = 253,
      .meta = "NAME",
      .help = "a name that browsers may call us by, beside localhost and the address" },
    { .name = "max-streams",
      .type = OPTION_UINT,
      .fallback = "4096",
      .least = 1,
      .most = 100000,
      .meta = "N",
      .help = "event streams at a time; as far as descriptors allow" },
    { .name = "feed-origin",
      .type = OPTION_TEXT,
      .meta = "ORIGIN",
      .help = "one other origin that may read /feed",
      .later = LATER_FEED },
    { .name = "keys",
      .type = OPTION_TEXT,
      .meta = "DIR",
      .help = "folder of our keys",
      .later = LATER_KEYS },
    { .name = "insecure",
      .type = OPTION_FLAG,
      .help = "talk in the clear; for loopback only",
      .later = LATER_KEYS },
    { .name = NULL },
};

const struct option_program dashboard_program = {
    .name = "zpulse-dashboard",
    .summary = "the page, its live streams and the query API of ZPulse, over HTTP",
    .usage = "zpulse-dashboard [OPTION]...",
    .options = table,
};

int
dashboard_options_take(struct dashboard_options *ret, const options_t *options)
{
    const char *const *collectors;
    const size_t n = options_list(options, "collector", &collectors);

    for (size_t i = 0; i < n; i++)
        if (!sock_is_local(collectors[i])) {
            fprintf(stderr,
                    "%s: collector: \"%s\": only a local collector, until peers can be told "
                    "apart\n",
                    dashboard_program.name, collectors[i]);
            return OPTION_EXIT_CONFIG;
        }
    *ret = (struct dashboard_options){
        .listen = options_text(options, "listen"),
        .collector = n > 0 ? collectors[0] : NULL,
        .web_root = options_text(options, "web-root"),
        .max_streams = (unsigned) options_uint(options, "max-streams"),
    };
    ret->n_allow_hosts = options_list(options, "allow-host", &ret->allow_hosts);
    if (ret->collector == NULL) {
        fprintf(stderr, "%s: collector: none is given\n", dashboard_program.name);
        return OPTION_EXIT_CONFIG;
    }
    if (log_level_parse(&ret->log_level, options_text(options, "log-level")) != 0)
        ret->log_level = LOG_LEVEL_INFO;
    return 0;
}
