// spark - two minutes of one number in the height of a line of text. A gap is a gap.

import type { Mini } from '../data/fleet';
import { theme } from './theme';

const TOLERANCE = 1.5;

/** Draws `mini` on a scale of 0 to 100 across the canvas' own size. */
export function drawSpark(canvas: HTMLCanvasElement, mini: Mini): void {
  const ratio = Math.min(2, devicePixelRatio);
  const width = (canvas.width = Math.round(canvas.clientWidth * ratio));
  const height = (canvas.height = Math.round(canvas.clientHeight * ratio));
  const ctx = canvas.getContext('2d')!;
  const to = mini.times.at(-1) ?? 0;
  const x = (t: number) => width - ((to - t) / 120_000) * width;
  const y = (v: number) => height - ratio - (Math.min(100, v) / 100) * (height - 2 * ratio);
  ctx.clearRect(0, 0, width, height);
  ctx.strokeStyle = theme.colour('series-1');
  ctx.fillStyle = theme.faint('series-1', 0.25);
  ctx.lineWidth = 1.25 * ratio;
  ctx.lineJoin = 'round';
  for (const run of runsOf(mini)) {
    ctx.beginPath();
    for (const i of run) ctx.lineTo(x(mini.times[i]), y(mini.busy[i]));
    ctx.stroke();
    ctx.lineTo(x(mini.times[run[run.length - 1]]), height);
    ctx.lineTo(x(mini.times[run[0]]), height);
    ctx.fill();
  }
}

/** Rows that follow one another without a gap. */
function runsOf({ times, busy, step }: Mini): number[][] {
  const runs: number[][] = [];
  let run: number[] = [];
  times.forEach((t, i) => {
    if (Number.isNaN(busy[i])) return;
    const last = run[run.length - 1];
    if (last !== undefined && t - times[last] > TOLERANCE * step) {
      runs.push(run);
      run = [];
    }
    run.push(i);
  });
  return run.length === 0 ? runs : [...runs, run];
}
