// pick - the columns wanted as what `c=` of a question says: ids, or `prefix*` for all that begin so.
//
// A machine with a hundred cores has a hundred ids that differ in their last part; asked for one by
// one they would fill the address.

const LEAST = 3; // so many ids are worth a prefix

/** Items for `c=` that pick exactly `wanted` out of `all`. */
export function pickItems(wanted: readonly string[], all: readonly string[]): string[] {
  const asked = new Set(wanted);
  const groups = new Map<string, string[]>();
  for (const id of asked) groups.set(stemOf(id), [...(groups.get(stemOf(id)) ?? []), id]);
  const items: string[] = [];
  for (const [stem, ids] of groups) {
    const whole = stem !== '' && ids.length >= LEAST && all.every((id) => !id.startsWith(stem) || asked.has(id));
    items.push(...(whole ? [`${stem}*`] : ids));
  }
  return items;
}

/** `disk.read.` of `disk.read.sda`, `core.` of `core.0`; '' of what is not one of many. */
function stemOf(id: string): string {
  const match = /^(core\.|freq\.|temp\.|zone\.|fan\.|app\.other\.[^.]*\.|(?:disk|fs|net|app)\.[^.]+\.)/.exec(id);
  return match === null ? '' : match[1];
}
