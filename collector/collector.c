// collector - the whole: data folder, store, reactor; in what order they start and stop.

#include "collector/collector.h"

#include <stdlib.h>
#include <unistd.h>

#include "collector/reactor.h"
#include "collector/store/head.h"
#include "shared/base/err.h"
#include "shared/base/random.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/service.h"

// In the order of their start; they stop in the other one.
struct collector {
    int lock_fd; // of the data folder, held while we live
    uint64_t id; // in the data folder, so that it stays
    store_t *store;
    reactor_t *reactor; // reads and writes the store
};

static int s_open_data(collector_t *self, const char *dir);
static int s_data_exit(int rc);
static int s_start_reactor(collector_t *self, const struct collector_options *options);

int
collector_start(collector_t **ret, int *exit_ret, const struct collector_options *options)
{
    collector_t *self = xcalloc(1, sizeof *self);
    char id[STR_HEX64_SIZE];
    int rc;

    self->lock_fd = -1;
    *exit_ret = OPTION_EXIT_UNAVAILABLE;
    rc = s_open_data(self, options->data_dir);
    if (rc < 0) {
        *exit_ret = s_data_exit(rc);
        goto fail;
    }
    rc = head_new(&self->store, options->head_bytes);
    if (rc < 0) {
        *exit_ret = OPTION_EXIT_CONFIG;
        log_error("no room for the head", "bytes=%llu error=%s",
                  (unsigned long long) options->head_bytes, log_quote(err_str(rc)));
        goto fail;
    }
    rc = s_start_reactor(self, options);
    if (rc < 0)
        goto fail;
    log_info("ready", "endpoint=%s id=%s head_bytes=%llu", options->endpoint,
             str_hex64_put(id, self->id), (unsigned long long) options->head_bytes);
    *ret = self;
    return 0;

fail:
    collector_stop(&self);
    return rc;
}

void
collector_stop(collector_t **self_p)
{
    collector_t *self = *self_p;

    if (self == NULL)
        return;
    reactor_stop(&self->reactor);
    store_destroy(&self->store);
    if (self->lock_fd != -1)
        close(self->lock_fd);
    free(self);
    *self_p = NULL;
}

int
collector_ended_fd(const collector_t *self)
{
    return reactor_ended_fd(self->reactor);
}

// The lock comes first: two collectors of one folder would have one id.
static int
s_open_data(collector_t *self, const char *dir)
{
    int rc = service_lock(&self->lock_fd, dir);

    if (rc < 0) {
        log_error("data folder cannot be used", "dir=%s error=%s", log_quote(dir),
                  log_quote(err_str(rc)));
        return rc;
    }
    rc = service_id(&self->id, dir, "collector_id");
    if (rc < 0)
        log_error("the collector's id cannot be read or made", "file=%s/collector_id error=%s",
                  log_quote(dir), log_quote(err_str(rc)));
    return rc;
}

// As the agent has it: a folder in use may be free soon, an id that is none needs a hand.
static int
s_data_exit(int rc)
{
    if (rc == ERR_LOCKED)
        return OPTION_EXIT_TRY_AGAIN;
    return rc == ERR_FORMAT ? OPTION_EXIT_CONFIG : OPTION_EXIT_UNAVAILABLE;
}

// The epoch is new at each start: series ids and row numbers begin anew with it.
static int
s_start_reactor(collector_t *self, const struct collector_options *options)
{
    char failed[REACTOR_ENDPOINT_SIZE];
    int rc = reactor_start(&self->reactor,
                           &(struct reactor_options){
                               .data_endpoint = options->endpoint,
                               .store = self->store,
                               .collector = self->id,
                               .epoch = random_u64(),
                               .most_agents = options->most_agents,
                           },
                           failed);

    if (rc < 0)
        log_error("cannot listen", "endpoint=%s error=%s", log_quote(failed),
                  log_quote(err_str(rc)));
    return rc;
}
