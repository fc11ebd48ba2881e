// matcher - which series are meant: name{label="value",other=~"a|b"}.
//
// Source: PromQL's instant vector selectors. Operators = != =~ !~; regular expressions are PCRE2,
// anchored at both ends, with match and depth limits (an expression that exceeds them does not
// match and sets `limited`). A label that a series lacks counts as "". A selector must not be empty
// of meaning:
// `{}` is refused, as at least one matcher must not match the empty text.
// Limits: 4,096 bytes of selector, 32 matchers.

#ifndef SHARED_MODEL_MATCHER_H
#define SHARED_MODEL_MATCHER_H

#include <stdbool.h>
#include <stddef.h>

#include "shared/model/label.h"

enum matcher_op { MATCHER_EQUAL, MATCHER_NOT_EQUAL, MATCHER_REGEX, MATCHER_NOT_REGEX };

typedef struct matchers matchers_t;

#define MATCHERS_TEXT_MAX   4096
#define MATCHERS_ERROR_SIZE 256

// Reads a selector: `name`, `name{...}` or `{...}`. 0 and the matchers in *ret; or ERR_FORMAT or
// ERR_LIMIT, *ret as it was, and in error[] one sentence that names the place and the rule.
int matchers_parse(matchers_t **ret, const char *text, char error[MATCHERS_ERROR_SIZE]);
void matchers_destroy(matchers_t **self_p);
bool matchers_match(const matchers_t *self, const struct label_set *labels);
// The exact value demanded of __name__ ("=" only), or NULL: lets a store look up before it scans.
const char *matchers_metric(const matchers_t *self);
// Its terms one by one, for an index. All of them must accept; `at` is below the count.
struct matcher_term {
    const char *name;  // of the label; ours
    const char *value; // ours; of a regular expression its text
    enum matcher_op op;
};
size_t matchers_count(const matchers_t *self);
struct matcher_term matchers_term(const matchers_t *self, size_t at);
// `value` is "" for a series that lacks the label.
bool matchers_accepts(const matchers_t *self, size_t at, const char *value);
// False: no series whose `label` is `value` can match.
bool matchers_allow(const matchers_t *self, const char *label, const char *value);
// A match hit PCRE2's limits since the last call.
bool matchers_limited(matchers_t *self);

#endif
