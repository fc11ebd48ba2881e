// name_filter - see the header.

#include "agent/proc/name_filter.h"

#define PCRE2_CODE_UNIT_WIDTH 8

#include <assert.h>
#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"

// The operator's expression may be careless; a name is a few dozen bytes.
#define MATCH_LIMIT 100000
#define DEPTH_LIMIT 1000
#define REASON_SIZE 120 // of PCRE2's sentence

struct name_filter {
    pcre2_code *include; // NULL: all
    pcre2_code *exclude; // NULL: none
    pcre2_match_context *limits;
    pcre2_match_data *data;
};

static int s_compile(pcre2_code **ret, const char *which, const char *text,
                     char error[NAME_FILTER_ERROR_SIZE]);
static bool s_matches(const name_filter_t *self, const pcre2_code *code, const char *name,
                      size_t len);

int
name_filter_new(name_filter_t **ret, const char *include, const char *exclude,
                char error[NAME_FILTER_ERROR_SIZE])
{
    name_filter_t *self = xcalloc(1, sizeof *self);
    int rc;

    self->limits = pcre2_match_context_create(NULL);
    self->data = pcre2_match_data_create(1, NULL);
    assert(self->limits != NULL && self->data != NULL); // out of memory
    pcre2_set_match_limit(self->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(self->limits, DEPTH_LIMIT);
    rc = s_compile(&self->include, "include", include, error);
    if (rc == 0)
        rc = s_compile(&self->exclude, "exclude", exclude, error);
    if (rc < 0) {
        name_filter_destroy(&self);
        return rc;
    }
    *ret = self;
    return 0;
}

void
name_filter_destroy(name_filter_t **self_p)
{
    name_filter_t *self = *self_p;

    if (self == NULL)
        return;
    pcre2_code_free(self->include);
    pcre2_code_free(self->exclude);
    pcre2_match_context_free(self->limits);
    pcre2_match_data_free(self->data);
    free(self);
    *self_p = NULL;
}

bool
name_filter_passes(const name_filter_t *self, const char *name, size_t len)
{
    if (self == NULL)
        return true;
    return (self->include == NULL || s_matches(self, self->include, name, len)) &&
           (self->exclude == NULL || !s_matches(self, self->exclude, name, len));
}

// Names of the kernel are bytes, not always UTF-8, so the expression sees bytes.
static int
s_compile(pcre2_code **ret, const char *which, const char *text, char error[NAME_FILTER_ERROR_SIZE])
{
    PCRE2_UCHAR reason[REASON_SIZE];
    PCRE2_SIZE at;
    int code;

    if (text == NULL || text[0] == '\0')
        return 0;
    *ret = pcre2_compile((PCRE2_SPTR) text, PCRE2_ZERO_TERMINATED, PCRE2_NEVER_BACKSLASH_C, &code,
                         &at, NULL);
    if (*ret != NULL)
        return 0;
    pcre2_get_error_message(code, reason, sizeof reason);
    snprintf(error, NAME_FILTER_ERROR_SIZE, "%s: \"%.100s\": at column %zu: %s", which, text,
             (size_t) at + 1, (const char *) reason);
    return ERR_FORMAT;
}

static bool
s_matches(const name_filter_t *self, const pcre2_code *code, const char *name, size_t len)
{
    return pcre2_match(code, (PCRE2_SPTR) name, len, 0, 0, self->data, self->limits) >= 0;
}
