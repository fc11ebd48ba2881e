// query_selection - what a question means to the store.
//
// In:     SERIES, SELECT or LAST, checked as a message.
// Out:    what to read; or a sentence that says why it can't be.
// Thread: one owner. Pure.

#ifndef COLLECTOR_QUERY_SELECTION_H
#define COLLECTOR_QUERY_SELECTION_H

#include <stdbool.h>

#include "collector/store/store.h"
#include "shared/model/matcher.h"
#include "shared/wire/query_msg.h"

// Holds memory: query_selection_release, also after an error.
struct query_selection {
    struct store_select what;                  // but for its deadline
    matchers_t *matchers[QUERY_SELECTORS_MAX]; // `what` points here
};

// 0, or ERR_FORMAT and the sentence.
int query_selection_take(struct query_selection *self, const struct query_request *q,
                         char error[MATCHERS_ERROR_SIZE]);
void query_selection_release(struct query_selection *self);
// An expression gave up on some labels, and has not answered for them: better no answer than half.
bool query_selection_limited(const struct query_selection *self);

#endif
