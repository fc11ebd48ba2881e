// main - the page starts here.

import { render } from 'preact';
import { theme } from './draw/theme';
import { current } from './ui/current';
import { startRouter } from './ui/router';
import { Shell, startKeys } from './views/shell';

theme.start();
startRouter();
startKeys();
document.addEventListener('visibilitychange', () => current.peek()?.setHidden(document.hidden));
addEventListener('online', () => current.peek()?.session.client.nudge());
render(<Shell />, document.getElementById('app')!);
