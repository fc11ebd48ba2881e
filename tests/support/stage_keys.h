// stage_keys - keys for a stage's programs, as they have them by default: nobody enrols by hand.
//
// In:     the folder of a stage.
// Out:    DIR/stage-keys with those of collector, operator, dashboard and of the agent "web-1",
//         which $ZPULSE_KEYS names, so that every program that is started finds them;
//         DIR/stage-keys-NAME for each other agent. Whoever has a key is written to
//         DIR/stage-keys/admit, which a collector reads when it starts: so a name must be known
//         before that.
// A kill of the machine may take them: nothing is synced.

#ifndef TESTS_SUPPORT_STAGE_KEYS_H
#define TESTS_SUPPORT_STAGE_KEYS_H

#include "shared/net/curve.h"

void stage_keys_make(const char *dir);
// Every program of this stage from now on runs without: for peers that speak frames by hand.
void stage_keys_drop(void);
// "--keys=" and the folder of the agent of that name, which is made and admitted if need be.
void stage_keys_agent(char *out, size_t size, const char *dir, const char *name);

// For a socket of the test itself: the operator's, or NULL where the programs run without keys.
// Valid until it is asked again.
const struct curve *stage_keys_operator(void);

#endif
