// host - what this machine is doing now, and what it did a moment ago.

import { useComputed, useSignal } from '@preact/signals';
import { useEffect, useLayoutEffect, useMemo } from 'preact/hooks';
import { formatDuration, formatSkew, formatValue, lossText, NONE, refusedTexts } from '../draw/format';
import { getLedger } from '../net/api';
import type { HostFacts, HostInfo, HostState } from '../net/protocol';
import { Board } from '../ui/board';
import { useLook } from '../ui/look';
import { StateShape } from '../ui/icons';
import { TimeBar } from '../ui/time_bar';
import { current } from '../ui/current';
import { BrushStrip } from './brush';
import { STACKS } from './catalog';
import { EventsView, eventsSection } from './events';
import { sectionsOf } from './resolve';
import { Jumps, SectionView } from './section';
import type { SectionTemplate } from './template';

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
  if (board.session.unknown.value) return <UnknownHost host={host} />;
  return (
    <div class={className}>
      <Title board={board} host={host} />
      <BrushStrip board={board} />
      <Sections board={board} />
      <p class="sr-only" aria-live="polite">
        {board.spoken}
      </p>
    </div>
  );
}

const SKELETON = [6, 6, 4, 4, 4];
const FIRST_MS = 1500; // a host without a sample has all its sections too

function Sections({ board }: { board: Board }) {
  const columns = board.session.columns.value;
  const { here, absent } = useMemo(() => sectionsOf(columns), [columns]);
  const events = eventsSection(board.session.notes.all.value);
  const all = useAll(board);
  if (columns.length === 0) {
    return (
      <>
        <div class="jumps" />
        <div class="section-head" />
        <div class="panels">
          {SKELETON.map((width, i) => (
            <div class={`panel w-${width}${width === 6 ? ' tall' : ''} skeleton`} key={i} />
          ))}
        </div>
      </>
    );
  }
  return (
    <>
      <Jumps sections={events === null ? here : [...here, events]} rendered={all ? here.length : 1} />
      {(all ? here : here.slice(0, 1)).map((section) => (
        <SectionView board={board} section={section} key={section.key} />
      ))}
      {all && events !== null && <EventsView board={board} section={events} />}
      {all && absent.length > 0 && <Absent sections={absent} />}
    </>
  );
}

/** False until the first numbers are on the screen: what lies below it must not keep them waiting. */
function useAll(board: Board): boolean {
  const late = useSignal(false);
  useEffect(() => {
    const timer = window.setTimeout(() => (late.value = true), FIRST_MS);
    return () => window.clearTimeout(timer);
  }, []);
  return late.value || board.shown.value;
}

/** What is not shown, and why, in place of empty boxes. */
function Absent({ sections }: { sections: readonly SectionTemplate[] }) {
  return (
    <section class="not-here" aria-label="Not collected here">
      <p>Not collected here</p>
      <dl>
        {sections.map((s) => (
          <div key={s.key}>
            <dt>{s.title}</dt>
            <dd>{s.absent}</dd>
          </div>
        ))}
      </dl>
    </section>
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
  const { name, state, info, link, facts } = board.session;
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
      <TimeBar board={board} />
      <ul class="facts">
        <Machine facts={facts.value} now={board.session.now()} />
        {info.value !== null && <Facts info={info.value} />}
        <Refused host={host} />
      </ul>
    </div>
  );
}

const FACT_LIMIT = 100; // characters

/** What the machine is. */
function Machine({ facts, now }: { facts: HostFacts; now: number }) {
  const { os, kernel, arch, cpus, mem, boot } = facts;
  const said = [
    os,
    kernel === undefined ? undefined : `Linux ${kernel}`,
    arch,
    cpus === undefined ? undefined : `${cpus} ${cpus === 1 ? 'CPU' : 'CPUs'}`,
    mem === undefined ? undefined : formatValue(mem, 'bytes'),
    boot === undefined ? undefined : `up ${formatDuration(now - boot)}`,
  ];
  return <>{said.map((text, i) => (text === undefined ? null : <li key={i}>{text.slice(0, FACT_LIMIT)}</li>))}</>;
}

function Facts({ info }: { info: HostInfo }) {
  const lost = lossText(info);
  const skew = formatSkew(info.offset_ms);
  return (
    <>
      <li>every {info.interval_ms % 1000 === 0 ? formatDuration(info.interval_ms) : `${info.interval_ms}\u00a0ms`}</li>
      <li>agent {info.version || NONE}</li>
      {info.rtt_ms !== null && <li>round trip {formatValue(info.rtt_ms, 'load')}&nbsp;ms</li>}
      {skew !== '' && <li class={refusesFuture(info) ? 'lost' : undefined}>{clockText(info, skew)}</li>}
      {lost !== '' && <li class="lost">{lost}</li>}
    </>
  );
}

/** What the collector refused of this host; nothing, as long as nothing is known. */
function Refused({ host }: { host: string }) {
  const texts = useSignal<string[]>([]);
  useLook(
    FIRST_MS,
    () => getLedger(host),
    ([mine]) => (texts.value = refusedTexts(mine?.limits ?? [])),
    host,
  );
  return (
    <>
      {texts.value.map((text) => (
        <li class="lost" key={text}>
          {text}
        </li>
      ))}
    </>
  );
}

const FUTURE_MS = 600_000; // of a sample's time ahead of the collector, at most

const refusesFuture = (info: HostInfo) => (info.offset_ms ?? 0) < -FUTURE_MS;

function clockText(info: HostInfo, skew: string): string {
  return `clock ${skew}${refusesFuture(info) ? ': its samples are refused' : ''}`;
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
