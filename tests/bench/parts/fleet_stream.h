// fleet_stream - frames of fleet.h's hosts, made ahead, and sent as fast as ACKs give credit.
//
// In:     how many hosts, series of each, rows a second apart; sockets to a collector.
// Out:    for each host IDENT, TABLE, its rows, END; seconds until they are acknowledged.
// Thread: one owner. A bench's: what goes wrong ends the program with a line.

#ifndef TESTS_BENCH_PARTS_FLEET_STREAM_H
#define TESTS_BENCH_PARTS_FLEET_STREAM_H

#include <czmq.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/net/curve.h"

#define FLEET_STREAM    5000u // the first one's id
#define FLEET_HOST      1000u // likewise; rises by one, as the names' numbers do
#define FLEET_FIRST_ROW 2u    // its seq: behind IDENT and TABLE

struct fleet_stream {
    uint64_t sent, acked, limit;
    uint64_t n; // frames
    size_t *at; // of each, and the end, in `frames`
    struct buf frames;
};

typedef struct fleet {
    const char *name;          // hosts are NAME-0, NAME-1 ...
    const struct curve *curve; // borrowed, set before fleet_join; NULL: plain
    unsigned hosts;
    uint32_t series; // of a host: 500, or a part of it that divides
    uint64_t rows;
    int64_t t0_ms;   // of the first row
    uint64_t frames; // of all
    uint64_t bytes;  // likewise
    struct fleet_stream *streams;
    zsock_t *push;
    unsigned n_dealers;
    zsock_t **dealers; // each of some hosts
    unsigned welcomes;
    uint64_t pings;
    int64_t ping_ms;  // monotonic, when next due
    int64_t heard_ms; // monotonic, when an ACK said more
    uint64_t again;   // frames that were sent twice
} fleet_t;

// The rows end now. Streams of fleets with the same name are the same.
fleet_t *fleet_new(const char *name, unsigned hosts, uint32_t series, uint64_t rows);
void fleet_destroy(fleet_t **self_p);
// Samples of the rows below that one.
uint64_t fleet_samples(const fleet_t *self, uint64_t rows);
// Joins the collector at this port of 127.0.0.1 and says HELLO for all; waits until all are
// welcome.
void fleet_join(fleet_t *self, unsigned port);
// Seconds until all frames below `most` of each host are acknowledged.
double fleet_drive(fleet_t *self, uint64_t most);

// The line on stderr, and the end.
_Noreturn void bench_fail(const char *what);
// This process on that core, if there is such a one.
void bench_pin(size_t core);
// A collector on core 1, with these bytes for its head; its log goes to `log_fd`, -1: stderr.
pid_t bench_collector(const char *program, const char *dir, unsigned port, const char *head,
                      int log_fd);
// Of all its threads, since its start.
double bench_cpu_seconds(pid_t pid);
// "VmRSS" or "VmHWM" of the process, in bytes.
uint64_t bench_memory(pid_t pid, const char *which);

#endif
