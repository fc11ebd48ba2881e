// collector_option - the collector's settings.

#include "collector/collector_option.h"

#include <stdio.h>
#include <string.h>

#include "collector/applier.h"
#include "collector/store/local_store.h"
#include "shared/base/err.h"
#include "shared/net/sock.h"

#define KIB             UINT64_C(1024)
#define MIB             (1024 * KIB)
#define GIB             (1024 * MIB)
#define PORT_BASE_LEAST 1024
#define PORT_BASE_MOST  65531 // five in a row
#define KEEP_DAYS_MOST  36500
#define RECEIVE_BYTES   (256 * MIB) // without --memory
#define KEYS_DIR        "keys"      // in the data folder, without --keys
#define SLOT_SHARE      16          // of --memory, at most, are one host's slots

static const struct option s_options[] = {
    { .name = "data",
      .type = OPTION_TEXT,
      .fallback = "/var/lib/zpulse-collector",
      .least = 1,
      .meta = "DIR",
      .help = "folder for what must last: the collector's id, journal and store" },
    { .name = "bind",
      .type = OPTION_TEXT,
      .fallback = "127.0.0.1",
      .least = 1,
      .meta = "ADDRESS",
      .help = "address to listen on; with --insecure loopback only" },
    { .name = "port-base",
      .type = OPTION_UINT,
      .fallback = "5560",
      .least = PORT_BASE_LEAST,
      .most = PORT_BASE_MOST,
      .meta = "PORT",
      .help = "first of five ports: data, control, live, query, enrolment" },
    { .name = "head-bytes",
      .type = OPTION_BYTES,
      .fallback = "256MiB",
      .least = LOCAL_STORE_LEAST,
      .most = UINT64_C(1) << LOCAL_STORE_MOST_BITS,
      .meta = "SIZE",
      .help = "memory for the newest samples" },
    { .name = "max-agents",
      .type = OPTION_UINT,
      .fallback = "10000",
      .least = 1,
      .most = 1000000,
      .meta = "N",
      .help = "hosts known at a time; more are sent away" },
    { .name = "keys",
      .type = OPTION_TEXT,
      .meta = "DIR",
      .least = 1,
      .help = "folder of the collector's key, made where it is missing; default: keys in --data" },
    { .name = "insecure",
      .type = OPTION_FLAG,
      .help = "no keys: data, control, live and query are open to this machine, and to no other" },
    { .name = "memory",
      .type = OPTION_BYTES,
      .least = 16 * MIB,
      .most = 1024 * GIB,
      .meta = "SIZE",
      .help = "memory in all: half for the newest samples, an eighth for what is received, "
              "at most a sixteenth for the slots of one host" },
    { .name = "keep",
      .type = OPTION_DURATION,
      .fallback = "30d",
      .least = 0,
      .most = KEEP_DAYS_MOST * UINT64_C(86400000),
      .meta = "TIME",
      .help = "how long samples stay on the disk, by whole days; 0: for ever" },
    { .name = "keep-bytes",
      .type = OPTION_BYTES,
      .fallback = "64GiB",
      .least = 0,
      .most = 1024 * 1024 * GIB,
      .meta = "SIZE",
      .help = "how much disk they take: the oldest days go first, today never; 0: as much as "
              "there is" },
    { .name = "merge",
      .type = OPTION_DURATION,
      .fallback = "0",
      .least = 0,
      .most = KEEP_DAYS_MOST * UINT64_C(86400000),
      .meta = "TIME",
      .help = "a day that ended, and got its last sample, so long ago is written anew once, in "
              "longer tiles that take less and are read faster; 0: none is" },
    { .name = "journal-bytes",
      .type = OPTION_BYTES,
      .fallback = "2GiB",
      .least = 256 * MIB,
      .most = 1024 * 1024 * GIB,
      .meta = "SIZE",
      .help = "how large the journal may become while the store can not be written" },
    { .name = "agent-series",
      .type = OPTION_UINT,
      .fallback = "100000",
      .least = 1,
      .most = 1000000,
      .meta = "N",
      .help = "series that one agent may have at a time; more are refused, for as long as its "
              "stream lasts" },
    { .name = "agent-new-series",
      .type = OPTION_UINT,
      .fallback = "20000",
      .least = 1,
      .most = 1000000,
      .meta = "N",
      .help = "series of one agent that were never seen before, in a minute of their own time" },
    { .name = "agent-samples",
      .type = OPTION_UINT,
      .fallback = "100000",
      .least = 1,
      .most = 10000000,
      .meta = "N",
      .help = "samples of one agent a second of their own time, and ten seconds' worth at once; "
              "what was held back comes as fast as it can" },
    { .name = "agent-label-bytes",
      .type = OPTION_BYTES,
      .fallback = "8KiB",
      .least = 64,
      .most = 32 * KIB,
      .meta = "SIZE",
      .help = "names and values of the labels of one series, together" },
    { .name = "agent-frame-bytes",
      .type = OPTION_BYTES,
      .fallback = "256KiB",
      .least = 4 * KIB,
      .most = 256 * KIB,
      .meta = "SIZE",
      .help = "one message of an agent, which is told so and makes none that is larger: what one "
              "has that was made before is refused" },
    { .name = "peer",
      .type = OPTION_ENDPOINT,
      .list = true,
      .meta = "ENDPOINT",
      .help = "data port of another collector whose samples to answer with",
      .later = "a collector answers with its own samples only yet" },
    { .name = NULL },
};

// No folder is cut: whatever a setting may say has room.
_Static_assert(sizeof((struct collector_options *) NULL)->keys_dir >
                   OPTION_VALUE_MAX + sizeof "/" KEYS_DIR,
               "room for every folder");

static int s_check(const options_t *options, FILE *err);
static bool s_endpoint(char ret[COLLECTOR_ENDPOINT_SIZE], const options_t *options);

const struct option_program collector_program = {
    .name = "zpulse-collector",
    .summary = "Receives the samples of agents, stores them, answers questions, publishes them.",
    .usage = "zpulse-collector [OPTION]...",
    .tail = "Ports: data PORT, control PORT+1, live PORT+2, query PORT+3; enrolment PORT+4.\n"
            "SIGTERM and SIGINT end it within a second; SIGHUP reads the log level again.\n",
    .options = s_options,
    .check = s_check,
};

void
collector_options_take(struct collector_options *ret, const options_t *options)
{
    (void) s_endpoint(ret->endpoint, options);
    ret->data_dir = options_text(options, "data");
    ret->insecure = options_flag(options, "insecure");
    if (options_text(options, "keys") != NULL)
        snprintf(ret->keys_dir, sizeof ret->keys_dir, "%s", options_text(options, "keys"));
    else
        snprintf(ret->keys_dir, sizeof ret->keys_dir, "%s/" KEYS_DIR, ret->data_dir);
    ret->head_bytes = options_uint(options, "head-bytes");
    ret->receive_bytes = RECEIVE_BYTES;
    ret->slot_bytes = APPLIER_SLOT_BYTES_MOST;
    if (options_given(options, "memory")) {
        const uint64_t memory = options_uint(options, "memory");

        if (!options_given(options, "head-bytes"))
            ret->head_bytes = memory / 2;
        if (memory / 8 < ret->receive_bytes)
            ret->receive_bytes = memory / 8;
        if (memory / SLOT_SHARE < ret->slot_bytes)
            ret->slot_bytes = memory / SLOT_SHARE;
    }
    ret->keep_ms = options_ms(options, "keep");
    ret->keep_bytes = options_uint(options, "keep-bytes");
    ret->merge_ms = options_ms(options, "merge");
    ret->agent = (struct agent_limits){
        .series = (uint32_t) options_uint(options, "agent-series"),
        .new_series = (uint32_t) options_uint(options, "agent-new-series"),
        .samples = (uint32_t) options_uint(options, "agent-samples"),
        .label_bytes = (uint32_t) options_uint(options, "agent-label-bytes"),
        .frame_bytes = (uint32_t) options_uint(options, "agent-frame-bytes"),
    };
    ret->journal_bytes = options_uint(options, "journal-bytes");
    ret->most_agents = (size_t) options_uint(options, "max-agents");
    // One of the choices, so it is known.
    (void) log_level_parse(&ret->log_level, options_text(options, "log-level"));
}

static int
s_check(const options_t *options, FILE *err)
{
    char endpoint[COLLECTOR_ENDPOINT_SIZE];

    if (s_endpoint(endpoint, options))
        return 0;
    fprintf(err,
            "%s: bind: \"%.100s\": with --insecure every socket binds loopback only (127.0.0.0/8, "
            "::1, localhost)\n",
            collector_program.name, options_text(options, "bind"));
    return ERR_RANGE;
}

// The data socket's endpoint; false if it is none of this machine alone, and must be.
static bool
s_endpoint(char ret[COLLECTOR_ENDPOINT_SIZE], const options_t *options)
{
    const char *bind = options_text(options, "bind");
    const bool six = strchr(bind, ':') != NULL && bind[0] != '[';
    const int n = snprintf(ret, COLLECTOR_ENDPOINT_SIZE, "tcp://%s%s%s:%u", six ? "[" : "", bind,
                           six ? "]" : "", (unsigned) options_uint(options, "port-base"));

    return n > 0 && n < COLLECTOR_ENDPOINT_SIZE &&
           (sock_is_local(ret) || !options_flag(options, "insecure"));
}
