// import_admit - who may write samples of the past, and under which host they stand.
//
// An importer says a HELLO with the flag IMPORT for each instance that its file has. That instance
// is a host here (import_host.h: its id follows from its name) with streams of its own, a ledger of
// its own and an end of its own; it never lives, and none of its samples is published as live. In
// the store its samples stand under the agent's host of that name, where one was known as the
// stream began, and else under its own: the applier decides.
// Thread: the reactor's.

#ifndef COLLECTOR_IMPORT_ADMIT_H
#define COLLECTOR_IMPORT_ADMIT_H

#include "collector/host_table.h"

// As host_table_import, and ROLE: this peer may not import. ERR_FORMAT: the id is not that of the
// name.
int import_admit(host_table_t *hosts, const struct hello *hello, const struct route *from,
                 struct host_time now, const struct host **ret);

#endif
