// build - the page, and the tests of its modules, from TypeScript to what is served and run.
//
// node build.mjs [OUTDIR]      OUTDIR is build/web of the tree unless given
//
// Out: OUTDIR/index.html and OUTDIR/assets/NAME.HASH.EXT, laid out as the addresses they are
//      served under; OUTDIR-tests/*.mjs, bundles for `node --test`. Equal sources give equal bytes.

import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const out = resolve(process.argv[2] ?? join(root, 'build/web'));
const tests = join(root, 'tests/web');

// Browsers of the last two years: esbuild must leave light-dark() and nesting as they are.
const target = ['es2022', 'chrome123', 'firefox121', 'safari17.5'];

/** Bundles one entry and gives its bytes. */
async function bundle(entry, options = {}) {
  const result = await build({
    entryPoints: [join(here, entry)],
    bundle: true,
    minify: true,
    write: false,
    target,
    absWorkingDir: here,
    legalComments: 'none',
    logLevel: 'warning',
    ...options,
  });
  return result.outputFiles[0].contents;
}

/** Writes bytes under a name that changes with them, and gives the address. */
async function place(stem, extension, bytes) {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 10);
  const name = `${stem}.${hash}.${extension}`;
  await writeFile(join(out, 'assets', name), bytes);
  return `/assets/${name}`;
}

async function buildPage() {
  const jsx = { format: 'esm', jsx: 'automatic', jsxImportSource: 'preact' };
  const { version } = JSON.parse(await readFile(join(here, 'package.json'), 'utf8'));
  await rm(out, { recursive: true, force: true });
  await mkdir(join(out, 'assets'), { recursive: true });

  const names = {
    favicon: await place('favicon', 'svg', await readFile(join(here, 'favicon.svg'))),
    boot: await place('boot', 'js', await bundle('src/boot.ts', { format: 'iife' })),
    css: await place('app', 'css', await bundle('css/app.css')),
    js: await place(
      'app',
      'js',
      await bundle('src/main.tsx', {
        ...jsx,
        define: { 'process.env.NODE_ENV': '"production"', __VERSION__: JSON.stringify(version) },
      }),
    ),
  };
  const page = await readFile(join(here, 'index.html'), 'utf8');
  await writeFile(
    join(out, 'index.html'),
    page.replace(/\{\{(\w+)\}\}/g, (_, key) => names[key]),
  );
}

// The tests sit outside this folder, so the packages they use are looked up from here.
async function buildTests() {
  const names = existsSync(tests) ? (await readdir(tests)).filter((n) => n.endsWith('.test.ts')) : [];
  await rm(`${out}-tests`, { recursive: true, force: true });
  if (names.length === 0) return;
  await build({
    entryPoints: names.sort().map((n) => join(tests, n)),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node18',
    outdir: `${out}-tests`,
    outExtension: { '.js': '.mjs' },
    nodePaths: [join(here, 'node_modules')],
    loader: { '.css': 'text' },
    sourcemap: 'inline',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    logLevel: 'warning',
  });
}

await Promise.all([buildPage(), buildTests()]);
