// tick_clocks - see the header.

#include "agent/tick_clocks.h"

#include "shared/base/clock.h"

#define TRIES    8
#define APART_MS 5

// All of one moment: who loses the processor between two of them reads them again, or a wait of a
// tenth of a second would pass for a step of the clock and one back.
struct tick_clocks
tick_clocks_read(void)
{
    struct tick_clocks now, best = { 0 };
    int64_t least_ms = INT64_MAX;

    for (int i = 0; i < TRIES && least_ms > APART_MS; i++) {
        const int64_t before_ms = clock_boot_ms();

        now.real_ms = clock_real_ms();
        now.mono_ms = clock_mono_ms();
        now.boot_ms = clock_boot_ms();
        if (now.boot_ms - before_ms < least_ms) {
            least_ms = now.boot_ms - before_ms;
            best = now;
        }
    }
    return best;
}
