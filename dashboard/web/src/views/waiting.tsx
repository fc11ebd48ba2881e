// waiting - no host yet: the two commands that bring one. The list replaces it by itself.

import { useSignal } from '@preact/signals';
import { useRef } from 'preact/hooks';
import { icons } from '../ui/icons';

export function Waiting() {
  const collector = `tcp://${collectorHost()}:5560`;
  return (
    <div class="message waiting">
      <p class="waiting-pulse" aria-hidden="true">
        <i />
        <i />
        <i />
      </p>
      <h1>Waiting for the first agent</h1>
      <p>Nothing reports to this collector yet. Let a host in: run this beside the collector, and on the host what it prints.</p>
      <Command text={`zpulse enrol --new --collector ${collector}`} label="Command that lets a host in" />
      <p>Then start the agent there:</p>
      <Command text={`zpulse-agent --data ./agent --collector ${collector}`} label="Command that starts an agent" />
      <p class="hint">
        5560 is the collector's data port unless it was given another. There is nothing to set here: the host is listed
        within a second of its first sample.
      </p>
    </div>
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

function collectorHost(): string {
  const host = location.hostname;
  return host === '' || host === 'localhost' ? '127.0.0.1' : host;
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
