// cmd_up - `zpulse up`: the whole of ZPulse on this machine, until Ctrl-C.
//
// Order of states:
//   check   folders, programs, addresses: what is wrong is named before anything starts
//   start   collector, dashboard, agent
//   wait    until a sample that this agent took now has reached the dashboard, READY_MS at most
//   run     until a signal, or until one of them ends
//   stop    agent, dashboard, collector: each has STOP_MS, then it is killed
// What the programs print goes to stderr with their names before it; stdout has one line, the
// address.

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "collector/ctl/child.h"
#include "collector/ctl/command.h"
#include "collector/ctl/readiness.h"
#include "collector/ctl/up_keys.h"
#include "collector/ctl/up_ports.h"
#include "collector/ctl/up_words.h"
#include "shared/base/clock.h"
#include "shared/base/err.h"
#include "shared/base/file.h"
#include "shared/base/log.h"
#include "shared/base/xalloc.h"
#include "shared/net/client_keys.h"
#include "shared/net/option.h"
#include "shared/net/service.h"

#define READY_MS  15000
#define ASK_MS    500 // one question to the dashboard: as long as a signal may wait
#define PACE_MS   100 // between two
#define STOP_MS   2000
#define KILLED_MS 1000 // from SIGKILL to its end

static const struct option options_table[] = {
    { .name = "dir",
      .type = OPTION_TEXT,
      .fallback = "./run",
      .least = 1,
      .meta = "DIR",
      .help = "where agent and collector keep their data" },
    { .name = "listen",
      .type = OPTION_ADDRESS,
      .fallback = "127.0.0.1:8088",
      .least = 1,
      .meta = "HOST:PORT",
      .help = "address of the dashboard" },
    { .name = "port-base",
      .type = OPTION_UINT,
      .fallback = "5560",
      .least = 1,
      .most = UINT16_MAX - UP_PORTS + 1,
      .meta = "PORT",
      .help = "first of the collector's five ports" },
    { .name = "app-sub",
      .type = OPTION_ENDPOINT,
      .list = true,
      .fallback = "@tcp://127.0.0.1:5555",
      .meta = "ENDPOINT",
      .help = "where the agent takes JSON of applications that PUB" },
    { .name = "app-pull",
      .type = OPTION_ENDPOINT,
      .list = true,
      .fallback = "@tcp://127.0.0.1:5565",
      .meta = "ENDPOINT",
      .help = "where the agent takes JSON of applications that PUSH" },
    { .name = "no-agent", .type = OPTION_FLAG, .help = "do not watch this machine" },
    { .name = "collector",
      .type = OPTION_ENDPOINT,
      .list = true,
      .least = 1,
      .meta = "ENDPOINT",
      .help = "use this collector instead of starting one" },
    { .name = "keys",
      .type = OPTION_TEXT,
      .least = 1,
      .meta = "DIR",
      .help = "folder of the keys of operator, dashboard and agent, made where they are missing; "
              "default: keys in --dir" },
    { .name = "insecure", .type = OPTION_FLAG, .help = "no keys, on this machine only" },
    { .name = "web-root",
      .type = OPTION_TEXT,
      .least = 1,
      .meta = "DIR",
      .help = "serve the files of DIR in place of the page" },
    { .name = NULL },
};

static const struct option_program program = {
    .name = "zpulse up",
    .summary = "Runs collector, dashboard and agent on this machine until Ctrl-C.",
    .usage = "zpulse up [OPTION]...",
    .options = options_table,
};

// So that nobody talks to the dead.
static const enum up_part stop_order[UP_PARTS] = { UP_AGENT, UP_DASHBOARD, UP_COLLECTOR };

struct up {
    options_t *options;
    const char *listen;
    int signals;              // signalfd
    char folder[PATH_MAX];    // where the programs are
    child_t *parts[UP_PARTS]; // NULL: not started
    bool wanted[UP_PARTS];
    char clients[CLIENT_KEYS_DIR_SIZE];
    char collector[CLIENT_KEYS_DIR_SIZE];
    struct up_keys_options keys; // the folders above
    uint64_t started_ms;         // by the wall clock, before any of them
    bool insecure;
    bool stopping; // ends are expected
    bool stop;     // a signal came
    int exit;
};

static int s_run(struct up *self);
static bool s_check(struct up *self);
static bool s_find_programs(struct up *self);
static void s_choose_keys(struct up *self);
static bool s_make_keys(struct up *self);
static bool s_check_addresses(const struct up *self);
static void s_say_renamed(struct up *self);
static bool s_start(struct up *self, enum up_part part);
static bool s_wait_ready(struct up *self);
static void s_turn(struct up *self, int timeout_ms);
static void s_note_ends(struct up *self);
static void s_stop(struct up *self);
static bool s_wait_end(struct up *self, enum up_part part, int timeout_ms);
static void s_fail(struct up *self, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void s_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

int
cmd_up(int argc, char **argv)
{
    struct up self = { .signals = -1 };
    const char *const *endpoints;
    int code;

    if (options_load(&self.options, &code, &program, argc, argv, stdout, stderr) != 0)
        return code;
    // Ours, not the children's: they would read our file, and speak to our manager.
    unsetenv("ZPULSE_CONFIG");
    unsetenv("NOTIFY_SOCKET");
    log_init("zpulse", LOG_LEVEL_INFO);
    self.listen = options_text(self.options, "listen");
    self.insecure = options_flag(self.options, "insecure");
    self.wanted[UP_COLLECTOR] = options_list(self.options, "collector", &endpoints) == 0;
    self.wanted[UP_DASHBOARD] = true;
    self.wanted[UP_AGENT] = !options_flag(self.options, "no-agent");
    s_choose_keys(&self);
    code = s_run(&self);
    for (int i = 0; i < UP_PARTS; i++)
        child_destroy(&self.parts[i]);
    if (self.signals >= 0)
        service_end(self.signals);
    options_destroy(&self.options);
    return code;
}

static int
s_run(struct up *self)
{
    if (!s_check(self))
        return self->exit != 0 ? self->exit : OPTION_EXIT_UNAVAILABLE;
    self->signals = service_start(1);
    if (self->signals < 0) {
        s_say("no signals: %s", err_str(self->signals));
        return OPTION_EXIT_FAILED;
    }
    self->started_ms = (uint64_t) clock_real_ms();
    for (int part = 0; part < UP_PARTS && self->exit == 0; part++) {
        if (self->wanted[part] && !s_start(self, (enum up_part) part))
            self->exit = OPTION_EXIT_UNAVAILABLE;
    }
    if (self->exit == 0 && s_wait_ready(self)) {
        printf("ZPulse is up: http://%s\n", self->listen);
        fflush(stdout);
    }
    while (!self->stop && self->exit == 0)
        s_turn(self, -1);
    s_stop(self);
    return self->exit;
}

// Says what is wrong before anything has started.
static bool
s_check(struct up *self)
{
    const char *dir = options_text(self->options, "dir");
    bool ok = true;

    for (int part = 0; part < UP_PARTS && ok; part++) {
        struct buf path = { 0 };
        int rc;

        buf_printf(&path, "%s/%s", dir, up_part_names[part]);
        rc = file_make_dirs(buf_cstr(&path));
        if (rc < 0) {
            s_say("%s: %s; choose --dir", buf_cstr(&path), err_str(rc));
            ok = false;
        }
        buf_release(&path);
    }
    return ok && s_find_programs(self) && s_check_addresses(self) && s_make_keys(self);
}

// Beside this program: what was built or installed together runs together.
static bool
s_find_programs(struct up *self)
{
    const ssize_t n = readlink("/proc/self/exe", self->folder, sizeof self->folder - 1);
    bool ok = true;

    if (n <= 0) {
        s_say("/proc/self/exe: %s", err_str(-errno));
        return false;
    }
    self->folder[n] = '\0';
    *strrchr(self->folder, '/') = '\0';
    for (int part = 0; part < UP_PARTS; part++) {
        struct buf path = { 0 };

        buf_printf(&path, "%s/zpulse-%s", self->folder, up_part_names[part]);
        if (self->wanted[part] && access(buf_cstr(&path), X_OK) == -1) {
            s_say("%s: %s", buf_cstr(&path), err_str(-errno));
            ok = false;
        }
        buf_release(&path);
    }
    return ok;
}

static void
s_choose_keys(struct up *self)
{
    const char *dir = options_text(self->options, "dir");
    const char *given = options_text(self->options, "keys");
    const size_t size = CLIENT_KEYS_DIR_SIZE;

    snprintf(self->collector, size, "%s/collector/keys", dir);
    if (given != NULL)
        snprintf(self->clients, size, "%s", given);
    else
        snprintf(self->clients, size, "%s/keys", dir);
    // With somebody else's collector keys are where they were enrolled.
    if (!self->wanted[UP_COLLECTOR] && given == NULL && access(self->clients, F_OK) == -1)
        client_keys_dir(self->clients, NULL, false);
    self->keys = (struct up_keys_options){ .collector = self->collector,
                                           .clients = self->clients,
                                           .agent = self->wanted[UP_AGENT] };
}

// Another collector is asked with the keys that were enrolled there.
static bool
s_make_keys(struct up *self)
{
    struct buf why = { 0 };
    bool made = false;
    int rc = 0;

    if (!self->insecure && self->wanted[UP_COLLECTOR])
        rc = up_keys_make(&made, &self->keys, &why);
    if (rc < 0) {
        s_say("keys: %s", buf_cstr(&why));
        self->exit = OPTION_EXIT_CONFIG;
    }
    if (made)
        s_say("keys are made: %s; other commands of zpulse are to find them: they look in "
              "./run/keys, or take --keys",
              self->keys.clients);
    if (rc == 0 && !self->insecure && self->wanted[UP_COLLECTOR] && self->wanted[UP_AGENT])
        s_say_renamed(self);
    buf_release(&why);
    return rc == 0;
}

static void
s_say_renamed(struct up *self)
{
    struct buf data = { 0 }, say = { 0 };

    buf_printf(&data, "%s/%s", options_text(self->options, "dir"), up_part_names[UP_AGENT]);
    if (up_keys_renamed(&say, &self->keys, buf_cstr(&data)))
        s_say("%s", buf_cstr(&say));
    buf_release(&data);
    buf_release(&say);
}

static bool
s_check_addresses(const struct up *self)
{
    const uint64_t base = options_uint(self->options, "port-base");
    struct buf why = { 0 };
    const bool ok = up_ports_free(&why, self->listen,
                                  self->wanted[UP_COLLECTOR] ? (unsigned) base : 0);

    if (!ok)
        s_say("%s", buf_cstr(&why));
    buf_release(&why);
    return ok;
}

static bool
s_start(struct up *self, enum up_part part)
{
    struct up_words words;
    int rc;

    up_words_make(&words, self->options, self->folder, part, self->insecure ? NULL : &self->keys);
    rc = child_start(&self->parts[part], up_part_names[part], words.at);
    if (rc < 0)
        s_say("%s: %s", words.at[0], err_str(rc));
    up_words_release(&words);
    return rc == 0;
}

// Whose sample it waits for: the name is that of its key.
static void
s_our_agent(struct readiness_agent *ret, struct up *self, struct buf *data)
{
    buf_printf(data, "%s/%s", options_text(self->options, "dir"), up_part_names[UP_AGENT]);
    *ret = (struct readiness_agent){ .data = buf_cstr(data), .started_ms = self->started_ms };
    if (!self->insecure)
        client_keys_name(ret->name, self->clients, up_part_names[UP_AGENT]);
}

// True once the first sample is there; false after a signal, an end, or READY_MS, which is said.
static bool
s_wait_ready(struct up *self)
{
    const int64_t deadline_ms = clock_mono_ms() + READY_MS;
    enum readiness step = READINESS_NONE;
    struct readiness_agent agent = { 0 }, *whose = self->wanted[UP_AGENT] ? &agent : NULL;
    struct buf data = { 0 }, why = { 0 };

    s_our_agent(&agent, self, &data);
    while (!self->stop && self->exit == 0 && clock_mono_ms() < deadline_ms &&
           step != READINESS_ALL) {
        s_turn(self, PACE_MS);
        step = readiness_ask(self->listen, whose, ASK_MS);
    }
    if (!self->stop && self->exit == 0 && step != READINESS_ALL) {
        readiness_missing(&why, step, self->listen, whose, ASK_MS);
        s_fail(self, OPTION_EXIT_UNAVAILABLE, "not up after %d s: %s", READY_MS / 1000,
               buf_cstr(&why));
    }
    buf_release(&why);
    buf_release(&data);
    return step == READINESS_ALL;
}

// Waits for output, signals and ends of children, and sees to what there is.
static void
s_turn(struct up *self, int timeout_ms)
{
    struct pollfd items[1 + UP_PARTS] = { { .fd = self->signals, .events = POLLIN } };

    for (int i = 0; i < UP_PARTS; i++) {
        items[1 + i].fd = self->parts[i] != NULL ? child_fd(self->parts[i]) : -1;
        items[1 + i].events = POLLIN;
    }
    if (poll(items, 1 + UP_PARTS, timeout_ms) == -1 && errno != EINTR)
        s_fail(self, OPTION_EXIT_FAILED, "poll: %s", err_str(-errno));
    for (int i = 0; i < UP_PARTS; i++) {
        if (self->parts[i] != NULL)
            child_relay(self->parts[i], STDERR_FILENO);
    }
    for (enum service_event event; (event = service_next(self->signals)) != SERVICE_NONE;) {
        // SIGHUP too: the terminal went away, and with it who asked for us.
        if (event == SERVICE_STOP || event == SERVICE_RELOAD)
            self->stop = true;
    }
    s_note_ends(self);
}

// What a program says of itself by its end is said of all of them: a port that is taken, a setting
// that is wrong. An end with 0 is one too that nobody asked for.
static int
s_exit_for(int code)
{
    return code == OPTION_EXIT_UNAVAILABLE || code == OPTION_EXIT_TRY_AGAIN ||
                   code == OPTION_EXIT_CONFIG
               ? code
               : OPTION_EXIT_FAILED;
}

// An end that nobody asked for takes the others with it: what is left would show old numbers as if
// they were alive.
static void
s_note_ends(struct up *self)
{
    for (int i = 0; i < UP_PARTS; i++) {
        struct buf how = { 0 };

        if (self->parts[i] == NULL || !child_ended(self->parts[i]) || self->stopping ||
            self->exit != 0)
            continue;
        child_relay(self->parts[i], STDERR_FILENO); // its last words
        child_ending(self->parts[i], &how);
        s_fail(self, s_exit_for(child_exit_code(self->parts[i])), "the %s %s", up_part_names[i],
               buf_cstr(&how));
        buf_release(&how);
    }
}

static void
s_stop(struct up *self)
{
    self->stopping = true;
    for (int i = 0; i < UP_PARTS; i++) {
        const enum up_part part = stop_order[i];

        if (self->parts[part] == NULL)
            continue;
        child_signal(self->parts[part], SIGTERM);
        if (s_wait_end(self, part, STOP_MS))
            continue;
        s_say("the %s did not end within %d s and is killed", up_part_names[part], STOP_MS / 1000);
        child_signal(self->parts[part], SIGKILL);
        s_wait_end(self, part, KILLED_MS);
    }
}

// Goes on relaying meanwhile: a program that cannot write its last lines could not end.
static bool
s_wait_end(struct up *self, enum up_part part, int timeout_ms)
{
    const int64_t deadline_ms = clock_mono_ms() + timeout_ms;

    while (!child_ended(self->parts[part])) {
        const int64_t left_ms = deadline_ms - clock_mono_ms();

        if (left_ms <= 0)
            return false;
        s_turn(self, (int) left_ms);
    }
    child_relay(self->parts[part], STDERR_FILENO);
    return true;
}

// The first failure is the one that is told and that decides the exit code.
static void
s_fail(struct up *self, int code, const char *format, ...)
{
    struct buf text = { 0 };
    va_list args;

    if (self->exit != 0)
        return;
    self->exit = code;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    s_say("%s; stopping the others", buf_cstr(&text));
    buf_release(&text);
}

// One write, so that it does not mix with a line of a child.
static void
s_say(const char *format, ...)
{
    struct buf text = { 0 };
    va_list args;

    buf_str(&text, "zpulse up: ");
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    buf_byte(&text, '\n');
    (void) !write(STDERR_FILENO, text.at, text.len);
    buf_release(&text);
}
