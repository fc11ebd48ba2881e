// mounts - charts are made when they come near, and kept while there is memory for their bitmaps.
//
// Near is the window and one screen around it. What was scrolled away is kept, undrawn, so that
// coming back is instant; past 40 MB of bitmaps the one that was away for longest goes first, and
// none that is in sight. The boxes keep their size, so nothing moves on the page.

const MOST_BYTES = 40 * 2 ** 20;
const GRACE_MS = 5000;

/** What a place holds while it is near. */
export interface Mounted {
  /** It came into sight, or went out of it. */
  show(seen: boolean): void;
  bytes(): number;
  end(): void;
}

interface Place {
  root: HTMLElement;
  make: () => Mounted;
  made: Mounted | null;
  near: boolean;
  seen: boolean;
  leftAt: number; // ms, when it last was near
}

/** Runs tasks in the frames to come, a few milliseconds at a time. */
export interface Queue {
  mark(task: { draw(): void; rank(): number }): void;
  forget(task: { draw(): void; rank(): number }): void;
}

export class Mounts {
  private places = new Map<Element, Place & { task: { draw(): void; rank(): number } }>();
  private nearby: IntersectionObserver;
  private sight: IntersectionObserver;
  private timer = 0;

  constructor(private readonly queue: Queue) {
    this.nearby = new IntersectionObserver((all) => all.forEach((e) => this.come(e)), { rootMargin: '100% 0px' });
    this.sight = new IntersectionObserver((all) => all.forEach((e) => this.see(e)), { rootMargin: '32px 0px' });
  }

  /** Of all bitmaps. */
  bytes(): number {
    let sum = 0;
    for (const p of this.places.values()) sum += p.made?.bytes() ?? 0;
    return sum;
  }

  /** `make` is called when `root` comes near; the function given back ends it for good. */
  add(root: HTMLElement, make: () => Mounted): () => void {
    const place = { root, make, made: null, near: false, seen: false, leftAt: 0 };
    const task = { draw: () => this.mount(root), rank: () => root.getBoundingClientRect().top };
    this.places.set(root, { ...place, task });
    this.nearby.observe(root);
    this.sight.observe(root);
    return () => {
      this.nearby.unobserve(root);
      this.sight.unobserve(root);
      this.queue.forget(task);
      this.places.get(root)?.made?.end();
      this.places.delete(root);
    };
  }

  stop(): void {
    this.nearby.disconnect();
    this.sight.disconnect();
    window.clearTimeout(this.timer);
  }

  private come({ target, isIntersecting }: IntersectionObserverEntry): void {
    const place = this.places.get(target);
    if (place === undefined) return;
    place.near = isIntersecting;
    if (isIntersecting) {
      if (place.made === null) this.queue.mark(place.task);
    } else {
      place.leftAt = performance.now();
      this.queue.forget(place.task);
      this.trimSoon();
    }
  }

  private see({ target, isIntersecting }: IntersectionObserverEntry): void {
    const place = this.places.get(target);
    if (place === undefined) return;
    place.seen = isIntersecting;
    if (place.made === null && isIntersecting) this.queue.mark(place.task);
    else place.made?.show(isIntersecting);
  }

  private mount(root: HTMLElement): void {
    const place = this.places.get(root);
    if (place === undefined || place.made !== null) return;
    place.made = place.make();
    place.made.show(place.seen);
    this.trimSoon();
  }

  private trimSoon(): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => this.trim(), GRACE_MS);
  }

  private trim(): void {
    let bytes = this.bytes();
    const idle = [...this.places.values()].filter((p) => p.made !== null && !p.seen);
    // Those far away first, of them the one that left first; then those that are only near.
    idle.sort((a, b) => Number(a.near) - Number(b.near) || a.leftAt - b.leftAt);
    for (const place of idle) {
      if (bytes <= MOST_BYTES) return;
      bytes -= place.made!.bytes();
      place.made!.end();
      place.made = null;
    }
  }
}
