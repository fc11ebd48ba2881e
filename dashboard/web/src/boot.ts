// boot - set a forced theme before the first paint, so that no wrong one flashes.
//
// Loaded as a blocking script ahead of the style sheet; `auto` needs nothing, light-dark() follows
// the system by itself. Storage may be forbidden, and then there is nothing to force.

try {
  const forced = localStorage.getItem('zpulse.theme');
  if (forced === 'dark' || forced === 'light') document.documentElement.dataset.theme = forced;
} catch {
  document.documentElement.removeAttribute('data-theme');
}
