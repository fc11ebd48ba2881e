// pusher - an agent of the wire alone: numbered samples, as fast as its collector takes them.
//
// It keeps every record of its one stream, as a spool does, and asks for nothing but to get rid of
// it: HELLO, what WELCOME wants repeated, the rest, and again what a NAK names.
// In:     the first port of a collector on loopback; how many rows to make.
// Out:    what is amiss in the answers (an acknowledgement taken back, samples refused), and later
//         whether what the collector holds is what was acknowledged.
// Thread: one owner. Nothing waits.

#ifndef TESTS_SUPPORT_PUSHER_H
#define TESTS_SUPPORT_PUSHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/support/numbered.h"

#define PUSHER_METRIC "pushed"

typedef struct pusher pusher_t;

struct pusher_options {
    uint64_t host;
    const char *name; // copied
    struct numbered samples;
    bool ballast; // in place of rows, records of 4 KiB that no collector knows: they are kept
};

pusher_t *pusher_new(const struct pusher_options *opt);
void pusher_destroy(pusher_t **self_p);

// Sockets of their own for each life of a collector.
void pusher_connect(pusher_t *self, uint16_t port);
void pusher_disconnect(pusher_t *self);
// Rows to be sent from now on; the rows of all time.
void pusher_make(pusher_t *self, uint32_t rows);
uint32_t pusher_rows(const pusher_t *self);
// Hears what came, and sends what it may, at most so many frames. False: something is amiss.
bool pusher_turn(pusher_t *self, unsigned most);
// Whether the collector that it is connected to has said so.
bool pusher_is_welcome(const pusher_t *self);
// Whether all that was made is acknowledged.
bool pusher_is_done(const pusher_t *self);
const char *pusher_amiss(const pusher_t *self); // NULL: nothing is
uint64_t pusher_acked(const pusher_t *self);    // samples

// What a collector gave of the host, as numbered_check.
void pusher_check(const pusher_t *self, const struct sample *held, size_t n, int64_t since_ms,
                  struct numbered_verdict *ret);

#endif
