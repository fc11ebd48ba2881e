// export_density - see the header.

#include "collector/ctl/export_density.h"

static int64_t
s_part_ms(const struct export_density *self)
{
    return self->width_ms / EXPORT_DENSITY_PARTS + 1;
}

void
export_density_begin(struct export_density *self, int64_t from_ms, int64_t to_ms)
{
    *self = (struct export_density){ .from_ms = from_ms, .width_ms = to_ms - from_ms };
}

void
export_density_add(struct export_density *self, const struct sample *samples, size_t n)
{
    const int64_t part_ms = s_part_ms(self);

    self->series += n > 0;
    for (size_t i = 0; i < n; i++) {
        const uint64_t behind_ms = (uint64_t) samples[i].time_ms - (uint64_t) self->from_ms;

        // A collector's word: it may be of any other time than was asked for.
        if (samples[i].time_ms >= self->from_ms && behind_ms <= (uint64_t) self->width_ms)
            self->samples[behind_ms / (uint64_t) part_ms]++;
    }
}

// Where those that came say nothing, or that all would fit, the others are unlike them: a half.
int64_t
export_density_width(const struct export_density *self, uint64_t series, uint64_t most)
{
    const int64_t half_ms = self->width_ms / 2;
    uint64_t sum = 0;

    for (uint32_t part = 0; part < EXPORT_DENSITY_PARTS && self->series > 0; part++) {
        const int64_t before_ms = (int64_t) part * s_part_ms(self) - 1;

        sum += self->samples[part];
        if (sum <= most && (double) sum * (double) series <= (double) most * (double) self->series)
            continue;
        if (part == 0)
            return self->width_ms / EXPORT_DENSITY_PARTS;
        return before_ms < self->width_ms ? before_ms : half_ms;
    }
    return half_ms;
}
