// shell - what is around every page: header, skip link, help.

import { useComputed } from '@preact/signals';
import { upgraded } from '../data/host_session';
import { theme, type Choice } from '../draw/theme';
import { current, listPill } from '../ui/current';
import { icons, Mark } from '../ui/icons';
import { helpOpen } from '../ui/keys';
import { PillView } from '../ui/pill_view';
import { route } from '../ui/router';
import { toast } from '../ui/toast';
import { FleetPage } from './fleet';
import { Help } from './help';
import { HostPage } from './host';

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
      <p class="toast" role="status">
        {toast}
      </p>
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
          title={`${THEME_WORDS[choice]} (d)`}
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
