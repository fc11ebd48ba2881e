// pill_view - the live pill as a button. Its lag changes each tick, so that is a text node's signal.

import { useComputed, type ReadonlySignal } from '@preact/signals';
import { PillShape } from './icons';
import type { Pill } from './pill';

export function PillView({ pill, press }: { pill: ReadonlySignal<Pill>; press: () => void }) {
  const kind = useComputed(() => pill.value.kind);
  const word = useComputed(() => pill.value.word);
  const detail = useComputed(() => pill.value.detail);
  const action = useComputed(() => pill.value.action);
  return (
    <button type="button" class={`pill pill-${kind.value}`} data-kind={kind.value} onClick={press} title={action}>
      <span class="pill-body">
        <PillShape kind={kind.value} />
        <span class="pill-word">{word}</span>
        <span class="pill-detail">{detail}</span>
      </span>
      <span class="sr-only">, {action}</span>
    </button>
  );
}
