// theme - the tokens of the style sheet as colours that a canvas takes.
//
// A custom property that holds light-dark() is only text until something uses it, so each is tried on
// a probe element and its computed colour is read back: once a change of theme, never while drawing.

import { signal } from '@preact/signals';
import { visibleOn, type Triple } from './colour';

export type Choice = 'auto' | 'dark' | 'light';

const KEY = 'zpulse.theme';
const CHOICES: readonly Choice[] = ['auto', 'dark', 'light'];
const TOKENS = [
  'surface',
  'text',
  'muted',
  'grid',
  'border',
  'border-strong',
  'accent',
  'hatch',
  'rest',
  'others',
  ...Array.from({ length: 8 }, (_, i) => `series-${i + 1}`),
  ...Array.from({ length: 9 }, (_, i) => `ramp-${i + 1}`),
] as const;

const LEAST_CONTRAST = 3; // of a line on its panel
const DECLARED_LIMIT = 64; // characters; no colour needs more
const DECLARED_MOST = 256; // colours that are kept

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
  private declared = new Set<string>();

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

  /** As [r, g, b], 0 to 1. */
  triple(token: string): Triple {
    return tripleOf(this.colour(token));
  }

  /** The same colour, see-through. */
  faint(token: string, alpha: number): string {
    const { r, g, b } = parseRgb(this.colour(token));
    return `rgba(${r},${g},${b},${alpha})`;
  }

  /**
   * Takes a colour of the style sheets' language in, as one that lines can have, and gives its token;
   * undefined where the text is no colour. Where it could not be seen, its lightness is moved.
   */
  declare(text: string): string | undefined {
    const token = `css:${text}`;
    if (this.declared.has(text)) return token;
    if (text.length > DECLARED_LIMIT || this.declared.size >= DECLARED_MOST) return undefined;
    // Words that mean another colour elsewhere are no colour of an application.
    if (/var\(|env\(|^(inherit|initial|unset|revert)/i.test(text) || !CSS.supports('color', text)) return undefined;
    this.declared.add(text);
    this.probe((read) => this.readDeclared(text, read));
    return token;
  }

  private reread(): void {
    this.probe((read) => {
      for (const token of TOKENS) this.colours.set(token, read(`var(--${token})`));
      for (const text of this.declared) this.readDeclared(text, read);
    });
    this.version.value++;
  }

  private readDeclared(text: string, read: (css: string) => string): void {
    const seen = visibleOn(tripleOf(read(text)), this.triple('surface'), LEAST_CONTRAST);
    this.colours.set(`css:${text}`, `rgb(${seen.map((v) => Math.round(v * 255)).join(', ')})`);
  }

  private probe(use: (read: (css: string) => string) => void): void {
    const probe = document.createElement('i');
    probe.hidden = true;
    // Series keep their colours where the system forces its own on the rest.
    probe.style.setProperty('forced-color-adjust', 'none');
    document.body.append(probe);
    use((css) => {
      probe.style.color = css;
      return getComputedStyle(probe).color;
    });
    probe.remove();
  }
}

/** A computed colour; of a wider space than sRGB, what of it sRGB can show, by way of a pixel. */
function tripleOf(computed: string): Triple {
  if (!computed.startsWith('rgb')) {
    const ctx = document.createElement('canvas').getContext('2d')!;
    ctx.fillStyle = computed;
    ctx.fillRect(0, 0, 1, 1);
    return [...ctx.getImageData(0, 0, 1, 1).data.slice(0, 3)].map((v) => v / 255) as Triple;
  }
  const { r, g, b } = parseRgb(computed);
  return [r / 255, g / 255, b / 255];
}

/** Takes what getComputedStyle gives for a colour in sRGB. */
export function parseRgb(text: string): Rgb {
  const [r = 0, g = 0, b = 0, a = 1] = (text.match(/[\d.]+/g) ?? []).map(Number);
  return { r, g, b, a };
}

export const theme = new Theme();
