// crowd - many agents in one process, each with a key and two sockets of its own.
//
// In:     how many; their keys, or none; the port of a collector on this machine.
// Out:    that each is connected, welcome, and has what it sent acknowledged; in seconds.
// As agents do: a HELLO each second until WELCOME, one record then, and it again until it is
// acknowledged; libzmq tries again each 100 to 500 ms, as an agent's sockets do.
// Thread: one owner. A bench's: what goes wrong ends the program with a line.

#ifndef TESTS_BENCH_PARTS_CROWD_H
#define TESTS_BENCH_PARTS_CROWD_H

#include <stdint.h>
#include <sys/types.h>

#include "shared/net/curve.h"

typedef struct crowd crowd_t;

// Hosts are NAME-0, NAME-1 ... The pairs are made here; `server` is the collector's public key,
// NULL: plain. Both are borrowed.
crowd_t *crowd_new(const char *name, unsigned n, const char *server);
void crowd_destroy(crowd_t **self_p);
// "ROLE NAME KEY" of each, into DIR/admit.
void crowd_admit(const crowd_t *self, const char *dir);
// One socket each: seconds until all have been let in. They are closed again.
double crowd_knock(crowd_t *self, unsigned port);
// Both sockets of each, which stay.
void crowd_join(crowd_t *self, unsigned port);
// Another record of each. Seconds until all are welcome, and until all are acknowledged.
struct crowd_times {
    double welcome_s, acked_s;
};
struct crowd_times crowd_deliver(crowd_t *self);

// A collector on core 1 with these words after its folder and port; it is killed with us.
pid_t crowd_collector(const char *program, const char *dir, unsigned port, const char *word);

#endif
