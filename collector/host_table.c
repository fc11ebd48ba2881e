// host_table - which hosts there are, and whether they live.

#include "collector/host_table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "shared/wire/import_host.h"

struct host_table {
    size_t most;
    struct host_events events;
    map_t *hosts; // id -> host
    map_t *names; // name -> the host that took it last; others of that name no longer live
    size_t in_state[HOST_STATE_MAX + 1]; // how many; [0] only while one is being made
};

static bool s_living(const struct host *host, int64_t mono_ms);
static const struct host *s_namesake(const host_table_t *self, const struct identity *id,
                                     int64_t mono_ms);
static bool s_make_room(host_table_t *self, int64_t mono_ms);
static struct host *s_add(host_table_t *self, uint64_t id, struct host_time now);
static void s_forget(host_table_t *self, struct host *host);
static void s_set_identity(host_table_t *self, struct host *host, const struct identity *id);
static bool s_set_state(host_table_t *self, struct host *host, uint8_t state, int64_t real_ms);

bool
route_equal(const struct route *a, const struct route *b)
{
    return a->len == b->len && memcmp(a->at, b->at, a->len) == 0;
}

host_table_t *
host_table_new(size_t most, const struct host_events *events)
{
    host_table_t *self = xcalloc(1, sizeof *self);

    self->most = most;
    self->events = *events;
    self->hosts = map_new();
    self->names = map_new();
    return self;
}

void
host_table_destroy(host_table_t **self_p)
{
    host_table_t *self = *self_p;
    struct map_entry entry;
    size_t at = 0;

    if (self == NULL)
        return;
    while (map_next(self->hosts, &at, &entry)) {
        struct host *host = entry.value;

        host_info_release(&host->info);
        free(host);
    }
    map_destroy(&self->hosts);
    map_destroy(&self->names);
    free(self);
    *self_p = NULL;
}

static void
s_heard(struct host *host, const struct hello *hello, const struct route *route,
        struct host_time now)
{
    host->nonce = hello->nonce;
    host->route = *route;
    host->heard_ms = now.mono_ms;
    host->hello_ms = now.mono_ms;
}

// What was imported under its name before it came is its own as well.
static void
s_inherit(const host_table_t *self, struct host *host)
{
    const char *name = host->info.name;
    const struct host *twin = map_get_u64(self->hosts, import_host_id(name, strlen(name)));

    if (twin != NULL && twin->imported && twin->info.first_ms < host->info.first_ms)
        host->info.first_ms = twin->info.first_ms;
}

int
host_table_hello(host_table_t *self, const struct hello *hello, const struct route *route,
                 struct host_time now, const struct host **ret)
{
    struct host *host = map_get_u64(self->hosts, hello->id.host);

    *ret = host;
    if (host != NULL && host->nonce != hello->nonce && s_living(host, now.mono_ms))
        return GOAWAY_CLONE;
    *ret = s_namesake(self, &hello->id, now.mono_ms);
    if (*ret != NULL)
        return GOAWAY_NAME;
    if (host == NULL) {
        if (!s_make_room(self, now.mono_ms))
            return GOAWAY_LIMIT;
        host = s_add(self, hello->id.host, now);
    }
    host->imported = false;
    s_set_identity(self, host, &hello->id);
    s_inherit(self, host);
    s_heard(host, hello, route, now);
    s_set_state(self, host, HOST_UP, now.real_ms);
    self->events.changed(self->events.arg, host);
    *ret = host;
    return 0;
}

int
host_table_import(host_table_t *self, const struct hello *hello, const struct route *route,
                  struct host_time now, const struct host **ret)
{
    struct host *host = map_get_u64(self->hosts, hello->id.host);
    const bool new = host == NULL;

    *ret = host;
    if (host != NULL &&
        (!host->imported || (host->nonce != hello->nonce && s_living(host, now.mono_ms))))
        return GOAWAY_CLONE;
    if (new) {
        if (!s_make_room(self, now.mono_ms))
            return GOAWAY_LIMIT;
        host = s_add(self, hello->id.host, now);
        host->imported = true;
        s_set_identity(self, host, &hello->id);
        s_set_state(self, host, HOST_STOPPED, now.real_ms);
    }
    host->importing = true;
    s_heard(host, hello, route, now);
    if (new &&host_table_is_listed(self, host))
        self->events.changed(self->events.arg, host);
    *ret = host;
    return 0;
}

void
host_table_recall(host_table_t *self, uint64_t id, const char *name, bool imported,
                  int64_t heard_ms, struct host_time now)
{
    const struct identity identity = {
        .host = id, .name = name, .name_len = strlen(name), .version = ""
    };
    struct host *host;

    if (map_count(self->hosts) >= self->most || map_get_u64(self->hosts, id) != NULL)
        return;
    host = s_add(self, id, now);
    host->imported = imported;
    s_set_identity(self, host, &identity);
    host->info.first_ms = heard_ms;
    host->info.last_ms = heard_ms;
    host->heard_ms = now.mono_ms - (now.real_ms - heard_ms) - HOST_SILENT_MS - 1;
    s_set_state(self, host, imported ? HOST_STOPPED : HOST_SILENT, heard_ms);
}

const struct host *
host_table_ping(host_table_t *self, const struct ping *ping, const struct route *route,
                struct host_time now)
{
    struct host *host = map_get_u64(self->hosts, ping->host);

    // One that said BYE and still pings is of two minds: HELLO settles it.
    if (host == NULL || host->nonce != ping->nonce || host->info.state == HOST_STOPPED ||
        !route_equal(&host->route, route))
        return NULL;
    host->heard_ms = now.mono_ms;
    host->info.offset_ms = ping->offset_ms;
    host->info.rtt_us = ping->rtt_us;
    host->info.dropped = ledger_lost(&ping->ledger);
    host->info.missed = ledger_missed(&ping->ledger);
    if (s_set_state(self, host, HOST_UP, now.real_ms))
        self->events.changed(self->events.arg, host);
    return host;
}

static void
s_silence(struct host *host, int64_t mono_ms)
{
    host->heard_ms = mono_ms - HOST_SILENT_MS - 1;
}

void
host_table_bye(host_table_t *self, const struct bye *bye, struct host_time now)
{
    struct host *host = map_get_u64(self->hosts, bye->host);

    if (host != NULL && host->nonce == bye->nonce && host->imported)
        s_silence(host, now.mono_ms);
    else if (host != NULL && host->nonce == bye->nonce &&
             s_set_state(self, host, HOST_STOPPED, now.real_ms))
        self->events.changed(self->events.arg, host);
}

void
host_table_lost(host_table_t *self, uint64_t id, struct host_time now)
{
    struct host *host = map_get_u64(self->hosts, id);

    if (host == NULL || (host->info.state == HOST_STOPPED && !host->imported))
        return;
    s_silence(host, now.mono_ms);
    if (!host->imported && s_set_state(self, host, HOST_SILENT, now.real_ms))
        self->events.changed(self->events.arg, host);
}

void
host_table_tick(host_table_t *self, struct host_time now)
{
    struct map_entry entry;
    size_t at = 0;

    while (map_next(self->hosts, &at, &entry)) {
        struct host *host = entry.value;
        int64_t quiet_ms = now.mono_ms - host->heard_ms;
        uint8_t state = host->info.state;

        if (host->importing && quiet_ms > HOST_SILENT_MS && self->events.imported != NULL)
            host->importing = !self->events.imported(self->events.arg, host);
        if (state == HOST_STOPPED)
            continue;
        if (quiet_ms > HOST_SILENT_MS)
            state = HOST_SILENT;
        else if (quiet_ms > HOST_LATE_MS)
            state = HOST_LATE;
        if (s_set_state(self, host, state, now.real_ms))
            self->events.changed(self->events.arg, host);
    }
}

void
host_table_sample(host_table_t *self, uint64_t id, int64_t time_ms)
{
    struct host *host = map_get_u64(self->hosts, id);

    if (host != NULL && time_ms > host->info.last_ms)
        host->info.last_ms = time_ms;
}

void
host_table_filled(host_table_t *self, uint64_t id, int64_t from_ms)
{
    struct host *host = map_get_u64(self->hosts, id);

    if (host != NULL && from_ms < host->info.first_ms)
        host->info.first_ms = from_ms;
    // What is imported is the agent's host's as well that has its name.
    if (host != NULL && host->imported) {
        host = map_get(self->names, host->info.name, strlen(host->info.name));
        if (host != NULL && from_ms < host->info.first_ms)
            host->info.first_ms = from_ms;
    }
}

bool
host_table_is_listed(const host_table_t *self, const struct host *host)
{
    const struct host_info *info = &host->info;

    return !host->imported || map_get(self->names, info->name, strlen(info->name)) == NULL;
}

const struct host *
host_table_find(const host_table_t *self, uint64_t host)
{
    return map_get_u64(self->hosts, host);
}

size_t
host_table_count(const host_table_t *self)
{
    return map_count(self->hosts);
}

size_t
host_table_in_state(const host_table_t *self, uint8_t state)
{
    assert(state <= HOST_STATE_MAX);
    return self->in_state[state];
}

const struct host *
host_table_next(const host_table_t *self, size_t *at)
{
    struct map_entry entry;

    return map_next(self->hosts, at, &entry) ? entry.value : NULL;
}

// By the clock, not by the state: a tick may be a quarter of a second away. An imported host does
// not live, but its importer may.
static bool
s_living(const struct host *host, int64_t mono_ms)
{
    return (host->imported || host->info.state != HOST_STOPPED) &&
           mono_ms - host->heard_ms <= HOST_SILENT_MS;
}

// Another host of this name that lives, or NULL.
static const struct host *
s_namesake(const host_table_t *self, const struct identity *id, int64_t mono_ms)
{
    const struct host *holder = map_get(self->names, id->name, id->name_len);

    if (holder == NULL || holder->info.host == id->host || !s_living(holder, mono_ms))
        return NULL;
    return holder;
}

// Forgets the host that was heard least recently of those that are gone.
static bool
s_make_room(host_table_t *self, int64_t mono_ms)
{
    struct host *gone = NULL;
    struct map_entry entry;
    size_t at = 0;

    if (map_count(self->hosts) < self->most)
        return true;
    if (self->in_state[HOST_STOPPED] + self->in_state[HOST_SILENT] == 0)
        return false;
    while (map_next(self->hosts, &at, &entry)) {
        struct host *host = entry.value;

        if (!s_living(host, mono_ms) && (gone == NULL || host->heard_ms < gone->heard_ms))
            gone = host;
    }
    if (gone == NULL)
        return false;
    s_forget(self, gone);
    return true;
}

static struct host *
s_add(host_table_t *self, uint64_t id, struct host_time now)
{
    struct host *host = xcalloc(1, sizeof *host);

    host->info.host = id;
    host->info.rtt_us = -1;
    host->info.first_ms = now.real_ms;
    map_put_u64(self->hosts, id, host);
    self->in_state[0]++; // no state yet
    return host;
}

static void
s_forget(host_table_t *self, struct host *host)
{
    self->events.forgotten(self->events.arg, host);
    map_remove_u64(self->hosts, host->info.host);
    if (map_get(self->names, host->info.name, strlen(host->info.name)) == host)
        map_remove(self->names, host->info.name, strlen(host->info.name));
    self->in_state[host->info.state]--;
    host_info_release(&host->info);
    free(host);
}

// What a HELLO says. The name that is left is free for others.
static void
s_set_identity(host_table_t *self, struct host *host, const struct identity *id)
{
    struct host_info *info = &host->info;

    if (info->name != NULL && map_get(self->names, info->name, strlen(info->name)) == host)
        map_remove(self->names, info->name, strlen(info->name));
    free(info->name);
    free(info->version);
    info->name = xstrndup(id->name, id->name_len);
    info->version = xstrndup(id->version, id->version_len);
    info->interval_ms = id->interval_ms;
    memcpy(info->boot_id, id->boot_id, sizeof info->boot_id);
    if (!host->imported)
        map_put(self->names, info->name, id->name_len, host);
}

// True if it was another one.
static bool
s_set_state(host_table_t *self, struct host *host, uint8_t state, int64_t real_ms)
{
    if (host->info.state == state)
        return false;
    self->in_state[host->info.state]--;
    self->in_state[state]++;
    host->info.state = state;
    host->info.since_ms = real_ms;
    return true;
}
