// listener - the socket that browsers connect to, with what its connections inherit.
//
// Other addresses than loopback only where a token is asked for.

#ifndef DASHBOARD_LISTENER_H
#define DASHBOARD_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

// address: "127.0.0.1:8088", "[::1]:8088", "localhost:8088"; port 0: any that is free.
// 0 and *ret; ERR_FORMAT (not such an address), ERR_RANGE (not loopback, and not for everybody), or
// -errno (-EADDRINUSE ...).
int listener_open(int *ret, const char *address, bool everybody);
// The first two of these alone, without a socket.
int listener_check(const char *address);
// The port it got.
uint16_t listener_port(int fd);

#endif
