// subscription_set - see the header.

#include "collector/subscription_set.h"

#include <stdlib.h>
#include <string.h>

#include "shared/base/xalloc.h"

void
subscription_set_init(struct subscription_set *self)
{
    *self = (struct subscription_set){ .texts = map_new(), .changes = 1 };
}

void
subscription_set_release(struct subscription_set *self)
{
    struct map_entry entry;
    size_t at = 0;

    while (map_next(self->texts, &at, &entry))
        free(entry.value);
    map_destroy(&self->texts);
}

bool
subscription_set_join(struct subscription_set *self, const char *text, size_t n)
{
    uint64_t *count;

    if (n > SUBSCRIPTION_MAX)
        return false;
    count = map_get(self->texts, text, n);
    if (count == NULL) {
        if (map_count(self->texts) >= SUBSCRIPTIONS_MOST)
            return false;
        count = xcalloc(1, sizeof *count);
        map_put(self->texts, text, n, count);
        self->changes++;
    }
    ++*count;
    self->open++;
    return true;
}

void
subscription_set_leave(struct subscription_set *self, const char *text, size_t n)
{
    uint64_t *count = n > SUBSCRIPTION_MAX ? NULL : map_get(self->texts, text, n);

    if (count == NULL)
        return;
    self->open--;
    if (--*count == 0) {
        free(map_remove(self->texts, text, n));
        self->changes++;
    }
}

bool
subscription_set_covers(const struct subscription_set *self, const char *topic)
{
    const size_t len = strlen(topic);

    for (size_t n = 0; n <= len; n++) {
        if (map_get(self->texts, topic, n) != NULL)
            return true;
    }
    return false;
}
