// host - what this machine is doing now, and what it did a moment ago.

import { useComputed } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks';
import { formatDuration, formatLag, formatValue, lossText, NONE } from '../draw/format';
import type { HostInfo, HostState } from '../net/protocol';
import { Board } from '../ui/board';
import { StateShape } from '../ui/icons';
import { TimeBar } from '../ui/time_bar';
import { current } from '../ui/current';
import { Fence } from './fence';
import { Panel } from './panel';
import { PANELS, STACKS } from './panels';

export function HostPage({ host }: { host: string }) {
  const board = useMemo(() => new Board(host, STACKS), [host]);
  // Before the first paint, so that the stream is asked for at once.
  useLayoutEffect(() => {
    board.start();
    current.value = board;
    return () => {
      if (current.peek() === board) current.value = null;
      board.stop();
    };
  }, [board]);
  const className = useComputed(
    () => `host${board.dead.value ? ' stale' : ''}${board.atCursor.value ? ' at-cursor' : ''}`,
  );
  const waiting = board.session.columns.value.length === 0;
  if (board.session.unknown.value) return <UnknownHost host={host} />;
  return (
    <div class={className}>
      <Title board={board} host={host} />
      <div class="panels">
        {waiting
          ? PANELS.map((spec) => <div class={`panel panel-${spec.size} skeleton`} key={`wait-${spec.key}`} />)
          : PANELS.map((spec) => (
              <Fence name={spec.title} key={spec.key}>
                <Panel board={board} spec={spec} />
              </Fence>
            ))}
      </div>
      <p class="sr-only" aria-live="polite">
        {board.spoken}
      </p>
    </div>
  );
}

export function StateChip({ state }: { state: HostState }) {
  return (
    <span class={`state state-${state}`}>
      <StateShape state={state} />
      {state}
    </span>
  );
}

function Title({ board, host }: { board: Board; host: string }) {
  const { name, state, info, link } = board.session;
  // Its name comes with the first answer; an id in its place for a moment would only jump.
  const shown = name.value || (link.value === 'down' ? host : '\u00a0');
  useEffect(() => {
    document.title = `${(name.value || host).slice(0, 60)} · ZPulse`;
  }, [name.value]);
  return (
    <div class="host-head">
      <h1 dir="auto" title={shown.slice(0, 400)}>
        {shown}
      </h1>
      {state.value !== null && <StateChip state={state.value} />}
      <span class="host-age">{board.age}</span>
      <ul class="facts">{info.value !== null && <Facts info={info.value} />}</ul>
      <TimeBar board={board} />
    </div>
  );
}

function Facts({ info }: { info: HostInfo }) {
  const lost = lossText(info);
  const skewed = Math.abs(info.offset_ms ?? 0) >= 1;
  return (
    <>
      <li>every {info.interval_ms % 1000 === 0 ? formatDuration(info.interval_ms) : `${info.interval_ms}\u00a0ms`}</li>
      <li>agent {info.version || NONE}</li>
      {info.rtt_ms !== null && <li>round trip {formatValue(info.rtt_ms, 'load')}&nbsp;ms</li>}
      {skewed && <li>clock {formatLag(info.offset_ms ?? 0)} off</li>}
      {lost !== '' && <li class="lost">{lost}</li>}
    </>
  );
}

function UnknownHost({ host }: { host: string }) {
  return (
    <div class="message">
      <h1>No such host</h1>
      <p>
        The collector knows no host of this name or id: <bdi class="quoted">{host.slice(0, 200)}</bdi>. This page opens
        it as soon as its agent reports.
      </p>
      <p>
        <a href="/">All hosts</a>
      </p>
    </div>
  );
}
