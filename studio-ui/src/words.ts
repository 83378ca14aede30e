/**
 * All words that a user reads, in English, by the part of the page that says them; a translation is another file
 * with the same names. What the server says (tasks, options, refusals, notes) is its own.
 */

const plural = (number: number, one: string, many = `${one}s`): string => `${number} ${number === 1 ? one : many}`;

/** The page of batches. */
export const batchWords = {
  title: "Batches",
  lead: "Many pictures restored by untrained batch; this page only looks at how far they are, every three seconds.",
  none: "No batch yet. Start one with: untrained batch PICTURES -o FOLDER, then untrained studio --batch FOLDER.",
  latest: "Latest results",
  dashboard: "Ray's dashboard",
  rate: "Lately",
  left: "Left",
  workers: "Work done",
  updated: "Last change",
  progress: (name: string) => `Progress of ${name}`,
  counts: ({ total, done, refused, failed, at_work }: { total: number | null; done: number; refused: number; failed: number; at_work: number }) =>
    [
      total === null ? `${done} done` : `${done} of ${total} done`,
      ...(at_work > 0 ? [`${at_work} at work or begun`] : []),
      ...(refused > 0 ? [`${refused} refused`] : []),
      ...(failed > 0 ? [`${failed} failed`] : []),
    ].join(" · "),
  setAside: (number: number) => `${plural(number, "picture")} set aside, by reason`,
  perMinute: (rate: number) => (rate >= 1 ? `${rate.toFixed(1)} a minute` : `${(60 * rate).toFixed(1)} an hour`),
  about: (time: string) => `about ${time}`,
  gain: (decibels: number) => `${decibels >= 0 ? "+" : "−"}${Math.abs(decibels).toFixed(1)} dB`,
};
