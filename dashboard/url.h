// url - the escapes of a path or a parameter.

#ifndef DASHBOARD_URL_H
#define DASHBOARD_URL_H

#include "shared/base/buf.h"

// The text with %XX decoded, for free(); NULL if an escape is not whole, stands for NUL, or the
// result is not UTF-8. Source: RFC 3986, 2.1.
char *url_decode(const char *text);
// Appends a path with all escaped but '/' and what needs no escape.
void url_encode_path(struct buf *out, const char *path);

#endif
