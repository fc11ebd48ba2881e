// selector - the text of a selector, taken apart: name{label="value",other=~"a|b"}.
//
// Source: PromQL's grammar of instant vector selectors. Strings stand in " or ' with Go's escapes,
// or in ` without any; values are UTF-8 without NUL. Inner to matcher.c.

#ifndef SHARED_MODEL_SELECTOR_H
#define SHARED_MODEL_SELECTOR_H

#include <stddef.h>

#include "shared/model/matcher.h"

#define SELECTOR_TERMS_MAX 32

// One of `name op "value"`; the metric's name is a term too.
struct selector_term {
    enum matcher_op op;
    char *name;    // ours
    char *value;   // ours
    size_t column; // where its value begins in the text, from 1
};

// Holds memory: selector_release.
struct selector {
    size_t count;
    struct selector_term terms[SELECTOR_TERMS_MAX];
};

// 0; or ERR_FORMAT or ERR_LIMIT, a sentence in error[] and nothing to release.
int selector_parse(struct selector *ret, const char *text, char error[MATCHERS_ERROR_SIZE]);
void selector_release(struct selector *selector);

#endif
