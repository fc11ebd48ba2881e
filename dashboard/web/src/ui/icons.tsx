// icons - the few shapes of the page, drawn for it; 16 by 16, in the colour of the text.

import type { ComponentChildren } from 'preact';
import type { HostState } from '../net/protocol';
import type { PillKind } from './pill';

function Shape({ children, label }: { children: ComponentChildren; label?: string }) {
  return (
    <svg
      class="icon"
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-linecap="round"
      stroke-linejoin="round"
      {...(label === undefined ? { 'aria-hidden': 'true' } : { role: 'img', 'aria-label': label })}
    >
      {children}
    </svg>
  );
}

export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--accent)" />
      <path
        d="M5 17h5l3-8 6 15 3-7h5"
        fill="none"
        stroke="var(--surface)"
        stroke-width="2.8"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

/** Each state has its own shape; colour only repeats it. */
const STATE_SHAPES: Record<HostState, ComponentChildren> = {
  up: <circle cx="8" cy="8" r="4" fill="currentColor" stroke="none" />,
  late: <path d="M8 2.8 14 13H2z" />,
  stopped: <rect x="4" y="4" width="8" height="8" rx="1" />,
  silent: <circle cx="8" cy="8" r="4.6" stroke-dasharray="2.6 2.2" />,
};

export function StateShape({ state }: { state: HostState }) {
  return <Shape>{STATE_SHAPES[state]}</Shape>;
}

const PILL_SHAPES: Record<PillKind, ComponentChildren> = {
  live: <circle cx="8" cy="8" r="4" fill="currentColor" stroke="none" />,
  paused: <path d="M5.5 3.5v9M10.5 3.5v9" stroke-width="2.4" />,
  fixed: <path d="M8 2.5a5.5 5.5 0 1 0 .01 0M8 5v3.2l2 1.4" />,
  polling: <path d="M8 2.5a5.5 5.5 0 1 0 .01 0M8 8V2.5A5.5 5.5 0 0 1 13.5 8z" />,
  reconnecting: <path d="M13 8a5 5 0 1 1-1.6-3.7M13.2 2.2v2.9h-2.9" />,
  stale: <circle cx="8" cy="8" r="4.6" stroke-dasharray="2.6 2.2" />,
  nodata: <path d="M4 8h8" />,
};

export function PillShape({ kind }: { kind: PillKind }) {
  return <Shape>{PILL_SHAPES[kind]}</Shape>;
}

export const icons = {
  auto: (
    <Shape>
      <circle cx="8" cy="8" r="5.2" />
      <path d="M8 2.8a5.2 5.2 0 0 1 0 10.4z" fill="currentColor" stroke="none" />
    </Shape>
  ),
  dark: (
    <Shape>
      <path d="M13 9.6A5.4 5.4 0 1 1 6.4 3a4.4 4.4 0 0 0 6.6 6.6z" />
    </Shape>
  ),
  light: (
    <Shape>
      <circle cx="8" cy="8" r="2.8" />
      <path d="M8 1.2v1.4M8 13.4v1.4M1.2 8h1.4M13.4 8h1.4M3.2 3.2l1 1M11.8 11.8l1 1M12.8 3.2l-1 1M4.2 11.8l-1 1" />
    </Shape>
  ),
  help: (
    <Shape>
      <path d="M5.6 5.8a2.4 2.4 0 1 1 3.6 2.1c-.8.5-1.2.9-1.2 1.9" />
      <circle cx="8" cy="12.6" r=".9" fill="currentColor" stroke="none" />
    </Shape>
  ),
  copy: (
    <Shape>
      <rect x="5.5" y="5.5" width="8" height="8" rx="1.5" />
      <path d="M10.5 5.5v-2a1 1 0 0 0-1-1h-6a1 1 0 0 0-1 1v6a1 1 0 0 0 1 1h2" />
    </Shape>
  ),
  chevron: (
    <Shape>
      <path d="M6 3.5 10.5 8 6 12.5" />
    </Shape>
  ),
  table: (
    <Shape>
      <path d="M2.5 3.5h11v9h-11zM2.5 6.5h11M6.5 6.5v6" stroke-width="1.3" />
    </Shape>
  ),
  warning: (
    <Shape>
      <path d="M8 2.6 14.2 13H1.8zM8 6.4v3M8 11.2v.2" stroke-width="1.4" />
    </Shape>
  ),
};
