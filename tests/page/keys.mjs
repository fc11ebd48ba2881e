// keys - those of a stage's programs, written before they start: nobody enrols by hand.
//
// A pair is one of X25519, its halves in Z85 (ZeroMQ RFC 26 and 32). `keys` has those of collector,
// operator and dashboard, and admit, which the collector reads when it starts; `keys-NUMBER` those of
// an agent.

import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const Z85 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';

function z85(bytes) {
  let text = '';
  for (let i = 0; i < bytes.length; i += 4) {
    for (let n = bytes.readUInt32BE(i), power = 85 ** 4; power >= 1; power /= 85) text += Z85[Math.floor(n / power) % 85];
  }
  return text;
}

function pair() {
  const { d, x } = generateKeyPairSync('x25519').privateKey.export({ format: 'jwk' });
  return { secret: z85(Buffer.from(d, 'base64url')), public: z85(Buffer.from(x, 'base64url')) };
}

function write(folder, file, text, mode = 0o644) {
  writeFileSync(join(folder, file), text, { mode });
}

function save(folder, name, key) {
  write(folder, `${name}.key`, `public ${key.public}\nsecret ${key.secret}\n`, 0o600);
  write(folder, `${name}.pub`, `public ${key.public}\n`);
}

/** Keys below `dir`, with one for each of these agents: the folder of the collector's, and of each agent's. */
export function makeKeys(dir, agents) {
  const shared = join(dir, 'keys');
  const collector = pair();
  const admitted = [];
  mkdirSync(shared, { mode: 0o700 });
  save(shared, 'collector', collector);
  for (const role of ['operator', 'dashboard']) {
    const key = pair();
    save(shared, role, key);
    admitted.push(`${role} ${role} ${key.public}\n`);
  }
  const folders = agents.map((name, i) => {
    const folder = join(dir, `keys-${i}`);
    const key = pair();
    mkdirSync(folder, { mode: 0o700 });
    save(folder, 'agent', key);
    write(folder, 'collector.pub', `public ${collector.public}\n`);
    admitted.push(`agent ${name} ${key.public}\n`);
    return folder;
  });
  write(shared, 'admit', admitted.join(''), 0o600);
  return { shared, agents: new Map(agents.map((name, i) => [name, folders[i]])) };
}
