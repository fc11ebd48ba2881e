// main - the page starts here.

import { render } from 'preact';
import { theme } from './draw/theme';
import { current } from './ui/current';
import { readPageState, writePageState } from './ui/page_state';
import { startSight } from './ui/sight';
import { startRouter } from './ui/router';
import { startKeys } from './ui/keys';
import { Shell } from './views/shell';

theme.start();
readPageState();
startRouter();
startKeys();
startSight();
addEventListener('online', () => current.peek()?.session.client.nudge());
render(<Shell />, document.getElementById('app')!);
writePageState();
