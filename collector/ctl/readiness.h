// readiness - how far the first sample has come on its way to the dashboard.
//
// In:  what the dashboard answers over HTTP.
// Out: the step that is reached, and the sentence that says which one is missing.

#ifndef COLLECTOR_CTL_READINESS_H
#define COLLECTOR_CTL_READINESS_H

#include <stdbool.h>
#include <stddef.h>

enum readiness {
    READINESS_NONE,      // nothing answers
    READINESS_DASHBOARD, // the dashboard does, but no collector stands behind it
    READINESS_COLLECTOR, // the collector does, but knows no host
    READINESS_AGENT,     // a host has said hello, but sent no sample
    READINESS_ALL,
};

// Asks the dashboard at `address`; waits at most `timeout_ms`. Without an agent the collector's
// answer is all.
enum readiness readiness_ask(const char *address, bool agent, int timeout_ms);
// What an answer to /api/v1/hosts means.
enum readiness readiness_of_hosts(unsigned status, const char *body, size_t len);
// What is missing after `step`: "the collector knows no host: the agent has not reached it".
const char *readiness_missing(enum readiness step);

#endif
