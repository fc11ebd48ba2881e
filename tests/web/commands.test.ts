// The commands that bring a host are those of the collector that is asked.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { commandsFor, shellWord } from '../../dashboard/web/src/views/commands';

const keyed = (endpoint: string) => ({ endpoint, insecure: false });

test('a collector of another port is named with it', () => {
  const { enrol, start } = commandsFor(keyed('tcp://127.0.0.1:21560'), 'localhost');
  assert.equal(enrol, 'zpulse enrol --new --collector tcp://127.0.0.1:21560');
  assert.equal(start, 'zpulse-agent --data ./agent --collector tcp://127.0.0.1:21560');
});

test('one that is asked by loopback is told to others by the name of the page', () => {
  for (const local of ['127.0.0.1', 'localhost', '[::1]', '127.1.2.3']) {
    const { enrol } = commandsFor(keyed(`tcp://${local}:5560`), 'watch.example');
    assert.equal(enrol, 'zpulse enrol --new --collector tcp://watch.example:5560', local);
  }
});

test('one elsewhere stays where it is', () => {
  for (const endpoint of ['tcp://10.77.0.1:5560', 'ipc:///run/zpulse/data'])
    assert.equal(commandsFor(keyed(endpoint), 'watch.example').enrol, `zpulse enrol --new --collector ${endpoint}`);
});

test('without keys nobody is enrolled, and an agent is started on that machine', () => {
  const { enrol, start } = commandsFor({ endpoint: 'tcp://127.0.0.1:5560', insecure: true }, 'watch.example');
  assert.equal(enrol, null);
  assert.equal(start, 'zpulse-agent --insecure --data ./agent --collector tcp://127.0.0.1:5560');
});

test('an address with brackets is one word to any shell, in both commands', () => {
  const { enrol, start } = commandsFor(keyed('tcp://[fd00::1]:5560'), 'watch.example');
  assert.equal(enrol, "zpulse enrol --new --collector 'tcp://[fd00::1]:5560'");
  assert.equal(start, "zpulse-agent --data ./agent --collector 'tcp://[fd00::1]:5560'");
  const away = commandsFor(keyed('tcp://127.0.0.1:5560'), '[fd00::2]');
  assert.equal(away.enrol, "zpulse enrol --new --collector 'tcp://[fd00::2]:5560'");
});

// The list is that of the programs, which write commands too.
test('words are quoted as the programs quote them', () => {
  const lines = readFileSync('tests/data/shell/words.tsv', 'utf8').trimEnd().split('\n');
  assert.ok(lines.length > 10);
  for (const line of lines) {
    const [text, word] = line.split('\t');
    assert.equal(shellWord(text), word);
  }
});
