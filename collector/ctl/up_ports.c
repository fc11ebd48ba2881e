// up_ports - see the header.

#include "collector/ctl/up_ports.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/host_port.h"
#include "shared/base/err.h"

static bool s_take(int *fd_ret, struct buf *why, const char *address, const char *option);

// All are held until the last is tried: two that are the same would else both seem free.
bool
up_ports_free(struct buf *why, const char *listen, unsigned base)
{
    int held[UP_PORTS + 1];
    size_t n = 0;
    bool ok;

    ok = s_take(&held[n], why, listen, "--listen");
    n += ok;
    for (unsigned i = 0; i < UP_PORTS && ok && base != 0; i++) {
        char address[32];

        snprintf(address, sizeof address, "127.0.0.1:%u", base + i);
        if (strcmp(address, listen) == 0) {
            buf_printf(why,
                       "%s is meant for the dashboard and for the collector; choose --listen or "
                       "--port-base",
                       address);
            ok = false;
            break;
        }
        ok = s_take(&held[n], why, address, "--port-base");
        n += ok;
    }
    while (n > 0)
        close(held[--n]);
    return ok;
}

static bool
s_take(int *fd_ret, struct buf *why, const char *address, const char *option)
{
    struct host_port at;
    int rc = host_port_parse(&at, address);

    if (rc < 0) {
        buf_printf(why, "%s: not a literal address; choose %s", address, option);
        return false;
    }
    rc = host_port_listen(fd_ret, &at);
    if (rc == -EADDRINUSE)
        buf_printf(why, "%s is taken: another program listens there; choose %s or stop it", address,
                   option);
    else if (rc < 0)
        buf_printf(why, "%s: %s; choose %s", address, err_str(rc), option);
    return rc == 0;
}
