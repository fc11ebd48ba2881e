// metric_names - see the header.

#include "collector/metric_names.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/map.h"
#include "shared/base/xalloc.h"
#include "shared/wire/query_ledger.h"

struct metric_names {
    map_t *numbers; // name -> its number, as a pointer
    char **at;      // by number - 1
    uint16_t n;
    uint32_t size; // allocated
};

metric_names_t *
metric_names_new(void)
{
    metric_names_t *self = xcalloc(1, sizeof *self);

    self->numbers = map_new();
    return self;
}

void
metric_names_destroy(metric_names_t **self_p)
{
    metric_names_t *self = *self_p;

    if (self == NULL)
        return;
    for (uint32_t i = 0; i < self->n; i++)
        free(self->at[i]);
    free(self->at);
    map_destroy(&self->numbers);
    free(self);
    *self_p = NULL;
}

uint16_t
metric_names_put(metric_names_t *self, const char *name)
{
    const size_t len = strnlen(name, QUERY_LIMIT_TEXT);
    uint16_t number = (uint16_t) (uintptr_t) map_get(self->numbers, name, len);

    if (number != 0 || self->n == METRIC_NAMES_MAX || len == 0)
        return number;
    if (self->n == self->size) {
        self->size = self->size == 0 ? 64 : 2 * self->size;
        self->at = xrealloc(self->at, self->size, sizeof(char *));
    }
    self->at[self->n++] = xstrndup(name, len);
    number = self->n;
    map_put(self->numbers, name, len, (void *) (uintptr_t) number);
    return number;
}

const char *
metric_names_get(const metric_names_t *self, uint16_t number)
{
    return number > 0 && number <= self->n ? self->at[number - 1] : "";
}
