import assert from 'node:assert/strict';
import test from 'node:test';
import type { ViewAnswer } from '../../dashboard/web/src/net/protocol';
import { StreamClient, type Source } from '../../dashboard/web/src/net/stream_client';

class FakeSource implements Source {
  readyState = 0;
  closed = false;
  private listeners = new Map<string, ((e: { data?: string; lastEventId?: string }) => void)[]>();
  constructor(readonly url: string) {}
  addEventListener(type: string, listener: (e: { data?: string; lastEventId?: string }) => void): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }
  close(): void {
    this.closed = true;
    this.readyState = 2;
  }
  say(type: string, data?: object, lastEventId?: string): void {
    for (const f of this.listeners.get(type) ?? []) f({ data: data && JSON.stringify(data), lastEventId });
  }
  fail(readyState: number): void {
    this.readyState = readyState;
    this.say('error');
  }
}

function bench() {
  const sources: FakeSource[] = [];
  const timers = new Map<number, { at: number; run: () => void }>();
  const log: string[] = [];
  const asked: string[] = [];
  const answers: ViewAnswer[] = [];
  let now = 0;
  let next = 1;
  const advance = (ms: number) => {
    const end = now + ms;
    for (;;) {
      const due = [...timers].filter(([, t]) => t.at <= end).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      timers.delete(due[0]);
      now = due[1].at;
      due[1].run();
    }
    now = end;
  };
  const client = new StreamClient(
    '/api/v1/stream?h=1',
    {
      hello: () => log.push('hello'),
      snap: (d) => log.push(`snap ${d.s}`),
      tick: (d) => log.push(`tick ${d.s}`),
      host: (d) => log.push(`host ${d.op}`),
      note: (d) => log.push(`note ${d.id}`),
      fill: (d) => log.push(`fill ${d.ticks.map((t) => t.s)}`),
      filled: (d) => log.push(`filled ${d.from} ${d.to}`),
      hole: () => log.push('hole'),
      link: (l) => log.push(l),
      polling: (reason) => log.push(`polling ${reason}`),
    },
    {
      open: (url) => {
        const source = new FakeSource(url);
        sources.push(source);
        return source;
      },
      ask: (url) => {
        asked.push(url);
        return answers.length > 0 ? Promise.resolve(answers.shift()!) : Promise.reject(new Error('refused'));
      },
      random: () => 0.5,
      after: (ms, run) => {
        timers.set(next, { at: now + ms, run });
        return next++;
      },
      cancel: (id) => timers.delete(id),
    },
  );
  const last = () => sources[sources.length - 1];
  const greet = () => {
    last().readyState = 1;
    last().say('open');
    last().say('hello', { tick: 1000 });
  };
  return { client, sources, log, asked, answers, advance, last, greet };
}

test('a refused stream is asked for again after 1, 2, 4, 8, 15 and 15 s', () => {
  const b = bench();
  b.client.start();
  for (const wait of [1000, 2000, 4000, 8000, 15_000, 15_000]) {
    const before = b.sources.length;
    b.last().fail(2);
    b.advance(wait - 1);
    assert.equal(b.sources.length, before);
    b.advance(1);
    assert.equal(b.sources.length, before + 1);
  }
});

test('a hello starts the waits anew', () => {
  const b = bench();
  b.client.start();
  b.last().fail(2);
  b.advance(1000);
  b.last().fail(2);
  b.advance(2000);
  b.greet();
  b.last().fail(2);
  b.advance(1000);
  assert.equal(b.sources.length, 4);
  assert.equal(b.client.reconnects, 0);
});

test('a broken connection is left to the browser', () => {
  const b = bench();
  b.client.start();
  b.greet();
  b.last().fail(0);
  b.advance(5000);
  assert.equal(b.sources.length, 1);
  assert.equal(b.log.at(-1), 'down');
  b.greet();
  assert.equal(b.client.reconnects, 1);
});

test('fifteen seconds without an event open a new stream, which resumes', () => {
  const b = bench();
  b.client.start();
  b.greet();
  b.last().say('snap', { s: 7 }, 'boot-7');
  b.advance(14_999);
  assert.equal(b.sources.length, 1);
  b.advance(1);
  assert.equal(b.sources.length, 2);
  assert.ok(b.sources[0].closed);
  assert.match(b.last().url, /[?&]last_event_id=boot-7$/);
});

test('a connection that nobody answers is left after 2, 4, 8 and 15 s', () => {
  const b = bench();
  b.client.start();
  for (const wait of [2000, 4000, 8000, 15_000, 15_000]) {
    const before = b.sources.length;
    b.advance(wait - 1);
    assert.equal(b.sources.length, before);
    b.advance(1);
    assert.equal(b.sources.length, before + 1);
  }
  assert.ok(!b.log.includes('polling blocked'));
});

test('a host that is not up may be silent for a minute', () => {
  const b = bench();
  b.client.start();
  b.greet();
  b.client.hostIsUp = false;
  b.last().say('host', { s: 1, op: 'stopped' });
  b.advance(59_000);
  assert.equal(b.sources.length, 1);
  b.advance(1000);
  assert.equal(b.sources.length, 2);
});

test('a hole in the sequence is told and counted', () => {
  const b = bench();
  b.client.start();
  b.greet();
  b.last().say('snap', { s: 7 });
  b.last().say('tick', { s: 8 });
  b.last().say('tick', { s: 11 });
  assert.deepEqual(b.log.slice(-4), ['snap 7', 'tick 8', 'hole', 'tick 11']);
  assert.equal(b.client.inbox.missedSeq, 2);
});

test('a note has its place in the sequence', () => {
  const b = bench();
  b.client.start();
  b.greet();
  b.last().say('snap', { s: 7 });
  b.last().say('note', { s: 8, id: 'a' });
  b.last().say('tick', { s: 9 });
  assert.deepEqual(b.log.slice(-3), ['snap 7', 'note a', 'tick 9']);
  assert.equal(b.client.inbox.missedSeq, 0);
});

test('a skip is counted and is no hole, for a snap follows', () => {
  const b = bench();
  b.client.start();
  b.greet();
  b.last().say('snap', { s: 7 });
  b.last().say('skip', { n: 5 });
  b.last().say('snap', { s: 13 });
  b.last().say('tick', { s: 14 });
  assert.ok(!b.log.includes('hole'));
  assert.equal(b.client.inbox.missedSeq, 5);
});

test('a hidden tab gives its stream back after ten seconds and takes one when seen', () => {
  const b = bench();
  b.client.start();
  b.greet();
  b.client.setHidden(true);
  b.advance(9999);
  assert.ok(!b.last().closed);
  b.advance(1);
  assert.ok(b.last().closed);
  b.client.setHidden(false);
  assert.equal(b.sources.length, 2);
});

test('a tab hidden only for a moment keeps its stream', () => {
  const b = bench();
  b.client.start();
  b.greet();
  b.client.setHidden(true);
  b.advance(5000);
  b.client.setHidden(false);
  b.advance(6000);
  assert.equal(b.sources.length, 1);
});

test('a click connects at once', () => {
  const b = bench();
  b.client.start();
  b.last().fail(2);
  b.client.nudge();
  assert.equal(b.sources.length, 2);
  b.advance(1999);
  assert.equal(b.sources.length, 2);
});

test('an old stream that still speaks is not heard', () => {
  const b = bench();
  b.client.start();
  b.client.nudge();
  b.sources[0].say('hello', { tick: 1000 });
  assert.ok(!b.log.includes('hello'));
});

test('after stop nothing is opened again', () => {
  const b = bench();
  b.client.start();
  b.last().fail(2);
  b.client.stop();
  b.advance(60_000);
  assert.equal(b.sources.length, 1);
});

/** Lets the answers that are there be heard. */
const settle = () => new Promise((done) => setImmediate(done));

const answer = (id: string, ...events: [string, object][]): ViewAnswer => ({
  id,
  events: events.map(([event, data]) => ({ event, data })),
});

test('what was missed comes at once and leaves no hole', () => {
  const b = bench();
  b.client.start();
  b.greet();
  b.last().say('snap', { s: 7 }, 'boot-7');
  b.last().say('fill', { s: 10, from: 1, to: 3, ticks: [{ s: 8 }, { s: 10 }] }, 'boot-10');
  b.last().say('host', { s: 9, op: 'late' });
  b.last().say('tick', { s: 11 }, 'boot-11');
  assert.deepEqual(b.log.slice(-3), ['fill 8,10', 'host late', 'tick 11']);
  assert.equal(b.client.inbox.missedSeq, 0);
  assert.equal(b.client.inbox.ticks, 3);
});

test('a server without a stream to give is asked every two seconds, and for a stream after thirty', async () => {
  const b = bench();
  b.client.start();
  b.answers.push(answer('boot-7', ['hello', { tick: 1000 }], ['snap', { s: 7 }]));
  b.last().fail(2);
  await settle();
  assert.deepEqual(b.log.slice(-5), ['polling full', 'hello', 'open', 'snap 7', 'open']);
  for (let s = 8; s < 11; s++) {
    b.answers.push(answer(`boot-${s}`, ['tick', { s }]));
    b.advance(2000);
    await settle();
    assert.equal(b.asked.at(-1), `/api/v1/view?h=1&last=boot-${s - 1}`);
    assert.ok(b.log.includes(`tick ${s}`));
  }
  assert.equal(b.sources.length, 1);
  b.answers.push(answer('boot-10'));
  b.advance(24_000);
  await settle();
  assert.equal(b.sources.length, 2);
  assert.match(b.last().url, /last_event_id=boot-10$/);
  b.greet();
  assert.equal(b.log.filter((l) => l.startsWith('polling')).at(-1), 'polling null');
  const asked = b.asked.length;
  b.advance(10_000);
  assert.equal(b.asked.length, asked);
});

test('while asking fails the waits grow, and a refused stream does not end the asking', async () => {
  const b = bench();
  b.client.start();
  b.answers.push(answer('boot-7', ['hello', { tick: 1000 }]));
  b.last().fail(2);
  await settle();
  b.advance(2000);
  await settle();
  assert.equal(b.log.at(-1), 'down');
  assert.equal(b.asked.length, 2);
  b.answers.push(answer('boot-9'));
  b.advance(1000);
  await settle();
  assert.equal(b.log.at(-1), 'open');
  b.answers.push(answer('boot-10'), answer('boot-11'));
  b.advance(27_000);
  await settle();
  b.answers.push(answer('boot-12'));
  b.last().fail(2);
  await settle();
  const { length } = b.sources;
  b.advance(1900);
  assert.equal(b.sources.length, length, 'it asks for streams and polls as well');
});

test('where other windows hold the connections nothing is streamed until they give one back', async () => {
  const b = bench();
  b.client.start();
  b.greet();
  b.answers.push(answer('boot-1'));
  b.client.setCrowded(true);
  assert.ok(b.last().closed);
  await settle();
  assert.ok(b.log.includes('polling windows'));
  b.advance(120_000);
  assert.equal(b.sources.length, 1);
  b.client.setCrowded(false);
  assert.equal(b.sources.length, 2);
});

test('streams that open and bring nothing are given up for asking', async () => {
  const b = bench();
  b.client.start();
  for (let i = 0; i < 3; i++) {
    b.last().readyState = 1;
    b.last().say('open');
    b.answers.splice(0, 9, answer('boot-1', ['hello', { tick: 1000 }]));
    b.advance(15_000);
    await settle();
  }
  assert.ok(b.log.includes('polling blocked'));
  assert.ok(b.last().closed);
});

test('a tab that sleeps asks nothing', async () => {
  const b = bench();
  b.client.start();
  b.client.setCrowded(true);
  await settle();
  b.client.setHidden(true);
  b.advance(10_000);
  await settle();
  const { length } = b.asked;
  b.advance(60_000);
  await settle();
  assert.equal(b.asked.length, length);
  assert.equal(b.client.awake, false);
});
