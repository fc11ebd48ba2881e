// collector_stat - the collector's own counters, by name of place.
//
// Thread: as selfstat.h says: any may add.

#ifndef COLLECTOR_COLLECTOR_STAT_H
#define COLLECTOR_COLLECTOR_STAT_H

enum collector_stat {
    STAT_FRAMES,
    STAT_BYTES,
    STAT_SAMPLES,
    STAT_SAMPLES_APPS, // of those, applications'
    STAT_ROWS,
    STAT_REFUSED_FORMAT, // frames, by reason
    STAT_REFUSED_VERSION,
    STAT_REFUSED_STREAM,   // of no HELLO
    STAT_REFUSED_IDENTITY, // IDENT names another host than HELLO did
    STAT_SAMPLES_FUTURE,   // samples refused, by reason
    STAT_SAMPLES_OVER,
    STAT_SAMPLES_SERIES, // of a series that was not taken: limit or bad labels
    STAT_LANE_DUPLICATES,
    STAT_LANE_HOLES,
    STAT_LANE_UNREADABLE,
    STAT_LANE_MALFORMED,
    STAT_LANE_UNKNOWN,
    STAT_EVENTS,          // kept
    STAT_EVENTS_WORDLESS, // of a body that says nothing we can read
    STAT_STREAMS,
    STAT_CONTROL_MESSAGES,
    STAT_CONTROL_BAD,    // no message of ours
    STAT_CONTROL_UNSENT, // answers whose peer was gone or full
    STAT_STRANGERS,      // messages of keys that are not let in any more
    STAT_NAMELESS,       // messages that came past ZAP: no key
    STAT_ADMITTED,       // handshakes
    STAT_DENIED_UNKNOWN, // handshakes, by reason: told to come again
    STAT_DENIED_REVOKED, // or retired
    STAT_DENIED_ROLE,    // the key is let in by other doors
    STAT_ENROLLED,       // keys
    STAT_TOKENS_REFUSED,
    STAT_HOSTS_REFUSED, // HELLOs
    STAT_CONNECTIONS_REFUSED,
    STAT_NAKS,
    STAT_GOAWAYS,
    STAT_AGENTS_UP, // hosts, by state
    STAT_AGENTS_LATE,
    STAT_AGENTS_STOPPED,
    STAT_AGENTS_SILENT,
    STAT_SERIES,
    STAT_SERIES_MADE,
    STAT_HEAD_SAMPLES,
    STAT_HEAD_BYTES,
    STAT_HEAD_EVICTED,
    STAT_HEAD_CONFLICTS,
    STAT_PUBLISHED_TABLE, // messages, by type
    STAT_PUBLISHED_ROW,
    STAT_PUBLISHED_HOST,
    STAT_PUBLISHED_FILLED,
    STAT_PUBLISHED_EVENT,
    STAT_SUBSCRIPTIONS,
    STAT_SUBSCRIPTIONS_IGNORED,
    STAT_QUERIES,
    STAT_QUERIES_REFUSED,
    STAT_QUERY_US,
    STAT_REPLY_BYTES,
    STAT_REPLIES_DROPPED,
    STAT_FRAMES_AHEAD,      // records that came before the one that is next
    STAT_FRAMES_NO_ROOM,    // dropped: the memory for what is received was used up
    STAT_FRAMES_NO_STORAGE, // dropped: the journal's disk was full
    STAT_SAMPLES_ELSEWHERE, // left to another collector
    STAT_ACKS,
    STAT_JOURNAL_COMMITS,
    STAT_JOURNAL_RECORDS,
    STAT_JOURNAL_BYTES, // of what was committed
    STAT_JOURNAL_US,    // from the first record of a group to its being durable, summed
    STAT_JOURNAL_FULL,
    STAT_JOURNAL_DISK,
    STAT_JOURNAL_DAMAGED,
    STAT_REPLAYED,
    STAT_COUNT
};

// Sets selfstat's table: before the first thread, and before any other module here.
void collector_stat_init(void);

#endif
