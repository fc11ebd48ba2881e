// collector_status - see the header.

#include "collector/collector_status.h"

#include <stdio.h>
#include <sys/statvfs.h>

#include "collector/collector_stat.h"
#include "collector/store/store_folder.h"
#include "shared/base/clock.h"
#include "shared/net/selfstat.h"

#define STORE_DIR "store"
#define PATH_SIZE 4096

static void s_about(struct query_numbers *ret, const struct collector_about *about,
                    int64_t oldest_ms);
static void s_counters(struct query_numbers *ret);
static void s_store(struct query_numbers *ret, store_t *store);
static bool s_when(struct query_numbers *ret, enum query_number number, int64_t time_ms);
static void s_folder(struct query_numbers *ret, const char *data_dir, int64_t oldest_ms);
static void s_disk(struct query_numbers *ret, const char *data_dir);

uint32_t
collector_status_put(struct buf *out, const struct collector_about *about, store_t *store,
                     bool replaying)
{
    struct query_numbers numbers = { 0 };
    struct selfstat_process process;

    selfstat_process(&process);
    query_number_set(&numbers, STATUS_RESIDENT_BYTES, process.resident_bytes);
    query_number_set(&numbers, STATUS_REPLAYING, replaying);
    s_counters(&numbers);
    s_store(&numbers, store);
    if (about != NULL)
        s_about(&numbers, about, store_oldest(store));
    return query_put_numbers(out, &numbers);
}

static void
s_about(struct query_numbers *ret, const struct collector_about *about, int64_t oldest_ms)
{
    query_number_set(ret, STATUS_STARTED_MS, (uint64_t) about->started_ms);
    query_number_set(ret, STATUS_HEAD_BYTES_MOST, about->head_bytes);
    query_number_set(ret, STATUS_JOURNAL_BYTES_MOST, about->journal_bytes);
    if (about->keep_ms >= 0) {
        query_number_set(ret, STATUS_KEEP_MS, (uint64_t) about->keep_ms);
        query_number_set(ret, STATUS_KEEP_BYTES, about->keep_bytes);
    }
    s_folder(ret, about->data_dir, oldest_ms);
    s_disk(ret, about->data_dir);
}

static void
s_counters(struct query_numbers *ret)
{
    static const struct {
        enum query_number number;
        enum collector_stat from[5]; // summed; the first STAT_COUNT ends them
    } counters[] = {
        { STATUS_REFUSED_FUTURE, { STAT_SAMPLES_FUTURE, STAT_COUNT } },
        { STATUS_REFUSED_SERIES, { STAT_SAMPLES_SERIES, STAT_COUNT } },
        { STATUS_UNREADABLE, { STAT_LANE_UNREADABLE, STAT_COUNT } },
        { STATUS_FRAMES_REFUSED,
          { STAT_REFUSED_FORMAT, STAT_REFUSED_VERSION, STAT_REFUSED_IDENTITY,
            STAT_FRAMES_NO_STORAGE, STAT_COUNT } },
        { STATUS_FRAMES_NO_STORAGE, { STAT_FRAMES_NO_STORAGE, STAT_COUNT } },
        { STATUS_REPLAYED, { STAT_REPLAYED, STAT_COUNT } },
        { STATUS_JOURNAL_BYTES, { STAT_JOURNAL_DISK, STAT_COUNT } },
        { STATUS_JOURNAL_COMMITS, { STAT_JOURNAL_COMMITS, STAT_COUNT } },
        { STATUS_JOURNAL_COMMIT_US, { STAT_JOURNAL_US, STAT_COUNT } },
        { STATUS_JOURNAL_FULL, { STAT_JOURNAL_FULL, STAT_COUNT } },
        { STATUS_JOURNAL_DAMAGED, { STAT_JOURNAL_DAMAGED, STAT_COUNT } },
        { STATUS_DENIED_UNKNOWN, { STAT_DENIED_UNKNOWN, STAT_COUNT } },
        { STATUS_DENIED_KNOWN, { STAT_DENIED_REVOKED, STAT_DENIED_ROLE, STAT_COUNT } },
        { STATUS_NAMELESS, { STAT_NAMELESS, STAT_COUNT } },
        { STATUS_STRANGERS, { STAT_STRANGERS, STAT_COUNT } },
        { STATUS_ENROLLED, { STAT_ENROLLED, STAT_COUNT } },
        { STATUS_TOKENS_REFUSED, { STAT_TOKENS_REFUSED, STAT_COUNT } },
        { STATUS_HOSTS_REFUSED, { STAT_HOSTS_REFUSED, STAT_COUNT } },
    };

    for (size_t i = 0; i < sizeof counters / sizeof counters[0]; i++) {
        int64_t sum = 0;

        for (size_t k = 0; k < 5 && counters[i].from[k] != STAT_COUNT; k++)
            sum += selfstat_value(counters[i].from[k]);
        query_number_set(ret, counters[i].number, (uint64_t) sum);
    }
}

static void
s_store(struct query_numbers *ret, store_t *store)
{
    struct store_stat stat;

    store_stat(store, &stat);
    query_number_set(ret, STATUS_SERIES, stat.series);
    query_number_set(ret, STATUS_PAIRS, stat.pairs);
    query_number_set(ret, STATUS_SERIES_MADE, stat.series_lately);
    query_number_set(ret, STATUS_PAIRS_MADE, stat.pairs_lately);
    query_number_set(ret, STATUS_LATELY_MS, STORE_LATELY_MS);
    query_number_set(ret, STATUS_INDEX_BYTES, stat.index_bytes);
    query_number_set(ret, STATUS_INDEX_BYTES_MOST, stat.index_bytes_most);
    query_number_set(ret, STATUS_HEAD_BYTES, stat.bytes);
    query_number_set(ret, STATUS_HEAD_SAMPLES, stat.samples);
    query_number_set(ret, STATUS_SAMPLES, stat.appended);
    query_number_set(ret, STATUS_EVICTED, stat.samples_evicted);
    query_number_set(ret, STATUS_CONFLICTS, stat.conflicts);
    query_number_set(ret, STATUS_WRITTEN_TILES, stat.written);
    query_number_set(ret, STATUS_WRITTEN_SAMPLES, stat.written_samples);
    query_number_set(ret, STATUS_WRITTEN_BYTES, stat.written_bytes);
    query_number_set(ret, STATUS_STORE_WAITING, stat.unwritten);
    query_number_set(ret, STATUS_STORE_FULL, stat.no_room);
    s_when(ret, STATUS_STORE_OLDEST_MS, store_oldest(store));
    s_when(ret, STATUS_STORE_NEWEST_MS, stat.written_ms);
    if (s_when(ret, STATUS_STORE_COMMIT_MS, stat.commit_ms))
        query_number_set(ret, STATUS_STORE_COMMIT_US, (uint64_t) stat.commit_us);
    if (s_when(ret, STATUS_CHECKPOINT_MS, stat.checkpoint_ms))
        query_number_set(ret, STATUS_CHECKPOINT_US, (uint64_t) stat.checkpoint_us);
}

// A time that is one: false where it is not known.
static bool
s_when(struct query_numbers *ret, enum query_number number, int64_t time_ms)
{
    if (time_ms <= 0 || time_ms == INT64_MAX)
        return false;
    query_number_set(ret, number, (uint64_t) time_ms);
    return true;
}

static void
s_folder(struct query_numbers *ret, const char *data_dir, int64_t oldest_ms)
{
    struct store_folder folder;
    char dir[PATH_SIZE];

    if (oldest_ms == INT64_MAX)
        oldest_ms = INT64_MIN;
    snprintf(dir, sizeof dir, "%s/" STORE_DIR, data_dir);
    if (store_folder_look(&folder, dir, clock_real_ms(), oldest_ms) < 0)
        return;
    query_number_set(ret, STATUS_STORE_FILES, folder.files);
    query_number_set(ret, STATUS_STORE_BYTES, folder.bytes);
    query_number_set(ret, STATUS_STORE_DAMAGED_FILES, folder.damaged);
    if (folder.day_bytes > 0)
        query_number_set(ret, STATUS_DAY_BYTES, folder.day_bytes);
}

static void
s_disk(struct query_numbers *ret, const char *data_dir)
{
    struct statvfs disk;

    if (statvfs(data_dir, &disk) == -1)
        return;
    query_number_set(ret, STATUS_DISK_FREE, (uint64_t) disk.f_bavail * disk.f_frsize);
    query_number_set(ret, STATUS_DISK_BYTES, (uint64_t) disk.f_blocks * disk.f_frsize);
}
