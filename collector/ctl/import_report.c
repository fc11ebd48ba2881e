// import_report - see the header.

#include "collector/ctl/import_report.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>

#include "collector/ctl/query_client.h"
#include "collector/ctl/when.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/wire/query_ledger.h"
#include "shared/wire/query_number.h"

#define DAY_MS  INT64_C(86400000)
#define ASK_MS  2000
#define REST_MS 500 // the number has not changed for so long
#define LOOK_MS 50  // between two looks at it

// What the collector counted of an instance before.
struct before {
    uint64_t epoch; // of the collector that said so; 0: it was not asked
    uint64_t conflicts;
    uint64_t refused[REFUSED_CAUSES];
};

struct import_report {
    import_link_t *link;
    query_client_t *client;
    int signals;
    struct before *before; // of the link's instances, as far as there is `size`
    uint32_t size;
};

// Of all instances.
struct sums {
    uint64_t conflicts;
    uint64_t refused[REFUSED_CAUSES];
};

struct asked {
    bool there;
    uint64_t epoch;
    struct query_ledger ledger; // without its name
};

static const char *const s_causes[REFUSED_CAUSES] = {
    [REFUSED_FUTURE] = "more than 10 minutes in the future",
    [REFUSED_LIMIT] = "past a limit of the collector",
    [REFUSED_UNREADABLE] = "unreadable",
    [REFUSED_EARLIER] = "before its last start",
};

int
import_report_open(import_report_t **ret, import_link_t *link, const char *collector,
                   const struct curve *curve, int signals)
{
    import_report_t *self = xcalloc(1, sizeof *self);
    const int rc = query_client_open(&self->client, collector, curve, signals);

    self->link = link;
    self->signals = signals;
    if (rc < 0) {
        import_report_destroy(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
import_report_destroy(import_report_t **self_p)
{
    import_report_t *self = *self_p;

    if (self == NULL)
        return;
    query_client_close(&self->client);
    free(self->before);
    free(self);
    *self_p = NULL;
}

static int
s_take(void *arg, const struct query_reply *reply, struct rbuf *r)
{
    struct asked *asked = arg;
    int rc = 0;

    asked->epoch = reply->epoch;
    for (uint32_t i = 0; i < reply->n && rc == 0; i++) {
        rc = query_take_ledger(r, &asked->ledger);
        asked->there = rc == 0;
        if (rc == 0)
            query_ledger_release(&asked->ledger);
    }
    return rc;
}

// 0 or -EINTR; what can not be had is nothing.
static int
s_ask(import_report_t *self, const struct import_instance *is, struct asked *ret)
{
    struct query_request q = { .type = QUERY_LEDGER, .host = is->host };
    struct buf why = { 0 };
    int rc;

    *ret = (struct asked){ 0 };
    rc = query_client_ask(self->client, &q, ASK_MS, s_take, ret, &why);
    buf_release(&why);
    return rc == -EINTR ? rc : 0;
}

int
import_report_look(import_report_t *self)
{
    const uint32_t n = import_link_count(self->link);
    int rc = 0;

    if (n > self->size) {
        self->before = xrealloc(self->before, 2 * n, sizeof *self->before);
        for (; self->size < 2 * n; self->size++)
            self->before[self->size] = (struct before){ 0 };
    }
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        const struct import_instance *is = import_link_at(self->link, i);
        struct asked asked;

        if (is->epoch == 0 || self->before[i].epoch != 0)
            continue;
        rc = s_ask(self, is, &asked);
        self->before[i].epoch = asked.epoch != 0 ? asked.epoch : UINT64_MAX;
        self->before[i].conflicts = asked.ledger.conflicts;
        for (unsigned c = 0; c < REFUSED_CAUSES; c++)
            self->before[i].refused[c] = asked.ledger.refused[c];
    }
    return rc;
}

// What was added since. A collector that was started again has counted from 0.
static int
s_sum(import_report_t *self, struct sums *ret)
{
    int rc = import_report_look(self);

    *ret = (struct sums){ 0 };
    for (uint32_t i = 0; i < import_link_count(self->link) && rc == 0; i++) {
        const struct before *before = &self->before[i];
        struct asked asked;
        bool same;

        rc = s_ask(self, import_link_at(self->link, i), &asked);
        if (rc < 0 || !asked.there)
            continue;
        same = asked.epoch == before->epoch && asked.ledger.conflicts >= before->conflicts;
        ret->conflicts += asked.ledger.conflicts - (same ? before->conflicts : 0);
        for (unsigned c = 0; c < REFUSED_CAUSES; c++)
            ret->refused[c] +=
                asked.ledger.refused[c] -
                (same && asked.ledger.refused[c] >= before->refused[c] ? before->refused[c] : 0);
    }
    return rc;
}

// Until the number of conflicts rests.
static int
s_settle(import_report_t *self, struct sums *ret)
{
    const int64_t until_ms = clock_mono_ms() + REPORT_MOST_MS;
    int64_t since_ms = clock_mono_ms();
    int rc = s_sum(self, ret);

    while (rc == 0 && clock_mono_ms() < until_ms && clock_mono_ms() - since_ms < REST_MS) {
        struct pollfd on = { .fd = self->signals, .events = POLLIN };
        const uint64_t was = ret->conflicts;

        if (poll(&on, 1, LOOK_MS) > 0)
            return -EINTR;
        rc = s_sum(self, ret);
        if (ret->conflicts != was)
            since_ms = clock_mono_ms();
    }
    return rc;
}

int
import_report_keep(import_report_t *self, int64_t oldest_ms, FILE *err)
{
    struct query_numbers status;
    struct buf why = { 0 };
    char oldest[WHEN_SIZE];
    int64_t keep_ms;
    const int rc = query_client_numbers(self->client, ASK_MS, &status, &why);

    buf_release(&why);
    keep_ms = status.value[STATUS_KEEP_MS];
    if (rc < 0 || keep_ms == 0 || oldest_ms >= clock_real_ms() - keep_ms)
        return rc == -EINTR ? rc : 0;
    fprintf(err,
            "zpulse import: some are as old as %s: this collector keeps %" PRId64
            " days, and lets go of what is older within minutes; see its --keep\n",
            when_put(oldest, oldest_ms), keep_ms / DAY_MS);
    return 0;
}

static void
s_put_refused(const struct sums *sums, uint64_t refused, FILE *out)
{
    const char *before = "refused: ";

    for (unsigned c = 0; c < REFUSED_CAUSES && refused > 0; c++) {
        if (sums->refused[c] == 0)
            continue;
        fprintf(out, "%s%" PRIu64 " %s", before, sums->refused[c], s_causes[c]);
        before = ", ";
    }
    if (before[0] == ',')
        fprintf(out, "\n");
}

int
import_report_tell(import_report_t *self, uint64_t samples, FILE *out)
{
    uint64_t stored = 0, refused = 0, sent = 0, total = 0, twice = 0, conflicts = 0;
    const uint32_t n = import_link_count(self->link);
    struct sums sums = { 0 };
    const int rc = n > 0 ? s_settle(self, &sums) : 0;

    for (uint32_t i = 0; i < n; i++) {
        const struct import_instance *is = import_link_at(self->link, i);
        const struct ack *told = import_window_told(is->window);

        stored += told->stored + told->elsewhere;
        refused += told->refused;
        sent += import_window_fresh(is->window);
        total += import_stream_total(is->stream);
        twice += import_stream_twice(is->stream);
        conflicts += import_stream_conflicts(is->stream);
    }
    if (rc < 0)
        return rc;
    fprintf(out,
            "%" PRIu64 " samples of %" PRIu32 " instance%s: %" PRIu64 " stored, %" PRIu64
            " refused, %" PRIu64 " conflict%s\n",
            samples, n, n == 1 ? "" : "s", stored, refused, conflicts + sums.conflicts,
            conflicts + sums.conflicts == 1 ? "" : "s");
    if (sent < total)
        fprintf(out, "%" PRIu64 " of them were here already\n", total - sent);
    if (twice > 0)
        fprintf(out, "%" PRIu64 " stand there twice\n", twice);
    s_put_refused(&sums, refused, out);
    if (conflicts + sums.conflicts > 0)
        fprintf(out, "conflicts: the time has another value, which came first and stands\n");
    return fflush(out) == 0 && refused == 0 ? 0 : ERR_FORMAT;
}
