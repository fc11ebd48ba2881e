// option_print - the settings for a person: --help and --print-config.

#include <ctype.h>
#include <string.h>

#include "shared/base/str.h"
#include "shared/net/option_inner.h"

#define HELP_COLUMN 30 // where the texts begin

static void s_print_option(FILE *out, const struct setting *s);
static void s_print_value(FILE *out, const char *name, const char *text, enum origin origin);

static const char *const s_origins[] = {
    [ORIGIN_DEFAULT] = "default",
    [ORIGIN_FILE] = "file",
    [ORIGIN_ENVIRONMENT] = "environment",
    [ORIGIN_FLAG] = "flag",
};

void
option_print_help(const options_t *self, FILE *out)
{
    const struct option_program *p = self->program;

    fprintf(out, "%s\n\nusage: %s\n\n", p->summary, p->usage);
    for (size_t i = 0; i < self->n; i++)
        s_print_option(out, &self->settings[i]);
    fprintf(out, "\nA setting is taken from its flag, else from the environment (--port-base is "
                 "ZPULSE_PORT_BASE),\nelse from the file of --config (port-base = ...), else it "
                 "is the default.\n");
    if (p->tail != NULL)
        fprintf(out, "\n%s\n", p->tail);
}

static void
s_print_option(FILE *out, const struct setting *s)
{
    const struct option *o = s->option;
    struct buf line = { 0 };

    if (o->letter != '\0')
        buf_printf(&line, "  -%c, --%s", o->letter, o->name);
    else
        buf_printf(&line, "  --%s", o->name);
    if (o->type != OPTION_FLAG)
        buf_printf(&line, " %s%s", o->meta != NULL ? o->meta : "VALUE", o->list ? "..." : "");
    if (line.len + 2 > HELP_COLUMN)
        buf_printf(&line, "\n%*s", HELP_COLUMN, "");
    else
        buf_printf(&line, "%*s", (int) (HELP_COLUMN - line.len), "");
    buf_str(&line, o->help);
    if (o->choices != NULL)
        buf_printf(&line, ": %s", o->choices);
    if (o->fallback != NULL && o->fallback[0] != '\0')
        buf_printf(&line, " (default %s)", o->fallback);
    if (o->later != NULL)
        buf_str(&line, " (no effect yet)");
    fprintf(out, "%s\n", buf_cstr(&line));
    buf_release(&line);
}

void
option_print_config(const options_t *self, FILE *out)
{
    fprintf(out, "# %s %s, the settings in effect and where each comes from\n", self->program->name,
            zpulse_version);
    for (size_t i = 0; i < self->n; i++) {
        const struct setting *s = &self->settings[i];
        const char *name = s->option->name;

        if (s->least > ORIGIN_FILE)
            continue;
        if (s->option->type == OPTION_FLAG && s->n == 0)
            s_print_value(out, name, "false", s->origin);
        else if (s->n == 0 && (s->origin != ORIGIN_DEFAULT || s->option->fallback != NULL))
            s_print_value(out, name, "", s->origin);
        else if (s->n == 0)
            fprintf(out, "# %s is not set\n", name);
        else if (s->option->secret) // a file like this one is shown around
            fprintf(out, "# %s is set, and a secret: it is not written here; %s\n", name,
                    s_origins[s->origin]);
        for (size_t k = 0; k < s->n && !s->option->secret; k++)
            s_print_value(out, name, s->texts[k], s->origin);
    }
}

// ZPL has no escapes: a value is quoted by what it does not hold.
static void
s_print_value(FILE *out, const char *name, const char *text, enum origin origin)
{
    const char quote = strchr(text, '"') == NULL ? '"' : '\'';

    if (strchr(text, quote) != NULL)
        fprintf(out, "# %s cannot be written here, having both kinds of quotes: %s\n", name, text);
    else
        fprintf(out, "%s = %c%s%c # %s\n", name, quote, text, quote, s_origins[origin]);
}

void
option_variable(struct buf *out, const char *name)
{
    buf_str(out, "ZPULSE_");
    for (; *name != '\0'; name++)
        buf_byte(out, *name == '-' ? '_' : (uint8_t) toupper((unsigned char) *name));
}
