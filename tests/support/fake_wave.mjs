// fake_wave - noise for made-up numbers: the same time gives the same number.

export const GIB = 2 ** 30;

/** Smooth noise in [0, 1). */
export function wave(t, period_s, seed) {
  const x = t / 1000 / period_s;
  const slow = Math.sin(x * 2 * Math.PI + seed) * 0.5 + Math.sin(x * 5.3 + seed * 7) * 0.3;
  const rough = Math.sin(Math.floor(t / 1000) * 12.9898 + seed * 78.233) * 43758.5453;
  return Math.min(0.999, Math.max(0, 0.5 + slow * 0.4 + (rough - Math.floor(rough) - 0.5) * 0.25));
}

export const round1 = (v) => Math.round(v * 10) / 10;
export const atLeast0 = (v) => round1(Math.max(0, v));
