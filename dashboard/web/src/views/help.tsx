// help - the keys, what a mouse and fingers do, and the switch for single keys.

import { useEffect, useRef } from 'preact/hooks';
import { HANDS, helpOpen, keysOf, keysOn, setKeysOn, type Group } from '../ui/keys';

declare const __VERSION__: string;

const GROUPS: readonly Group[] = ['Time', 'Charts', 'Everywhere', 'List of hosts'];

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current!.showModal(), []);
  const fingers = matchMedia('(pointer: coarse)').matches;
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
        <header class="help-head">
          <h2 id="help-title">Keys and gestures</h2>
          <button type="button" onClick={close}>
            Close
          </button>
        </header>
        <div class="help-groups">
          {fingers && <List title="Mouse and fingers" rows={HANDS} />}
          {GROUPS.map((group) => (
            <List title={group} rows={keysOf(group).map((k) => [k.shown, k.says])} key={group} />
          ))}
          {!fingers && <List title="Mouse and fingers" rows={HANDS} />}
        </div>
        <footer class="help-foot">
          <label>
            <input type="checkbox" checked={keysOn} onChange={(e) => setKeysOn(e.currentTarget.checked)} />
            Single keys
          </label>
          <span>ZPulse {__VERSION__}</span>
        </footer>
      </div>
    </dialog>
  );
}

function List({ title, rows }: { title: string; rows: readonly (readonly [string, string] | string[])[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {rows.map(([key, what]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
