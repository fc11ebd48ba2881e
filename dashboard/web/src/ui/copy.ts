// copy - text to the clipboard, over plain HTTP too.
//
// Without TLS a browser gives no clipboard object, so a selected field and the old command do it, and
// what that command answers is believed, not assumed.

/** Whether it was copied. */
export function copyText(text: string): boolean {
  const field = document.createElement('textarea');
  const before = document.activeElement;
  field.value = text;
  field.readOnly = true;
  field.className = 'sr-only';
  document.body.append(field);
  field.select();
  try {
    return document.execCommand('copy');
  } catch {
    return false;
  } finally {
    field.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  }
}
