// waiting - no host yet: the commands that bring one. The list replaces it by itself.

import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { getCollector } from '../net/api';
import type { Collector } from '../net/protocol';
import { icons } from '../ui/icons';
import { useLook } from '../ui/look';
import { commandsFor } from './commands';

const MISSED_MS = 2000; // without an answer there are no commands to read here

export function Waiting() {
  const collector = useSignal<Collector | null>(null);
  useLook(0, getCollector, (answer) => (collector.value = answer), '', MISSED_MS);
  return (
    <div class="message waiting">
      <p class="waiting-pulse" aria-hidden="true">
        <i />
        <i />
        <i />
      </p>
      <h1>Waiting for the first agent</h1>
      <p>Nothing reports to this collector yet.</p>
      {collector.value !== null && <How collector={collector.value} />}
    </div>
  );
}

function How({ collector }: { collector: Collector }) {
  const { enrol, start } = commandsFor(collector, location.hostname);
  return (
    <>
      {enrol !== null ? (
        <>
          <p>Let a host in: run this beside the collector, and on the host what it prints.</p>
          <Command text={enrol} label="Command that lets a host in" />
          <p>Then start the agent there:</p>
        </>
      ) : (
        <p>
          It is asked without keys (--insecure), so only its own machine may report. Start an agent there:
        </p>
      )}
      <Command text={start} label="Command that starts an agent" />
      <p class="hint">
        {enrol !== null && 'Another host reaches the collector only at an address it listens on (its --bind). '}
        There is nothing to set here: the host is listed within a second of its first sample.
      </p>
    </>
  );
}

function Command({ text, label }: { text: string; label: string }) {
  const command = useRef<HTMLInputElement>(null);
  const said = useSignal('');
  const copy = () => {
    said.value = copyText(command.current!) ? 'Copied' : 'Copying is not allowed here: the line is selected';
  };
  return (
    <>
      <div class="command">
        <input ref={command} readOnly value={text} aria-label={label} />
        <button type="button" onClick={copy}>
          {icons.copy} Copy
        </button>
      </div>
      <p class="said" role="status">
        {said}
      </p>
    </>
  );
}

/** Plain HTTP has no clipboard object, so the old way, and its answer is believed, not assumed. */
function copyText(input: HTMLInputElement): boolean {
  input.select();
  try {
    return document.execCommand('copy');
  } catch {
    return false;
  }
}
