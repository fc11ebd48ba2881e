import assert from 'node:assert/strict';
import test from 'node:test';
import { hostPath, parsePath } from '../../dashboard/web/src/ui/router';

test('addresses name their view', () => {
  assert.deepEqual(parsePath('/'), { view: 'fleet' });
  assert.deepEqual(parsePath('/h/00f3c2a1b4d5e6f7'), { view: 'host', host: '00f3c2a1b4d5e6f7' });
  assert.deepEqual(parsePath('/h/web-017/'), { view: 'host', host: 'web-017' });
});

test('what is no address of ours is lost, not guessed', () => {
  for (const path of ['/h/', '/h', '/x', '/h/a/b', '/h/%E0%A4%A', '']) {
    assert.deepEqual(parsePath(path), { view: 'lost' }, path);
  }
});

test('any name survives the way through an address', () => {
  for (const host of ['web-017', 'a/b', '<img src=x>', '\u202emoc', 'a b?c#d', '\u{1f525}', '100%']) {
    assert.deepEqual(parsePath(hostPath(host)), { view: 'host', host }, host);
  }
});
