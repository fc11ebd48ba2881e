// colour - what the page's own colour.ts does not need: for whom a colour is what.
//
// In:  sRGB as [r, g, b], 0 to 1.
// Source: colour vision deficiency of severity 1, Machado, Oliveira, Fernandes 2009, table 1.

import { clamp, gamma, linear, times, type Triple } from '../../dashboard/web/src/draw/colour';

export { contrast, difference, toLab, type Triple } from '../../dashboard/web/src/draw/colour';
export type Vision = 'normal' | 'protan' | 'deutan' | 'tritan';
export const VISIONS: readonly Vision[] = ['normal', 'protan', 'deutan', 'tritan'];

const DEFICIENCY: Record<Exclude<Vision, 'normal'>, readonly Triple[]> = {
  protan: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deutan: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritan: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

export function parseHex(hex: string): Triple {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255) as Triple;
}

/** The colour as it is seen. */
export function seen(colour: Triple, vision: Vision): Triple {
  if (vision === 'normal') return colour;
  const mixed = times(DEFICIENCY[vision], colour.map(linear) as Triple);
  return mixed.map((v) => gamma(clamp(v))) as Triple;
}
