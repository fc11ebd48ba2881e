// host_samples - see the header.

#include "tests/support/host_samples.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

struct host {
    char *name;
    struct sample *samples;
    size_t n;
    size_t size; // allocated
};

struct host_samples {
    struct host hosts[HOST_SAMPLES_HOSTS];
    size_t n;
};

host_samples_t *
host_samples_new(void)
{
    return xcalloc(1, sizeof(host_samples_t));
}

void
host_samples_destroy(host_samples_t **self_p)
{
    if (*self_p == NULL)
        return;
    host_samples_clear(*self_p);
    free(*self_p);
    *self_p = NULL;
}

void
host_samples_clear(host_samples_t *self)
{
    for (size_t i = 0; i < self->n; i++) {
        free(self->hosts[i].name);
        free(self->hosts[i].samples);
    }
    memset(self, 0, sizeof *self);
}

static struct host *
s_find(host_samples_t *self, const char *name)
{
    for (size_t i = 0; i < self->n; i++)
        if (strcmp(self->hosts[i].name, name) == 0)
            return &self->hosts[i];
    return NULL;
}

void
host_samples_add(host_samples_t *self, const char *name, const struct sample *samples, size_t n)
{
    struct host *host = s_find(self, name);

    if (host == NULL) {
        if (self->n == HOST_SAMPLES_HOSTS)
            abort();
        host = &self->hosts[self->n++];
        host->name = xstrdup(name);
    }
    while (host->n + n > host->size) {
        host->size = host->size == 0 ? 1024 : 2 * host->size;
        host->samples = xrealloc(host->samples, host->size, sizeof *host->samples);
    }
    if (n > 0)
        memcpy(host->samples + host->n, samples, n * sizeof *samples);
    host->n += n;
}

struct sample *
host_samples_get(host_samples_t *self, const char *name, size_t *n_ret)
{
    struct host *host = s_find(self, name);

    *n_ret = host != NULL ? host->n : 0;
    return host != NULL ? host->samples : NULL;
}
