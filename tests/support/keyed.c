// keyed - see the header.

#include "tests/support/keyed.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "shared/base/buf.h"

void
keyed_place(stage_t *s, struct keyed *k)
{
    snprintf(k->keys, sizeof k->keys, "%s/own", stage_dir(s));
    snprintf(k->word, sizeof k->word, "--keys=%s", k->keys);
    snprintf(k->target, sizeof k->target, "--collector=%s", stage_endpoint(s));
}

static bool
s_is_made(stage_t *s, void *keyed)
{
    char path[400];

    (void) s;
    snprintf(path, sizeof path, "%s/operator.pub", ((const struct keyed *) keyed)->keys);
    return access(path, F_OK) == 0;
}

process_t *
keyed_collector(stage_t *s, const struct keyed *k)
{
    process_t *collector = stage_collector(s, k->word, NULL);
    struct keyed copy = *k;

    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_made, &copy));
    return collector;
}

int
keyed_zpulse_as(stage_t *s, const struct keyed *k, const char *keys, process_t **ret,
                const char *command, const char *a, const char *b, const char *c)
{
    *ret = stage_run(s, "zpulse", command, k->target, keys, a, b, c, NULL);
    claim(s, process_ended(*ret, stage_ms(STAGE_PATIENCE_MS)));
    return process_code(*ret);
}

int
keyed_zpulse(stage_t *s, const struct keyed *k, process_t **ret, const char *command, const char *a,
             const char *b, const char *c)
{
    return keyed_zpulse_as(s, k, k->word, ret, command, a, b, c);
}

// "--option=" and the word behind `mark` in what it printed.
static void
s_word_after(stage_t *s, process_t *p, const char *option, const char *mark, char *out, size_t size)
{
    const char *at = strstr(process_out(p), mark);
    size_t n;

    claim(s, strncmp(process_out(p), "zpulse", 6) == 0 && at != NULL);
    at += strlen(mark);
    n = strcspn(at, " '\n");
    claim(s, n > 0 && strlen(option) + n < size);
    snprintf(out, size, "%s%.*s", option, (int) n, at);
}

void
keyed_token(stage_t *s, const struct keyed *k, const char *role, const char *name, char token[100],
            char server[80])
{
    char role_word[40], name_word[300];
    process_t *run;

    snprintf(role_word, sizeof role_word, "--role=%s", role);
    snprintf(name_word, sizeof name_word, "--name=%s", name);
    claim(s, keyed_zpulse(s, k, &run, "enrol", "--new", role_word, name_word) == 0);
    s_word_after(s, run, "--token=", "--token ", token, 100);
    s_word_after(s, run, "--server-key=", "--server-key '", server, 80);
}

void
keyed_token_for(stage_t *s, const struct keyed *k, const char *word, char token[100],
                char server[80])
{
    process_t *run;

    claim(s, keyed_zpulse(s, k, &run, "enrol", "--new", word, NULL) == 0);
    s_word_after(s, run, "--token=", "--token ", token, 100);
    s_word_after(s, run, "--server-key=", "--server-key '", server, 80);
}

static void
s_peer(stage_t *s, const char *name, struct keyed_peer *ret)
{
    snprintf(ret->dir, sizeof ret->dir, "%s/keys-%s", stage_dir(s), name);
    snprintf(ret->word, sizeof ret->word, "--keys=%s", ret->dir);
}

void
keyed_enrol(stage_t *s, const struct keyed *k, const char *role, const char *name,
            struct keyed_peer *ret)
{
    s_peer(s, name, ret);
    keyed_enrol_at(s, k, role, name, ret);
}

void
keyed_enrol_at(stage_t *s, const struct keyed *k, const char *role, const char *name,
               const struct keyed_peer *at)
{
    char token[100], server[80], role_word[40];
    process_t *run;

    keyed_token(s, k, role, name, token, server);
    snprintf(role_word, sizeof role_word, "--role=%s", role);
    if (strcmp(role, "agent") == 0)
        run = stage_run(s, "zpulse-agent", "--enrol", stage_endpoint(s), server, token, at->word,
                        NULL);
    else
        run = stage_run(s, "zpulse", "enrol", k->target, server, token, role_word, at->word, NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(run) == 0);
}

void
keyed_stranger(stage_t *s, const struct keyed *k, const char *as, const char *name,
               struct keyed_peer *ret)
{
    char server[KEY_TEXT_SIZE];
    struct buf why = { 0 };
    struct key_pair pair;
    bool made;

    s_peer(s, name, ret);
    claim(s, key_file_load_or_make(&pair, &made, ret->dir, as, &why) == 0);
    claim(s, key_file_load_public(server, k->keys, "collector", &why) == 0);
    claim(s, key_file_save_public(ret->dir, "collector", server, &why) == 0);
    buf_release(&why);
}

void
keyed_disguise(stage_t *s, const struct keyed_peer *p, const char *as, const char *other)
{
    struct buf why = { 0 };
    struct key_pair pair;

    claim(s, key_file_load(&pair, p->dir, as, &why) == 0);
    claim(s, key_file_replace(&pair, p->dir, other, &why) == 0);
    buf_release(&why);
}

bool
keyed_is_refused(stage_t *s, void *refused)
{
    const struct keyed_refused *is = refused;
    process_t *run;
    json_t *list;
    size_t i;
    json_t *host;
    bool found = false;

    claim(s, keyed_zpulse(s, is->k, &run, "hosts", "-ojson", NULL, NULL) == 0);
    list = json_loads(process_out(run), 0, NULL);
    claim(s, json_is_array(list));
    json_array_foreach(list, i, host)
    {
        const char *state = json_string_value(json_object_get(host, "state"));
        const char *name = json_string_value(json_object_get(host, "name"));
        const char *reason = json_string_value(json_object_get(host, "reason"));

        found = found || (strcmp(state, "refused") == 0 && strcmp(name, is->name) == 0 &&
                          strcmp(reason, is->reason) == 0);
    }
    json_decref(list);
    stage_drop(s, &run);
    return found;
}

bool
keyed_has_counted(stage_t *s, void *counted)
{
    const struct keyed_counted *is = counted;

    return stage_metric(s, is->series) >= is->least;
}
