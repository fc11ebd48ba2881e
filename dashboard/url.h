// url - the escapes of a path or a parameter.

#ifndef DASHBOARD_URL_H
#define DASHBOARD_URL_H

// The text with %XX decoded, for free(); NULL if an escape is not whole, stands for NUL, or the
// result is not UTF-8. Source: RFC 3986, 2.1.
char *url_decode(const char *text);

#endif
