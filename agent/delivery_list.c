// delivery_list - see the header.

#include "agent/delivery_list.h"

#include <stdlib.h>

#include "shared/base/xalloc.h"

void
delivery_list_release(struct delivery_list *self)
{
    for (size_t i = 0; i < self->n; i++)
        delivery_stream_destroy(&self->at[i]);
    free(self->at);
    *self = (struct delivery_list){ 0 };
}

struct delivery_stream *
delivery_list_find(const struct delivery_list *self, uint64_t id)
{
    for (size_t i = 0; i < self->n; i++)
        if (self->at[i]->id == id)
            return self->at[i];
    return NULL;
}

struct delivery_stream *
delivery_list_find_wire(const struct delivery_list *self, uint64_t id)
{
    for (size_t i = 0; i < self->n; i++)
        if (delivery_wire_id(self->at[i]) == id)
            return self->at[i];
    return NULL;
}

void
delivery_list_add(struct delivery_list *self, struct delivery_stream *s)
{
    if (self->n == self->size) {
        self->size = self->size == 0 ? 8 : self->size * 2;
        self->at = xrealloc(self->at, self->size, sizeof(struct delivery_stream *));
    }
    self->at[self->n++] = s;
}

size_t
delivery_list_backlog(const struct delivery_list *self)
{
    return self->n - (self->live ? 1 : 0);
}

struct delivery_stream *
delivery_list_live(const struct delivery_list *self)
{
    return self->live ? self->at[self->n - 1] : NULL;
}

bool
delivery_list_named(const struct delivery_list *self, size_t i)
{
    return i < DELIVERY_BACKLOG_MOST || self->at[i]->live;
}

size_t
delivery_list_flight(const struct delivery_list *self)
{
    size_t flight = 0;

    for (size_t i = 0; i < delivery_list_backlog(self); i++)
        flight += self->at[i]->flight;
    return flight;
}

void
delivery_list_settle(struct delivery_list *self)
{
    size_t n = 0;

    for (size_t i = 0; i < self->n; i++) {
        struct delivery_stream *s = self->at[i];

        if (!s->live && ((s->base == s->head && !s->checking) || s->gone))
            delivery_stream_destroy(&s);
        else
            self->at[n++] = s;
    }
    self->n = n;
}
