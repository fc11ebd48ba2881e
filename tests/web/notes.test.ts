import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mergeNotes, noteCause, Notes, notesWithin } from '../../dashboard/web/src/data/notes';
import type { Note } from '../../dashboard/web/src/net/protocol';

const at = (t: number, id = `s-${t}`, more: Partial<Note> = {}): Note => ({
  id,
  t,
  host: 'h',
  kind: 'test',
  severity: 'info',
  text: `at ${t}`,
  fields: {},
  ...more,
});

function bed(ask: () => Promise<Note[]>) {
  const timers: (() => void)[] = [];
  const notes = new Notes({ ask, after: (_, callback) => timers.push(callback), cancel: () => {} });
  return { notes, timers, ids: () => notes.all.value.map((n) => n.id) };
}

test('what is told and asked for again is there once, by time', () => {
  const merged = mergeNotes([at(1), at(5)], [at(5), at(3), at(3)]);
  assert.deepEqual(
    merged.map((n) => n.t),
    [1, 3, 5],
  );
});

test('two of one moment are two', () => {
  assert.equal(mergeNotes([at(1, 'a')], [at(1, 'b')]).length, 2);
});

test('a window has both its ends', () => {
  assert.deepEqual(
    notesWithin([at(1), at(2), at(3), at(4)], 2, 3).map((n) => n.t),
    [2, 3],
  );
});

test('what was told before the answer came is not lost by it', async () => {
  let answer: (notes: Note[]) => void = () => {};
  const { notes, ids } = bed(() => new Promise((done) => (answer = done)));
  const asked = notes.refresh();
  notes.take([at(9)]);
  answer([at(1)]);
  await asked;
  assert.deepEqual(ids(), ['s-1', 's-9']);
});

test('who is not answered asks again, and one that has ended does not', async () => {
  let calls = 0;
  const { notes, timers, ids } = bed(() => (++calls === 1 ? Promise.reject(new Error('503')) : Promise.resolve([at(1)])));
  await notes.refresh();
  assert.equal(timers.length, 1);
  timers[0]();
  await new Promise((done) => setTimeout(done));
  assert.deepEqual(ids(), ['s-1']);
  assert.equal(timers.length, 1);

  const ended = bed(() => Promise.reject(new Error('503')));
  const asked = ended.notes.refresh();
  ended.notes.end();
  await asked;
  assert.equal(ended.timers.length, 0);
});

test('no more than a thousand are kept, the newest', () => {
  const { notes } = bed(() => Promise.resolve([]));
  for (let t = 0; t < 1010; t++) notes.take([at(t)]);
  assert.equal(notes.all.value.length, 1000);
  assert.equal(notes.all.value[0].t, 10);
});

test('a gap that a clock skipped is told so, and no other', () => {
  const step = at(100_000, 's', { kind: 'clock-step', text: 'clock stepped', fields: { from: '100000', to: '400000' } });
  assert.equal(noteCause({ from: 99_500, to: 400_200, open: false }, [step]), 'clock stepped');
  assert.equal(noteCause({ from: 390_000, to: 500_000, open: false }, [step]), '');
  assert.equal(noteCause({ from: 99_500, to: 400_200, open: false }, [{ ...step, kind: 'deploy' }]), '');
  const back = { ...step, fields: { from: '400000', to: '100000' } };
  assert.equal(noteCause({ from: 99_500, to: 400_200, open: false }, [back]), '');
  assert.equal(noteCause({ from: 99_500, to: 400_200, open: false }, [{ ...step, fields: {} }]), '');
});
