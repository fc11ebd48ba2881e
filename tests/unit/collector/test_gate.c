// gate - nobody speaks for another host, and agents do not read.

#include "collector/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void
an_agent_speaks_for_its_own_host_and_an_operator_for_imports(void **state)
{
    const struct roster_member agent = { .role = ROLE_AGENT, .name = "web-1" };
    const struct roster_member board = { .role = ROLE_DASHBOARD, .name = "web-1" };
    const struct roster_member operator= { .role = ROLE_OPERATOR, .name = "web-1" };
    const struct roster_member anybody = { .role = GATE_ANYBODY };

    (void) state;
    assert_true(gate_speaks_for(&agent, "web-1", false));
    assert_false(gate_speaks_for(&agent, "web-2", false));
    assert_false(gate_speaks_for(&agent, "web-1", true));
    assert_false(gate_speaks_for(&board, "web-1", false));
    assert_false(gate_speaks_for(&board, "web-1", true));
    assert_false(gate_speaks_for(&operator, "web-1", false));
    assert_true(gate_speaks_for(&operator, "anything", true));
    assert_true(gate_speaks_for(&anybody, "anything", false));
    assert_true(gate_speaks_for(&anybody, "anything", true));
}

static void
dashboards_and_operators_read(void **state)
{
    const struct roster_member agent = { .role = ROLE_AGENT };
    const struct roster_member board = { .role = ROLE_DASHBOARD };
    const struct roster_member operator= { .role = ROLE_OPERATOR };
    const struct roster_member anybody = { .role = GATE_ANYBODY };

    (void) state;
    assert_false(gate_reads(&agent));
    assert_true(gate_reads(&board));
    assert_true(gate_reads(&operator));
    assert_true(gate_reads(&anybody));
}

static void
without_a_roster_everybody_passes(void **state)
{
    struct roster_member member = { .role = ROLE_AGENT };
    zmq_msg_t msg;

    (void) state;
    zmq_msg_init(&msg);
    assert_true(gate_passes(NULL, &member, &msg));
    assert_int_equal(member.role, GATE_ANYBODY);
    zmq_msg_close(&msg);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_speaks_for_its_own_host_and_an_operator_for_imports),
        cmocka_unit_test(dashboards_and_operators_read),
        cmocka_unit_test(without_a_roster_everybody_passes),
    };

    return cmocka_run_group_tests_name("gate", tests, NULL, NULL);
}
