// own_series - see the header.
//
// Values are counted in selfstat, by place, wherever they arise; here they only get their slots.
// Two tables, since what /proc/self says is no counter of ours and has units of its own.

#include "agent/own_series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "agent/family_list.h"
#include "shared/base/xalloc.h"
#include "shared/net/selfstat.h"

#define PROCESS_EVERY    30 // ticks
#define APP_REFUSED      "zpulse_agent_app_refused_total"
#define APP_REFUSED_HELP "Samples of applications that break a rule, by the rule."

// One of the ledger's causes.
#define LOST(cause, text)                                                         \
    [AGENT_LOST + (cause)] = { "zpulse_agent_samples_lost_total", METRIC_COUNTER, \
                               "Samples that no collector will ever have.", "cause", text }
#define TICKS_MISSED(cause, text)                                                   \
    [AGENT_MISSED + (cause)] = { "zpulse_agent_ticks_missed_total", METRIC_COUNTER, \
                                 "Ticks that were never taken.", "cause", text }

static const struct selfstat_def agent_defs[AGENT_STATS] = {
    [AGENT_TICKS] = { "zpulse_agent_ticks_total", METRIC_COUNTER, "Ticks sampled.", NULL, NULL },
    [AGENT_TICK_US] = { "zpulse_agent_tick_seconds", METRIC_GAUGE,
                        "What reading and encoding took at the tick before.", NULL, NULL },
    [AGENT_SAMPLES] = { "zpulse_agent_samples_total", METRIC_COUNTER, "Samples made.", NULL, NULL },
    [AGENT_FRAMES_SENT] = { "zpulse_agent_frames_sent_total", METRIC_COUNTER,
                            "Frames handed to the data socket.", NULL, NULL },
    [AGENT_BYTES_SENT] = { "zpulse_agent_bytes_sent_total", METRIC_COUNTER,
                           "Bytes of those frames.", NULL, NULL },
    [AGENT_MEMORY_BYTES] = { "zpulse_agent_memory_bytes", METRIC_GAUGE,
                             "Memory held by records that wait or may be repeated.", NULL, NULL },
    [AGENT_MEMORY_RECORDS] = { "zpulse_agent_waiting_records", METRIC_GAUGE,
                               "Records of the live stream that wait to be sent.", NULL, NULL },
    [AGENT_PRODUCED] = { "zpulse_agent_samples_produced_total", METRIC_COUNTER,
                         "Samples made since the spool is there.", NULL, NULL },
    [AGENT_ACKED] = { "zpulse_agent_samples_acked_total", METRIC_COUNTER,
                      "Of them, acknowledged by a collector.", NULL, NULL },
    [AGENT_PENDING] = { "zpulse_agent_samples_pending", METRIC_GAUGE,
                        "Of them, held until they are acknowledged.", NULL, NULL },
    LOST(LOST_QUEUE, "queue"),
    LOST(LOST_SPOOL_BYTES, "spool-bytes"),
    LOST(LOST_SPOOL_AGE, "spool-age"),
    LOST(LOST_DISK_FULL, "disk-full"),
    LOST(LOST_POWER_CUT, "power-cut"),
    LOST(LOST_COLLECTOR, "collector-lost"),
    LOST(LOST_DAMAGE, "damage"),
    TICKS_MISSED(MISSED_DOWN, "down"),
    TICKS_MISSED(MISSED_HUNG, "hung"),
    TICKS_MISSED(MISSED_SUSPENDED, "suspended"),
    [AGENT_SPOOL_BYTES] = { "zpulse_agent_spool_bytes", METRIC_GAUGE, "Of the spool, on disk.",
                            NULL, NULL },
    [AGENT_SPOOL_FULL] = { "zpulse_agent_spool_full", METRIC_GAUGE,
                           "1 while the spool's disk has no room: records go from memory.", NULL,
                           NULL },
    [AGENT_SPOOL_BROKEN] = { "zpulse_agent_spool_broken", METRIC_GAUGE,
                             "1 once the spool's disk has failed: records go from memory until "
                             "the agent is started again.",
                             NULL, NULL },
    [AGENT_UNSPOOLED] = { "zpulse_agent_unspooled_records_total", METRIC_COUNTER,
                          "Records sent from memory, since the disk did not answer.", NULL, NULL },
    [AGENT_BACKLOG_STREAMS] = { "zpulse_agent_backlog_streams", METRIC_GAUGE,
                                "Streams before the live one that are not wholly acknowledged.",
                                NULL, NULL },
    [AGENT_REWINDS] = { "zpulse_agent_rewinds_total", METRIC_COUNTER,
                        "Times a stream was sent again from where the collector wants it.", NULL,
                        NULL },
    [AGENT_FORKS] = { "zpulse_agent_forks_total", METRIC_COUNTER,
                      "Times a collector had records of a stream that were never made here.", NULL,
                      NULL },
    [AGENT_SERIES] = { "zpulse_agent_series", METRIC_GAUGE, "Series known to the agent.", NULL,
                       NULL },
    [AGENT_SERIES_REFUSED] = { "zpulse_agent_series_refused_total", METRIC_COUNTER,
                               "Series beyond the limit of a table, or with a bad label.", NULL,
                               NULL },
    [AGENT_RECONNECTS] = { "zpulse_agent_reconnects_total", METRIC_COUNTER,
                           "Times a collector that had welcomed the agent was lost.", NULL, NULL },
    [AGENT_CLOCK_STEPS] = { "zpulse_agent_clock_steps_total", METRIC_COUNTER,
                            "Jumps of the wall clock seen between two ticks.", NULL, NULL },
    [AGENT_APP_MESSAGES] = { "zpulse_agent_app_messages_total", METRIC_COUNTER,
                             "Messages taken from applications, bad ones too.", NULL, NULL },
    [AGENT_APP_SAMPLES] = { "zpulse_agent_app_samples_total", METRIC_COUNTER,
                            "Samples of applications that were kept.", NULL, NULL },
    [AGENT_APP_APPLICATIONS] = { "zpulse_agent_app_applications", METRIC_GAUGE,
                                 "Applications that are known.", NULL, NULL },
    [AGENT_APP_BAD] = { "zpulse_agent_app_bad_total", METRIC_COUNTER,
                        "Messages of applications that are not what they should be.", NULL, NULL },
    [AGENT_APP_CONFLICTS] = { "zpulse_agent_app_conflicts_total", METRIC_COUNTER,
                              "Samples dropped: their series has one with that time.", NULL, NULL },
    [AGENT_APP_TIMES_UNKNOWN] = { "zpulse_agent_app_times_unknown_total", METRIC_COUNTER,
                                  "Messages whose time can not be read: arrival stands for it.",
                                  NULL, NULL },
    [AGENT_APP_REFUSED_AHEAD] = { APP_REFUSED, METRIC_COUNTER, APP_REFUSED_HELP, "cause", "ahead" },
    [AGENT_APP_REFUSED_OLD] = { APP_REFUSED, METRIC_COUNTER, APP_REFUSED_HELP, "cause", "old" },
    [AGENT_APP_REFUSED_APPLICATIONS] = { APP_REFUSED, METRIC_COUNTER, APP_REFUSED_HELP, "cause",
                                         "applications" },
    [AGENT_APP_REFUSED_NUMBERS] = { APP_REFUSED, METRIC_COUNTER, APP_REFUSED_HELP, "cause",
                                    "numbers" },
};

#define STATS_MAX (AGENT_STATS + FAMILIES_MAX)

// agent_defs, and one for each family. Filled once, by own_series_init.
static struct selfstat_def defs[STATS_MAX];

enum process_value {
    PROCESS_CPU,
    PROCESS_RESIDENT,
    PROCESS_VIRTUAL,
    PROCESS_FDS,
    PROCESS_FDS_MAX,
    PROCESS_START,
    PROCESS_VALUES
};

// Their help is selfstat's. Times in hundredths of a second, as USER_HZ has them nearly everywhere.
static const struct {
    const char *name;
    enum metric_kind kind;
    struct metric_form form;
} process[PROCESS_VALUES] = {
    [PROCESS_CPU] = { "process_cpu_seconds_total", METRIC_COUNTER, { 2, 1 } },
    [PROCESS_RESIDENT] = { "process_resident_memory_bytes", METRIC_GAUGE, { 0, 1024 } },
    [PROCESS_VIRTUAL] = { "process_virtual_memory_bytes", METRIC_GAUGE, { 0, 1024 } },
    [PROCESS_FDS] = { "process_open_fds", METRIC_GAUGE, { 0, 1 } },
    [PROCESS_FDS_MAX] = { "process_max_fds", METRIC_GAUGE, { 0, 1 } },
    [PROCESS_START] = { "process_start_time_seconds", METRIC_GAUGE, { 2, 1 } },
};

struct own_series {
    bool defined;
    unsigned until_process; // ticks before /proc/self is read again
    uint32_t slots[STATS_MAX];
    uint32_t process_slots[PROCESS_VALUES];
    int64_t process_values[PROCESS_VALUES]; // in the units of `process`
    int64_t start; // as first read: it is computed from clocks that drift apart
};

static unsigned s_stats(void);
static void s_define(own_series_t *self, series_table_t *table);
static void s_read_process(own_series_t *self);

void
own_series_init(void)
{
    memcpy(defs, agent_defs, sizeof agent_defs);
    for (size_t i = 0; i < family_count; i++)
        defs[own_series_parse_errors(i)] = (struct selfstat_def){
            "zpulse_agent_parse_errors_total", METRIC_COUNTER,
            "Files of a family that were not what they should be.", "family", family_list[i]->name
        };
    selfstat_init(defs, s_stats());
}

unsigned
own_series_parse_errors(size_t family)
{
    return AGENT_STATS + (unsigned) family;
}

static unsigned
s_stats(void)
{
    return AGENT_STATS + (unsigned) family_count;
}

own_series_t *
own_series_new(void)
{
    return xcalloc(1, sizeof(own_series_t));
}

void
own_series_destroy(own_series_t **self_p)
{
    free(*self_p);
    *self_p = NULL;
}

void
own_series_sample(own_series_t *self, series_table_t *table)
{
    if (!self->defined)
        s_define(self, table);
    if (self->until_process == 0) {
        self->until_process = PROCESS_EVERY;
        s_read_process(self);
    }
    self->until_process--;
    for (unsigned i = 0; i < s_stats(); i++)
        series_table_set(table, self->slots[i], selfstat_value(i));
    for (unsigned i = 0; i < PROCESS_VALUES; i++)
        series_table_set(table, self->process_slots[i], self->process_values[i]);
}

static void
s_define(own_series_t *self, series_table_t *table)
{
    struct label labels[] = { { "program", "agent" }, { NULL, NULL } };

    self->defined = true;
    for (unsigned i = 0; i < s_stats(); i++) {
        const struct series_spec spec = {
            .name = defs[i].name,
            .kind = defs[i].kind,
            // The one that is counted in millionths of its unit.
            .form = { .exponent = i == AGENT_TICK_US ? 6 : 0, .unit = 1 },
            .job = "zpulse",
            .help = defs[i].help,
        };

        labels[1] = (struct label){ defs[i].label, defs[i].value };
        self->slots[i] = series_table_slot(table, &spec, labels, defs[i].label == NULL ? 1 : 2);
    }
    for (unsigned i = 0; i < PROCESS_VALUES; i++) {
        const struct series_spec spec = {
            .name = process[i].name,
            .kind = process[i].kind,
            .form = process[i].form,
            .job = "zpulse",
            .help = selfstat_help(process[i].name),
        };

        self->process_slots[i] = series_table_slot(table, &spec, labels, 1);
    }
}

static void
s_read_process(own_series_t *self)
{
    struct selfstat_process p;

    selfstat_process(&p);
    // Kibibytes lose nothing: the kernel counts pages.
    if (self->start == 0)
        self->start = llround(p.start_time_seconds * 100);
    self->process_values[PROCESS_CPU] = llround(p.cpu_seconds * 100);
    self->process_values[PROCESS_RESIDENT] = (int64_t) (p.resident_bytes / 1024);
    self->process_values[PROCESS_VIRTUAL] = (int64_t) (p.virtual_bytes / 1024);
    self->process_values[PROCESS_FDS] = (int64_t) p.open_fds;
    self->process_values[PROCESS_FDS_MAX] = (int64_t) p.max_fds;
    self->process_values[PROCESS_START] = self->start;
}
