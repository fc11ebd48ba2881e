// tcp_proxy - a network between two programs that can be made to fail.
//
// In:     ports of 127.0.0.1 to listen on, each with one to connect to.
// Out:    bytes, both ways, as they come; or what the lane's mode makes of them.
// Thread: one of its own carries the bytes; the functions here are one other thread's, and have
//         taken effect when they return.
// Limits: PROXY_LANES_MAX ports, PROXY_PAIRS_MAX connections at a time.

#ifndef TESTS_SUPPORT_TCP_PROXY_H
#define TESTS_SUPPORT_TCP_PROXY_H

#include <stdint.h>

#define PROXY_LANES_MAX 4
#define PROXY_PAIRS_MAX 256

enum proxy_mode {
    PROXY_PASS,
    PROXY_CUT,     // connections are reset, new ones are closed at once
    PROXY_HOLD,    // connections stand, and no byte moves: a sender is pushed back
    PROXY_SWALLOW, // connections stand, and what is sent vanishes: a cable that is out
};

typedef struct tcp_proxy tcp_proxy_t;

tcp_proxy_t *tcp_proxy_new(void);
void tcp_proxy_destroy(tcp_proxy_t **self_p);

// Lanes are numbered from 0 in the order they are added. Aborts where the port is taken.
void tcp_proxy_add(tcp_proxy_t *self, uint16_t listen_port, uint16_t target_port);
// Back from PROXY_SWALLOW its connections are reset: there is a hole in what they carried.
void tcp_proxy_set(tcp_proxy_t *self, unsigned lane, enum proxy_mode mode);
// Resets each connection of the lane with the chance of `percent`; others may come.
void tcp_proxy_reset(tcp_proxy_t *self, unsigned lane, unsigned percent, uint64_t *seed);
uint64_t tcp_proxy_bytes(tcp_proxy_t *self, unsigned lane); // carried so far, both ways
unsigned tcp_proxy_pairs(tcp_proxy_t *self, unsigned lane); // connections that stand

#endif
