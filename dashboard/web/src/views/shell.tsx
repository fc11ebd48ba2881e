// shell - what is around every page: header, skip link, help, keys.

import { signal, useComputed } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { upgraded } from '../data/host_session';
import { theme, type Choice } from '../draw/theme';
import { current, listPill } from '../ui/current';
import { icons, Mark } from '../ui/icons';
import { PillView } from '../ui/pill_view';
import { go, route } from '../ui/router';
import { FleetPage } from './fleet';
import { HostPage } from './host';

declare const __VERSION__: string;

const helpOpen = signal(false);

export function Shell() {
  const { value } = route;
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        {value.view === 'fleet' && <FleetPage />}
        {value.view === 'host' && <HostPage host={value.host} key={value.host} />}
        {value.view === 'lost' && <Lost />}
      </main>
      {helpOpen.value && <Help />}
    </>
  );
}

const THEME_WORDS: Record<Choice, string> = {
  auto: 'Theme: as the system',
  dark: 'Theme: dark',
  light: 'Theme: light',
};

function Header() {
  const onHost = route.value.view === 'host';
  const pill = useComputed(() => current.value?.pill.value ?? listPill.value);
  const word = useComputed(() => pill.value.word.toLowerCase());
  const press = () => {
    const board = current.peek();
    if (board !== null) board.pressPill();
    else dispatchEvent(new Event('zpulse:ask'));
  };
  const choice = theme.choice.value;
  return (
    <header class="bar">
      <a class="brand" href="/">
        <Mark />
        <span>ZPulse</span>
      </a>
      <nav aria-label="Pages">
        <a href="/" aria-current={onHost ? undefined : 'page'}>
          Hosts
        </a>
      </nav>
      <div class="bar-end">
        {upgraded.value && (
          <button type="button" onClick={() => location.reload()}>
            Reload for the new version
          </button>
        )}
        <PillView pill={pill} press={press} />
        <button
          type="button"
          class="tool"
          onClick={() => theme.cycle()}
          title={`${THEME_WORDS[choice]} (D)`}
          aria-label={THEME_WORDS[choice]}
        >
          {icons[choice]}
        </button>
        <button
          type="button"
          class="tool"
          onClick={() => (helpOpen.value = true)}
          title="Keys and gestures (?)"
          aria-label="Keys and gestures"
        >
          {icons.help}
        </button>
      </div>
      <p class="sr-only" role="status">
        {word}
      </p>
    </header>
  );
}

function Lost() {
  return (
    <div class="message">
      <h1>No such page</h1>
      <p>
        <a href="/">All hosts</a>
      </p>
    </div>
  );
}

const HELP: readonly [string, string][] = [
  ['Space', 'pause, and go on'],
  ['L', 'back to live'],
  ['[ ]', 'half a window earlier, later'],
  ['+ −', 'zoom time'],
  ['0', 'five minutes, live'],
  ['D', 'theme: system, dark, light'],
  ['H', 'all hosts'],
  ['← →', 'on a chart: one sample (Shift: ten)'],
  ['Home End', 'on a chart: first, last sample'],
  ['Esc', 'take the cursor away'],
  ['Mouse', 'hover marks, drag chooses a range, double click goes back to live'],
  ['Touch', 'drag sideways marks, two fingers zoom time'],
];

function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  const close = () => dialog.current!.close();
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-labelledby="help-title"
      onClose={() => (helpOpen.value = false)}
      onClick={(e) => e.target === e.currentTarget && close()}
    >
      <div class="help-body">
        <h2 id="help-title">Keys and gestures</h2>
        <dl>
          {HELP.map(([key, what]) => (
            <div key={key}>
              <dt>{key}</dt>
              <dd>{what}</dd>
            </div>
          ))}
        </dl>
        <p class="help-foot">
          ZPulse {__VERSION__}
          <button type="button" onClick={close}>
            Close
          </button>
        </p>
      </div>
    </dialog>
  );
}

const ACTIONS: Record<string, () => void> = {
  d: () => theme.cycle(),
  h: () => go('/'),
  '?': () => (helpOpen.value = true),
  ' ': () => current.peek()?.togglePause(),
  l: () => current.peek()?.view.live(),
  '[': () => current.peek()?.shift(-0.5),
  ']': () => current.peek()?.shift(0.5),
  '+': () => current.peek()?.view.zoom(2),
  '=': () => current.peek()?.view.zoom(2),
  '-': () => current.peek()?.view.zoom(0.5),
  '0': () => current.peek()?.resetView(),
};

/** Single keys, never while a control would take them. */
export function startKeys(): void {
  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || helpOpen.peek()) return;
    const target = e.target instanceof HTMLElement ? e.target : document.body;
    if (target.closest('input, textarea, select, [contenteditable]') !== null) return;
    if (e.key === ' ' && (target.closest('button, a, summary') !== null || current.peek() === null)) return;
    const action = ACTIONS[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (action === undefined) return;
    e.preventDefault();
    action();
  });
}
