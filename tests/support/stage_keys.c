// stage_keys - see the header.

#include "tests/support/stage_keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/net/client_keys.h"

#define PATH_SIZE 512

// The agents that a stage may start after its collector.
static const char *const s_known[] = { "web-1", "web-2", "web-3" };

static void
s_must(int ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "stage_keys: %s: %s\n", what, strerror(errno));
    abort();
}

static void
s_write(const char *dir, const char *name, const char *ending, mode_t mode, const char *text)
{
    char path[PATH_SIZE];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s%s", dir, name, ending);
    f = fopen(path, "w");
    s_must(f != NULL && fputs(text, f) >= 0 && fchmod(fileno(f), mode) == 0 && fclose(f) == 0,
           path);
}

static void
s_pair(const struct key_pair *pair, const char *dir, const char *name)
{
    char text[KEY_FILE_MOST];

    snprintf(text, sizeof text, "public %s\nsecret %s\n", pair->public_text, pair->secret_text);
    s_write(dir, name, ".key", 0600, text);
    snprintf(text, sizeof text, "public %s\n", pair->public_text);
    s_write(dir, name, ".pub", 0644, text);
}

static void
s_admit(const char *keys, const char *role, const char *name, const struct key_pair *pair)
{
    char path[PATH_SIZE];
    FILE *f;

    snprintf(path, sizeof path, "%s/admit", keys);
    f = fopen(path, "a");
    s_must(f != NULL && fchmod(fileno(f), 0600) == 0 &&
               fprintf(f, "%s %s %s\n", role, name, pair->public_text) > 0 && fclose(f) == 0,
           path);
}

static void
s_make(const char *keys, const char *role, const char *file, const char *name)
{
    struct key_pair pair;

    s_must(key_pair_make(&pair) == 0, "key_pair_make");
    s_pair(&pair, keys, file);
    if (role != NULL)
        s_admit(keys, role, name, &pair);
}

void
stage_keys_make(const char *dir)
{
    char keys[PATH_SIZE], word[PATH_SIZE];

    snprintf(keys, sizeof keys, "%s/stage-keys", dir);
    s_must(mkdir(keys, 0700) == 0, keys);
    s_make(keys, NULL, "collector", NULL);
    s_make(keys, "operator", "operator", "operator");
    s_make(keys, "dashboard", "dashboard", "dashboard");
    for (size_t i = 0; i < sizeof s_known / sizeof s_known[0]; i++)
        stage_keys_agent(word, sizeof word, dir, s_known[i]);
    unsetenv("ZPULSE_INSECURE");
    s_must(setenv("ZPULSE_KEYS", keys, 1) == 0, "setenv");
}

void
stage_keys_drop(void)
{
    unsetenv("ZPULSE_KEYS");
    s_must(setenv("ZPULSE_INSECURE", "true", 1) == 0, "setenv");
}

// Where it stands already it is known.
static void
s_agent(const char *keys, const char *own, const char *name)
{
    char server[KEY_TEXT_SIZE], text[KEY_FILE_MOST];
    struct buf why = { 0 };
    struct key_pair pair;

    s_must(key_file_load_public(server, keys, "collector", &why) == 0, keys);
    snprintf(text, sizeof text, "public %s\n", server);
    s_write(own, "collector", ".pub", 0644, text);
    s_must(key_pair_make(&pair) == 0, "key_pair_make");
    s_pair(&pair, own, "agent");
    snprintf(text, sizeof text, "%s\n", name);
    s_write(own, "agent", ".name", 0644, text);
    if (strcmp(name, s_known[0]) == 0) {
        s_pair(&pair, keys, "agent");
        s_write(keys, "agent", ".name", 0644, text);
    }
    s_admit(keys, "agent", name, &pair);
    buf_release(&why);
}

void
stage_keys_agent(char *out, size_t size, const char *dir, const char *name)
{
    char keys[PATH_SIZE], own[PATH_SIZE];

    snprintf(keys, sizeof keys, "%s/stage-keys", dir);
    snprintf(own, sizeof own, "%s/stage-keys-%s", dir, name);
    if (mkdir(own, 0700) == 0)
        s_agent(keys, own, name);
    else
        s_must(errno == EEXIST, own);
    s_must(snprintf(out, size, "--keys=%s", own) < (int) size, "--keys");
}

const struct curve *
stage_keys_operator(void)
{
    static struct client_keys keys;
    const char *dir = getenv("ZPULSE_KEYS");
    struct buf why = { 0 };

    if (dir == NULL || getenv("ZPULSE_INSECURE") != NULL)
        return NULL;
    if (client_keys_load(&keys, dir, "operator", &why) < 0) {
        fprintf(stderr, "stage_keys: %s\n", buf_cstr(&why));
        abort();
    }
    buf_release(&why);
    return &keys.curve;
}
