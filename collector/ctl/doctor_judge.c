// doctor_judge - see the header.

#include "collector/ctl/doctor_judge.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "collector/ctl/figure.h"
#include "collector/ctl/when.h"
#include "shared/base/log.h"

#define WHY_SIZE 256
#define DAY_MS   86400000.0

static void s_counters(const struct doctor_facts *f, struct findings *ret);
static void s_disk(const struct doctor_facts *f, struct findings *ret);
static void s_store(const struct doctor_facts *f, struct findings *ret);
static void s_labels(const struct doctor_facts *f, struct findings *ret);
static void s_silent(const struct doctor_facts *f, struct findings *ret);
static void s_clocks(const struct doctor_facts *f, struct findings *ret);
static void s_ledgers(const struct doctor_facts *f, struct findings *ret);
static void s_more(struct findings *ret, size_t n, const char *what);

void
doctor_judge(const struct doctor_facts *facts, struct findings *ret)
{
    s_disk(facts, ret);
    s_store(facts, ret);
    s_counters(facts, ret);
    s_labels(facts, ret);
    s_silent(facts, ret);
    s_clocks(facts, ret);
    s_ledgers(facts, ret);
}

// What is wrong where it is not 0.
static void
s_counters(const struct doctor_facts *f, struct findings *ret)
{
    static const struct {
        enum query_number number;
        const char *what;
        const char *what_now;
    } rows[] = {
        { STATUS_STORE_DAMAGED_FILES, "files of the store that are set aside as damaged",
          "their samples are missing: look at the disk, bring the files back from a backup, and "
          "remove NAME.damaged from the store's folder" },
        { STATUS_JOURNAL_DAMAGED,
          "bytes of the journal that were acknowledged once and could not be read at the start",
          "look at the disk; agents that notice send them again" },
        { STATUS_JOURNAL_FULL, "times since the start that the disk had no room for the journal",
          "make room: agents hold what is not acknowledged until their spools are full" },
        { STATUS_STORE_FULL, "writes to the store that wait since the disk is full",
          "make room, or lower --keep-bytes" },
        { STATUS_REFUSED_FUTURE,
          "samples refused since the start, since their time was more than 10 minutes ahead",
          "set the clocks of the hosts that are named under CLOCKS, or by zpulse ledger" },
        { STATUS_REFUSED_SERIES,
          "samples refused since the start, since there was no room for their series",
          "see where series come from below, stop that, or raise --head-bytes" },
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char count[FIGURE_SIZE];

        if (doctor_number(f, rows[i].number) > 0)
            findings_add(ret, rows[i].what_now, "%s: %s", rows[i].what,
                         figure_count(count, doctor_number(f, rows[i].number)));
    }
}

// Bytes that the store still grows by, at the present rate, before retention takes as much away.
static double
s_grows(const struct doctor_facts *f)
{
    const double day = (double) doctor_number(f, STATUS_DAY_BYTES);
    const double by_age = (double) doctor_number(f, STATUS_KEEP_MS) / DAY_MS * day;
    double most = (double) doctor_number(f, STATUS_KEEP_BYTES);

    if (by_age > 0 && (most <= 0 || by_age < most))
        most = by_age;
    return most > 0 ? most - (double) doctor_number(f, STATUS_STORE_BYTES) : INFINITY;
}

static void
s_disk(const struct doctor_facts *f, struct findings *ret)
{
    const uint64_t free_bytes = doctor_number(f, STATUS_DISK_FREE);
    const uint64_t day = doctor_number(f, STATUS_DAY_BYTES);
    const double days = day > 0 ? (double) free_bytes / (double) day : INFINITY;
    char a[FIGURE_SIZE], b[FIGURE_SIZE];

    if (!doctor_known(f, STATUS_DISK_FREE))
        return;
    if (free_bytes < DOCTOR_FREE_LEAST)
        findings_add(ret, "make room before the journal needs it",
                     "the disk of the data folder has %s free", figure_bytes(a, free_bytes));
    else if (doctor_known(f, STATUS_KEEP_MS) && days < DOCTOR_FULL_DAYS &&
             s_grows(f) > (double) free_bytes)
        findings_add(ret, "make room, or lower --keep or --keep-bytes",
                     "at this rate the disk of the data folder is full in %.1f days: it has %s "
                     "free, and a day makes %s",
                     days, figure_bytes(a, free_bytes), figure_bytes(b, day));
}

static void
s_store(const struct doctor_facts *f, struct findings *ret)
{
    const double days = doctor_days(f);
    const double wanted = (double) doctor_number(f, STATUS_KEEP_MS) / DAY_MS;
    const int64_t written_ms = doctor_age(f, STATUS_STORE_COMMIT_MS);
    const uint64_t most = doctor_number(f, STATUS_JOURNAL_BYTES_MOST);
    char a[FIGURE_SIZE], b[FIGURE_SIZE];

    if (days >= 0 && wanted > 0 && days < wanted)
        findings_add(ret, "raise --keep-bytes, or say --keep what is meant",
                     "at this rate --keep-bytes holds %.1f days, and --keep asks for %.1f", days,
                     wanted);
    if (doctor_number(f, STATUS_STORE_WAITING) > 0 && doctor_known(f, STATUS_STORE_COMMIT_MS) &&
        written_ms > DOCTOR_COMMIT_MS)
        findings_add(ret, "look at the collector's log and at the disk",
                     "%s wait to be written to the store, and nothing was written for %s",
                     figure_bytes(a, doctor_number(f, STATUS_STORE_WAITING)),
                     figure_duration(b, written_ms));
    if (doctor_number(f, STATUS_REPLAYING) != 0 &&
        doctor_age(f, STATUS_STARTED_MS) > DOCTOR_STARTING_MS)
        findings_add(ret, "wait; answers lack what is not read back yet",
                     "the journal is still being read back, %s after the start",
                     figure_duration(a, doctor_age(f, STATUS_STARTED_MS)));
    if (most > 0 && doctor_number(f, STATUS_JOURNAL_BYTES) / 10 >= most / 10 &&
        doctor_known(f, STATUS_STORE_COMMIT_MS))
        findings_add(ret, "see why the store is not written, or raise --journal-bytes",
                     "the journal has %s of %s",
                     figure_bytes(a, doctor_number(f, STATUS_JOURNAL_BYTES)),
                     figure_bytes(b, most));
}

static void
s_labels(const struct doctor_facts *f, struct findings *ret)
{
    const uint64_t made = doctor_number(f, STATUS_SERIES_MADE);
    const uint64_t all = doctor_number(f, STATUS_SERIES);
    const uint64_t bytes = doctor_number(f, STATUS_INDEX_BYTES);
    const uint64_t most = doctor_number(f, STATUS_INDEX_BYTES_MOST);
    const int64_t up_ms = doctor_age(f, STATUS_STARTED_MS);
    char a[FIGURE_SIZE], b[FIGURE_SIZE];

    if (most > 0 && bytes >= most)
        findings_add(ret, "see where series come from below, stop that, or raise --head-bytes",
                     "labels fill the %s that they may have: new series are refused",
                     figure_bytes(a, most));
    else if (most > 0 && bytes > most / 10 * 9)
        findings_add(ret, "see where series come from below, or raise --head-bytes",
                     "labels have %s of %s: new series will be refused", figure_bytes(a, bytes),
                     figure_bytes(b, most));
    // In its first hour a collector makes the series of a fleet.
    if (made >= DOCTOR_FLOOD && made > all / 2 &&
        up_ms > (int64_t) doctor_number(f, STATUS_LATELY_MS))
        findings_add(ret,
                     "see below which hosts and labels they come from: a label whose values "
                     "are ids, times or addresses makes a series for each",
                     "%s of %s series were made within an hour", figure_count(a, made),
                     figure_count(b, all));
}

static void
s_silent(const struct doctor_facts *f, struct findings *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_hosts; i++) {
        const struct host_info *host = &f->hosts[i];
        char since[WHEN_SIZE];

        if (host->state != HOST_SILENT || ++n > DOCTOR_HOSTS_MOST)
            continue;
        findings_add(ret, "see whether the host is up, its agent runs, and the network between",
                     "host %s is silent since %s", log_quote(host->name),
                     when_put(since, host->since_ms));
    }
    s_more(ret, n, "are silent");
}

static void
s_clocks(const struct doctor_facts *f, struct findings *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_hosts; i++) {
        const struct host_info *host = &f->hosts[i];
        const bool ahead = host->offset_ms < 0;
        const uint64_t off_ms = ahead ? -(uint64_t) host->offset_ms : (uint64_t) host->offset_ms;
        char by[FIGURE_SIZE];

        // It is known to half of its round trip.
        if (host->rtt_us < 0 || off_ms <= DOCTOR_CLOCK_MS + (uint64_t) host->rtt_us / 2000 ||
            ++n > DOCTOR_HOSTS_MOST)
            continue;
        findings_add(ret, "let an NTP client keep the clocks of both machines",
                     "the clock of host %s is %s %s that of the collector", log_quote(host->name),
                     figure_duration(by, off_ms < INT64_MAX ? (int64_t) off_ms : INT64_MAX),
                     ahead ? "ahead of" : "behind");
    }
    s_more(ret, n, "have clocks that are off");
}

// Of what was lost long ago nobody can do anything any more.
static bool
s_lost_of_late(const struct doctor_facts *f, const struct query_ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->n_gaps; i++)
        if (!ledger->gaps[i].missed && doctor_ago(f, ledger->gaps[i].to_ms) < DOCTOR_LOST_MS)
            return true;
    return false;
}

static void
s_ledgers(const struct doctor_facts *f, struct findings *ret)
{
    size_t n = 0;

    for (size_t i = 0; i < f->n_ledgers; i++) {
        const struct query_ledger *ledger = &f->ledgers[i];
        char why[WHY_SIZE];

        if (!ledger->settled || query_ledger_check(ledger, why, sizeof why) ||
            (ledger->unbalanced == 0 && ledger_balanced(&ledger->told) &&
             !s_lost_of_late(f, ledger)))
            continue;
        if (++n <= DOCTOR_HOSTS_MOST)
            findings_add(ret, "zpulse ledger HOST tells when and why", "samples of host %s: %s",
                         log_quote(ledger->name), why);
    }
    s_more(ret, n, "have ledgers that do not add up, or lost samples within a day");
}

static void
s_more(struct findings *ret, size_t n, const char *what)
{
    if (n > DOCTOR_HOSTS_MOST)
        findings_add(ret, "zpulse hosts and zpulse ledger list them", "%zu more hosts %s",
                     n - DOCTOR_HOSTS_MOST, what);
}
