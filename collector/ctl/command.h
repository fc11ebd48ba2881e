// command - the words that may follow `zpulse`.
//
// Each has its options in a table of its own, prints to stdout, complains on stderr, and returns
// the exit code. argv[0] is the word itself.

#ifndef COLLECTOR_CTL_COMMAND_H
#define COLLECTOR_CTL_COMMAND_H

typedef int command_fn(int argc, char **argv);

command_fn cmd_up;
command_fn cmd_hosts;
command_fn cmd_tail;
command_fn cmd_ledger;
command_fn cmd_export;
command_fn cmd_keys;
command_fn cmd_enrol;
command_fn cmd_backup;
command_fn cmd_import;
command_fn cmd_doctor;

#endif
