// scheduler - draw what is dirty, at most once a frame, a few milliseconds at a time.
//
// A tick marks every visible chart dirty; each frame draws in the order of `rank` until its slice is
// used up and leaves the rest to the next. No frame is asked for while nothing is dirty.

export interface Drawable {
  draw(): void;
  /** Smaller is sooner: the focused one first, then from the top of the page down. */
  rank(): number;
}

export interface FrameClock {
  request(callback: () => void): void;
  now(): number; // ms
}

export const SLICE_MS = 6;

export class Scheduler {
  frames = 0;
  slowFrames = 0; // whose slice took twice what it may
  redraws = 0;
  redrawMs = 0;
  failed = 0; // drawings that threw
  private dirty = new Set<Drawable>();
  private asked = false;
  private rested: (() => void)[] = [];

  constructor(private readonly clock: FrameClock) {}

  mark(what: Drawable): void {
    this.dirty.add(what);
    this.ask();
  }

  forget(what: Drawable): void {
    this.dirty.delete(what);
  }

  /** Calls back once, after the frame in which nothing is left to draw. */
  whenDrawn(callback: () => void): void {
    this.rested.push(callback);
    this.ask();
  }

  /** Nothing waits for a frame. */
  get idle(): boolean {
    return !this.asked;
  }

  private ask(): void {
    if (this.asked) return;
    this.asked = true;
    this.clock.request(() => this.frame());
  }

  private frame(): void {
    this.asked = false;
    this.frames++;
    const start = this.clock.now();
    let at = start;
    for (const what of inOrder(this.dirty)) {
      this.dirty.delete(what);
      this.drawOne(what);
      at = this.clock.now();
      if (at - start >= SLICE_MS) break;
    }
    this.redrawMs += at - start;
    if (at - start > 2 * SLICE_MS) this.slowFrames++;
    if (this.dirty.size > 0) return this.ask();
    const done = this.rested;
    this.rested = [];
    for (const callback of done) callback();
  }

  /** One that fails must not keep the others from being drawn. */
  private drawOne(what: Drawable): void {
    this.redraws++;
    try {
      what.draw();
    } catch (error) {
      this.failed++;
      console.error(error);
    }
  }
}

function inOrder(all: Set<Drawable>): Drawable[] {
  const ranked = [...all].map((what) => ({ what, rank: what.rank() }));
  return ranked.sort((a, b) => a.rank - b.rank).map((r) => r.what);
}
