// access_token - the one secret that lets a browser or a script in, where a token file is given.
//
// In:     a file of one line; headers and parameters as they came.
// Out:    whether they have the token, told in a time that depends on their length alone.
// Rules:  16 to 128 of the characters that headers, cookies and addresses take: letters, digits and
//         "-._~+/="; the file is ours or root's, and nobody but its owner may read it.
// Thread: made and ended by main; asked from any.
// Source: RFC 6750, 2.1 (Bearer), RFC 6265, 4.1.1 (cookies).

#ifndef DASHBOARD_ACCESS_TOKEN_H
#define DASHBOARD_ACCESS_TOKEN_H

#include <stdbool.h>

#include "shared/base/buf.h"

#define ACCESS_TOKEN_LEAST  16
#define ACCESS_TOKEN_MOST   128
#define ACCESS_TOKEN_COOKIE "zpulse_token"

typedef struct access_token access_token_t;

// 0 and *ret; -EPERM, ERR_FORMAT or -errno, and `why` is a line that names the file and the rule.
int access_token_load(access_token_t **ret, const char *path, struct buf *why);
// Wipes it.
void access_token_destroy(access_token_t **self_p);

// The token itself, decoded. NULL is none.
bool access_token_is(const access_token_t *self, const char *text);
// A header Authorization or Cookie, or NULL.
bool access_token_bearer(const access_token_t *self, const char *authorization);
bool access_token_cookie(const access_token_t *self, const char *cookies);
// The value of a Set-Cookie that gives it to a browser: for scripts of no page, and of no other
// site.
void access_token_set_cookie(const access_token_t *self, struct buf *out);

#endif
