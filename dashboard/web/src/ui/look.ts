// look - what changes seldom is asked for now and then, and not by a page that nobody can see.

import { useEffect } from 'preact/hooks';
import { outOfSight } from './kiosk';

const AGAIN_MS = 30_000;

/**
 * Asks after `firstMs`, then each half minute, or `missedMs` after it has failed or nobody saw the page. What fails
 * stays as it was: the pill says what is not reached.
 */
export function useLook<T>(
  firstMs: number,
  ask: () => Promise<T>,
  take: (answer: T) => void,
  of: string,
  missedMs = AGAIN_MS,
): void {
  useEffect(() => {
    let timer = window.setTimeout(look, firstMs);
    let ended = false;
    function look(): void {
      again(AGAIN_MS);
      if (outOfSight()) return again(missedMs);
      ask()
        .then((answer) => {
          if (!ended) take(answer);
        })
        .catch(() => again(missedMs));
    }
    function again(ms: number): void {
      window.clearTimeout(timer);
      if (!ended) timer = window.setTimeout(look, ms);
    }
    return () => {
      window.clearTimeout(timer);
      ended = true;
    };
  }, [of]);
}
