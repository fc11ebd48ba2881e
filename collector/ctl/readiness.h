// readiness - how far the first sample of our agent has come on its way to the dashboard.
//
// In:     what the dashboard answers over HTTP, and who our agent is.
// Out:    the step that is reached, and the sentence that says which one is missing.
// Limits: other hosts, and what our own sent before it was started now, count for nothing.
// Thread: main.

#ifndef COLLECTOR_CTL_READINESS_H
#define COLLECTOR_CTL_READINESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "shared/base/buf.h"
#include "shared/wire/enrol.h"

enum readiness {
    READINESS_NONE,      // nothing answers
    READINESS_DASHBOARD, // the dashboard does, but no collector stands behind it
    READINESS_COLLECTOR, // the collector does, but our agent is not with it
    READINESS_AGENT,     // our agent is, but no sample that it took now has come
    READINESS_ALL,
};

struct readiness_agent {
    const char *data;              // its folder, where its host id is once it has started
    char name[ENROL_NAME_MAX + 1]; // that its key is bound to; "" without keys
    uint64_t started_ms;           // before its start, by this machine's wall clock
    uint64_t seen_ms;              // newest stamp when its host was first listed; 0: not yet
};

// Asks the dashboard at `address`; waits at most `timeout_ms`. Without an agent (NULL) the
// collector's answer is all.
enum readiness readiness_ask(const char *address, struct readiness_agent *agent, int timeout_ms);
// What an answer to /api/v1/hosts means for the host of that id (16 hex digits).
enum readiness readiness_of_hosts(unsigned status, const char *body, const char *id,
                                  struct readiness_agent *agent);
// Into `why` what is missing after `step`: "the agent has not reached the collector", or why the
// collector sends our agent away, for which it asks at most `timeout_ms`.
void readiness_missing(struct buf *why, enum readiness step, const char *address,
                       const struct readiness_agent *agent, int timeout_ms);
// True, and in `why` the words of an answer to /api/v1/refused on the host of that id, or on the
// key of our agent's name.
bool readiness_refused(struct buf *why, const char *body, const char *id,
                       const struct readiness_agent *agent);

#endif
