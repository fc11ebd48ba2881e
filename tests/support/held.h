// held - what a collector holds of one metric, of every host, asked for as anybody can ask.
//
// In:     the collector's data endpoint, a metric's name, a span of time.
// Out:    samples by the name of the host; whatever series they came by, so that a sample that
//         stands in two series of a host is there twice.
// Thread: one owner. Loss: an answer that comes after its deadline is thrown away.

#ifndef TESTS_SUPPORT_HELD_H
#define TESTS_SUPPORT_HELD_H

#include <stddef.h>
#include <stdint.h>

#include "tests/support/host_samples.h"

typedef struct held held_t;

// Aborts where the endpoint is none.
held_t *held_new(const char *collector);
void held_destroy(held_t **self_p);

// Asks for `metric` from from_ms to to_ms, both inclusive, and replaces what was there. 0; -EAGAIN
// where the collector is busy or does not answer in time; ERR_LIMIT and others as it says.
int held_ask(held_t *self, const char *metric, int64_t from_ms, int64_t to_ms, int timeout_ms);
// Of the answer; samples are the held_t's, until the next question, and may be moved about.
struct sample *held_samples(held_t *self, const char *host, size_t *n_ret);
// The same of all hosts.
host_samples_t *held_all(held_t *self);
// The sum of the newest samples of a metric's series, all hosts; NAN where there is none.
double held_sum(held_t *self, const char *metric, int timeout_ms);

#endif
