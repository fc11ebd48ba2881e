// option - see option.h. The settings, who may give them, and the order: argv is read first, since
// it may ask for help and names the file; a lower source then fills what a higher one left.

#include "shared/net/option.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/log.h"
#include "shared/base/str.h"
#include "shared/base/xalloc.h"
#include "shared/net/option_inner.h"

const char *const zpulse_version = "0.1.0";

// What every program understands. Only log-level is a setting; the others say what to do now, or
// where settings are, and have no place in a file.
static const struct common {
    enum origin least;
    struct option option;
} s_common[] = {
    { ORIGIN_FILE,
      { .name = "log-level",
        .type = OPTION_CHOICE,
        .fallback = "info",
        .choices = "error|warn|info|debug",
        .meta = "LEVEL",
        .help = "least level of what is logged" } },
    { ORIGIN_ENVIRONMENT,
      { .name = "config",
        .type = OPTION_TEXT,
        .least = 1,
        .meta = "FILE",
        .help = "read settings from FILE (ZPL: name = value)" } },
    { ORIGIN_FLAG,
      { .name = "check-config",
        .type = OPTION_FLAG,
        .help = "check flags, environment and file, and end" } },
    { ORIGIN_FLAG,
      { .name = "print-config",
        .type = OPTION_FLAG,
        .help = "print the settings in effect as a file, without secrets, and end" } },
    { ORIGIN_FLAG,
      { .name = "help", .type = OPTION_FLAG, .letter = 'h', .help = "print this, and end" } },
    { ORIGIN_FLAG,
      { .name = "version", .type = OPTION_FLAG, .letter = 'V', .help = "print it, and end" } },
};
#define SHOWN_MOST 200 // bytes of a value that is wrong: its rule is to be seen behind it
#define N_COMMON   (sizeof s_common / sizeof s_common[0])

static options_t *s_new(const struct option_program *program, FILE *err);
static void s_keep(struct setting *s, enum origin origin, const char *text);
static void s_forget(struct setting *s);
static int s_give_list(options_t *self, struct setting *s, enum origin origin, const char *where,
                       const char *texts);
static int s_read_environment(options_t *self);
static void s_fall_back(options_t *self);
static bool s_only_asks(const options_t *self);
static bool s_answer(const options_t *self, FILE *out);
static const struct setting *s_get(const options_t *self, const char *name);

int
options_load(options_t **ret, int *exit_ret, const struct option_program *program, int argc,
             char **argv, FILE *out, FILE *err)
{
    options_t *self = s_new(program, err);
    const char *file;
    int rc;

    rc = option_flags_read(self, argc, argv);
    if (rc < 0) {
        *exit_ret = OPTION_EXIT_USAGE;
        goto fail;
    }
    if (!s_only_asks(self)) {
        *exit_ret = OPTION_EXIT_CONFIG;
        rc = s_read_environment(self);
        file = options_text(self, "config");
        if (file != NULL && option_file_load(self, file) < 0)
            rc = ERR_FORMAT;
        if (rc < 0)
            goto fail;
    }
    s_fall_back(self);
    if (program->check != NULL && !s_only_asks(self)) {
        rc = program->check(self, err);
        if (rc < 0)
            goto fail;
    }
    self->err = NULL;
    if (s_answer(self, out)) {
        *exit_ret = fflush(out) == 0 ? OPTION_EXIT_OK : OPTION_EXIT_FAILED;
        options_destroy(&self);
        return 1;
    }
    *ret = self;
    return 0;

fail:
    options_destroy(&self);
    return rc;
}

// Help and version are told whatever else is wrong.
static bool
s_only_asks(const options_t *self)
{
    return options_flag(self, "help") || options_flag(self, "version");
}

static options_t *
s_new(const struct option_program *program, FILE *err)
{
    options_t *self = xcalloc(1, sizeof *self);
    size_t own = 0;

    while (program->options[own].name != NULL)
        own++;
    self->program = program;
    self->err = err;
    self->n = own + N_COMMON;
    self->settings = xcalloc(self->n, sizeof *self->settings);
    for (size_t i = 0; i < own; i++) {
        self->settings[i].option = &program->options[i];
        self->settings[i].least = ORIGIN_FILE;
    }
    for (size_t i = 0; i < N_COMMON; i++) {
        self->settings[own + i].option = &s_common[i].option;
        self->settings[own + i].least = s_common[i].least;
    }
    return self;
}

void
options_destroy(options_t **self_p)
{
    options_t *self = *self_p;

    if (self == NULL)
        return;
    for (size_t i = 0; i < self->n; i++)
        s_forget(&self->settings[i]);
    free(self->settings);
    free(self->arguments);
    free(self);
    *self_p = NULL;
}

// Variables of other programs begin alike, so an unknown one is not an error.
static int
s_read_environment(options_t *self)
{
    struct buf name = { 0 };
    int rc = 0;

    for (size_t i = 0; i < self->n; i++) {
        struct setting *s = &self->settings[i];
        const char *text;

        if (s->least > ORIGIN_ENVIRONMENT)
            continue;
        buf_clear(&name);
        option_variable(&name, s->option->name);
        text = getenv(buf_cstr(&name));
        if (text != NULL && s_give_list(self, s, ORIGIN_ENVIRONMENT, buf_cstr(&name), text) < 0)
            rc = ERR_FORMAT;
    }
    buf_release(&name);
    return rc;
}

// One text, or of a list several with commas between them.
static int
s_give_list(options_t *self, struct setting *s, enum origin origin, const char *where,
            const char *texts)
{
    int rc = 0;

    if (!s->option->list)
        return option_give(self, s, origin, where, texts);
    for (const char *at = texts; rc == 0 && at != NULL;) {
        const size_t len = strcspn(at, ",");
        char *one = xstrndup(at, len);

        rc = option_give(self, s, origin, where, one);
        free(one);
        at = at[len] == ',' ? at + len + 1 : NULL;
    }
    return rc;
}

// A default that breaks its own rule is a bug in the table.
static void
s_fall_back(options_t *self)
{
    for (size_t i = 0; i < self->n; i++) {
        struct setting *s = &self->settings[i];

        if (s->origin != ORIGIN_DEFAULT || s->option->fallback == NULL)
            continue;
        if (s_give_list(self, s, ORIGIN_DEFAULT, s->option->name, s->option->fallback) < 0)
            abort();
    }
}

static bool
s_answer(const options_t *self, FILE *out)
{
    const char *file = options_text(self, "config");

    // "zpulse up" is the program zpulse to whoever asks for its version.
    if (options_flag(self, "help"))
        option_print_help(self, out);
    else if (options_flag(self, "version"))
        fprintf(out, "%.*s %s\n", (int) strcspn(self->program->name, " "), self->program->name,
                zpulse_version);
    else if (options_flag(self, "check-config"))
        fprintf(out, "%s: ok\n", file != NULL ? file : "configuration");
    else if (options_flag(self, "print-config"))
        option_print_config(self, out);
    else
        return false;
    return true;
}

struct setting *
option_find(const options_t *self, const char *name, size_t len, enum origin origin)
{
    for (size_t i = 0; i < self->n; i++) {
        const struct option *o = self->settings[i].option;

        if (self->settings[i].least <= origin && strncmp(o->name, name, len) == 0 &&
            o->name[len] == '\0')
            return &self->settings[i];
    }
    return NULL;
}

const char *
option_nearest(const options_t *self, const char *name, enum origin origin)
{
    const unsigned len = (unsigned) strlen(name);
    // Two slips of the finger, or one in three letters; but never a wholly other word.
    unsigned least = len / 3 > 2 ? len / 3 : 2;
    const char *nearest = NULL;

    if (least >= len)
        least = len > 0 ? len - 1 : 0;
    for (size_t i = 0; i < self->n; i++) {
        const char *known = self->settings[i].option->name;
        // Who typed the beginning of a name meant it.
        const unsigned d = len >= 3 && str_starts(known, name) ? 1 : str_distance(known, name);

        if (self->settings[i].least <= origin && d <= least) {
            least = d > 0 ? d - 1 : 0;
            nearest = known;
        }
    }
    return nearest;
}

int
option_give(options_t *self, struct setting *s, enum origin origin, const char *where,
            const char *text)
{
    uint64_t number;

    if (text == NULL) {
        option_complain(self, "%s: needs a value", where);
        return ERR_FORMAT;
    }
    if (option_value_check(&number, s->option, text) < 0) {
        struct buf rule = { 0 };

        option_value_rule(&rule, s->option);
        if (s->option->secret) // what we say may end in a log that others read
            option_complain(self, "%s: %zu bytes: %s", where, strlen(text), buf_cstr(&rule));
        else
            option_complain(self, "%s: \"%.*s%s\": %s", where, SHOWN_MOST, text,
                            strlen(text) > SHOWN_MOST ? "..." : "", buf_cstr(&rule));
        buf_release(&rule);
        return ERR_FORMAT;
    }
    // Of one source the last flag counts, and all entries of a list; a lower one was checked above
    // and is then left alone.
    if (origin >= s->origin) {
        if (origin > s->origin || !s->option->list || text[0] == '\0')
            s_forget(s);
        s_keep(s, origin, text);
        s->number = number;
    }
    return 0;
}

// '' in a list stands for no entry: it turns the input off.
static void
s_keep(struct setting *s, enum origin origin, const char *text)
{
    s->origin = origin;
    if (s->option->list && text[0] == '\0')
        return;
    s->texts = xrealloc(s->texts, s->n + 1, sizeof *s->texts);
    s->texts[s->n++] = xstrdup(text);
}

static void
s_forget(struct setting *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->texts[i]);
    free(s->texts);
    s->texts = NULL;
    s->n = 0;
}

void
option_complain(const options_t *self, const char *format, ...)
{
    struct buf line = { 0 };
    va_list args;

    if (self->err == NULL)
        return;
    va_start(args, format);
    buf_vprintf(&line, format, args);
    va_end(args);
    // A stranger's bytes must not become a second line or move the terminal's cursor.
    for (size_t i = 0; i < line.len; i++) {
        if (line.at[i] < ' ' || line.at[i] == 0x7f)
            line.at[i] = '?';
    }
    fprintf(self->err, "%s: %s\n", self->program->name, buf_cstr(&line));
    buf_release(&line);
}

const char *
options_text(const options_t *self, const char *name)
{
    const struct setting *s = s_get(self, name);

    assert(!s->option->list);
    assert(s->option->type == OPTION_TEXT || s->option->type == OPTION_ENDPOINT ||
           s->option->type == OPTION_ADDRESS || s->option->type == OPTION_CHOICE);
    return s->n > 0 ? s->texts[0] : NULL;
}

bool
options_flag(const options_t *self, const char *name)
{
    const struct setting *s = s_get(self, name);

    assert(s->option->type == OPTION_FLAG);
    return s->number != 0;
}

uint64_t
options_uint(const options_t *self, const char *name)
{
    const struct setting *s = s_get(self, name);

    assert(s->option->type == OPTION_UINT || s->option->type == OPTION_BYTES);
    return s->number;
}

int64_t
options_ms(const options_t *self, const char *name)
{
    const struct setting *s = s_get(self, name);

    assert(s->option->type == OPTION_DURATION);
    return (int64_t) s->number;
}

size_t
options_list(const options_t *self, const char *name, const char *const **ret)
{
    const struct setting *s = s_get(self, name);

    assert(s->option->list);
    *ret = (const char *const *) s->texts;
    return s->n;
}

bool
options_given(const options_t *self, const char *name)
{
    return s_get(self, name)->origin != ORIGIN_DEFAULT;
}

static const struct setting *
s_get(const options_t *self, const char *name)
{
    const struct setting *s = option_find(self, name, strlen(name), ORIGIN_FLAG);

    assert(s != NULL);
    return s;
}

size_t
options_arguments(const options_t *self, const char *const **ret)
{
    *ret = self->arguments;
    return self->n_arguments;
}

void
options_log_later(const options_t *self)
{
    for (size_t i = 0; i < self->n; i++) {
        const struct setting *s = &self->settings[i];

        if (s->option->later != NULL && s->origin != ORIGIN_DEFAULT)
            log_warn("option is accepted but has no effect yet", "option=%s because=%s",
                     s->option->name, log_quote(s->option->later));
    }
}
