// permit - which names a browser may call us by.

#include "dashboard/permit.h"

#include <arpa/inet.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "shared/base/xalloc.h"

#define NAME_SIZE 256 // DNS allows 253

struct permit {
    size_t n;
    char **names; // lower or upper case, as given
};

static bool s_name_of(char name[NAME_SIZE], const char *host);
static bool s_is_address(const char *name);

bool
permit_takes(const char *name)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
    char bare[NAME_SIZE];

    return s_name_of(bare, name) && (s_is_address(bare) || bare[strspn(bare, letters)] == '\0');
}

permit_t *
permit_new(const char *listen, const char *const *names, size_t n)
{
    permit_t *self = xcalloc(1, sizeof *self);
    char name[NAME_SIZE];

    self->names = xcalloc(n + 1, sizeof *self->names);
    if (s_name_of(name, listen))
        self->names[self->n++] = xstrdup(name);
    for (size_t i = 0; i < n; i++)
        if (s_name_of(name, names[i]))
            self->names[self->n++] = xstrdup(name);
    return self;
}

void
permit_destroy(permit_t **self_p)
{
    permit_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++)
        free(self->names[i]);
    free(self->names);
    free(self);
    *self_p = NULL;
}

bool
permit_host(const permit_t *self, const char *host)
{
    char name[NAME_SIZE];

    if (host == NULL)
        return true;
    if (!s_name_of(name, host))
        return false;
    if (s_is_address(name))
        return true;
    for (size_t i = 0; i < self->n; i++)
        if (strcasecmp(self->names[i], name) == 0)
            return true;
    return false;
}

// Without the port, the brackets of an IPv6 address, and the dot of the root.
static bool
s_name_of(char name[NAME_SIZE], const char *host)
{
    const char *end, *port;
    size_t n;

    if (host[0] == '[') {
        end = strchr(++host, ']');
        if (end == NULL || (end[1] != '\0' && end[1] != ':'))
            return false;
    } else {
        end = strchrnul(host, ':');
    }
    port = end;
    // A port is digits: what else may stand there is no Host.
    if (*end == ']')
        port = end + 1;
    if (*port != '\0' && port[1 + strspn(port + 1, "0123456789")] != '\0')
        return false;
    n = (size_t) (end - host);
    if (n > 1 && host[n - 1] == '.')
        n--;
    if (n == 0 || n >= NAME_SIZE)
        return false;
    memcpy(name, host, n);
    name[n] = '\0';
    return true;
}

// An address is nobody's name: none can be made to point at this machine.
static bool
s_is_address(const char *name)
{
    struct in_addr v4;
    struct in6_addr v6;

    return inet_pton(AF_INET, name, &v4) == 1 || inet_pton(AF_INET6, name, &v6) == 1 ||
           strcasecmp(name, "localhost") == 0;
}
