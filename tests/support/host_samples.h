// host_samples - samples by the name of their host.
//
// In:     samples of any host, in any order.
// Out:    all of a host in the order they came.
// Thread: one owner. Limits: HOST_SAMPLES_HOSTS; aborts beyond.

#ifndef TESTS_SUPPORT_HOST_SAMPLES_H
#define TESTS_SUPPORT_HOST_SAMPLES_H

#include <stddef.h>

#include "shared/model/sample.h"

#define HOST_SAMPLES_HOSTS 128

typedef struct host_samples host_samples_t;

host_samples_t *host_samples_new(void);
void host_samples_destroy(host_samples_t **self_p);
void host_samples_clear(host_samples_t *self);
void host_samples_add(host_samples_t *self, const char *host, const struct sample *samples,
                      size_t n);
// The host_samples_t's, until the next change, and may be moved about; NULL where there is none.
struct sample *host_samples_get(host_samples_t *self, const char *host, size_t *n_ret);

#endif
