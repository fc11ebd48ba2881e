// zpulse - the command line: one word says what to do. The table below is also its help.

#include <stdio.h>
#include <string.h>

#include "collector/ctl/command.h"
#include "shared/base/str.h"
#include "shared/net/option.h"

static const struct command {
    const char *name;
    const char *arguments;
    const char *summary;
    command_fn *run;
} commands[] = {
    { "up", "[OPTION]...", "run collector, dashboard and agent on this machine", cmd_up },
    { "hosts", "[OPTION]...", "list the hosts a collector knows", cmd_hosts },
    { "ledger", "[OPTION]... [HOST]", "what became of all samples", cmd_ledger },
    { "export", "[OPTION]... [MATCH]", "write samples as OpenMetrics or CSV", cmd_export },
    { "import", "[OPTION]... FILE", "send a file of samples to a collector", cmd_import },
    { "tail", "[OPTION]... [SELECTOR]", "print samples as they arrive", cmd_tail },
    { "keys", "[OPTION]... WORD [NAME]", "whose keys are let in", cmd_keys },
    { "enrol", "[OPTION]...", "a token that lets a key in, or joining by one", cmd_enrol },
    { "doctor", "[OPTION]...", "whether a collector and its store are well, and what to do",
      cmd_doctor },
    { "backup", "[OPTION]... DIR", "copy a data folder, while its collector runs or not",
      cmd_backup },
};
#define N_COMMANDS (sizeof commands / sizeof commands[0])

static void s_help(FILE *out);
static int s_unknown(const char *word);

int
main(int argc, char **argv)
{
    const char *word = argc > 1 ? argv[1] : "";

    if (argc < 2) {
        s_help(stderr);
        return OPTION_EXIT_USAGE;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
        s_help(stdout);
        return OPTION_EXIT_OK;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        printf("zpulse %s\n", zpulse_version);
        return OPTION_EXIT_OK;
    }
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(word, commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    }
    return s_unknown(word);
}

static void
s_help(FILE *out)
{
    fprintf(out, "The command line of ZPulse, a performance monitor over ZeroMQ.\n\n"
                 "usage: zpulse COMMAND [OPTION]... [ARGUMENT]...\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(out, "  zpulse %-6s %-24s%s\n", commands[i].name, commands[i].arguments,
                commands[i].summary);
    fprintf(out, "\n  zpulse COMMAND --help  the options of a command\n"
                 "  zpulse --version       the version\n");
}

static int
s_unknown(const char *word)
{
    const char *nearest = NULL;
    unsigned least = 3; // two slips of the finger are still meant as the word

    for (size_t i = 0; i < N_COMMANDS; i++) {
        const unsigned d = str_distance(word, commands[i].name);

        if (d < least && d < strlen(commands[i].name)) {
            least = d;
            nearest = commands[i].name;
        }
    }
    fprintf(stderr, "zpulse: \"%.100s\": no such command%s%s%s\n", word,
            nearest != NULL ? " (did you mean " : " (see zpulse --help)",
            nearest != NULL ? nearest : "", nearest != NULL ? "?)" : "");
    return OPTION_EXIT_USAGE;
}
