// clock - the collector's time, told from when its stamps arrive here.
//
// The difference of the two clocks is at most (arrival - stamp), and nearest to that when a message
// was quick. So the running minimum is kept, over two periods so that drift is followed.

const PERIOD_MS = 150_000;

export class Clock {
  private recent = Infinity;
  private before = Infinity;
  private turned = -Infinity;

  /** Browser's time minus collector's time in ms, 0 before the first message. */
  get offset(): number {
    const least = Math.min(this.recent, this.before);
    return least === Infinity ? 0 : least;
  }

  /** A message stamped `stamp` (collector's ms) arrived at `arrival` (browser's ms). */
  note(stamp: number, arrival: number): void {
    if (arrival - this.turned > PERIOD_MS) {
      this.before = this.recent;
      this.recent = Infinity;
      this.turned = arrival;
    }
    this.recent = Math.min(this.recent, arrival - stamp);
  }

  /** The collector's time at browser's time `at`. */
  collector(at: number): number {
    return at - this.offset;
  }
}
