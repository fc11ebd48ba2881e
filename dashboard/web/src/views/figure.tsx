// figure - the number that a panel or a section is about, beside its title.

import type { Board } from '../ui/board';
import type { Group } from '../ui/readouts';
import { useReadout } from '../ui/use_readout';
import type { Figure } from './template';

export function FigureView({ board, figure, group }: { board: Board; figure: Figure; group: Group }) {
  const now = useReadout(board, '', { ...figure, follows: 'edge' }, group);
  return (
    <p class="figure">
      {figure.word !== undefined && <span class="figure-of">{figure.word} </span>}
      <span class="figure-number">{now.number}</span> <span class="figure-unit">{now.suffix}</span>
      {typeof figure.of === 'object' && <Of board={board} of={figure.of} group={group} />}
      {figure.of === 'cores' && <OfCores board={board} />}
    </p>
  );
}

function Of({ board, of, group }: { board: Board; of: Exclude<Figure['of'], 'cores' | undefined>; group: Group }) {
  const whole = useReadout(board, '', { unit: of.unit, source: (v) => v(of.id), follows: 'edge' }, group);
  return (
    <span class="figure-of">
      {' of '}
      {whole.number} {whole.suffix}
    </span>
  );
}

function OfCores({ board }: { board: Board }) {
  const n = board.session.columns.value.filter((c) => c.id.startsWith('core.')).length;
  return n === 0 ? null : (
    <span class="figure-of">
      {' of '}
      {n}&nbsp;{n === 1 ? 'core' : 'cores'}
    </span>
  );
}
