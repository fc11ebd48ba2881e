// up_words - see the header.

#include "collector/ctl/up_words.h"

#include <stdarg.h>
#include <stdlib.h>

#include "shared/base/buf.h"
#include "shared/base/xalloc.h"

const char *const up_part_names[UP_PARTS] = { "collector", "dashboard", "agent" };

static void s_add_inputs(struct up_words *words, const options_t *options, const char *name);
static void s_add(struct up_words *words, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// --name=value throughout, so that a value that begins with '-' is still one.
void
up_words_make(struct up_words *ret, const options_t *options, const char *folder, enum up_part part,
              const struct up_keys_options *keys)
{
    const unsigned base = (unsigned) options_uint(options, "port-base");
    const char *web_root = options_text(options, "web-root");
    const char *const *endpoints;
    const size_t n = options_list(options, "collector", &endpoints);

    *ret = (struct up_words){ .n = 0 };
    s_add(ret, "%s/zpulse-%s", folder, up_part_names[part]);
    if (part != UP_DASHBOARD) // it keeps nothing
        s_add(ret, "--data=%s/%s", options_text(options, "dir"), up_part_names[part]);
    if (keys == NULL)
        s_add(ret, "--insecure");
    else
        s_add(ret, "--keys=%s", part == UP_COLLECTOR ? keys->collector : keys->clients);
    if (options_given(options, "log-level"))
        s_add(ret, "--log-level=%s", options_text(options, "log-level"));
    if (part == UP_COLLECTOR) {
        s_add(ret, "--bind=127.0.0.1");
        s_add(ret, "--port-base=%u", base);
    } else if (n == 0) {
        s_add(ret, "--collector=tcp://127.0.0.1:%u", base);
    }
    for (size_t i = 0; i < n && ret->n < UP_WORDS_MAX - 4; i++)
        s_add(ret, "--collector=%s", endpoints[i]);
    if (part == UP_DASHBOARD) {
        s_add(ret, "--listen=%s", options_text(options, "listen"));
        if (web_root != NULL)
            s_add(ret, "--web-root=%s", web_root);
    }
    if (part == UP_AGENT) {
        s_add_inputs(ret, options, "app-sub");
        s_add_inputs(ret, options, "app-pull");
    }
}

// Only what was asked for: a default that is in use is no error of the agent's.
static void
s_add_inputs(struct up_words *words, const options_t *options, const char *name)
{
    const char *const *endpoints;
    const size_t n = options_list(options, name, &endpoints);

    if (!options_given(options, name))
        return;
    if (n == 0)
        s_add(words, "--%s=", name);
    for (size_t i = 0; i < n && words->n < UP_WORDS_MAX - 4; i++)
        s_add(words, "--%s=%s", name, endpoints[i]);
}

static void
s_add(struct up_words *words, const char *format, ...)
{
    struct buf text = { 0 };
    va_list args;

    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    words->at[words->n++] = xstrdup(buf_cstr(&text));
    buf_release(&text);
}

void
up_words_release(struct up_words *self)
{
    while (self->n > 0)
        free(self->at[--self->n]);
}
