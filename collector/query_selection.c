// query_selection - see the header.

#include "collector/query_selection.h"

#include <stdio.h>
#include <stdlib.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"

static int
s_refuse(char error[MATCHERS_ERROR_SIZE], const char *why)
{
    (void) snprintf(error, MATCHERS_ERROR_SIZE, "%s", why);
    return ERR_FORMAT;
}

int
query_selection_take(struct query_selection *self, const struct query_request *q,
                     char error[MATCHERS_ERROR_SIZE])
{
    *self = (struct query_selection){ 0 };
    if (q->n_selectors == 0)
        return s_refuse(error, "a selector is missing");
    if (q->type == QUERY_SELECT && q->start_ms > q->end_ms)
        return s_refuse(error, "the window ends before it starts");
    for (uint32_t i = 0; i < q->n_selectors; i++) {
        char *text = xstrndup(q->selectors[i], q->selector_len[i]);
        const int rc = matchers_parse(&self->matchers[i], text, error);

        free(text);
        if (rc < 0)
            return ERR_FORMAT;
    }
    self->what = (struct store_select){
        .host = q->host,
        .start_ms = q->start_ms,
        .end_ms = q->type == QUERY_SELECT ? q->end_ms : INT64_MAX,
        .matchers = self->matchers,
        .n_matchers = q->n_selectors,
        .newest_only = q->type == QUERY_LAST,
        .labels_only = q->type == QUERY_SERIES,
    };
    return 0;
}

void
query_selection_release(struct query_selection *self)
{
    for (uint32_t i = 0; i < QUERY_SELECTORS_MAX; i++)
        matchers_destroy(&self->matchers[i]);
}

bool
query_selection_limited(const struct query_selection *self)
{
    bool limited = false;

    for (uint32_t i = 0; i < self->what.n_matchers; i++)
        limited = matchers_limited(self->matchers[i]) || limited;
    return limited;
}
