import assert from 'node:assert/strict';
import test from 'node:test';
import { contrast, toLab, visibleOn } from '../../dashboard/web/src/draw/colour';
import { parseHex } from './colour';

const GROUNDS = { light: '#ffffff', dark: '#161b22' };
const COLOURS = ['#ffff00', '#fafa78', '#101010', '#000000', '#ffffff', '#1b6be2', '#ff6347', '#00ff00', '#800080'];

test('a colour that can be seen stays what it is', () => {
  const blue = parseHex('#1b6be2');
  assert.equal(visibleOn(blue, parseHex('#ffffff'), 3), blue);
});

for (const [theme, ground] of Object.entries(GROUNDS)) {
  test(`${theme}: any colour is moved until it has 3:1, and hardly further`, () => {
    for (const hex of COLOURS) {
      const was = parseHex(hex);
      const now = visibleOn(was, parseHex(ground), 3);
      const got = contrast(now, parseHex(ground));
      assert.ok(got >= 3, `${hex}: ${got.toFixed(2)}`);
      if (contrast(was, parseHex(ground)) < 3) assert.ok(got < 3.1, `${hex} went to ${got.toFixed(2)}`);
    }
  });
}

test('a moved colour keeps its hue', () => {
  const hue = (c: Parameters<typeof toLab>[0]) => Math.atan2(toLab(c)[2], toLab(c)[1]);
  const was = parseHex('#8080ff');
  const now = visibleOn(was, parseHex('#ffffff'), 6);
  assert.ok(Math.abs(hue(was) - hue(now)) < 0.2);
});
