// template - how the catalogue says what a section of a host's page shows. resolve.ts makes charts of it.

import type { Unit } from '../draw/format';
import type { Column } from '../net/protocol';
import type { Source } from '../ui/readouts';

export interface Figure {
  unit: Unit;
  source: Source;
  word?: string; // before the number
  of?: { id: string; unit: Unit } | 'cores'; // "3.1 GiB of 7.8 GiB", "1.64 of 8 cores"
}

interface Common {
  key: string;
  title: string;
  unit: Unit;
  max?: number | string; // top of the scale, or the column that says it
  sparse?: boolean; // no value is no loss
  sides?: readonly [string, string]; // what is above the axis, what below
  absent?: string; // said where the host has none of it; without it the panel is left out
}

/** Columns that are known by their ids. */
export interface FixedTemplate extends Common {
  lines: readonly FixedLine[];
  kind?: 'stack' | 'area'; // else lines
  figure?: Figure;
  extra?: { id: string; label: string; unit: Unit; most?: number }; // a number beside the legend, not drawn
  meter?: boolean; // a bar of the parts under the title
  idle?: { id: string; of: number }; // of a stack: the column of what is left of `of`
  needs?: string; // a column that must be above 0 for there to be anything to draw
  cores?: boolean; // a strip of the cores under the chart
}

export interface FixedLine {
  id: string;
  label: string;
  ink: string;
  down?: boolean;
}

/** A line for each of several like things. */
export interface EachTemplate extends Common {
  each: readonly string[]; // what the ids begin with
  down?: string; // the same below the axis
  by: 'sum' | 'max'; // what those too many to be drawn are together
  apps?: boolean; // with the colours that they declared
}

/** The sum of several like things. */
export interface TotalTemplate extends Common {
  total: readonly [string, string]; // prefixes of what is above the axis, what below
}

export interface MountsTemplate {
  key: string;
  title: string;
  mounts: true;
}

export type Template = FixedTemplate | EachTemplate | TotalTemplate | MountsTemplate;

/** One number in the head of a section, so that a closed one tells something too. */
export interface Gist {
  word: string;
  unit: Unit;
  id?: string;
  each?: readonly string[]; // or the prefixes of the columns that it is made of
  by?: 'sum' | 'max';
}

export interface SectionTemplate {
  key: string;
  title: string;
  open: boolean; // by itself
  panels: readonly Template[] | ((columns: readonly Column[]) => readonly Template[]);
  gist?: readonly Gist[];
  absent: string; // why a host may not have it
}
