// doctor_facts - see the header.

#include "collector/ctl/doctor_facts.h"

#include <stdarg.h>
#include <stdlib.h>

#include "shared/base/buf.h"
#include "shared/base/xalloc.h"

void
doctor_facts_release(struct doctor_facts *facts)
{
    for (size_t i = 0; i < facts->n_hosts; i++)
        host_info_release(&facts->hosts[i]);
    for (size_t i = 0; i < facts->n_ledgers; i++)
        query_ledger_release(&facts->ledgers[i]);
    for (size_t i = 0; i < facts->n_counts; i++)
        query_count_release(&facts->counts[i]);
    free(facts->hosts);
    free(facts->ledgers);
    free(facts->counts);
    *facts = (struct doctor_facts){ 0 };
}

void
findings_add(struct findings *self, const char *what_now, const char *what, ...)
{
    struct buf text = { 0 };
    va_list args;

    va_start(args, what);
    buf_vprintf(&text, what, args);
    va_end(args);
    self->at = xrealloc(self->at, self->n + 1, sizeof *self->at);
    self->at[self->n++] = (struct finding){ .what = xstrdup(buf_cstr(&text)),
                                            .what_now = xstrdup(what_now) };
    buf_release(&text);
}

void
findings_release(struct findings *self)
{
    for (size_t i = 0; i < self->n; i++) {
        free(self->at[i].what);
        free(self->at[i].what_now);
    }
    free(self->at);
    *self = (struct findings){ 0 };
}

double
doctor_days(const struct doctor_facts *facts)
{
    if (!doctor_known(facts, STATUS_DAY_BYTES) || doctor_number(facts, STATUS_DAY_BYTES) == 0 ||
        doctor_number(facts, STATUS_KEEP_BYTES) == 0)
        return -1;
    return (double) doctor_number(facts, STATUS_KEEP_BYTES) /
           (double) doctor_number(facts, STATUS_DAY_BYTES);
}

const struct host_info *
doctor_host(const struct doctor_facts *facts, uint64_t id)
{
    for (size_t i = 0; i < facts->n_hosts; i++)
        if (facts->hosts[i].host == id)
            return &facts->hosts[i];
    return NULL;
}
