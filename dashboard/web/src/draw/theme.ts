// theme - the tokens of the style sheet as colours that a canvas takes.
//
// A custom property that holds light-dark() is only text until something uses it, so each is tried on
// a probe element and its computed colour is read back: once a change of theme, never while drawing.

import { signal } from '@preact/signals';

export type Choice = 'auto' | 'dark' | 'light';

const KEY = 'zpulse.theme';
const CHOICES: readonly Choice[] = ['auto', 'dark', 'light'];
const TOKENS = [
  'surface',
  'text',
  'muted',
  'grid',
  'border',
  'accent',
  'hatch',
  'rest',
  ...Array.from({ length: 8 }, (_, i) => `series-${i + 1}`),
  ...Array.from({ length: 9 }, (_, i) => `ramp-${i + 1}`),
] as const;

/** A number keeps its colour wherever it is drawn, in both themes. */
export const COLOUR_OF: Record<string, string> = {
  'cpu.user': 'series-1',
  'cpu.nice': 'series-2',
  'cpu.system': 'series-3',
  'cpu.iowait': 'series-7',
  'cpu.irq': 'series-6',
  'cpu.softirq': 'series-4',
  'cpu.steal': 'series-8',
  'mem.used': 'series-6',
  'mem.cached': 'series-4',
  'mem.buffers': 'series-2',
  'mem.free': 'rest',
  'load.1': 'series-1',
  'load.5': 'series-5',
  'load.15': 'series-6',
  'procs.running': 'series-5',
  'procs.blocked': 'series-8',
  'swap.used': 'series-3',
  'sys.context_switches': 'series-4',
  'sys.interrupts': 'series-7',
};

export interface Rgb {
  r: number;
  g: number;
  b: number;
  a: number;
}

class Theme {
  /** What the person chose. */
  readonly choice = signal<Choice>('auto');
  /** Grows whenever colours changed. */
  readonly version = signal(0);
  private colours = new Map<string, string>();

  /** Reads the colours and follows the system and the media settings from now on. */
  start(): void {
    const forced = document.documentElement.dataset.theme;
    this.choice.value = forced === 'dark' || forced === 'light' ? forced : 'auto';
    for (const query of ['(prefers-color-scheme: dark)', '(forced-colors: active)', '(prefers-contrast: more)']) {
      matchMedia(query).addEventListener('change', () => this.reread());
    }
    this.reread();
  }

  cycle(): void {
    const next = CHOICES[(CHOICES.indexOf(this.choice.value) + 1) % CHOICES.length];
    this.choice.value = next;
    if (next === 'auto') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Storage is forbidden here: the choice lasts as long as the page.
    }
    this.reread();
  }

  colour(token: string): string {
    return this.colours.get(token) ?? '#888';
  }

  /** The same colour, see-through. */
  faint(token: string, alpha: number): string {
    const { r, g, b } = parseRgb(this.colour(token));
    return `rgba(${r},${g},${b},${alpha})`;
  }

  private reread(): void {
    const probe = document.createElement('i');
    probe.hidden = true;
    // Series keep their colours where the system forces its own on the rest.
    probe.style.setProperty('forced-color-adjust', 'none');
    document.body.append(probe);
    for (const token of TOKENS) {
      probe.style.color = `var(--${token})`;
      this.colours.set(token, getComputedStyle(probe).color);
    }
    probe.remove();
    this.version.value++;
  }
}

/** Takes what getComputedStyle gives for a colour in sRGB. */
export function parseRgb(text: string): Rgb {
  const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
  return { r, g, b, a };
}

export const theme = new Theme();
