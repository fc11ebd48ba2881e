// query_number - see the header.
//
// An item: varint id, zigzag varint value.

#include "shared/wire/query_number.h"

#include <stddef.h>

#include "shared/base/err.h"
#include "shared/wire/append.h"

static const char *const s_names[STATUS_NUMBERS] = {
    [STATUS_STARTED_MS] = "started_ms",
    [STATUS_RESIDENT_BYTES] = "resident_bytes",
    [STATUS_SERIES] = "series",
    [STATUS_PAIRS] = "pairs",
    [STATUS_SERIES_MADE] = "series_made",
    [STATUS_PAIRS_MADE] = "pairs_made",
    [STATUS_LATELY_MS] = "lately_ms",
    [STATUS_INDEX_BYTES] = "index_bytes",
    [STATUS_INDEX_BYTES_MOST] = "index_bytes_most",
    [STATUS_HEAD_BYTES] = "head_bytes",
    [STATUS_HEAD_BYTES_MOST] = "head_bytes_most",
    [STATUS_HEAD_SAMPLES] = "head_samples",
    [STATUS_SAMPLES] = "samples",
    [STATUS_EVICTED] = "evicted",
    [STATUS_CONFLICTS] = "conflicts",
    [STATUS_REFUSED_FUTURE] = "refused_future",
    [STATUS_REFUSED_SERIES] = "refused_series",
    [STATUS_UNREADABLE] = "unreadable",
    [STATUS_FRAMES_REFUSED] = "frames_refused",
    [STATUS_FRAMES_NO_STORAGE] = "frames_no_storage",
    [STATUS_REPLAYING] = "replaying",
    [STATUS_REPLAYED] = "replayed",
    [STATUS_JOURNAL_BYTES] = "journal_bytes",
    [STATUS_JOURNAL_BYTES_MOST] = "journal_bytes_most",
    [STATUS_JOURNAL_COMMITS] = "journal_commits",
    [STATUS_JOURNAL_COMMIT_US] = "journal_commit_us",
    [STATUS_JOURNAL_FULL] = "journal_full",
    [STATUS_JOURNAL_DAMAGED] = "journal_damaged",
    [STATUS_STORE_FILES] = "store_files",
    [STATUS_STORE_BYTES] = "store_bytes",
    [STATUS_WRITTEN_TILES] = "written_tiles",
    [STATUS_WRITTEN_SAMPLES] = "written_samples",
    [STATUS_WRITTEN_BYTES] = "written_bytes",
    [STATUS_STORE_OLDEST_MS] = "store_oldest_ms",
    [STATUS_STORE_NEWEST_MS] = "store_newest_ms",
    [STATUS_STORE_DAMAGED_FILES] = "store_damaged_files",
    [STATUS_STORE_COMMIT_MS] = "store_commit_ms",
    [STATUS_STORE_COMMIT_US] = "store_commit_us",
    [STATUS_STORE_WAITING] = "store_waiting",
    [STATUS_CHECKPOINT_MS] = "checkpoint_ms",
    [STATUS_CHECKPOINT_US] = "checkpoint_us",
    [STATUS_STORE_FULL] = "store_full",
    [STATUS_KEEP_MS] = "keep_ms",
    [STATUS_KEEP_BYTES] = "keep_bytes",
    [STATUS_DISK_FREE] = "disk_free",
    [STATUS_DISK_BYTES] = "disk_bytes",
    [STATUS_DAY_BYTES] = "day_bytes",
    [STATUS_DENIED_UNKNOWN] = "denied_unknown",
    [STATUS_DENIED_KNOWN] = "denied_known",
    [STATUS_NAMELESS] = "nameless",
    [STATUS_STRANGERS] = "strangers",
    [STATUS_ENROLLED] = "enrolled",
    [STATUS_TOKENS_REFUSED] = "tokens_refused",
    [STATUS_HOSTS_REFUSED] = "hosts_refused",
};

const char *
query_number_str(unsigned number)
{
    return number < STATUS_NUMBERS ? s_names[number] : NULL;
}

uint32_t
query_put_numbers(struct buf *out, const struct query_numbers *status)
{
    uint32_t n = 0;
    struct wbuf w;

    append_begin(&w, out, (size_t) STATUS_NUMBERS * 2 * APPEND_VARINT_MAX);
    for (unsigned i = 1; i < STATUS_NUMBERS; i++) {
        if (!status->known[i])
            continue;
        wbuf_varint(&w, i);
        wbuf_svarint(&w, status->value[i]);
        n++;
    }
    append_end(out, &w);
    return n;
}

int
query_take_number(struct rbuf *r, struct query_numbers *into)
{
    const uint64_t id = rbuf_varint(r);
    const int64_t value = rbuf_svarint(r);

    if (rbuf_rc(r) < 0)
        return ERR_FORMAT;
    if (id > 0 && id < STATUS_NUMBERS) {
        into->value[id] = value;
        into->known[id] = true;
    }
    return 0;
}
