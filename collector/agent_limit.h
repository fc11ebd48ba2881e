// agent_limit - what one agent may send: the rules, and what is remembered between two records.
//
// In:     a record's own times and sizes; labels of a definition.
// Out:    what is let in. What is refused is acknowledged all the same: its sender goes on.
// Time:   rates are of the samples' own times, not of when they came: what an agent held back while
//         it was cut off comes as fast as the line goes, and is no flood. Where an agent's clock
//         went back, the time that passed here counts in its place.
// Lanes:  what is sent late has a budget of its own, beside that of what is live: one would use up
//         what the other is owed, since each has times of its own.
// Trust:  an agent that lies about its times, as by hours in a second, gets more: this bounds what
//         has gone wrong, not who means harm. Such a one is revoked.
// Once:   a decision about samples stands in the journal with its record, one about a series in the
//         entry LIMITS behind it. A replay decides nothing of that again. What is kept here begins
//         anew with a start, so what comes after one may be let in that a moment before was not.
// Thread: pure.

#ifndef COLLECTOR_AGENT_LIMIT_H
#define COLLECTOR_AGENT_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "collector/host_table.h"
#include "collector/journal_entry.h"
#include "shared/wire/frame.h"
#include "shared/wire/query_ledger.h"

// A host has some thousand series, of which a second makes as many samples; new ones come with its
// first start, and with containers. What is above these is a program gone wrong.
#define AGENT_SERIES      100000u
#define AGENT_NEW_SERIES  20000u
#define AGENT_SAMPLES     100000u
#define AGENT_LABEL_BYTES 8192u
#define AGENT_FRAME_BYTES FRAME_MAX

#define AGENT_BURST_S     10 // seconds' worth of samples that may come at one time
#define AGENT_MINUTES     8u // of which new series are counted; the one used longest ago makes room

struct agent_limits {
    uint32_t series;      // of the host, held at a time
    uint32_t new_series;  // that the store did not know, in a minute of their own time
    uint32_t samples;     // a second
    uint32_t label_bytes; // of names and values of one series' labels
    uint32_t frame_bytes; // of a message
};
extern const struct agent_limits agent_limits_default;

// Whether the labels are too large, all together.
bool agent_limit_labels(const struct agent_limits *most, const struct label_set *labels);

// New series by the minute. Zero is valid.
struct agent_minutes {
    struct {
        int64_t minute;
        uint32_t made;
        uint32_t used; // when, by `turn`; 0: never
    } at[AGENT_MINUTES];
    uint32_t turn;
};
// One more of this time: *made_ret of its *minute_ret, or false if there were enough.
bool agent_minutes_take(struct agent_minutes *self, uint32_t most, int64_t time_ms,
                        int64_t *minute_ret, uint32_t *made_ret);
// So many were let in before.
void agent_minutes_restore(struct agent_minutes *self, int64_t minute, uint32_t made);

// Samples: what is left of a budget. Zero is valid, and full.
struct agent_budget {
    bool begun;
    int64_t left;    // thousandths of a sample
    int64_t to_ms;   // newest time of the samples that it was given for
    int64_t came_ms; // monotonic, when it was last asked
};
struct agent_rate {
    struct agent_budget live;
    struct agent_budget late; // of records with BACKLOG
};
// What of a record that is staged is let in; `len` is that of its message.
struct record_share agent_rate_take(struct agent_rate *self, const struct agent_limits *most,
                                    uint8_t flags, const struct record *record, size_t len,
                                    struct host_time now);

#endif
