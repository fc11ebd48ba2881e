// live_answer - see the header.

#include "dashboard/live_answer.h"

bool
live_answer_has_ticks(const struct live_answer *answer)
{
    for (size_t i = 0; i < answer->n; i++)
        if (answer->series[i].n > 0 && view_is_tick(&answer->series[i].labels))
            return true;
    return false;
}

void
live_answer_facts(const struct live_answer *answer, struct host_facts *ret)
{
    host_facts_release(ret);
    for (size_t i = 0; i < answer->n; i++) {
        const struct query_series *s = &answer->series[i];

        if (s->n > 0)
            host_facts_take(ret, &s->labels, s->samples[s->n - 1].time_ms,
                            s->samples[s->n - 1].value);
    }
}

int64_t
live_answer_newest(const struct live_answer *answer, int64_t before_ms, bool any)
{
    int64_t newest_ms = INT64_MIN;

    for (size_t i = 0; i < answer->n; i++) {
        const struct query_series *s = &answer->series[i];

        if (!any && !view_is_tick(&s->labels))
            continue;
        for (uint32_t k = s->n; k-- > 0;) {
            if (s->samples[k].time_ms >= before_ms)
                continue;
            if (s->samples[k].time_ms > newest_ms)
                newest_ms = s->samples[k].time_ms;
            break;
        }
    }
    return newest_ms;
}

unsigned
live_answer_pending(const struct live_answer *answer, view_t *view, int64_t after_ms,
                    struct live_pending *ret)
{
    unsigned left_out = 0;

    for (size_t i = 0; i < answer->n; i++) {
        const struct query_series *s = &answer->series[i];
        const ptrdiff_t place = view_is_app(&s->labels) ? view_find(view, &s->labels) : -1;
        uint32_t k = s->n;

        while (place >= 0 && k > 0 && s->samples[k - 1].time_ms > after_ms)
            k--;
        for (; place >= 0 && k < s->n; k++)
            left_out += !live_pending_add(ret, (size_t) place, s->samples[k].time_ms,
                                          s->samples[k].value);
    }
    return left_out;
}
