// flow_identity - who does not belong does not come in, and the operator sees who tried.
//
// Beside flow_keys (the files, the tokens), flow_rotation (keys that are replaced) and
// flow_imposter (peers that say what no program of ours says). A few lines more than 500: all
// claims stand on the same helpers.

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "shared/base/clock.h"
#include "shared/base/file.h"
#include "tests/support/by_hand.h"
#include "tests/support/exposition.h"
#include "tests/support/program_shim.h"

#define DENIED     "zpulse_collector_handshakes_denied_total"
#define HANG_UP_MS 3000 // of who is not answered

// A collector that is up, and a dashboard that asks it.
static process_t *
s_up(stage_t *s, struct keyed *k, process_t **board_ret)
{
    struct keyed_peer board;
    process_t *collector;

    keyed_place(s, k);
    collector = keyed_collector(s, k);
    keyed_enrol(s, k, "dashboard", "board", &board);
    *board_ret = stage_dashboard(s, board.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_ready, NULL));
    return collector;
}

// A small file into a folder that is made for it.
static bool
s_copy(const char *from, const char *dir, const char *name)
{
    struct buf bytes = { 0 }, to = { 0 };
    bool copied = file_read(&bytes, AT_FDCWD, from, 4096) > 0 && mkdir(dir, 0700) == 0;

    buf_printf(&to, "%s/%s", dir, name);
    copied = copied && file_write_atomic(buf_cstr(&to), bytes.at, bytes.len, 0600) == 0;
    buf_release(&bytes);
    buf_release(&to);
    return copied;
}

static void
a_key_that_is_enrolled_later_comes_in_by_itself(void **state)
{
    struct keyed_counted denied = { DENIED "{reason=\"unknown\"}", 1 };
    struct stage_host up = { "web-1", "up" };
    stage_t *s = *state;
    char token[100], server[80];
    struct keyed_peer agent;
    process_t *board, *run;
    struct keyed k;

    s_up(s, &k, &board);
    keyed_stranger(s, &k, "agent", "web-1", &agent);
    (void) stage_agent(s, "web-1", agent.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_has_counted, &denied));
    claim(s, stage_host(s, "web-1") == NULL);
    keyed_token(s, &k, "agent", "web-1", token, server);
    run = stage_run(s, "zpulse-agent", "--enrol", stage_endpoint(s), token, server, agent.word,
                    NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 0);
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, stage_host_is, &up));
}

static void
a_server_with_another_key_is_told_nothing(void **state)
{
    struct stage_said silent = { NULL, "the collector does not answer" };
    stage_t *s = *state;
    struct keyed_peer agent;
    struct buf why = { 0 };
    struct key_pair other;
    process_t *board;
    struct keyed k;

    s_up(s, &k, &board);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    claim(s, key_pair_make(&other) == 0);
    claim(s, key_file_save_public(agent.dir, "collector", other.public_text, &why) == 0);
    silent.who = stage_agent(s, "web-1", agent.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said, &silent));
    claim(s, stage_host(s, "web-1") == NULL);
    buf_release(&why);
}

static void
each_door_admits_its_own_roles(void **state)
{
    struct keyed_counted denied = { DENIED "{reason=\"role\"}", 2 };
    stage_t *s = *state;
    struct keyed_peer agent, board;
    process_t *run, *runs;
    struct keyed k;

    s_up(s, &k, &runs);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    keyed_enrol(s, &k, "dashboard", "wall", &board);
    // An agent asks: it is no operator, nor a dashboard.
    keyed_disguise(s, &agent, "agent", "operator");
    claim(s, keyed_zpulse_as(s, &k, agent.word, &run, "keys", "list", NULL, NULL) == 1);
    claim(s, strstr(process_err(run), "not allowed") != NULL);
    claim(s, keyed_zpulse_as(s, &k, agent.word, &run, "enrol", "--new", NULL, NULL) == 1);
    run = stage_run(s, "zpulse", "hosts", k.target, agent.word, NULL);
    // A dashboard pushes.
    keyed_disguise(s, &board, "dashboard", "agent");
    (void) stage_agent(s, "wall", board.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_has_counted, &denied));
    claim(s, stage_host(s, "wall") == NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(run) != 0 && process_out(run)[0] == '\0');
}

static void
an_import_of_an_agent_is_refused(void **state)
{
    stage_t *s = *state;
    struct keyed_peer agent;
    process_t *run, *board;
    struct keyed k;
    char *file;

    s_up(s, &k, &board);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    keyed_disguise(s, &agent, "agent", "operator");
    file = stage_file(s, "past.om", "up{instance=\"web-9\"} 1 1700000000\n# EOF\n");
    claim(s, keyed_zpulse_as(s, &k, agent.word, &run, "import", file, NULL, NULL) != 0);
    claim(s, stage_host(s, "web-9") == NULL);
    free(file);
}

static void
a_revoked_agent_is_told_and_cut_and_stays_out(void **state)
{
    struct keyed_counted dropped = { "zpulse_collector_strangers_total", 1 };
    struct keyed_counted denied = { DENIED "{reason=\"revoked\"}", 1 };
    struct stage_host up = { "web-1", "up" }, silent = { "web-1", "silent" };
    struct stage_said told = { NULL, "reason=revoked" };
    struct keyed_refused refused;
    stage_t *s = *state;
    struct keyed_peer agent, again;
    process_t *run, *board;
    char aside[400];
    struct keyed k;

    s_up(s, &k, &board);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    told.who = stage_agent(s, "web-1", agent.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    claim(s, keyed_zpulse(s, &k, &run, "keys", "revoke", "web-1", NULL) == 0);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said, &told));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &silent));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_has_counted, &dropped));
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_has_counted, &denied)); // it tries again
    refused = (struct keyed_refused){ &k, "web-1", "revoked" };
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_is_refused, &refused));
    // The same host by another key is welcome, and nothing is said of it any more.
    process_signal(told.who, SIGTERM);
    claim(s, process_ended(told.who, stage_ms(STAGE_PATIENCE_MS)));
    snprintf(aside, sizeof aside, "%s-old", agent.dir);
    claim(s, rename(agent.dir, aside) == 0);
    keyed_enrol(s, &k, "agent", "web-1", &again);
    (void) stage_agent(s, "web-1", again.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    claim(s, !keyed_is_refused(s, &refused));
}

static bool
s_is_not_ready(stage_t *s, void *arg)
{
    return !stage_ready(s, arg);
}

// The dashboard at the spare port.
static bool
s_is_other_ready(stage_t *s, void *arg)
{
    struct http_reply reply;
    bool ready;

    (void) arg;
    ready = http_get(&reply, stage_spare_port(s, 0), "/-/ready") && reply.status == 200;
    http_reply_release(&reply);
    return ready;
}

// It tells of the collector's refusals, which the one that is refused cannot.
static bool
s_other_tells_of_one_revoked(stage_t *s, void *arg)
{
    struct http_reply reply;
    bool tells;

    (void) arg;
    tells = http_get(&reply, stage_spare_port(s, 0), "/metrics") && reply.status == 200 &&
            exposition_value(reply.body, DENIED "{reason=\"revoked\"}") >= 1;
    http_reply_release(&reply);
    return tells;
}

static void
a_revoked_dashboard_is_cut_and_others_go_on(void **state)
{
    stage_t *s = *state;
    struct stage_host up = { "web-1", "up" };
    struct keyed_peer other, agent;
    char listen[64], data[300];
    process_t *run, *board;
    struct keyed k;

    s_up(s, &k, &board);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    (void) stage_agent(s, "web-1", agent.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    keyed_enrol(s, &k, "dashboard", "wall", &other);
    snprintf(listen, sizeof listen, "--listen=127.0.0.1:%u", stage_spare_port(s, 0));
    snprintf(data, sizeof data, "--data=%s/wall", stage_dir(s));
    (void) stage_run(s, "zpulse-dashboard", k.target, other.word, listen, data, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_other_ready, NULL));
    claim(s, keyed_zpulse(s, &k, &run, "keys", "revoke", "board", NULL) == 0);
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, s_is_not_ready, NULL));
    // The live socket was bound anew: it is spoken with, and the other one listens again.
    claim(s, keyed_zpulse(s, &k, &run, "tail", "--lines=1", NULL, NULL) == 0);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_is_other_ready, NULL));
    // The one that is revoked has been at the door again, and is not in.
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, s_other_tells_of_one_revoked, NULL));
    claim(s, s_is_not_ready(s, NULL));
}

static bool
s_has_printed(stage_t *s, void *run)
{
    (void) s;
    return process_out(run)[0] != '\0';
}

// It asks nothing any more, it only listens.
static void
a_revoked_operator_who_listens_hears_no_more(void **state)
{
    struct keyed_counted denied = { DENIED "{reason=\"revoked\"}", 1 };
    stage_t *s = *state;
    struct keyed_peer agent, second;
    process_t *run, *board, *tail;
    struct keyed k;
    char since[sizeof "2026-11-26T00:00:00.000Z"];
    const char *last;

    s_up(s, &k, &board);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    keyed_enrol(s, &k, "operator", "second", &second);
    (void) stage_agent(s, "web-1", agent.word, NULL);
    tail = stage_run(s, "zpulse", "tail", k.target, second.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, s_has_printed, tail));
    claim(s, keyed_zpulse(s, &k, &run, "keys", "revoke", "second", NULL) == 0);
    claim(s, stage_until(s, 2 * STAGE_PATIENCE_MS, keyed_has_counted, &denied));
    // It may still print what it heard before; by the samples' times that is not what others hear.
    claim(s, keyed_zpulse(s, &k, &run, "tail", "--lines=500", NULL, NULL) == 0);
    snprintf(since, sizeof since, "%s", process_out(run));
    claim(s, keyed_zpulse(s, &k, &run, "tail", "--lines=500", NULL, NULL) == 0);
    process_signal(tail, SIGTERM);
    claim(s, process_ended(tail, stage_ms(STAGE_PATIENCE_MS)));
    last = strchr(process_out(tail), '\0') - 1;
    while (last > process_out(tail) && last[-1] != '\n')
        last--;
    claim(s, strncmp(last, since, strlen(since)) <= 0);
}

static void
a_clone_and_a_second_host_of_one_name_are_shown_with_the_reason(void **state)
{
    struct stage_host up = { "web-1", "up" };
    struct keyed_counted counted = { "zpulse_collector_hellos_refused_total", 3 };
    struct keyed_refused clone, name, key;
    stage_t *s = *state;
    struct keyed_peer agent, other;
    process_t *run, *board;
    char id[300], copy[300];
    struct keyed k;

    s_up(s, &k, &board);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    keyed_enrol(s, &k, "agent", "web-2", &other);
    (void) stage_agent(s, "web-1", agent.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    // A machine that was copied: its folder of keys, and the host id.
    snprintf(id, sizeof id, "%s/agent-web-1/host_id", stage_dir(s));
    snprintf(copy, sizeof copy, "%s/agent-copy", stage_dir(s));
    claim(s, s_copy(id, copy, "host_id"));
    (void) stage_agent(s, "copy", agent.word, "--name=web-1", NULL);
    clone = (struct keyed_refused){ &k, "web-1", "clone" };
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_is_refused, &clone));
    // The keys alone.
    (void) stage_agent(s, "keys", agent.word, "--name=web-1", NULL);
    name = (struct keyed_refused){ &k, "web-1", "name" };
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_is_refused, &name));
    // A key of another name.
    (void) stage_agent(s, "web-3", other.word, NULL);
    key = (struct keyed_refused){ &k, "web-3", "key" };
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_is_refused, &key));
    claim(s, keyed_zpulse(s, &k, &run, "hosts", NULL, NULL, NULL) == 0);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_has_counted, &counted));
    claim(s, strstr(process_out(run), "a copied data folder; from 127.0.0.1; ") != NULL);
    claim(s, strstr(process_out(run), "its key is enrolled under another name (web-2)") != NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
}

static void
a_signal_to_any_thread_leaves_the_doors_as_they_are(void **state)
{
    static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGPIPE };
    struct keyed_counted denied = { DENIED "{reason=\"unknown\"}", 1 };
    struct stage_host up = { "web-1", "up" };
    stage_t *s = *state;
    struct keyed_peer agent, stranger;
    process_t *run, *board, *collector;
    struct dirent *thread;
    char path[64];
    struct keyed k;
    pid_t pid;
    DIR *dir;

    collector = s_up(s, &k, &board);
    pid = process_pid(collector);
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    dir = opendir(path);
    claim(s, dir != NULL);
    while ((thread = readdir(dir)) != NULL) {
        const pid_t tid = atoi(thread->d_name);

        // Main's are for it to read.
        for (size_t i = 0; tid > 0 && tid != pid && i < sizeof signals / sizeof signals[0]; i++)
            claim(s, syscall(SYS_tgkill, pid, tid, signals[i]) == 0);
    }
    closedir(dir);
    keyed_stranger(s, &k, "agent", "web-9", &stranger);
    (void) stage_agent(s, "web-9", stranger.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_has_counted, &denied));
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    (void) stage_agent(s, "web-1", agent.word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    claim(s, stage_host(s, "web-9") == NULL);
    claim(s, keyed_zpulse(s, &k, &run, "keys", "list", NULL, NULL) == 0);
}

// Each of these at each door of the collector: true if one is let in.
static bool
s_opens_a_door(struct by_hand *bed, const struct keyed_peer *stranger)
{
    struct by_hand_knock knocks[3][SOCK_ENROL + 1];
    bool opens = false;

    for (int door = SOCK_DATA; door <= SOCK_ENROL; door++) {
        const enum sock_port at = (enum sock_port) door;

        knocks[0][door] = by_hand_knocks(bed, &bed->a, "agent", at, HANG_UP_MS, NULL);
        knocks[1][door] = by_hand_knocks(bed, &bed->chief, "operator", at, HANG_UP_MS, NULL);
        knocks[2][door] = by_hand_knocks(bed, stranger, "agent", at, HANG_UP_MS, NULL);
    }
    for (size_t i = 0; i < 3; i++)
        for (int door = SOCK_DATA; door <= SOCK_ENROL; door++)
            opens = by_hand_is_let_in(bed, &knocks[i][door]) || opens;
    return opens;
}

// Main is held back meanwhile, so that there is time to knock before it ends the program.
static void
without_its_zap_thread_the_collector_lets_nobody_in_and_ends(void **state)
{
    stage_t *s = *state;
    struct stage_said shut = { NULL, "all doors are shut" };
    struct by_hand_knock last;
    struct keyed_peer stranger;
    struct by_hand bed;
    char *hold;

    keyed_place(s, &bed.k);
    program_shim_preload(program_shim_find(PROGRAM_SHIM_ZAP), stage_dir(s), "collector");
    shut.who = keyed_collector(s, &bed.k);
    program_shim_preload(NULL, NULL, NULL);
    by_hand_enrol(&bed, s);
    keyed_stranger(s, &bed.k, "agent", "web-9", &stranger);
    claim(s, s_opens_a_door(&bed, &stranger)); // while it decides
    hold = stage_file(s, "collector.zap.hold", "");
    program_shim_zap(stage_dir(s), "collector");
    // Its next answer is its last.
    last = by_hand_knocks(&bed, &bed.a, "agent", SOCK_DATA, HANG_UP_MS, NULL);
    (void) by_hand_is_let_in(&bed, &last);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_has_said, &shut));
    claim(s, !s_opens_a_door(&bed, &stranger));
    claim(s, !process_ended(shut.who, 0));
    claim(s, unlink(hold) == 0);
    claim(s, process_ended(shut.who, stage_ms(STAGE_PATIENCE_MS)));
    claim(s, process_code(shut.who) == 1 && stage_has_said(s, &shut));
    stage_drop(s, &shut.who);
    free(hold);
}

static void
an_agents_key_that_others_may_read_is_not_used(void **state)
{
    stage_t *s = *state;
    struct keyed_peer agent;
    process_t *run;
    char path[400];
    struct keyed k;

    keyed_place(s, &k);
    (void) keyed_collector(s, &k);
    keyed_enrol(s, &k, "agent", "web-1", &agent);
    snprintf(path, sizeof path, "%s/agent.key", agent.dir);
    claim(s, chmod(path, 0644) == 0);
    run = stage_agent(s, "web-1", agent.word, NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 78);
    claim(s, strstr(process_err(run), "agent.key") != NULL);
    claim(s, strstr(process_err(run), "0644") != NULL);
    stage_drop(s, &run);
}

static void
a_token_whose_time_is_over_enrols_nobody(void **state)
{
    struct keyed_counted refused = { "zpulse_collector_tokens_refused_total", 1 };
    stage_t *s = *state;
    char token[100], server[80], word[320];
    process_t *run, *board;
    int64_t until_ms;
    struct keyed k;

    s_up(s, &k, &board);
    keyed_token_for(s, &k, "--expires=1s", token, server);
    until_ms = clock_real_ms() + 1000;
    while (clock_real_ms() <= until_ms)
        usleep(20000); // its time is what is waited for
    snprintf(word, sizeof word, "--keys=%s/late", stage_dir(s));
    run = stage_run(s, "zpulse-agent", "--enrol", stage_endpoint(s), token, server, word, NULL);
    claim(s, process_ended(run, stage_ms(STAGE_PATIENCE_MS)) && process_code(run) == 1);
    claim(s, strstr(process_err(run), "no valid token") != NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, keyed_has_counted, &refused));
    // The same among the numbers that the collector tells of itself.
    (void) keyed_zpulse(s, &k, &run, "doctor", "-ojson", NULL, NULL);
    claim(s, strstr(process_out(run), "\"tokens_refused\":1,") != NULL);
    claim(s, strstr(process_out(run), "\"enrolled\":1,") != NULL);
    claim(s, strstr(process_out(run), "\"nameless\":0,") != NULL);
}

static void
markup_in_a_name_is_a_name(void **state)
{
    static const char name[] = "<img/src=x/onerror=alert(1)>";
    struct stage_host up = { name, "up" };
    stage_t *s = *state;
    char name_word[64], type[64];
    struct keyed_peer agent;
    struct http_reply reply;
    process_t *board;
    struct keyed k;

    s_up(s, &k, &board);
    keyed_stranger(s, &k, "agent", "web-1", &agent);
    keyed_enrol_at(s, &k, "agent", name, &agent);
    snprintf(name_word, sizeof name_word, "--name=%s", name);
    (void) stage_agent(s, "web-1", agent.word, name_word, NULL);
    claim(s, stage_until(s, STAGE_PATIENCE_MS, stage_host_is, &up));
    claim(s, http_get(&reply, stage_http_port(s), "/api/v1/hosts") && reply.status == 200);
    http_header(&reply, "Content-Type", type, sizeof type);
    claim(s, strncmp(type, "application/json", 16) == 0);
    http_header(&reply, "X-Content-Type-Options", type, sizeof type);
    claim(s, strcmp(type, "nosniff") == 0);
    http_reply_release(&reply);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        stage_test(a_key_that_is_enrolled_later_comes_in_by_itself),
        stage_test(a_server_with_another_key_is_told_nothing),
        stage_test(each_door_admits_its_own_roles),
        stage_test(an_import_of_an_agent_is_refused),
        stage_test(a_revoked_agent_is_told_and_cut_and_stays_out),
        stage_test(a_revoked_dashboard_is_cut_and_others_go_on),
        stage_test(a_revoked_operator_who_listens_hears_no_more),
        stage_test(a_clone_and_a_second_host_of_one_name_are_shown_with_the_reason),
        stage_test(a_signal_to_any_thread_leaves_the_doors_as_they_are),
        stage_test(without_its_zap_thread_the_collector_lets_nobody_in_and_ends),
        stage_test(an_agents_key_that_others_may_read_is_not_used),
        stage_test(a_token_whose_time_is_over_enrols_nobody),
        stage_test(markup_in_a_name_is_a_name),
    };

    return cmocka_run_group_tests_name("flow_identity", tests, NULL, NULL);
}
