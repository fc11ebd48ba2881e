// section - a part of a host's page: its head tells the most important of it, open or closed.

import { useComputed, useSignal, useSignalEffect } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { tailOf } from '../draw/format';
import type { Board } from '../ui/board';
import { icons } from '../ui/icons';
import { isOpen, turn } from '../ui/sections';
import { useReadout } from '../ui/use_readout';
import { Fence } from './fence';
import { MountsPanel } from './mounts';
import { Panel } from './panel';
import { isMounts, type Section } from './resolve';
import type { Figure } from './template';

export function SectionView({ board, section }: { board: Board; section: Section }) {
  const { key, title, gist, panels } = section;
  const open = isOpen(key, section.open);
  return (
    <section class={`section section-${key}`} id={key} aria-labelledby={`head-${key}`}>
      <div class="section-head">
        <h2 id={`head-${key}`}>
          <button type="button" aria-expanded={open} aria-controls={`body-${key}`} onClick={() => turn(key)}>
            {icons.chevron}
            {title}
          </button>
        </h2>
        {gist.map((g) => (
          <GistView board={board} gist={g} key={g.word} />
        ))}
      </div>
      <div class="panels" id={`body-${key}`} hidden={!open}>
        {open &&
          panels.map((placed) => {
            const { template: t } = placed;
            return (
              <Fence name={t.title} key={t.key}>
                {isMounts(t) ? (
                  <MountsPanel board={board} placed={placed} />
                ) : (
                  <Panel board={board} placed={placed} template={t} />
                )}
              </Fence>
            );
          })}
      </div>
    </section>
  );
}

function GistView({ board, gist }: { board: Board; gist: Figure }) {
  const now = useReadout(board, '', { ...gist, follows: 'edge' });
  const suffix = useComputed(() => tailOf(now.suffix.value));
  return (
    <p class="gist">
      {gist.word}{' '}
      <span class="gist-number">
        {now.number}
        {suffix}
      </span>
    </p>
  );
}

/** The sections by name; a link opens the one it leads to, and the one that is read is marked. */
export function Jumps({ sections, rendered }: { sections: readonly Section[]; rendered: number }) {
  const root = useRef<HTMLElement>(null);
  const read = useSignal('');
  const keys = sections.map((s) => s.key).join();
  useEffect(() => watchRead(keys.split(','), (key) => (read.value = key)), [keys, rendered]);
  useSignalEffect(() => {
    // On a narrow screen the names are a row that is longer than it.
    const link = root.current?.querySelector<HTMLElement>(`[href="#${read.value}"]`);
    if (link) root.current!.scrollLeft = link.offsetLeft - root.current!.clientWidth / 3;
  });
  const jump = (section: Section) => {
    if (!isOpen(section.key, section.open)) turn(section.key);
    // By the next frame it is rendered, and the page as long as it will be.
    requestAnimationFrame(() => {
      const head = document.getElementById(section.key);
      head?.scrollIntoView({ block: 'start' });
      head?.querySelector('button')?.focus({ preventScroll: true });
    });
  };
  return (
    <nav class="jumps" aria-label="Sections" ref={root}>
      {sections.map((s) => (
        <a
          href={`#${s.key}`}
          key={s.key}
          aria-current={read.value === s.key ? 'location' : undefined}
          onClick={(e) => {
            e.preventDefault();
            jump(s);
          }}
        >
          {s.title}
        </a>
      ))}
    </nav>
  );
}

/** Tells which section lies under the upper third of the window. */
function watchRead(keys: readonly string[], tell: (key: string) => void): () => void {
  const under = new Set<string>();
  const watcher = new IntersectionObserver(
    (all) => {
      for (const e of all) {
        if (e.isIntersecting) under.add(e.target.id);
        else under.delete(e.target.id);
      }
      tell(keys.find((k) => under.has(k)) ?? '');
    },
    { rootMargin: '-100px 0px -66% 0px' },
  );
  for (const key of keys) {
    const section = document.getElementById(key);
    if (section !== null) watcher.observe(section);
  }
  return () => watcher.disconnect();
}
