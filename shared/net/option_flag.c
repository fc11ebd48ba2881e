// option_flag - settings and words from argv: --name=value, --name value, -o value, -ovalue, --.

#include <stdlib.h>
#include <string.h>

#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/net/option_inner.h"

static int s_read_flag(options_t *self, int argc, char **argv, int *at);
static int s_read_letter(options_t *self, int argc, char **argv, int *at);
static int s_unknown(const options_t *self, const char *arg, const char *name);

// Stops at the first fault: what follows an unknown option may be its value.
int
option_flags_read(options_t *self, int argc, char **argv)
{
    bool ended = false;

    self->arguments = xcalloc((size_t) argc + 1, sizeof *self->arguments);
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        int rc = 0;

        if (ended || arg[0] != '-' || arg[1] == '\0') {
            if (!self->program->arguments) {
                option_complain(self, "\"%s\": takes no arguments (see --help)", arg);
                return ERR_FORMAT;
            }
            self->arguments[self->n_arguments++] = arg;
        } else if (strcmp(arg, "--") == 0) {
            ended = true;
        } else if (arg[1] == '-') {
            rc = s_read_flag(self, argc, argv, &i);
        } else {
            rc = s_read_letter(self, argc, argv, &i);
        }
        if (rc < 0)
            return rc;
        if (options_flag(self, "help") || options_flag(self, "version"))
            return 0;
    }
    return 0;
}

// --name=value, --name value, and --name of a flag.
static int
s_read_flag(options_t *self, int argc, char **argv, int *at)
{
    const char *arg = argv[*at], *name = arg + 2;
    const size_t len = strcspn(name, "=");
    struct setting *s = option_find(self, name, len, ORIGIN_FLAG);
    const char *text;
    char *where;
    int rc;

    where = xstrndup(arg, len + 2);
    if (s == NULL) {
        rc = s_unknown(self, where, where + 2);
    } else {
        if (name[len] == '=')
            text = name + len + 1;
        else if (s->option->type == OPTION_FLAG)
            text = "true";
        else
            text = *at + 1 < argc ? argv[++*at] : NULL;
        rc = option_give(self, s, ORIGIN_FLAG, where, text);
    }
    free(where);
    return rc;
}

// -o value, -ovalue, and -h of a flag.
static int
s_read_letter(options_t *self, int argc, char **argv, int *at)
{
    const char *arg = argv[*at];
    const char where[] = { '-', arg[1], '\0' };
    struct setting *s = NULL;
    const char *text;

    for (size_t i = 0; i < self->n; i++) {
        if (self->settings[i].option->letter == arg[1])
            s = &self->settings[i];
    }
    if (s == NULL || (s->option->type == OPTION_FLAG && arg[2] != '\0'))
        return s_unknown(self, arg, arg + 1);
    if (s->option->type == OPTION_FLAG)
        text = "true";
    else if (arg[2] != '\0')
        text = arg + 2;
    else
        text = *at + 1 < argc ? argv[++*at] : NULL;
    return option_give(self, s, ORIGIN_FLAG, where, text);
}

static int
s_unknown(const options_t *self, const char *arg, const char *name)
{
    const char *nearest = option_nearest(self, name, ORIGIN_FLAG);

    if (nearest != NULL)
        option_complain(self, "%s: no such option (did you mean --%s?)", arg, nearest);
    else
        option_complain(self, "%s: no such option (see --help)", arg);
    return ERR_FORMAT;
}
