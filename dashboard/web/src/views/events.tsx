// events - what happened on the host, as a list, the newest first: what the marks in the charts say.

import type { Note } from '../net/protocol';
import { formatMoment } from '../draw/format';
import type { Board } from '../ui/board';
import { icons } from '../ui/icons';
import { isOpen, turn } from '../ui/sections';
import type { Section } from './resolve';

const SHOWN = 50;

/** Null where nothing has happened: then there is no such section. */
export function eventsSection(notes: readonly Note[]): Section | null {
  return notes.length === 0 ? null : { key: 'events', title: 'Events', open: true, gist: [], panels: [] };
}

export function EventsView({ board, section }: { board: Board; section: Section }) {
  const { key, title } = section;
  const open = isOpen(key, section.open);
  const notes = board.session.notes.all.value;
  const shown = notes.slice(-SHOWN).reverse();
  return (
    <section class={`section section-${key}`} id={key} aria-labelledby={`head-${key}`}>
      <div class="section-head">
        <h2 id={`head-${key}`}>
          <button type="button" aria-expanded={open} aria-controls={`body-${key}`} onClick={() => turn(key)}>
            {icons.chevron}
            {title}
          </button>
        </h2>
        <p class="gist">{notes.length > SHOWN ? `the newest ${SHOWN} of ${notes.length}` : `${notes.length}`}</p>
      </div>
      <div class="panels" id={`body-${key}`} hidden={!open}>
        {open && (
          <div class="panel w-12">
            <table class="events">
              <thead>
                <tr>
                  <th scope="col">Time</th>
                  <th scope="col">What happened</th>
                </tr>
              </thead>
              <tbody>
                {shown.map((note) => (
                  <EventRow board={board} note={note} key={note.id} />
                ))}
              </tbody>
            </table>
          </div>
        )}
      </div>
    </section>
  );
}

function EventRow({ board, note }: { board: Board; note: Note }) {
  const when = formatMoment(note.t, board.session.now());
  return (
    <tr>
      <td>
        <button type="button" class="event-time" title="Show in the charts" onClick={() => board.showMoment(note.t)}>
          <time dateTime={new Date(note.t).toISOString()}>{when}</time>
        </button>
      </td>
      <th scope="row">
        <bdi>{note.text === '' ? note.kind : note.text}</bdi>
        {note.severity !== 'info' && <span class={`severity severity-${note.severity}`}>{note.severity}</span>}
      </th>
    </tr>
  );
}
