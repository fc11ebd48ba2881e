import assert from 'node:assert/strict';
import test from 'node:test';
import tokens from '../../dashboard/web/css/tokens.css';
import { lookOf } from '../../dashboard/web/src/draw/line';
import { SECTIONS } from '../../dashboard/web/src/views/catalog';
import { isFixed } from '../../dashboard/web/src/views/resolve';
import { contrast, difference, parseHex, seen, toLab, VISIONS, type Triple } from './colour';

type Theme = 'light' | 'dark';
const THEMES: readonly Theme[] = ['light', 'dark'];

const pairs = new Map<string, Record<Theme, Triple>>();
for (const [, name, light, dark] of tokens.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)) {
  pairs.set(name, { light: parseHex(light), dark: parseHex(dark) });
}

const colour = (name: string, theme: Theme): Triple => {
  const pair = pairs.get(name);
  assert.ok(pair, `no token --${name}`);
  return pair[theme];
};
const family = (stem: string, n: number) => Array.from({ length: n }, (_, i) => `${stem}-${i + 1}`);
const SERIES = family('series', 8);
const RAMP = family('ramp', 9);
const STATES = ['ok', 'warn', 'crit', 'stale'];

function leastDifference(names: readonly string[], theme: Theme): { least: number; pair: string } {
  let best = { least: Infinity, pair: '' };
  for (const vision of VISIONS) {
    const labs = names.map((n) => toLab(seen(colour(n, theme), vision)));
    for (let i = 0; i < labs.length; i++) {
      for (let j = i + 1; j < labs.length; j++) {
        const d = difference(labs[i], labs[j]);
        if (d < best.least) best = { least: d, pair: `${names[i]} and ${names[j]}, ${vision}` };
      }
    }
  }
  return best;
}

test('CIEDE2000 gives the published differences', () => {
  const published: [Triple, Triple, number][] = [
    [[50, 2.6772, -79.7751], [50, 0, -82.7485], 2.0425],
    [[50, -1.3802, -84.2814], [50, 0, -82.7485], 1.0],
    [[50, 2.5, 0], [50, 0, -2.5], 4.3065],
    [[50, 2.5, 0], [73, 25, -18], 27.1492],
    [[60.2574, -34.0099, 36.2677], [60.4626, -34.1751, 39.4387], 1.2644],
    [[2.0776, 0.0795, -1.135], [0.9033, -0.0636, -0.5514], 0.9082],
  ];
  for (const [p, q, expected] of published) {
    assert.ok(Math.abs(difference(p, q) - expected) < 1e-4, `${difference(p, q)} for ${expected}`);
  }
});

for (const theme of THEMES) {
  test(`${theme}: any two series differ by 12 for everyone`, () => {
    const { least, pair } = leastDifference(SERIES, theme);
    assert.ok(least >= 12, `${least.toFixed(1)}: ${pair}`);
  });

  test(`${theme}: any two states differ by 11 for everyone`, () => {
    const { least, pair } = leastDifference(STATES, theme);
    assert.ok(least >= 11, `${least.toFixed(1)}: ${pair}`);
  });

  test(`${theme}: text has 4.5:1 on every surface`, () => {
    for (const text of ['text', 'muted', 'accent', 'warn-text', 'ok', 'crit']) {
      for (const ground of text === 'text' || text === 'muted' || text === 'accent'
        ? ['bg', 'surface', 'raised']
        : ['surface']) {
        const ratio = contrast(colour(text, theme), colour(ground, theme));
        assert.ok(ratio >= 4.5, `${text} on ${ground}: ${ratio.toFixed(2)}`);
      }
    }
  });

  test(`${theme}: graphics have 3:1 on their surface`, () => {
    for (const name of [...SERIES, ...STATES, 'border-strong', 'focus']) {
      const ratio = contrast(colour(name, theme), colour('surface', theme));
      assert.ok(ratio >= 3, `${name}: ${ratio.toFixed(2)}`);
    }
  });

  test(`${theme}: grey numbers of a stale host can still be read`, () => {
    assert.ok(contrast(colour('stale', theme), colour('surface', theme)) >= 4.5);
  });

  test(`${theme}: the ramp leads away from the background for everyone`, () => {
    for (const vision of VISIONS) {
      const lightness = RAMP.map((n) => toLab(seen(colour(n, theme), vision))[0]);
      const rising = theme === 'dark';
      for (let i = 1; i < lightness.length; i++) {
        assert.ok(rising === lightness[i] > lightness[i - 1], `${vision}: ${lightness.map((l) => l.toFixed(1))}`);
      }
    }
  });
}

const FIXED = SECTIONS.flatMap((s) => (typeof s.panels === 'function' ? [] : s.panels)).filter(isFixed);

test('no two numbers of one chart share a colour, and each is a token', () => {
  assert.ok(FIXED.length > 20);
  for (const { key, lines } of FIXED) {
    assert.equal(new Set(lines.map((l) => l.ink)).size, lines.length, key);
    for (const { ink } of lines) assert.ok(pairs.has(ink), `${key}: ${ink}`);
  }
});

test('of thirty like lines no two look the same', () => {
  const looks = Array.from({ length: 30 }, (_, i) => JSON.stringify(lookOf(i)));
  assert.equal(new Set(looks).size, 30);
});
