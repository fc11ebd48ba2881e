// pong_list - see the header.

#include "collector/pong_list.h"

#include <stdlib.h>

#include "shared/base/xalloc.h"

void
pong_list_release(struct pong_list *self)
{
    free(self->at);
    *self = (struct pong_list){ 0 };
}

bool
pong_list_add(struct pong_list *self, const struct pong_wait *wait)
{
    if (self->n == PONG_LIST_MOST)
        return false;
    if (self->at == NULL)
        self->at = xcalloc(PONG_LIST_MOST, sizeof *self->at);
    self->at[self->n++] = *wait;
    return true;
}

void
pong_list_turn(struct pong_list *self, const struct pong_list_handler *handler, int64_t mono_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < self->n; i++) {
        const struct pong_wait *wait = &self->at[i];

        if (mono_ms - wait->mono_ms < PONG_HOLD_MS && handler->owes(handler->arg, wait->host))
            self->at[kept++] = *wait;
        else
            handler->send(handler->arg, wait);
    }
    self->n = kept;
}
