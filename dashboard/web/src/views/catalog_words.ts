// catalog_words - short ways to say what the catalogue says often.

import type { Unit } from '../draw/format';
import type { EachTemplate, Figure, FixedLine } from './template';

export const just = (id: string, unit: Unit): Figure => ({ unit, source: (v) => v(id) });

/** `id label colour`, the colour by its number or name, `down` behind it for below the axis. */
export function lines(...texts: readonly string[]): FixedLine[] {
  return texts.map((text) => {
    const [id, label, ink, down] = text.split('|');
    const line = { id, label, ink: /^\d$/.test(ink) ? `series-${ink}` : ink };
    return down === undefined ? line : { ...line, down: true };
  });
}

export const DISK: Pick<EachTemplate, 'sides'> = { sides: ['read', 'write'] };
export const NET: Pick<EachTemplate, 'sides'> = { sides: ['received', 'sent'] };
