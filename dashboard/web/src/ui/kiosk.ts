// kiosk - a page on a wall (`?kiosk=1`) never sleeps, whatever the browser says of its visibility.

export const kiosk = new URLSearchParams(location.search).get('kiosk') === '1';

/** Nobody can see this page, so it should cost nothing. */
export function outOfSight(): boolean {
  return document.hidden && !kiosk;
}
