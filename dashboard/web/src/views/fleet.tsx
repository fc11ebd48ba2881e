// fleet - every host in a row: is it alive, and how is it?

import { useComputed, useSignalEffect, type ReadonlySignal } from '@preact/signals';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { Fleet, type FleetRow } from '../data/fleet';
import { formatDuration, formatValue, lossText, NONE } from '../draw/format';
import { drawSpark } from '../draw/spark';
import { theme } from '../draw/theme';
import type { HostState } from '../net/protocol';
import { StateShape } from '../ui/icons';
import { listPill } from '../ui/current';
import { pillOf } from '../ui/pill';
import { hostPath } from '../ui/router';
import { StateChip } from './host';
import { SentAway } from './sent_away';
import { Waiting } from './waiting';

const STALE_MS = 5000;
const SLOWEST_MS = 1500; // a list that is asked for each second is in step within this

export function FleetPage() {
  const fleet = useMemo(() => new Fleet(() => tellPill(fleet)), []);
  useEffect(() => {
    document.title = 'Hosts · ZPulse';
    fleet.start();
    const again = () => void fleet.ask();
    addEventListener('zpulse:ask', again);
    return () => {
      removeEventListener('zpulse:ask', again);
      fleet.stop();
    };
  }, []);
  const rows = fleet.rows.value;
  if (!fleet.answered.value) return <Loading />;
  if (rows.length === 0)
    return (
      <>
        <Waiting />
        <SentAway />
      </>
    );
  return (
    <div class="fleet">
      <div class="fleet-head">
        <h1>Hosts</h1>
        <Counts rows={rows} />
      </div>
      <div class="panel fleet-panel">
        <table class="hosts">
          <thead>
            <tr>
              <th scope="col">Host</th>
              <th scope="col">State</th>
              <th scope="col" class="num">
                Newest sample
              </th>
              <th scope="col" class="wide">
                CPU, 2 minutes
              </th>
              <th scope="col" class="wide">
                Memory
              </th>
              <th scope="col" class="num minor">
                Every
              </th>
              <th scope="col" class="num minor">
                Lost
              </th>
              <th scope="col" class="num minor">
                Agent
              </th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row row={row} key={row.id} />
            ))}
          </tbody>
        </table>
      </div>
      <SentAway />
    </div>
  );
}

function tellPill(fleet: Fleet): void {
  const now = Date.now();
  const newest = fleet.newest();
  const age = fleet.clock.collector(now) - newest;
  listPill.value = {
    ...pillOf({
      now: fleet.clock.collector(now),
      link: fleet.failedSince === null ? 'open' : 'down',
      downFor: fleet.failedSince === null ? 0 : now - fleet.failedSince,
      newest,
      lag: age,
      step: SLOWEST_MS,
      stale: STALE_MS,
      pausedFor: null,
      fixed: null,
    }),
    action: 'Ask again',
  };
}

function Loading() {
  return (
    <div class="fleet">
      <div class="fleet-head">
        <h1>Hosts</h1>
      </div>
      <div class="panel fleet-panel skeleton" />
    </div>
  );
}

const STATES: readonly HostState[] = ['up', 'late', 'silent', 'stopped'];

function Counts({ rows }: { rows: readonly FleetRow[] }) {
  return (
    <ul class="counts">
      {STATES.map((state) => {
        const n = rows.filter((r) => r.state.value === state).length;
        return n === 0 ? null : (
          <li class={`state state-${state}`} key={state}>
            <StateShape state={state} />
            {n} {state}
          </li>
        );
      })}
    </ul>
  );
}

function Row({ row }: { row: FleetRow }) {
  const dead = useComputed(() => !(row.age.value < STALE_MS));
  return (
    <tr class={dead.value ? 'stale' : ''} data-host={row.id}>
      <th scope="row" class="host-cell">
        <a href={hostPath(row.id)} dir="auto" title={row.name.slice(0, 400)}>
          {row.name || row.id}
        </a>
      </th>
      <td class="state-cell">
        <StateChip state={row.state.value} />
      </td>
      <td class="num age-cell">
        <Text of={row} show={(r) => ageText(r.age.value)} />
      </td>
      <td class="wide cpu-cell">
        <span class="cpu-line">
          <Spark row={row} />
          <Text of={row} show={(r) => formatValue(r.cpu.value, 'percent')} />
        </span>
      </td>
      <td class="wide mem-cell">
        <span class="mem-line">
          <Bar percent={row.memory} />
          <Text of={row} show={(r) => formatValue(r.memory.value, 'percent')} />
        </span>
      </td>
      <td class="num minor">
        <Text of={row} show={(r) => every(r.info.value.interval_ms)} />
      </td>
      <td class="num minor">
        <Text of={row} show={(r) => lost(r)} />
      </td>
      <td class="num minor">
        <Text of={row} show={(r) => r.info.value.version || NONE} />
      </td>
    </tr>
  );
}

/** A text that follows the row's signals without rendering the row. */
function Text({ of, show }: { of: FleetRow; show: (row: FleetRow) => string }) {
  const text = useComputed(() => show(of));
  return <span>{text}</span>;
}

function ageText(ms: number): string {
  if (Number.isNaN(ms)) return 'none yet';
  return ms < 2000 ? 'now' : `${formatDuration(ms)} ago`;
}

function every(ms: number): string {
  return ms % 1000 === 0 ? formatDuration(ms) : `${ms}\u00a0ms`;
}

function lost(row: FleetRow): string {
  const info = row.info.value;
  if (info.dropped === null && info.missed === null) return NONE;
  return lossText(info) || '0';
}

function Spark({ row }: { row: FleetRow }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useSignalEffect(() => {
    void theme.version.value;
    const mini = row.mini.value;
    if (canvas.current !== null && mini !== null) drawSpark(canvas.current, mini);
  });
  return <canvas class="spark" ref={canvas} aria-hidden="true" />;
}

function Bar({ percent }: { percent: ReadonlySignal<number> }) {
  const fill = useRef<HTMLElement>(null);
  useSignalEffect(() => {
    const p = percent.value;
    if (fill.current !== null) fill.current.style.transform = `scaleX(${p > 0 ? Math.min(100, p) / 100 : 0})`;
  });
  return (
    <span class="meter" aria-hidden="true">
      <i class="c-series-6" ref={fill} />
    </span>
  );
}
