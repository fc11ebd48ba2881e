// delivery_peers - two collectors, and the network between them and the agent of delivery_world.h.
//
// A collector stages by seq alone, commits in groups, and reads as the codec does. The network
// drops, doubles, and after a connection was cut reads what was left of it among the new.

#ifndef TESTS_UNIT_AGENT_DELIVERY_PEERS_H
#define TESTS_UNIT_AGENT_DELIVERY_PEERS_H

#include "tests/unit/agent/delivery_world.h"

// ---- collectors

static struct lane *
lane_of(struct collector *c, uint64_t stream)
{
    for (size_t i = 0; i < c->n_lanes; i++)
        if (c->lanes[i].stream == stream)
            return &c->lanes[i];
    claim(c->n_lanes < LANES, "room for lanes");
    c->lanes[c->n_lanes] = (struct lane){ .stream = stream };
    return &c->lanes[c->n_lanes++];
}

static struct control_msg *
say(uint8_t type)
{
    claim(w.n_said < QUEUE / 16, "room for messages");
    w.said[w.n_said] = (struct control_msg){ .type = type };
    return &w.said[w.n_said++];
}

static void
nak(unsigned to, const struct lane *lane, uint8_t reason)
{
    if (w.connected == to)
        say(CONTROL_NAK)->nak =
            (struct nak){ .reason = reason, .stream = lane->stream, .next = lane->next };
}

static void
stage(struct collector *c, struct lane *lane, const struct record *record, uint32_t crc)
{
    struct content content = { 0 };
    uint64_t uid = UINT64_MAX;
    struct gap gap;

    lane->next = record->seq + 1;
    lane->crc = crc;
    lane->total = record->total + record->count;
    if (record->type == RECORD_GAP) {
        struct rbuf r = { .at = record->body, .end = record->body + record->body_len };

        claim(gap_take(&r, &gap) == 0 && gap.to >= record->seq, "a GAP is whole");
        lane->next = lane->chain = gap.to + 1;
        lane->total += gap.samples;
        lane->crc = 0;
        lane->row = 0;
    } else if (record->type != RECORD_TABLE) {
        memcpy(&content, record->body, sizeof content);
        uid = content.uid;
    }
    if (record->seq < CRCS)
        lane->crcs[record->seq] = lane->crc;
    if (record->type == RECORD_END)
        lane->ended = true;
    claim(c->n_staged < QUEUE, "room to stage");
    c->staged[c->n_staged++] = (struct staged){
        .lane = lane, .uid = uid, .next = lane->next, .total = lane->total, .crc = lane->crc
    };
}

// Whether a record can be read, as the codec has it.
static bool
reads(struct lane *lane, const struct record *record)
{
    struct content content;

    // Definitions that were made for a repeat have no place in the run.
    if (record->type != RECORD_GAP &&
        (record->seq == lane->chain ||
         (record->type != RECORD_TABLE && record->type != RECORD_DEF)))
        lane->chain = record->seq + 1;
    if (record->type != RECORD_TABLE && record->type != RECORD_DEF && record->type != RECORD_KEY &&
        record->type != RECORD_DELTA)
        return true;
    memcpy(&content, record->body, sizeof content);
    if (record->type == RECORD_TABLE || record->type == RECORD_DEF) {
        lane->slots = record->type == RECORD_TABLE || content.slots == lane->slots + 1
                          ? content.slots
                          : lane->slots;
        return true;
    }
    if (record->type == RECORD_DELTA && (lane->row == 0 || lane->row + 1 != content.row)) {
        lane->row = 0;
        return false;
    }
    lane->row = content.row;
    return lane->slots >= content.slots;
}

static void
accept(unsigned to, const struct flying *f)
{
    struct collector *c = &w.collectors[to];
    struct frame_prefix prefix;
    struct record record;
    struct lane *lane;
    uint32_t crc;

    claim(frame_take(&prefix, &record, f->frame, f->len) == 0, "a frame arrives whole");
    memcpy(&crc, f->frame + FRAME_PREFIX_SIZE + 4, sizeof crc);
    lane = lane_of(c, record.stream);
    if (f->stale)
        w.stale_seen = w.step + 1;
    if (!lane->known)
        return;
    if ((prefix.flags & FRAME_REPEAT) != 0) {
        reads(lane, &record);
        return;
    }
    if (prefix.base > lane->next) {
        lane->next = prefix.base;
        lane->total = 0;
        lane->crc = 0;
    }
    if (record.seq > lane->next) {
        if (lane->nak_step + 3 < w.step)
            nak(to, lane, NAK_NEXT);
        lane->nak_step = w.step;
        return;
    }
    if (record.seq < lane->next) { // it sets the decoder, where it goes on from what was repeated
        if (record.seq == lane->chain || record.type == RECORD_DEF)
            reads(lane, &record);
        return;
    }
    claim(!lane->ended, "nothing comes after END");
    stage(c, lane, &record, crc);
    // What was sent before a fault may take long to arrive. Of what is lost others are the DELTAs
    // of a KEY; definitions come again.
    if (!reads(lane, &record)) {
        w.unreadable++;
        claim(w.gentle ? w.losses > 0 && record.type == RECORD_DELTA
                       : w.forks > 0 || w.losses > 0 || w.stale_seen + 1000 > w.step,
              "what comes in order can be read");
        if (lane->key_step + 3 < w.step) {
            nak(to, lane, NAK_KEY);
            lane->key_step = w.step;
        }
    }
}

static void
commit(unsigned at)
{
    struct collector *c = &w.collectors[at];

    if (w.faults && !w.gentle && dice(15) && c->n_staged > 0) { // the disk is full
        for (size_t i = 0; i < c->n_lanes; i++) {
            struct lane *lane = &c->lanes[i];

            if (lane->next == lane->durable)
                continue;
            lane->next = lane->durable;
            lane->total = lane->durable_total;
            lane->crc = lane->durable_crc;
            lane->ended = false;
            lane->row = 0;
            lane->limit = lane->next;
            nak(at, lane, NAK_STORAGE);
        }
        c->n_staged = 0;
        return;
    }
    for (size_t i = 0; i < c->n_staged; i++) {
        const struct staged *st = &c->staged[i];

        st->lane->durable = st->next;
        st->lane->durable_total = st->total;
        st->lane->durable_crc = st->crc;
        if (st->uid == UINT64_MAX)
            continue;
        claim(!w.made[st->uid].stored[at] || (st->lane->stream & COPIED) != 0 || w.forks > 0,
              "a record is stored once");
        w.made[st->uid].stored[at] = true;
        w.made[st->uid].ever = true;
    }
    c->n_staged = 0;
    for (size_t i = 0; i < c->n_lanes && w.connected == at; i++) {
        struct lane *lane = &c->lanes[i];

        if (!lane->known)
            continue;
        if (lane->next > lane->durable) // jumped to base: durable elsewhere
            lane->durable = lane->next, lane->durable_total = 0, lane->durable_crc = lane->crc;
        lane->limit = lane->durable + 1 + seeded_below(&w.seed, w.faults ? 60 : 4000) > lane->limit
                          ? lane->durable + 1 + seeded_below(&w.seed, w.faults ? 60 : 4000)
                          : lane->limit;
        say(CONTROL_ACK)->ack = (struct ack){ .stream = lane->stream,
                                              .next = lane->durable,
                                              .limit = lane->limit,
                                              .total = lane->durable_total };
    }
}

static void
collector_dies(unsigned at)
{
    struct collector *c = &w.collectors[at];

    w.kills++;
    w.stale_seen = w.step + 1;
    c->n_staged = 0;
    for (size_t i = 0; i < c->n_lanes; i++) {
        struct lane *lane = &c->lanes[i];

        lane->next = lane->durable;
        lane->total = lane->durable_total;
        lane->crc = lane->durable_crc;
        lane->known = false;
        lane->row = lane->slots = 0;
        lane->chain = lane->next;
        lane->ended = false;
        for (size_t s = 0; s < w.n_streams; s++)
            if (w.streams[s].id == lane->stream && w.streams[s].ended)
                lane->ended = lane->next == w.streams[s].n;
    }
}

// Restored from an older copy of its disk: what it had acknowledged is not all there.
static void
collector_forgets(unsigned at)
{
    struct collector *c = &w.collectors[at];

    collector_dies(at);
    for (size_t i = 0; i < c->n_lanes; i++) {
        struct lane *lane = &c->lanes[i];
        const struct stream *s = stream_of(lane->stream);
        const uint64_t back = lane->durable - seeded_below(&w.seed, (uint32_t) lane->durable + 1);

        for (uint64_t seq = back; s != NULL && seq < lane->durable && seq < s->n; seq++)
            w.made[s->uids[seq]].stored[at] = false;
        lane->next = lane->durable = back;
        lane->total = lane->durable_total = 0;
        lane->crc = lane->durable_crc = back > 0 && back <= CRCS ? lane->crcs[back - 1] : 0;
        lane->ended = false;
    }
}

// Another agent, that had gone on from a copy of ours, had spoken with it.
static void
somebody_else_speaks(unsigned at)
{
    struct collector *c = &w.collectors[at];

    collector_dies(at); // nothing of ours comes between
    for (size_t i = 0; i < w.n_flying; i++)
        free(w.flying[i].frame);
    w.n_flying = 0;
    for (size_t i = 0; i < c->n_lanes; i++) {
        struct lane *lane = &c->lanes[i];
        const struct stream *s = stream_of(lane->stream);

        if (s == NULL || lane->ended || lane->durable < s->base || !dice(3))
            continue;
        lane->durable += 1 + seeded_below(&w.seed, 20);
        lane->next = lane->durable;
        lane->total = lane->durable_total = 0;
        lane->durable_crc = lane->crc = (uint32_t) seeded_next(&w.seed) | 1;
        if (lane->durable <= CRCS)
            lane->crcs[lane->durable - 1] = lane->crc;
    }
}

// ---- the network

static void
disconnect(void)
{
    size_t n = 0;

    if (w.connected == NOBODY)
        return;
    for (size_t i = 0; i < w.n_flying; i++) {
        struct flying *f = &w.flying[i];

        f->stale = true;
        if (w.faults && !w.gentle && dice(2)) // what the pipe had is read later, or never
            w.flying[n++] = *f;
        else
            free(f->frame);
    }
    w.n_flying = n;
    w.n_said = 0;
    w.connected = NOBODY;
    delivery_gone(w.agent);
}

static void
hello(void)
{
    struct hello_stream streams[CONTROL_STREAMS_MAX];
    struct collector *c = &w.collectors[w.connected];
    uint64_t collector;
    const uint32_t n = delivery_hello(w.agent, streams, &collector);
    struct welcome *welcome;

    for (size_t i = 0; i < c->n_lanes; i++) {
        bool named = false;

        for (uint32_t k = 0; k < n; k++)
            named = named || streams[k].stream == c->lanes[i].stream;
        c->lanes[i].known = named;
    }
    welcome = &say(CONTROL_WELCOME)->welcome;
    welcome->collector = c->id;
    welcome->n_streams = n;
    for (uint32_t i = 0; i < n; i++) {
        struct lane *lane = lane_of(c, streams[i].stream);

        claim(streams[i].base <= streams[i].head, "base is at most head");
        if (!lane->known)
            lane->row = 0;
        lane->known = true;
        lane->limit = lane->limit > lane->durable ? lane->limit : lane->durable + 40;
        welcome->streams[i] = (struct welcome_stream){ .stream = lane->stream,
                                                       .next = lane->durable,
                                                       .crc = lane->durable_crc,
                                                       .limit = lane->limit,
                                                       .total = lane->durable_total };
    }
}

static void
connect(unsigned to)
{
    disconnect();
    w.connected = to;
    for (size_t i = 0; i < w.collectors[to].n_lanes; i++) {
        w.collectors[to].lanes[i].known = false;
        w.collectors[to].lanes[i].heard = 0;
    }
    hello();
}

static void
deliver_data(void)
{
    // A stale frame may be anywhere in what is read; those of one connection keep their order.
    const size_t at = w.n_flying > 0 && w.flying[0].stale
                          ? seeded_below(&w.seed, (uint32_t) w.n_flying)
                          : 0;
    struct flying f;

    if (w.n_flying == 0)
        return;
    f = w.flying[at];
    if (!f.stale || at == 0) {
        const size_t first = at;

        for (size_t i = 0; i < first; i++)
            if (!w.flying[i].stale)
                return; // not ahead of its own
    }
    memmove(w.flying + at, w.flying + at + 1, (--w.n_flying - at) * sizeof w.flying[0]);
    if (!w.faults || w.gentle || !dice(60))
        accept(f.to, &f);
    else
        w.stale_seen = w.step + 1;
    if (w.faults && !w.gentle && dice(60)) {
        accept(f.to, &f);
        w.stale_seen = w.step + 1; // a DELTA that is repeated twice is not read
    }
    free(f.frame);
}

static void
hear(const struct control_msg *msg)
{
    struct collector *c = &w.collectors[w.connected];

    if (msg->type == CONTROL_WELCOME)
        for (uint32_t i = 0; i < msg->welcome.n_streams; i++) {
            struct lane *lane = lane_of(c, msg->welcome.streams[i].stream);

            lane->heard = lane->heard == 0 ? msg->welcome.streams[i].limit : lane->heard;
        }
    else if (msg->type == CONTROL_ACK && lane_of(c, msg->ack.stream)->heard < msg->ack.limit)
        lane_of(c, msg->ack.stream)->heard = msg->ack.limit;
    else if (msg->type == CONTROL_NAK && msg->nak.reason == NAK_STORAGE)
        lane_of(c, msg->nak.stream)->heard = msg->nak.next;
}

static void
deliver_control(void)
{
    static struct control_msg msg;

    if (w.n_said == 0)
        return;
    msg = w.said[0];
    memmove(w.said, w.said + 1, --w.n_said * sizeof w.said[0]);
    hear(&msg);
    if (msg.type == CONTROL_WELCOME)
        delivery_welcome(w.agent, &msg.welcome, w.now_ms);
    else if (msg.type == CONTROL_ACK)
        delivery_ack(w.agent, &msg.ack, w.now_ms);
    else
        delivery_nak(w.agent, &msg.nak, w.now_ms);
}

#endif
