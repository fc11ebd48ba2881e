import assert from 'node:assert/strict';
import test from 'node:test';
import { Windows, type Word } from '../../dashboard/web/src/net/windows';

/** Windows of one browser on one channel, and which of them are told not to stream. */
function browser() {
  let now = 0;
  let next = 1;
  const timers = new Map<number, { at: number; run: () => void }>();
  const all = new Map<string, Windows>();
  const crowded = new Map<string, boolean>();
  const open = (id: string) => {
    const say = (word: Word) => {
      if (all.has(id)) for (const [other, w] of all) if (other !== id) w.hear(structuredClone(word));
    };
    const env = {
      id,
      now: () => now,
      say,
      after: (ms: number, run: () => void) => {
        timers.set(next, { at: now + ms, run });
        return next++;
      },
      cancel: (timer: number) => void timers.delete(timer),
    };
    const w = new Windows(env, (c) => crowded.set(id, c));
    all.set(id, w);
    return w;
  };
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
  const streaming = () => [...crowded].filter(([, c]) => !c).map(([id]) => id);
  return { all, open, advance, streaming };
}

test('of seven windows in sight the four that were there first stream', () => {
  const b = browser();
  for (let i = 1; i <= 7; i++) {
    b.advance(100);
    b.open(`w${i}`).set(true, true);
  }
  assert.deepEqual(b.streaming(), ['w1', 'w2', 'w3', 'w4']);
});

test('a window that says goodbye makes room for the one that waited longest', () => {
  const b = browser();
  for (let i = 1; i <= 6; i++) {
    b.advance(100);
    b.open(`w${i}`).set(true, true);
  }
  b.all.get('w2')!.set(false, false);
  assert.ok(b.streaming().includes('w5'));
  assert.ok(!b.streaming().includes('w6'));
});

test('a window that died without a word is forgotten', () => {
  const b = browser();
  for (let i = 1; i <= 5; i++) {
    b.advance(100);
    b.open(`w${i}`).set(true, true);
  }
  b.all.delete('w1');
  b.advance(30_000);
  assert.ok(b.streaming().includes('w5'));
});

test('what is in sight comes before what is not, and the last seen before the long unseen', () => {
  const b = browser();
  for (let i = 1; i <= 4; i++) {
    b.advance(100);
    const w = b.open(`hidden${i}`);
    w.set(true, true);
    w.set(false, true);
  }
  for (let i = 1; i <= 3; i++) {
    b.advance(100);
    b.open(`seen${i}`).set(true, true);
  }
  assert.deepEqual(b.streaming().sort(), ['hidden4', 'seen1', 'seen2', 'seen3']);
});

test('windows that want no stream do not count', () => {
  const b = browser();
  for (let i = 1; i <= 6; i++) b.open(`list${i}`).set(true, false);
  b.open('host').set(true, true);
  assert.ok(b.streaming().includes('host'));
});
