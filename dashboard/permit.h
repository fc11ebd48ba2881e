// permit - which names a browser may call us by.
//
// A page of somebody else whose name is made to point at this machine sends that name as Host: it
// gets nothing. Allowed are localhost, addresses (IP literals), the host that we listen on, and the
// names that the operator gave. The port does not matter.
// Source: RFC 9110, 7.2; "DNS rebinding".

#ifndef DASHBOARD_PERMIT_H
#define DASHBOARD_PERMIT_H

#include <stdbool.h>
#include <stddef.h>

typedef struct permit permit_t;

// Whether `name` is one that a Host can have: of letters, digits, '-', '_' and '.', perhaps a port.
// An address is one as well.
bool permit_takes(const char *name);
// `listen` is HOST:PORT; `names` are hosts that permit_takes. All are copied.
permit_t *permit_new(const char *listen, const char *const *names, size_t n);
void permit_destroy(permit_t **self_p);
// `host` is the header as it came. NULL, from a client before HTTP/1.1, is allowed: a browser
// always sends one.
bool permit_host(const permit_t *self, const char *host);

#endif
