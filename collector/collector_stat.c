// collector_stat - the collector's own counters, by name of place.

#include "collector/collector_stat.h"

#include <stddef.h>

#include "shared/net/selfstat.h"

#define PREFIX "zpulse_collector_"

// One of a kind, and one of several of a name, told apart by a label.
#define COUNTER(place, name, help) [place] = { PREFIX name, METRIC_COUNTER, help, NULL, NULL }
#define GAUGE(place, name, help)   [place] = { PREFIX name, METRIC_GAUGE, help, NULL, NULL }
#define FRAMES_REFUSED(place, reason_)                         \
    [place] = { PREFIX "frames_refused_total", METRIC_COUNTER, \
                "Frames that were dropped, by reason.", "reason", reason_ }
#define SAMPLES_REFUSED(place, reason_)                         \
    [place] = { PREFIX "samples_refused_total", METRIC_COUNTER, \
                "Samples that were not stored, by reason.", "reason", reason_ }
#define DENIED(place, reason_)                                    \
    [place] = { PREFIX "handshakes_denied_total", METRIC_COUNTER, \
                "Handshakes that ZAP did not let in, by reason.", "reason", reason_ }
#define AGENTS(place, state_) \
    [place] = { PREFIX "agents", METRIC_GAUGE, "Hosts known, by state.", "state", state_ }
#define PUBLISHED(place, type_)                                                                  \
    [place] = { PREFIX "publish_messages_total", METRIC_COUNTER, "Messages published, by type.", \
                "type", type_ }

static const struct selfstat_def s_defs[STAT_COUNT] = {
    COUNTER(STAT_FRAMES, "frames_total", "Frames taken."),
    COUNTER(STAT_BYTES, "bytes_total", "Bytes of frames, good or bad."),
    COUNTER(STAT_SAMPLES, "samples_total", "Samples stored."),
    COUNTER(STAT_SAMPLES_APPS, "app_samples_total", "Samples of applications stored."),
    COUNTER(STAT_ROWS, "rows_total", "Rows stored: one host, one time."),
    FRAMES_REFUSED(STAT_REFUSED_FORMAT, "format"),
    FRAMES_REFUSED(STAT_REFUSED_VERSION, "version"),
    FRAMES_REFUSED(STAT_REFUSED_STREAM, "unknown_stream"),
    FRAMES_REFUSED(STAT_REFUSED_IDENTITY, "identity"),
    SAMPLES_REFUSED(STAT_SAMPLES_FUTURE, "future"),
    SAMPLES_REFUSED(STAT_SAMPLES_OVER, "rate"),
    SAMPLES_REFUSED(STAT_SAMPLES_SERIES, "series"),
    COUNTER(STAT_LANE_DUPLICATES, "lane_duplicates_total", "Records that had come before."),
    COUNTER(STAT_LANE_HOLES, "lane_holes_total", "Records that never came."),
    COUNTER(STAT_LANE_UNREADABLE, "lane_unreadable_total",
            "Values that could not be read for want of a key or slot."),
    COUNTER(STAT_LANE_MALFORMED, "lane_malformed_total", "Records whose body was wrong."),
    COUNTER(STAT_LANE_UNKNOWN, "lane_unknown_total", "Records of a type that is not known."),
    COUNTER(STAT_EVENTS, "events_total", "Events of hosts that were kept."),
    COUNTER(STAT_EVENTS_WORDLESS, "events_wordless_total",
            "Events whose body said nothing that could be read."),
    GAUGE(STAT_STREAMS, "streams", "Streams that agents have named."),
    COUNTER(STAT_CONTROL_MESSAGES, "control_messages_total", "Control messages taken."),
    COUNTER(STAT_CONTROL_BAD, "control_refused_total", "Control messages that could not be read."),
    COUNTER(STAT_STRANGERS, "strangers_total",
            "Messages dropped because their key is not let in any more."),
    COUNTER(STAT_NAMELESS, "messages_without_user_total",
            "Messages dropped because no key came with them."),
    COUNTER(STAT_ADMITTED, "handshakes_admitted_total", "Handshakes that ZAP let in."),
    DENIED(STAT_DENIED_UNKNOWN, "unknown"),
    DENIED(STAT_DENIED_REVOKED, "revoked"),
    DENIED(STAT_DENIED_ROLE, "role"),
    COUNTER(STAT_ENROLLED, "enrolments_total", "Keys that were enrolled by a token."),
    COUNTER(STAT_TOKENS_REFUSED, "tokens_refused_total",
            "Tokens that were not known, used up or expired, or came too often."),
    COUNTER(STAT_HOSTS_REFUSED, "hellos_refused_total", "HELLOs of agents that were sent away."),
    COUNTER(STAT_CONTROL_UNSENT, "control_unsent_total",
            "Control answers whose peer was gone or full."),
    COUNTER(STAT_CONNECTIONS_REFUSED, "connections_refused_total",
            "Connections closed as they came: their descriptors are kept for others."),
    COUNTER(STAT_NAKS, "naks_total", "NAKs sent."),
    COUNTER(STAT_GOAWAYS, "goaways_total", "GOAWAYs sent."),
    AGENTS(STAT_AGENTS_UP, "up"),
    AGENTS(STAT_AGENTS_LATE, "late"),
    AGENTS(STAT_AGENTS_STOPPED, "stopped"),
    AGENTS(STAT_AGENTS_SILENT, "silent"),
    GAUGE(STAT_SERIES, "series", "Series in the head."),
    COUNTER(STAT_SERIES_MADE, "series_made_total", "Series ever made."),
    GAUGE(STAT_HEAD_SAMPLES, "head_samples", "Samples in the head."),
    GAUGE(STAT_HEAD_BYTES, "head_bytes", "Bytes the head holds."),
    COUNTER(STAT_HEAD_EVICTED, "head_evicted_total",
            "Samples given up for want of room: the oldest."),
    COUNTER(STAT_HEAD_CONFLICTS, "head_conflicts_total",
            "Samples whose time stands with another value."),
    PUBLISHED(STAT_PUBLISHED_TABLE, "table"),
    PUBLISHED(STAT_PUBLISHED_ROW, "row"),
    PUBLISHED(STAT_PUBLISHED_HOST, "host"),
    PUBLISHED(STAT_PUBLISHED_FILLED, "filled"),
    PUBLISHED(STAT_PUBLISHED_EVENT, "event"),
    GAUGE(STAT_SUBSCRIPTIONS, "subscriptions", "Subscriptions open."),
    COUNTER(STAT_SUBSCRIPTIONS_IGNORED, "subscriptions_ignored_total",
            "Subscriptions too long or too many."),
    COUNTER(STAT_QUERIES, "queries_total", "Questions taken."),
    COUNTER(STAT_QUERIES_REFUSED, "queries_refused_total", "Questions answered with an error."),
    COUNTER(STAT_QUERY_US, "query_microseconds_total",
            "Time the query thread spent on questions, in microseconds."),
    COUNTER(STAT_REPLY_BYTES, "reply_bytes_total", "Bytes of answers sent."),
    COUNTER(STAT_REPLIES_DROPPED, "replies_dropped_total",
            "Answers given up: the asker was gone or too slow."),
    FRAMES_REFUSED(STAT_FRAMES_AHEAD, "ahead"),
    FRAMES_REFUSED(STAT_FRAMES_NO_ROOM, "no_room"),
    FRAMES_REFUSED(STAT_FRAMES_NO_STORAGE, "no_storage"),
    COUNTER(STAT_SAMPLES_ELSEWHERE, "samples_elsewhere_total",
            "Samples that agents had given to another collector."),
    COUNTER(STAT_ACKS, "acks_total", "ACKs sent."),
    COUNTER(STAT_JOURNAL_COMMITS, "journal_commits_total", "Groups of records made durable."),
    COUNTER(STAT_JOURNAL_RECORDS, "journal_records_total", "Records made durable."),
    COUNTER(STAT_JOURNAL_BYTES, "journal_bytes_total", "Bytes of records made durable."),
    COUNTER(STAT_JOURNAL_US, "journal_commit_microseconds_total",
            "Time from the first record of a group to its being durable."),
    COUNTER(STAT_JOURNAL_FULL, "journal_full_total", "Groups that the disk had no room for."),
    GAUGE(STAT_JOURNAL_DISK, "journal_disk_bytes", "Bytes that the journal's files take."),
    COUNTER(STAT_JOURNAL_DAMAGED, "journal_damaged_bytes_total",
            "Bytes of the journal that were found damaged."),
    COUNTER(STAT_REPLAYED, "journal_replayed_total",
            "Records read back from the journal at the start."),
};

void
collector_stat_init(void)
{
    selfstat_init(s_defs, STAT_COUNT);
}
