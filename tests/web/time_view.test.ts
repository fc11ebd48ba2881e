import assert from 'node:assert/strict';
import test from 'node:test';
import { TimeView } from '../../dashboard/web/src/ui/time_view';

function live(): TimeView {
  const view = new TimeView();
  view.edge = 1_000_000;
  return view;
}

test('live, the range ends at the edge and moves with it', () => {
  const v = live();
  assert.deepEqual(v.range(), [700_000, 1_000_000]);
  v.edge += 1000;
  assert.deepEqual(v.range(), [701_000, 1_001_000]);
});

test('paused, it stands still until live is asked for', () => {
  const v = live();
  v.pause(5);
  v.edge += 60_000;
  assert.deepEqual(v.range(), [700_000, 1_000_000]);
  v.live();
  assert.deepEqual(v.range(), [760_000, 1_060_000]);
});

test('without a sample there is nothing to pause', () => {
  const v = new TimeView();
  v.pause(5);
  assert.equal(v.held.value, null);
});

test('a zoom of a live view changes its span and stays live', () => {
  const v = live();
  v.zoom(2);
  assert.equal(v.held.value, null);
  assert.deepEqual(v.range(), [850_000, 1_000_000]);
});

test('a zoom of a held view keeps what is under the fingers', () => {
  const v = live();
  v.hold(800_000, 900_000, 5);
  v.zoomAbout(2, 0.25, 5);
  assert.deepEqual(v.range(), [812_500, 862_500]);
});

test('a span is never under ten seconds nor over an hour', () => {
  const v = live();
  v.zoom(1e9);
  assert.equal(v.span.value, 10_000);
  v.zoom(1e-9);
  assert.equal(v.span.value, 3_600_000);
  v.hold(500_000, 500_001, 5);
  const [from, to] = v.range();
  assert.equal(to - from, 10_000);
});

test('moving on past the edge is live again', () => {
  const v = live();
  v.shift(-0.5, 5);
  assert.deepEqual(v.range(), [550_000, 850_000]);
  v.shift(0.5, 5);
  assert.equal(v.held.value, null);
});

test('a host of half a minute is shown in one minute, an older one in five', () => {
  const v = live();
  v.fit(970_000);
  assert.equal(v.span.value, 60_000);
  v.fit(930_000);
  assert.equal(v.span.value, 300_000);
});

test('a span that was chosen is kept, however young the host', () => {
  const v = live();
  v.setSpan(300_000);
  v.fit(970_000);
  assert.equal(v.span.value, 300_000);
});

test('about its newest end a zoom of a live view stays live, further back it holds', () => {
  const v = live();
  v.zoomAbout(2, 0.9, 5);
  assert.equal(v.held.value, null);
  v.zoomAbout(2, 0.1, 5);
  assert.deepEqual(v.range(), [857_500, 932_500]);
});

test('a range that is moved to the newest end is live and keeps its length', () => {
  const v = live();
  v.hold(900_000, 930_000, 5);
  v.moveTo(980_000, 5);
  assert.equal(v.held.value, null);
  v.fit(0);
  assert.deepEqual(v.range(), [970_000, 1_000_000]);
});

test('a range never leaves what can be known', () => {
  const v = live();
  v.earliest = 500_000;
  v.shift(-5, 5);
  assert.deepEqual(v.range(), [500_000, 800_000]);
  v.hold(990_000, 1_200_000, 5);
  assert.deepEqual(v.range(), [790_000, 1_000_000]);
});

test('the ends of a held range are round to less than a pixel', () => {
  const v = live();
  v.hold(800_003.7, 860_004.2, 5);
  assert.deepEqual(v.range(), [800_000, 860_000]);
});

test('what an address says of a view makes the same view again', () => {
  for (const set of [
    () => live(),
    () => {
      const v = live();
      v.setSpan(900_000);
      return v;
    },
    () => {
      const v = live();
      v.hold(600_000, 700_000, 5);
      return v;
    },
  ]) {
    const v = set();
    const again = live();
    again.adopt(v.asRange(), 5);
    assert.deepEqual(again.range(), v.range());
    assert.equal(again.held.value === null, v.held.value === null);
  }
});
