// parting - see the header.

#include "collector/parting.h"

void
parting_add(struct parting *self, const struct gate_line *line, int64_t mono_ms)
{
    if (self->n == PARTING_MOST) {
        gate_cut(line);
        return;
    }
    self->at[self->n].line = *line;
    self->at[self->n].due_ms = mono_ms + PARTING_MS;
    self->n++;
}

void
parting_tick(struct parting *self, int64_t mono_ms)
{
    size_t kept = 0;

    for (size_t i = 0; i < self->n; i++) {
        if (mono_ms >= self->at[i].due_ms)
            gate_cut(&self->at[i].line);
        else
            self->at[kept++] = self->at[i];
    }
    self->n = kept;
}
