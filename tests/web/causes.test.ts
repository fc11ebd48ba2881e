import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Causes, ledgerCause, stateCause } from '../../dashboard/web/src/data/causes';
import type { Ledger, LedgerGap } from '../../dashboard/web/src/net/protocol';

const gap = { from: 10_000, to: 20_000, open: false };

function missing(what: 'lost' | 'missed', cause: string, from: number, to: number): LedgerGap {
  return { what, cause, from, to, count: 1 };
}

test('a gap has the cause of most of it', () => {
  const known = [
    missing('missed', 'hung', 0, 10_500),
    missing('missed', 'down', 10_500, 19_000),
    missing('lost', 'disk-full', 19_000, 30_000),
  ];
  assert.equal(ledgerCause(gap, known), 'the agent did not run');
  assert.equal(ledgerCause({ from: 19_500, to: 20_000, open: false }, known), "lost: the agent's disk was full");
});

test('what only touches a gap is no cause of it', () => {
  assert.equal(ledgerCause(gap, [missing('missed', 'hung', 0, 10_000)]), '');
  assert.equal(ledgerCause(gap, []), '');
});

test('a cause that is not known here is said as it is', () => {
  assert.equal(ledgerCause(gap, [missing('lost', 'gremlins', 0, 15_000)]), 'lost: gremlins');
});

test('a state that lasts explains a gap that lasts', () => {
  const spells = [{ state: 'stopped' as const, from: 12_000, to: Infinity }];
  assert.equal(stateCause({ from: 10_000, to: 90_000, open: true }, spells), 'the agent was stopped');
  assert.equal(stateCause(gap, [{ state: 'silent', from: 13_000, to: 21_000 }]), 'nothing was heard of the host');
});

function bed(answer: Ledger[]) {
  const env = { now: 0, asks: 0, changes: 0 };
  const causes = new Causes({
    ask: () => {
      env.asks++;
      return Promise.resolve(answer);
    },
    now: () => env.now,
    changed: () => env.changes++,
  });
  return { env, causes };
}

test('the ledger is asked when a gap is pointed at, and not again at once', async () => {
  const { env, causes } = bed([{ id: 'a', gaps: [missing('missed', 'suspended', 9000, 21_000)] }]);
  causes.note('silent', 12_000);
  causes.note('up', 20_000);
  assert.equal(causes.of(gap), 'nothing was heard of the host');
  await new Promise(setImmediate);
  assert.equal(env.changes, 1);
  assert.equal(causes.of(gap), 'the host slept');
  const other = { from: 50_000, to: 60_000, open: false };
  assert.equal(causes.of(other), '');
  assert.equal(env.asks, 1);
  env.now = 6000;
  causes.of(other);
  assert.equal(env.asks, 2);
});
