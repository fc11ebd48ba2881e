import assert from 'node:assert/strict';
import test from 'node:test';
import { Scheduler, type Drawable } from '../../dashboard/web/src/draw/scheduler';

/** A clock that stands still unless a drawing takes time, and frames that come when told to. */
function bench() {
  const bed = {
    time: 0,
    asked: [] as (() => void)[],
    drawn: [] as string[],
    frame: () => bed.asked.splice(0).forEach((f) => f()),
    chart: (name: string, rank: number, cost: number): Drawable => ({
      draw: () => {
        bed.drawn.push(name);
        bed.time += cost;
      },
      rank: () => rank,
    }),
  };
  return { bed, s: new Scheduler({ request: (f) => bed.asked.push(f), now: () => bed.time }) };
}

test('nothing is asked for while nothing is dirty', () => {
  const { bed, s } = bench();
  assert.equal(bed.asked.length, 0);
  s.mark(bed.chart('a', 0, 1));
  bed.frame();
  assert.equal(bed.asked.length, 0);
  assert.equal(s.frames, 1);
});

test('what is marked many times is drawn once a frame', () => {
  const { bed, s } = bench();
  const a = bed.chart('a', 0, 1);
  for (let i = 0; i < 9; i++) s.mark(a);
  assert.equal(bed.asked.length, 1);
  bed.frame();
  assert.deepEqual(bed.drawn, ['a']);
});

test('the slice of a frame is kept, the rest waits for the next', () => {
  const { bed, s } = bench();
  for (let i = 0; i < 6; i++) s.mark(bed.chart(String(i), i, 2.5));
  bed.frame();
  assert.deepEqual(bed.drawn, ['0', '1', '2']);
  bed.frame();
  assert.equal(bed.drawn.length, 6);
  assert.equal(bed.asked.length, 0);
});

test('the focused chart is first, then from the top of the page', () => {
  const { bed, s } = bench();
  s.mark(bed.chart('low', 900, 0));
  s.mark(bed.chart('top', 10, 0));
  s.mark(bed.chart('focused', -Infinity, 0));
  bed.frame();
  assert.deepEqual(bed.drawn, ['focused', 'top', 'low']);
});

test('a chart that is slower than its slice is drawn and counted', () => {
  const { bed, s } = bench();
  s.mark(bed.chart('slow', 0, 50));
  bed.frame();
  assert.equal(s.slowFrames, 1);
  assert.equal(s.redrawMs, 50);
});

test('a chart that went is not drawn', () => {
  const { bed, s } = bench();
  const a = bed.chart('a', 0, 1);
  s.mark(a);
  s.forget(a);
  bed.frame();
  assert.deepEqual(bed.drawn, []);
});

test('who waits for the drawing is called when nothing is left, once', () => {
  const { bed, s } = bench();
  let called = 0;
  for (let i = 0; i < 4; i++) s.mark(bed.chart(String(i), i, 5));
  s.whenDrawn(() => called++);
  bed.frame();
  assert.equal(called, 0);
  bed.frame();
  bed.frame();
  assert.equal(called, 1);
});

test('a drawing that fails is counted, and the others are drawn', (t) => {
  const { bed, s } = bench();
  const said = t.mock.method(console, 'error', () => {});
  s.mark({
    draw: () => {
      throw new Error('broken');
    },
    rank: () => 0,
  });
  s.mark(bed.chart('whole', 1, 0));
  bed.frame();
  assert.deepEqual(bed.drawn, ['whole']);
  assert.equal(s.failed, 1);
  assert.equal(said.mock.callCount(), 1);
});
