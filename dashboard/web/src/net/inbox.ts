// inbox - events as they come, by a stream or by asking: told apart, counted, and their order watched.

import type { Fill, Filled, Hello, HostEvent, Note, Snap, Tick } from './protocol';

export const EVENTS = ['hello', 'snap', 'tick', 'fill', 'filled', 'host', 'note', 'skip'] as const;

export interface Takers {
  hello(data: Hello): void;
  snap(data: Snap): void;
  tick(data: Tick): void;
  fill(data: Fill): void;
  filled(data: Filled): void;
  host(data: HostEvent): void;
  note(data: Note): void;
  /** Events between the last one and this were lost. */
  hole(): void;
}

export class Inbox {
  ticks = 0;
  missedSeq = 0;
  private lastSeq = NaN;

  constructor(private readonly takers: Takers) {}

  /** `data` is what dashboard/API.md says of an event of this type; others are none of ours. */
  take(type: string, data: unknown): void {
    if (type === 'hello') this.takers.hello(data as Hello);
    else if (type === 'snap') this.onSnap(data as Snap);
    else if (type === 'tick') this.onTick(data as Tick);
    else if (type === 'fill') this.onFill(data as Fill);
    else if (type === 'filled') this.onFilled(data as Filled);
    else if (type === 'host') this.onHost(data as HostEvent);
    else if (type === 'note') this.onNote(data as Note & { s: number });
    else if (type === 'skip') this.onSkip(data as { n: number });
  }

  private onSnap(d: Snap): void {
    this.lastSeq = d.s;
    this.takers.snap(d);
  }

  private onTick(d: Tick): void {
    this.inOrder(d.s);
    this.ticks++;
    this.takers.tick(d);
  }

  /** The sequence goes on from the last tick of it. */
  private onFill(d: Fill): void {
    this.lastSeq = d.s;
    this.ticks += d.ticks.length;
    this.takers.fill(d);
  }

  private onFilled(d: Filled): void {
    this.inOrder(d.s);
    this.takers.filled(d);
  }

  private onHost(d: HostEvent): void {
    this.inOrder(d.s);
    this.takers.host(d);
  }

  private onNote(d: Note & { s: number }): void {
    this.inOrder(d.s);
    this.takers.note(d);
  }

  /** A snap follows, so this is no hole. */
  private onSkip(d: { n: number }): void {
    this.missedSeq += d.n;
    this.lastSeq = NaN;
  }

  private inOrder(seq: number): void {
    if (seq > this.lastSeq + 1) {
      this.missedSeq += seq - this.lastSeq - 1;
      this.takers.hole();
    }
    // After a fill come events from before its end.
    if (!(seq < this.lastSeq)) this.lastSeq = seq;
  }
}
