// delta_put - integers into blocks: looks at each block in its ways and takes the cheapest.
//
// Ways of a block: first or second differences; from the least step up, or of either sign; plain,
// bitmap or list; and each width, with what is wider said behind. All are judged by counts of
// widths, so that a block is packed once.

#include <assert.h>
#include <string.h>

#include "collector/store/delta_block.h"
#include "collector/store/word.h"

#define ZERO_RUN_MAX (DELTA_WIDTH_MASK + 1u) // blocks in one ZERO
#define WIDTHS       65u                     // 0 to 64 bits
#define NEVER        UINT32_MAX              // bits of a plan that is none
#define HEAD_BITS    16u

// One way to write a block.
struct plan {
    uint64_t base; // of every step
    uint32_t bits; // what it costs
    enum delta_mode mode;
    unsigned width;
    bool second;
    bool zigzag;
};

// The steps of one block.
struct steps {
    uint32_t n;
    uint64_t before;             // the step before the block
    uint32_t unchanged;          // steps of 0
    uint32_t repeated;           // steps that are like the one before
    bool falls;                  // some step goes down
    uint64_t first[DELTA_BLOCK]; // differences, shifted
};

static unsigned s_shift(const int64_t *m, uint32_t n);
static bool s_steps(struct steps *s, const int64_t *m, uint32_t n, uint64_t before, unsigned shift);
static struct plan s_plan(uint64_t *residuals, const struct steps *s);
static uint8_t *s_put_zeros(uint8_t *out, uint32_t blocks);
static uint8_t *s_put_block(uint8_t *out, const struct plan *plan, uint64_t *residuals, uint32_t n);

static inline uint8_t *
s_put_varint(uint8_t *out, uint64_t v)
{
    while (v >= 0x80) {
        *out++ = (uint8_t) (v | 0x80);
        v >>= 7;
    }
    *out++ = (uint8_t) v;
    return out;
}

static inline unsigned
s_width(uint64_t v)
{
    // Without a branch, which would be guessed wrong as often as a step is 0.
    return WORD_BITS - (unsigned) __builtin_clzll(v | 1) - (v == 0);
}

static inline uint32_t
s_varint_bits(uint64_t v)
{
    return v == 0 ? BYTE_BITS : (s_width(v) + 6) / 7 * BYTE_BITS;
}

uint8_t *
delta_put(uint8_t *out, const int64_t *m, uint32_t n)
{
    const unsigned shift = s_shift(m, n);
    uint64_t residuals[DELTA_BLOCK + 1];
    struct steps steps;
    uint64_t before = 0;
    uint32_t zeros = 0;

    assert(n > 0);
    *out++ = (uint8_t) shift;
    out = s_put_varint(out, delta_zigzag((uint64_t) m[0]));
    for (uint32_t at = 0; at < n; at += DELTA_BLOCK) {
        const uint32_t from = at == 0 ? 1 : at;
        const uint32_t end = n - at < DELTA_BLOCK ? n : at + DELTA_BLOCK;
        struct plan plan;

        if (from == end)
            break; // a single integer
        if (!s_steps(&steps, m + from, end - from, before, shift)) {
            zeros++;
            before = 0;
            continue;
        }
        out = s_put_zeros(out, zeros);
        zeros = 0;
        plan = s_plan(residuals, &steps);
        out = s_put_block(out, &plan, residuals, steps.n);
        before = steps.first[steps.n - 1];
    }
    return s_put_zeros(out, zeros);
}

// How many low bits all differences lack: numbers of bytes that are whole pages.
static unsigned
s_shift(const int64_t *m, uint32_t n)
{
    uint64_t any = 0;

    for (uint32_t i = 1; i < n; i++)
        any |= (uint64_t) m[i] ^ (uint64_t) m[i - 1];
    return any == 0 ? 0 : (unsigned) __builtin_ctzll(any);
}

// Steps from m[-1] on; false if nothing changes.
static bool
s_steps(struct steps *s, const int64_t *m, uint32_t n, uint64_t before, unsigned shift)
{
    uint64_t last = before, any = 0, unchanged = 0, repeated = 0;

    for (uint32_t i = 0; i < n; i++) {
        const uint64_t wide = (uint64_t) m[i] - (uint64_t) m[(int64_t) i - 1];
        const uint64_t step = (uint64_t) ((int64_t) wide >> shift);

        s->first[i] = step;
        any |= step;
        unchanged += step == 0;
        repeated += step == last;
        last = step;
    }
    s->n = n;
    s->before = before;
    s->unchanged = (uint32_t) unchanged;
    s->repeated = (uint32_t) repeated;
    s->falls = any >> (WORD_BITS - 1) != 0;
    return any != 0;
}

// What n residuals cost, at each mode and width; the cheapest into *plan if it beats it. The
// cost of what is wider counts its bytes one by one, widths of single residuals less one are taken
// as they were: a residual that is then narrower costs a bit less than was thought.
static void
s_judge(struct plan *best, const struct plan *like, const uint8_t counts[WIDTHS], uint32_t n,
        unsigned most)
{
    const uint32_t some = n - counts[0];
    const uint32_t map = (n + BYTE_BITS - 1) / BYTE_BITS * BYTE_BITS;
    const uint32_t list = BYTE_BITS + some * BYTE_BITS;
    const uint32_t side = list < map ? list : map;
    uint32_t fixed = HEAD_BITS;
    uint32_t wider = 0;

    if (like->base != 0)
        fixed += s_varint_bits(delta_zigzag(like->base));
    for (unsigned width = most;; width--) {
        uint32_t behind = wider > 0 ? BYTE_BITS : 0;
        uint32_t bits;

        for (unsigned w = width + 1; w <= most && wider > 0; w++)
            behind += counts[w] * (1 + (w - width + 6) / 7) * BYTE_BITS;
        if (width <= DELTA_WIDTH_MAX) {
            const bool plain = n * width <= side + some * width;

            bits = fixed + behind + (plain ? n * width : side + some * width);
            if (bits < best->bits) {
                *best = *like;
                best->bits = bits;
                best->width = width;
                best->mode = plain ? DELTA_PLAIN : list < map ? DELTA_LIST : DELTA_BITMAP;
            }
        }
        wider += counts[width];
        // Each more costs two bytes or more, and the next narrower width saves a bit of each.
        if (width == 0 || (width <= DELTA_WIDTH_MAX && wider > n / 8))
            return;
    }
}

static inline void
s_count(uint8_t counts[WIDTHS], const uint64_t *residuals, uint32_t n)
{
    uint8_t other[WIDTHS] = { 0 }; // two tables: like neighbours do not wait for each other

    memset(counts, 0, WIDTHS);
    for (uint32_t i = 0; i + 1 < n; i += 2) {
        counts[s_width(residuals[i])]++;
        other[s_width(residuals[i + 1])]++;
    }
    if (n % 2 != 0)
        counts[s_width(residuals[n - 1])]++;
    for (unsigned w = 0; w < WIDTHS; w++)
        counts[w] = (uint8_t) (counts[w] + other[w]);
}

// First differences as residuals: from the least one up if none falls, else of either sign.
static void
s_first_residuals(uint64_t *residuals, struct plan *like, const struct steps *s, uint64_t *any_ret)
{
    uint64_t any = 0, least = UINT64_MAX, most = 0;

    *like = (struct plan){ .zigzag = s->falls };
    if (s->falls) {
        for (uint32_t i = 0; i < s->n; i++) {
            residuals[i] = delta_zigzag(s->first[i]);
            any |= residuals[i];
        }
        *any_ret = any;
        return;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        least = s->first[i] < least ? s->first[i] : least;
        most = s->first[i] > most ? s->first[i] : most;
    }
    // Said once, a base takes its bytes; from then on each step is so many bits narrower.
    if ((s_width(most) - s_width(most - least)) * s->n > s_varint_bits(delta_zigzag(least)))
        like->base = least;
    for (uint32_t i = 0; i < s->n; i++) {
        residuals[i] = s->first[i] - like->base;
        any |= residuals[i];
    }
    *any_ret = any;
}

static struct plan
s_plan(uint64_t *residuals, const struct steps *s)
{
    struct plan best = { .bits = NEVER };
    struct plan like;
    uint8_t counts[WIDTHS];
    uint64_t any;

    s_first_residuals(residuals, &like, s, &any);
    s_count(counts, residuals, s->n);
    s_judge(&best, &like, counts, s->n, s_width(any));
    // Where more of the second ones change they are wider too.
    if (s->repeated < s->unchanged)
        return best;

    uint64_t seconds[DELTA_BLOCK];

    any = 0;
    for (uint32_t i = 0; i < s->n; i++) {
        seconds[i] = delta_zigzag(s->first[i] - (i > 0 ? s->first[i - 1] : s->before));
        any |= seconds[i];
    }
    s_count(counts, seconds, s->n);
    like = (struct plan){ .second = true, .zigzag = true };
    s_judge(&best, &like, counts, s->n, s_width(any));
    if (best.second)
        memcpy(residuals, seconds, s->n * sizeof *seconds);
    return best;
}

static uint8_t *
s_put_zeros(uint8_t *out, uint32_t blocks)
{
    while (blocks > 0) {
        const uint32_t run = blocks < ZERO_RUN_MAX ? blocks : ZERO_RUN_MAX;

        *out++ = (uint8_t) (DELTA_ZERO << DELTA_MODE_SHIFT | (run - 1));
        blocks -= run;
    }
    return out;
}

// Bitmap or list of the residuals that are not 0, which move up to the front, less 1 each.
static uint8_t *
s_put_places(uint8_t *out, enum delta_mode mode, uint64_t *residuals, uint32_t *n)
{
    const uint32_t before = *n;
    uint8_t places[DELTA_BLOCK + 1];
    uint64_t map[DELTA_BLOCK / WORD_BITS] = { 0 };
    uint32_t kept = 0;

    // Written whether kept or not: a branch would be guessed wrong half of the time.
    for (uint32_t at = 0; at < before; at += WORD_BITS) {
        const uint32_t end = before - at < WORD_BITS ? before : at + WORD_BITS;
        uint64_t set = 0;

        for (uint32_t i = at; i < end; i++) {
            const uint64_t r = residuals[i], keep = r != 0;

            residuals[kept] = r - 1;
            places[kept] = (uint8_t) i;
            kept += (uint32_t) keep;
            set |= keep << (i - at);
        }
        map[at / WORD_BITS] = set;
    }
    *n = kept;
    if (mode == DELTA_LIST) {
        *out++ = (uint8_t) kept;
        memcpy(out, places, kept);
        return out + kept;
    }
    for (uint32_t i = 0; i < before; i += BYTE_BITS)
        *out++ = (uint8_t) (map[i / WORD_BITS] >> i % WORD_BITS);
    return out;
}

static uint8_t *
s_pack(uint8_t *out, const uint64_t *residuals, uint32_t n, unsigned width)
{
    const uint64_t mask = (UINT64_C(1) << width) - 1;
    uint64_t waiting = 0;
    unsigned fill = 0;

    for (uint32_t i = 0; i < n; i++) {
        waiting |= (residuals[i] & mask) << fill;
        fill += width;
        // All that waits is stored each time; whole bytes of it are then done with.
        word_store(out, waiting);
        out += fill / BYTE_BITS;
        waiting >>= fill & ~7u;
        fill &= 7;
    }
    if (fill > 0)
        *out++ = (uint8_t) waiting;
    return out;
}

static uint8_t *
s_put_wider(uint8_t *out, const uint64_t *residuals, uint32_t n, unsigned width)
{
    uint8_t *count = out++;

    *count = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (residuals[i] >> width != 0) {
            *out++ = (uint8_t) i;
            (*count)++;
        }
    }
    for (uint8_t i = 0; i < *count; i++)
        out = s_put_varint(out, residuals[count[1 + i]] >> width);
    return out;
}

static uint8_t *
s_put_block(uint8_t *out, const struct plan *plan, uint64_t *residuals, uint32_t n)
{
    uint8_t flags = (uint8_t) ((plan->second ? DELTA_SECOND : 0) |
                               (plan->zigzag ? DELTA_ZIGZAG : 0) |
                               (plan->base != 0 ? DELTA_BASE : 0));
    uint8_t *flags_at;
    uint64_t any = 0;

    *out++ = (uint8_t) ((unsigned) plan->mode << DELTA_MODE_SHIFT | plan->width);
    flags_at = out++;
    if (plan->base != 0)
        out = s_put_varint(out, delta_zigzag(plan->base));
    if (plan->mode != DELTA_PLAIN)
        out = s_put_places(out, plan->mode, residuals, &n);
    for (uint32_t i = 0; i < n; i++)
        any |= residuals[i];
    out = s_pack(out, residuals, n, plan->width);
    if (any >> plan->width != 0) {
        flags |= DELTA_MORE;
        out = s_put_wider(out, residuals, n, plan->width);
    }
    *flags_at = flags;
    return out;
}
