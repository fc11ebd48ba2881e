// try_limit - see the header. A place is the time at which all its failures are forgiven.

#include "collector/try_limit.h"

#include <arpa/inet.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/xalloc.h"

#define PLACES      4096u
#define ADDRESS_MAX 64
#define NET6_BYTES  8 // of an IPv6 address: what one host has to itself

struct try_limit {
    int64_t free_ms[PLACES];
};

static size_t s_place(const char *address);

try_limit_t *
try_limit_new(void)
{
    return xcalloc(1, sizeof(try_limit_t));
}

void
try_limit_destroy(try_limit_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

bool
try_limit_may(const try_limit_t *self, const char *address, int64_t now_ms)
{
    const int64_t most_ms = (int64_t) TRY_LIMIT_BURST * TRY_LIMIT_EVERY_MS;

    return self->free_ms[s_place(address)] - now_ms <= most_ms - TRY_LIMIT_EVERY_MS;
}

void
try_limit_failed(try_limit_t *self, const char *address, int64_t now_ms)
{
    const int64_t most_ms = (int64_t) TRY_LIMIT_BURST * TRY_LIMIT_EVERY_MS;
    int64_t *free_ms = &self->free_ms[s_place(address)];

    if (*free_ms < now_ms)
        *free_ms = now_ms;
    *free_ms += TRY_LIMIT_EVERY_MS;
    // A clock that was set back must not shut anybody out for long.
    if (*free_ms > now_ms + most_ms)
        *free_ms = now_ms + most_ms;
}

// By the host, without a port: that is another one at each connection.
static size_t
s_place(const char *address)
{
    const char *colon = strrchr(address, ':');
    char host[ADDRESS_MAX];
    struct in6_addr six;
    size_t len;

    if (inet_pton(AF_INET6, address, &six) == 1)
        return map_hash(&six, NET6_BYTES) % PLACES;
    address += address[0] == '[';
    len = colon != NULL && colon > address ? (size_t) (colon - address) : strlen(address);
    if (len > 0 && address[len - 1] == ']')
        len--;
    if (len >= sizeof host)
        len = sizeof host - 1;
    memcpy(host, address, len);
    host[len] = '\0';
    if (inet_pton(AF_INET6, host, &six) == 1)
        return map_hash(&six, NET6_BYTES) % PLACES;
    return map_hash(host, len) % PLACES;
}
