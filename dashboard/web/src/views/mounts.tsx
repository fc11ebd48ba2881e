// mounts - the filesystems: how full each is, the fullest first.

import { useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import { things, type Thing } from '../data/columns';
import type { Board } from '../ui/board';
import { icons } from '../ui/icons';
import type { Entry, Group } from '../ui/readouts';
import { useReadout } from '../ui/use_readout';
import { useSeen } from './panel';
import type { Placed } from './resolve';

const SHOWN_FIRST = 8; // rows; there is a button for the rest
const AGAIN_MS = 30_000; // between two looks at the order
const WARN = 85; // percent
const CRIT = 95;

export function MountsPanel({ board, placed }: { board: Board; placed: Placed }) {
  const root = useRef<HTMLElement>(null);
  const group = useMemo((): Group => ({ awake: false }), []);
  const whole = useSignal(false);
  const columns = board.session.columns.value;
  const mounts = useMemo(() => things(columns, 'fs.use.'), [columns]);
  const order = useOrder(board, mounts);
  useSeen(root, (seen) => board.wake(group, seen));
  const shown = whole.value ? order : order.slice(0, SHOWN_FIRST);
  return (
    <section ref={root} class={`panel w-${placed.width} panel-mounts`} aria-labelledby="title-mounts">
      <header class="panel-head">
        <h3 id="title-mounts">Mounts</h3>
      </header>
      <table class="mounts">
        <thead>
          <tr>
            <th scope="col">Mounted on</th>
            <th scope="col" class="num use">
              In use
            </th>
            <th scope="col" class="num">
              Used
            </th>
            <th scope="col" class="num">
              Size
            </th>
            <th scope="col" class="num">
              Inodes
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((mount) => (
            <Row board={board} mount={mount} group={group} key={mount.key} />
          ))}
        </tbody>
      </table>
      {order.length > SHOWN_FIRST && (
        <button type="button" class="more" aria-expanded={whole.value} onClick={() => (whole.value = !whole.value)}>
          {whole.value ? 'Show the fullest' : `Show all ${order.length}`}
        </button>
      )}
    </section>
  );
}

/** By how full they are; looked at now and then, so that rows do not change places under the eye. */
function useOrder(board: Board, mounts: readonly Thing[]): readonly Thing[] {
  const again = useSignal(0);
  useEffect(() => {
    const timer = window.setInterval(() => again.value++, AGAIN_MS);
    return () => window.clearInterval(timer);
  }, []);
  return useMemo(() => {
    const { store } = board.session;
    const use = (m: Thing) => {
      const values = store.column(m.id) ?? [];
      let at = values.length - 1;
      while (at > 0 && Number.isNaN(values[at])) at--;
      return Math.floor(values[at] || 0); // less than one percent is no reason to move
    };
    const keyed = mounts.map((m, i) => ({ m, i, use: use(m) }));
    return keyed.sort((a, b) => b.use - a.use || a.i - b.i).map((k) => k.m);
  }, [mounts, again.value]);
}

function Row({ board, mount, group }: { board: Board; mount: Thing; group: Group }) {
  const { key, name } = mount;
  const use = useReadout(board, key, { unit: 'percent', source: (v) => v(`fs.use.${key}`), follows: 'edge' }, group);
  const inodes = useReadout(
    board,
    key,
    { unit: 'percent', source: (v) => v(`fs.inodes.${key}`), follows: 'edge' },
    group,
  );
  const used = useReadout(board, key, { unit: 'bytes', source: (v) => v(`fs.used.${key}`), follows: 'edge' }, group);
  const size = useReadout(board, key, { unit: 'bytes', source: (v) => v(`fs.size.${key}`), follows: 'edge' }, group);
  const level = useSignal('');
  const bar = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    use.watch = (percent) => {
      if (bar.current !== null)
        bar.current.style.transform = `scaleX(${percent > 0 ? Math.min(100, percent) / 100 : 0})`;
      level.value = percent >= CRIT ? 'crit' : percent >= WARN ? 'warn' : '';
    };
  }, [use]);
  return (
    <tr class={level.value}>
      <th scope="row">
        <bdi title={name}>{name}</bdi>
      </th>
      <td class="num use">
        <span class="use-line">
          <span class="meter" aria-hidden="true">
            <i class={level.value === '' ? 'c-series-6' : `c-${level.value}`} ref={bar} />
          </span>
          <span class="level">
            {level.value !== '' && <Level word={level.value === 'crit' ? 'nearly full' : 'filling up'} />}
          </span>
          <Amount of={use} />
        </span>
      </td>
      <td class="num">
        <Amount of={used} />
      </td>
      <td class="num">
        <Amount of={size} />
      </td>
      <td class="num">
        <Amount of={inodes} />
      </td>
    </tr>
  );
}

function Level({ word }: { word: string }) {
  return (
    <>
      {icons.warning}
      <span class="sr-only">{word}</span>
    </>
  );
}

function Amount({ of }: { of: Entry }) {
  return (
    <span class="cell">
      {of.number} <span class="legend-unit">{of.suffix}</span>
    </span>
  );
}
