// export - what is on the screen as CSV: a row a sample, a column a column, times in UTC.

import { lowerBound } from '../data/gaps';
import { highId, lowId, type Table } from '../data/past';

/** `coarse`: rows are buckets, and the least and the most of each stand beside the mean. */
export function csvOf(table: Table, ids: readonly string[], range: [number, number], coarse: boolean): string {
  const times = table.times();
  const [first, end] = [lowerBound(times, range[0]), lowerBound(times, range[1] + 1)];
  const columns = ids.flatMap((id) => {
    const mean = { name: id, values: table.column(id) };
    if (!coarse) return [mean];
    const low = { name: `${id} least`, values: table.column(lowId(id)) };
    return [mean, low, { name: `${id} most`, values: table.column(highId(id)) }];
  });
  const lines = [['time', ...columns.map((c) => c.name)].map(quote).join(',')];
  for (let i = first; i < end; i++) {
    const values = columns.map(({ values }) => {
      const v = values?.[i] ?? NaN;
      return Number.isNaN(v) ? '' : String(v);
    });
    lines.push([new Date(times[i]).toISOString(), ...values].join(','));
  }
  return lines.join('\r\n') + '\r\n';
}

function quote(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replace(/"/g, '""')}"` : text;
}

/** Hands a text to the browser as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
