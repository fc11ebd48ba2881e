// dashboard - the parts of the program, started and ended in order.

#include "dashboard/dashboard.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dashboard/collector_link.h"
#include "dashboard/event_encode.h"
#include "dashboard/http_edge.h"
#include "dashboard/listener.h"
#include "dashboard/permit.h"
#include "dashboard/stream_hub.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/random.h"
#include "shared/base/xalloc.h"
#include "shared/net/client_keys.h"
#include "shared/net/key_watch.h"

// Connections that are no streams: requests must get through when all streams are taken.
#define REQUEST_PLACES 32
#define BYE_LEAST_MS   1000 // readers come back spread over a time, not all at once
#define BYE_SPREAD_MS  2000

struct dashboard {
    char boot[EVENT_BOOT_MAX];
    uint16_t port;
    unsigned most_connections;
    unsigned max_streams;
    page_files_t *pages;
    permit_t *permit;
    access_token_t *token;   // NULL: none is asked for
    struct client_keys keys; // but for --insecure; once the link runs, its thread's
    struct key_watch watch;  // of the keys; likewise
    stream_hub_t *hub;
    collector_link_t *link;
    http_edge_t *edge;
};

static int s_load_token(dashboard_t *self, const char *path);
static int s_listen(int *fd, int *exit_ret, const struct dashboard_options *options);
static int s_start_parts(dashboard_t *self, const struct dashboard_options *options, int fd);
static void s_limit(dashboard_t *self, unsigned max_streams);
static void s_want_snap(void *arg);
static void s_published(void *arg);

int
dashboard_start(dashboard_t **ret, int *exit_ret, const struct dashboard_options *options,
                const struct page_asset *assets, size_t n_assets)
{
    dashboard_t *self = xcalloc(1, sizeof *self);
    int fd;
    int rc;

    *exit_ret = OPTION_EXIT_FAILED;
    snprintf(self->boot, sizeof self->boot, "%08x", (unsigned) random_u64());
    rc = page_files_open(&self->pages, assets, n_assets, options->web_root);
    if (rc < 0) {
        log_error("the folder of --web-root cannot be opened", "dir=%s error=%s",
                  log_quote(options->web_root), log_quote(err_str(rc)));
        *exit_ret = OPTION_EXIT_CONFIG;
        goto fail;
    }
    rc = s_load_token(self, options->token_file);
    if (options->keys[0] != '\0') // before they are read, or a change between is missed
        key_watch_init(&self->watch, options->keys, DASHBOARD_KEY_NAME, &self->keys,
                       clock_mono_ms());
    rc = rc < 0 ? rc : client_keys_start(&self->keys, options->keys, DASHBOARD_KEY_NAME);
    if (rc < 0) {
        *exit_ret = OPTION_EXIT_CONFIG;
        goto fail;
    }
    rc = s_listen(&fd, exit_ret, options);
    if (rc < 0)
        goto fail;
    self->port = listener_port(fd);
    rc = s_start_parts(self, options, fd);
    if (rc < 0) {
        log_error("the dashboard cannot start", "error=%s", log_quote(err_str(rc)));
        goto fail;
    }
    *ret = self;
    return 0;

fail:
    dashboard_stop(&self);
    return rc;
}

void
dashboard_stop(dashboard_t **self_p)
{
    dashboard_t *self = *self_p;

    if (self == NULL)
        return;
    http_edge_quiesce(self->edge);
    collector_link_stop(self->link);
    stream_hub_stop(
        self->hub,
        event_encode_bye("shutdown", BYE_LEAST_MS + (int64_t) (random_u64() % BYE_SPREAD_MS)));
    // Requests are answered, and give back what they hold, up to here.
    http_edge_stop(&self->edge);
    stream_hub_destroy(&self->hub);
    collector_link_destroy(&self->link);
    permit_destroy(&self->permit);
    access_token_destroy(&self->token);
    client_keys_wipe(&self->keys);
    page_files_close(&self->pages);
    free(self);
    *self_p = NULL;
}

uint16_t
dashboard_port(const dashboard_t *self)
{
    return self->port;
}

void
dashboard_sweep(dashboard_t *self)
{
    http_edge_sweep(self->edge, clock_mono_ms());
}

static int
s_load_token(dashboard_t *self, const char *path)
{
    struct buf why = { 0 };
    int rc = 0;

    if (path != NULL)
        rc = access_token_load(&self->token, path, &why);
    if (rc < 0)
        log_error("the token cannot be used", "why=%s", log_quote(buf_cstr(&why)));
    buf_release(&why);
    return rc;
}

static int
s_listen(int *fd, int *exit_ret, const struct dashboard_options *options)
{
    const int rc = listener_open(fd, options->listen, options->token_file != NULL);

    if (rc < 0) {
        log_error("listen: the port cannot be had", "listen=%s error=%s",
                  log_quote(options->listen), log_quote(err_str(rc)));
        *exit_ret = OPTION_EXIT_UNAVAILABLE;
    }
    return rc;
}

// Takes the listening socket.
static int
s_start_parts(dashboard_t *self, const struct dashboard_options *options, int fd)
{
    const struct collector_link_options link = { .collector = options->collector,
                                                 .curve = options->keys[0] != '\0'
                                                              ? &self->keys.curve
                                                              : NULL,
                                                 .watch = &self->watch,
                                                 .boot = self->boot,
                                                 .published = s_published,
                                                 .arg = self };
    struct stream_hub_options hub = { .want_snap = s_want_snap, .arg = self };
    struct exchange_services services;
    struct connection_limits limits;
    int rc;

    s_limit(self, options->max_streams);
    hub.max_streams = self->max_streams;
    self->permit = permit_new(options->listen, options->public_names, options->n_public_names);
    rc = stream_hub_start(&self->hub, &hub);
    if (rc == 0)
        rc = collector_link_start(&self->link, &link);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    services = (struct exchange_services){
        .link = self->link,
        .hub = self->hub,
        .pages = self->pages,
        .permit = self->permit,
        .token = self->token,
        .boot = self->boot,
        .collector = options->collector,
        .insecure = options->keys[0] == '\0',
        .max_streams = self->max_streams,
        .feed_origin = options->feed_origin,
    };
    limits = (struct connection_limits){
        .per_address = options->max_per_address,
        .request_ms = options->request_ms,
        .trusted = options->trusted_proxies,
        .n_trusted = options->n_trusted_proxies,
    };
    return http_edge_start(&self->edge, fd, self->most_connections, &limits, &services);
}

static void
s_limit(dashboard_t *self, unsigned max_streams)
{
    unsigned most;

    self->most_connections = http_edge_most_connections(max_streams + REQUEST_PLACES);
    most = self->most_connections > 2 * REQUEST_PLACES ? self->most_connections - REQUEST_PLACES
                                                       : self->most_connections / 2;
    self->max_streams = max_streams < most ? max_streams : most;
    if (self->max_streams < max_streams)
        log_warn("fewer streams than asked for: descriptors are limited", "max_streams=%u",
                 self->max_streams);
}

// The hub has streams only after the HTTP server runs, and the link views only after a request of
// it: by then both pointers stand.
static void
s_want_snap(void *arg)
{
    dashboard_t *self = arg;

    collector_link_wake(self->link);
}

static void
s_published(void *arg)
{
    dashboard_t *self = arg;

    stream_hub_wake(self->hub);
}
