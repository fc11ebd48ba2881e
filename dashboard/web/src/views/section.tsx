// section - a part of a host's page: its head tells the most important of it, open or closed.

import { useComputed } from '@preact/signals';
import { useRef } from 'preact/hooks';
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

/** The sections by name; a link opens the one it leads to. */
export function Jumps({ sections }: { sections: readonly Section[] }) {
  const root = useRef<HTMLElement>(null);
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
