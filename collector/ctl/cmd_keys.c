// cmd_keys - `zpulse keys`: whose keys a collector lets in, and who is to stay out.

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collector/ctl/command.h"
#include "collector/ctl/key_print.h"
#include "collector/ctl/operator.h"
#include "collector/ctl/output.h"
#include "shared/base/err.h"
#include "shared/base/xalloc.h"
#include "shared/net/admit_list.h"
#include "shared/net/client_keys.h"
#include "shared/net/enrol_client.h"
#include "shared/net/key_rotation.h"

#define ROTATE_MS 10000 // for each of its steps

static const struct option options_table[] = {
    OPERATOR_OPTIONS,
    { .name = "output",
      .type = OPTION_CHOICE,
      .fallback = "table",
      .choices = "table|json|csv",
      .letter = 'o',
      .meta = "FORM",
      .help = "how to print them" },
    { .name = NULL },
};

static const struct option_program program = {
    .name = "zpulse keys",
    .summary = "Lists the keys that a collector knows, revokes them, replaces our own.",
    .usage = "zpulse keys [OPTION]... list | show NAME | revoke NAME | rotate |\n"
             "                              new-operator",
    .options = options_table,
    .arguments = true,
    .tail =
        "STATE is valid, retiring (another has taken its place; let in until UNTIL), retired or "
        "revoked;\nSEEN is when it was last let in, since the collector's start. A name that is "
        "revoked may be enrolled anew,\nby another key. `rotate` replaces operator.key; the old "
        "one is let in for a day more.\n`new-operator` asks nobody: where the operator's key is "
        "lost, it makes another in the collector's own folder\n(its --keys, or `keys` in its "
        "--data), as the collector's user. The collector takes it within 5 s, or when it\nstarts, "
        "and revokes the one that was called operator before.",
};

// Its other half is what the collector says.
struct keys {
    operator_t *operator;
    struct enrol_msg question, answer;
};

static int s_list(struct keys *self, const options_t *options, const char *name);
static int s_revoke(struct keys *self, const char *name);
static int s_rotate(struct keys *self);
static int s_new_operator(const options_t *options);
static bool s_is_admitted(const char *dir, struct buf *why);
static int s_usage(const char *what, const char *why);

static int
s_run(const options_t *options, const char *word, const char *name)
{
    struct keys *self = xcalloc(1, sizeof *self);
    int code;

    if (operator_open(&self->operator, & code, "keys", options) == 0) {
        if (strcmp(word, "revoke") == 0)
            code = s_revoke(self, name);
        else if (strcmp(word, "rotate") == 0)
            code = s_rotate(self);
        else
            code = s_list(self, options, name);
        operator_close(&self->operator);
    }
    free(self);
    return code;
}

int
cmd_keys(int argc, char **argv)
{
    static const struct {
        const char *word;
        size_t arguments; // and itself
    } words[] = {
        { "list", 1 }, { "show", 2 }, { "revoke", 2 }, { "rotate", 1 }, { "new-operator", 1 }
    };
#define N_WORDS (sizeof words / sizeof words[0])
    const char *const *given;
    options_t *options = NULL;
    size_t n, i = 0;
    int code;

    if (options_load(&options, &code, &program, argc, argv, stdout, stderr) != 0)
        return code;
    n = options_arguments(options, &given);
    while (n > 0 && i < N_WORDS && strcmp(given[0], words[i].word) != 0)
        i++;
    if (n == 0 || i == N_WORDS)
        code = s_usage(n > 0 ? given[0] : NULL,
                       "one of list, show NAME, revoke NAME, rotate and new-operator is wanted");
    else if (n != words[i].arguments)
        code = s_usage(given[n < words[i].arguments ? n - 1 : words[i].arguments],
                       words[i].arguments == 1 ? "no word is wanted behind this command"
                       : n == 1                ? "one NAME is wanted"
                                               : "one NAME is wanted, and no word more");
    else if (n == 2 && !enrol_name_ok(given[1], strlen(given[1])))
        code = s_usage(given[1], "a name has no spaces, and at most 253 bytes");
    else if (strcmp(given[0], "new-operator") == 0)
        code = s_new_operator(options);
    else
        code = s_run(options, given[0], n == 2 ? given[1] : "");
    options_destroy(&options);
    return code;
}

static int
s_list(struct keys *self, const options_t *options, const char *name)
{
    key_print_t *print = key_print_new();
    struct buf out = { 0 };
    uint64_t from = 0;
    int code = OPTION_EXIT_OK, rc = 0;

    do {
        self->question.type = ENROL_LIST;
        self->question.list.from = from;
        self->question.list.name = (struct enrol_text){ name, strlen(name) };
        rc = operator_ask(self->operator, & code, &self->answer, &self->question);
        if (rc < 0)
            break;
        key_print_add(print, &self->answer);
        // Serials rise; a list that does not come to its end is not followed.
        rc = self->answer.keys.next != 0 && self->answer.keys.next <= from ? ERR_FORMAT : 0;
        from = self->answer.keys.next;
    } while (rc == 0 && from != 0);
    if (rc == 0 && name[0] != '\0' && key_print_count(print) == 0) {
        fprintf(stderr, "zpulse keys: %s: no key has this name\n", name);
        code = OPTION_EXIT_FAILED;
    } else if (rc == 0) {
        key_print_put(print, &out, options_text(options, "output"));
        code = output_end("keys", &out, operator_wake_fd(self->operator));
    }
    key_print_destroy(&print);
    buf_release(&out);
    return code;
}

static int
s_revoke(struct keys *self, const char *name)
{
    int code;

    self->question.type = ENROL_REVOKE;
    self->question.revoke.name = (struct enrol_text){ name, strlen(name) };
    if (operator_ask(self->operator, & code, &self->answer, &self->question) < 0)
        return code;
    printf("%s: %" PRIu32 " key%s revoked\n", name, self->answer.revoked.keys,
           self->answer.revoked.keys == 1 ? " is" : "s are");
    return OPTION_EXIT_OK;
}

static int
s_rotate(struct keys *self)
{
    const char *dir = operator_keys(self->operator);
    struct buf why = { 0 };
    int64_t until_ms;
    const int rc = key_rotate(
        &until_ms,
        &(struct key_rotation){ .collector = operator_collector(self->operator),
                                .dir = dir,
                                .name = ENROL_OPERATOR_NAME,
                                .door = SOCK_QUERY,
                                .wake_fd = operator_wake_fd(self->operator),
                                .timeout_ms = ROTATE_MS },
        &why);

    if (rc == 0)
        printf("%s/" ENROL_OPERATOR_NAME ".key is another one%s\n", dir,
               until_ms != 0 ? "; the old one is let in for a day" : "");
    else if (why.len > 0)
        fprintf(stderr, "zpulse keys: %s\n", buf_cstr(&why));
    buf_release(&why);
    if (rc == 0)
        return OPTION_EXIT_OK;
    return rc == -ETIMEDOUT ? OPTION_EXIT_UNAVAILABLE : OPTION_EXIT_FAILED;
}

// Who may write the folder of the collector's key decides who belongs anyway, so that is all it
// takes. Beside a key that is there none is made: it may be somebody's who has it.
static int
s_new_operator(const options_t *options)
{
    struct key_pair pair = { 0 };
    struct buf why = { 0 };
    char dir[CLIENT_KEYS_DIR_SIZE];
    bool made = false;
    int rc;

    client_keys_dir(dir, options_text(options, "keys"), false);
    rc = key_file_load(&pair, dir, ENROL_COLLECTOR_NAME, &why);
    if (rc == -ENOENT)
        buf_printf(&why,
                   "%s/" ENROL_COLLECTOR_NAME ".key is not there: the collector's own folder of "
                   "keys is wanted, on its machine: --keys as it has it, or `keys` in its --data",
                   dir);
    if (rc == 0 && s_is_admitted(dir, &why))
        rc = -EEXIST;
    if (rc == 0)
        rc = key_file_load_or_make(&pair, &made, dir, ENROL_OPERATOR_NAME, &why);
    if (rc == 0 && !made) {
        buf_printf(&why,
                   "%s/" ENROL_OPERATOR_NAME ".key is there already: use it with --keys; or, if it "
                   "is not let in any more, move it away first",
                   dir);
        rc = -EEXIST;
    }
    key_pair_wipe(&pair);
    if (rc == 0)
        printf("%s/" ENROL_OPERATOR_NAME ".key is made: the collector takes it for the operator's "
               "within 5 s, or when it starts, and revokes the one that was called so before\n",
               dir);
    else
        fprintf(stderr, "zpulse keys: %s\n", buf_cstr(&why));
    buf_release(&why);
    return rc == 0 ? OPTION_EXIT_OK : OPTION_EXIT_FAILED;
}

// Of two operator's keys the list's and the folder's would take turns.
static bool
s_is_admitted(const char *dir, struct buf *why)
{
    struct admit_list list;
    bool is = admit_list_load(&list, dir, why) < 0;

    for (size_t i = 0; i < list.n && !is; i++) {
        is = strcmp(list.at[i].name, ENROL_OPERATOR_NAME) == 0;
        if (is)
            buf_printf(why,
                       "%s/" ADMIT_LIST_FILE " names the operator's key already: `zpulse up` makes "
                       "a lost one anew by itself; without it, take that line away first",
                       dir);
    }
    admit_list_release(&list);
    return is;
}

static int
s_usage(const char *what, const char *why)
{
    fputs("zpulse keys: ", stderr);
    if (what != NULL)
        fprintf(stderr, "\"%.60s\": ", what);
    fprintf(stderr, "%s (zpulse keys --help)\n", why);
    return OPTION_EXIT_USAGE;
}
