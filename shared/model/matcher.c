// matcher - which series are meant.

#include "shared/model/matcher.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include <assert.h>
#include <pcre2.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/model/selector.h"

// Where a match gives up: an operator's expression may be hostile, or only careless. Steps of
// backtracking, and how deep they nest.
#define MATCH_LIMIT 100000
#define DEPTH_LIMIT 1000

// As near to RE2 as PCRE2 goes: the whole value, "." any character, "$" only the end, no
// groups to refer back to. \C would cut characters.
#define REGEX_FLAGS                                                                         \
    (PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | \
     PCRE2_NO_AUTO_CAPTURE | PCRE2_NEVER_BACKSLASH_C)

#define REASON_SIZE 120 // of PCRE2's sentence

// What matching needs and changes, apart from the selector, which it does not.
struct effort {
    pcre2_match_context *limits;
    pcre2_match_data *data;
    bool limited;
};

struct matchers {
    struct selector selector;
    pcre2_code *codes[SELECTOR_TERMS_MAX]; // of the regular expressions; NULL elsewhere
    struct effort *effort;
};

static int s_compile(matchers_t *self, size_t i, char error[MATCHERS_ERROR_SIZE]);
static bool s_accepts(const matchers_t *self, size_t i, const char *value);
static bool s_accepts_regex(struct effort *effort, const pcre2_code *code, const char *value,
                            bool wanted);

int
matchers_parse(matchers_t **ret, const char *text, char error[MATCHERS_ERROR_SIZE])
{
    matchers_t *self = xcalloc(1, sizeof *self);
    bool empty = true; // nothing said so far that a series without labels breaks
    int rc;

    self->effort = xcalloc(1, sizeof *self->effort);
    self->effort->limits = pcre2_match_context_create(NULL);
    self->effort->data = pcre2_match_data_create(1, NULL);
    assert(self->effort->limits != NULL && self->effort->data != NULL); // out of memory
    pcre2_set_match_limit(self->effort->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(self->effort->limits, DEPTH_LIMIT);

    rc = selector_parse(&self->selector, text, error);
    for (size_t i = 0; rc == 0 && i < self->selector.count; i++) {
        rc = s_compile(self, i, error);
        empty = empty && rc == 0 && s_accepts(self, i, "");
    }
    if (rc == 0 && empty) {
        snprintf(error, MATCHERS_ERROR_SIZE,
                 "column 1: at least one matcher must not match the empty text");
        rc = ERR_FORMAT;
    }
    if (rc < 0) {
        matchers_destroy(&self);
        return rc;
    }
    self->effort->limited = false;
    *ret = self;
    return 0;
}

void
matchers_destroy(matchers_t **self_p)
{
    matchers_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < SELECTOR_TERMS_MAX; i++)
        pcre2_code_free(self->codes[i]);
    selector_release(&self->selector);
    pcre2_match_data_free(self->effort->data);
    pcre2_match_context_free(self->effort->limits);
    free(self->effort);
    free(self);
    *self_p = NULL;
}

// In the order they were written: whoever wrote them knows best which is cheap.
bool
matchers_match(const matchers_t *self, const struct label_set *labels)
{
    for (size_t i = 0; i < self->selector.count; i++) {
        const char *value = label_set_get(labels, self->selector.terms[i].name);

        if (!s_accepts(self, i, value != NULL ? value : ""))
            return false;
    }
    return true;
}

const char *
matchers_metric(const matchers_t *self)
{
    for (size_t i = 0; i < self->selector.count; i++) {
        const struct selector_term *term = &self->selector.terms[i];

        if (term->op == MATCHER_EQUAL && *term->value != '\0' &&
            strcmp(term->name, LABEL_METRIC) == 0)
            return term->value;
    }
    return NULL;
}

size_t
matchers_count(const matchers_t *self)
{
    return self->selector.count;
}

struct matcher_term
matchers_term(const matchers_t *self, size_t at)
{
    const struct selector_term *term = &self->selector.terms[at];

    return (struct matcher_term){ .name = term->name, .value = term->value, .op = term->op };
}

bool
matchers_accepts(const matchers_t *self, size_t at, const char *value)
{
    return s_accepts(self, at, value);
}

bool
matchers_allow(const matchers_t *self, const char *label, const char *value)
{
    for (size_t i = 0; i < self->selector.count; i++)
        if (strcmp(self->selector.terms[i].name, label) == 0 && !s_accepts(self, i, value))
            return false;
    return true;
}

bool
matchers_limited(matchers_t *self)
{
    bool limited = self->effort->limited;

    self->effort->limited = false;
    return limited;
}

static int
s_compile(matchers_t *self, size_t i, char error[MATCHERS_ERROR_SIZE])
{
    const struct selector_term *term = &self->selector.terms[i];
    PCRE2_UCHAR reason[REASON_SIZE];
    PCRE2_SIZE offset;
    int code;

    if (term->op != MATCHER_REGEX && term->op != MATCHER_NOT_REGEX)
        return 0;
    self->codes[i] = pcre2_compile((PCRE2_SPTR) term->value, strlen(term->value), REGEX_FLAGS,
                                   &code, &offset, NULL);
    if (self->codes[i] != NULL)
        return 0;
    pcre2_get_error_message(code, reason, sizeof reason);
    snprintf(error, MATCHERS_ERROR_SIZE, "column %zu: no regular expression: %s at its byte %zu",
             term->column, (const char *) reason, offset + 1);
    return ERR_FORMAT;
}

static bool
s_accepts(const matchers_t *self, size_t i, const char *value)
{
    const struct selector_term *term = &self->selector.terms[i];

    switch (term->op) {
    case MATCHER_EQUAL:
        return strcmp(value, term->value) == 0;
    case MATCHER_NOT_EQUAL:
        return strcmp(value, term->value) != 0;
    case MATCHER_REGEX:
        return s_accepts_regex(self->effort, self->codes[i], value, true);
    case MATCHER_NOT_REGEX:
        return s_accepts_regex(self->effort, self->codes[i], value, false);
    }
    return false;
}

// A match that gives up accepts nothing, whether a match was wanted or none.
static bool
s_accepts_regex(struct effort *effort, const pcre2_code *code, const char *value, bool wanted)
{
    int rc = pcre2_match(code, (PCRE2_SPTR) value, strlen(value), 0, 0, effort->data,
                         effort->limits);

    if (rc == PCRE2_ERROR_MATCHLIMIT || rc == PCRE2_ERROR_DEPTHLIMIT || rc == PCRE2_ERROR_HEAPLIMIT)
        effort->limited = true;
    if (rc < 0 && rc != PCRE2_ERROR_NOMATCH)
        return false;
    return (rc >= 0) == wanted;
}
