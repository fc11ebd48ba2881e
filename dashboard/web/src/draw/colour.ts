// colour - how far apart two colours are, and how to move one until it can be seen on its ground.
//
// In:  sRGB as [r, g, b], 0 to 1.
// Source: sRGB, IEC 61966-2-1; contrast, WCAG 2.2, 1.4.3; OKLab, Ottosson 2020; CIELAB under D65;
//         CIEDE2000, Sharma, Wu, Dalal 2005.

export type Triple = [number, number, number];

const TO_XYZ: readonly Triple[] = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
];
const WHITE: Triple = [0.95047, 1, 1.08883];
const TO_LMS: readonly Triple[] = [
  [0.4122214708, 0.5363325363, 0.0514459929],
  [0.2119034982, 0.6806995451, 0.1073969566],
  [0.0883024619, 0.2817188376, 0.6299787005],
];
const LMS_TO_LAB: readonly Triple[] = [
  [0.2104542553, 0.793617785, -0.0040720468],
  [1.9779984951, -2.428592205, 0.4505937099],
  [0.0259040371, 0.7827717662, -0.808675766],
];
const LAB_TO_LMS: readonly Triple[] = [
  [1, 0.3963377774, 0.2158037573],
  [1, -0.1055613458, -0.0638541728],
  [1, -0.0894841775, -1.291485548],
];
const FROM_LMS: readonly Triple[] = [
  [4.0767416621, -3.3077115913, 0.2309699292],
  [-1.2684380046, 2.6097574011, -0.3413193965],
  [-0.0041960863, -0.7034186147, 1.707614701],
];

export const linear = (v: number) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
export const gamma = (v: number) => (v <= 0.0031308 ? 12.92 * v : 1.055 * v ** (1 / 2.4) - 0.055);
export const clamp = (v: number) => Math.min(1, Math.max(0, v));
export const times = (m: readonly Triple[], v: Triple) =>
  m.map((row) => row[0] * v[0] + row[1] * v[1] + row[2] * v[2]) as Triple;

export function contrast(one: Triple, other: Triple): number {
  const [a, b] = [one, other].map((c) => times(TO_XYZ, c.map(linear) as Triple)[1] + 0.05);
  return Math.max(a, b) / Math.min(a, b);
}

/**
 * The colour as it is where it has `least` contrast on `ground`; otherwise with its lightness moved,
 * away from the ground, just as far as that takes. Its hue stays.
 */
export function visibleOn(colour: Triple, ground: Triple, least: number): Triple {
  if (contrast(colour, ground) >= least) return colour;
  const [l, a, b] = toOklab(colour);
  const towards = toOklab(ground)[0] < 0.5 ? 1 : 0;
  let near = 0; // too little contrast
  let far = 1;
  for (let i = 0; i < 12; i++) {
    const middle = (near + far) / 2;
    if (contrast(fromOklab([l + (towards - l) * middle, a, b]), ground) >= least) far = middle;
    else near = middle;
  }
  return fromOklab([l + (towards - l) * far, a, b]);
}

function toOklab(colour: Triple): Triple {
  return times(LMS_TO_LAB, times(TO_LMS, colour.map(linear) as Triple).map(Math.cbrt) as Triple);
}

function fromOklab(lab: Triple): Triple {
  const lms = times(LAB_TO_LMS, lab).map((v) => v ** 3) as Triple;
  return times(FROM_LMS, lms).map((v) => clamp(gamma(clamp(v)))) as Triple;
}

export function toLab(colour: Triple): Triple {
  const [x, y, z] = times(TO_XYZ, colour.map(linear) as Triple).map((v, i) => {
    const t = v / WHITE[i];
    return t > 216 / 24389 ? Math.cbrt(t) : ((24389 / 27) * t + 16) / 116;
  });
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

const rad = (degrees: number) => (degrees * Math.PI) / 180;
const hueOf = (a: number, b: number) => (a === 0 && b === 0 ? 0 : ((Math.atan2(b, a) * 180) / Math.PI + 360) % 360);

/** CIEDE2000 of two colours in CIELAB. */
export function difference(p: Triple, q: Triple): number {
  const chroma = (Math.hypot(p[1], p[2]) + Math.hypot(q[1], q[2])) / 2;
  const g = 0.5 * (1 - Math.sqrt(chroma ** 7 / (chroma ** 7 + 25 ** 7)));
  const [a1, a2] = [p[1] * (1 + g), q[1] * (1 + g)];
  const [c1, c2] = [Math.hypot(a1, p[2]), Math.hypot(a2, q[2])];
  const [h1, h2] = [hueOf(a1, p[2]), hueOf(a2, q[2])];
  const grey = c1 * c2 === 0;
  const turn = grey ? 0 : ((h2 - h1 + 540) % 360) - 180;
  const dL = q[0] - p[0];
  const dC = c2 - c1;
  const dH = 2 * Math.sqrt(c1 * c2) * Math.sin(rad(turn) / 2);
  const l = (p[0] + q[0]) / 2;
  const c = (c1 + c2) / 2;
  const h = grey ? h1 + h2 : Math.abs(h1 - h2) <= 180 ? (h1 + h2) / 2 : (h1 + h2 + (h1 + h2 < 360 ? 360 : -360)) / 2;
  const t =
    1 -
    0.17 * Math.cos(rad(h - 30)) +
    0.24 * Math.cos(rad(2 * h)) +
    0.32 * Math.cos(rad(3 * h + 6)) -
    0.2 * Math.cos(rad(4 * h - 63));
  const sL = 1 + (0.015 * (l - 50) ** 2) / Math.sqrt(20 + (l - 50) ** 2);
  const sC = 1 + 0.045 * c;
  const sH = 1 + 0.015 * c * t;
  const twist = -2 * Math.sqrt(c ** 7 / (c ** 7 + 25 ** 7)) * Math.sin(rad(60 * Math.exp(-(((h - 275) / 25) ** 2))));
  return Math.sqrt((dL / sL) ** 2 + (dC / sC) ** 2 + (dH / sH) ** 2 + twist * (dC / sC) * (dH / sH));
}
