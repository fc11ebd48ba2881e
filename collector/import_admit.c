// import_admit - see the header.

#include "collector/import_admit.h"

#include "shared/base/err.h"
#include "shared/wire/import_host.h"

// The one place where the role is looked at: an operator may import, and nobody else. Peers have no
// roles yet: the sockets are loopback's alone, and who is on this machine may.
static bool
s_may_import(const struct route *from)
{
    (void) from;
    return true;
}

int
import_admit(host_table_t *hosts, const struct hello *hello, const struct route *from,
             struct host_time now, const struct host **ret)
{
    *ret = NULL;
    if (!s_may_import(from))
        return GOAWAY_ROLE;
    if (hello->id.host != import_host_id(hello->id.name, hello->id.name_len))
        return ERR_FORMAT;
    return host_table_import(hosts, hello, from, now, ret);
}
