// host_port - "127.0.0.1:8088" as an address of the kernel's.
//
// Only literal addresses and "localhost" (127.0.0.1): nothing here waits for a name server.

#ifndef COLLECTOR_CTL_HOST_PORT_H
#define COLLECTOR_CTL_HOST_PORT_H

#include <sys/socket.h>

struct host_port {
    struct sockaddr_storage at;
    socklen_t len;
};

// 0, or ERR_FORMAT.
int host_port_parse(struct host_port *ret, const char *text);
// Binds and listens: 0 and the descriptor in *ret, or -errno (-EADDRINUSE: another program has it).
int host_port_listen(int *ret, const struct host_port *at);

#endif
