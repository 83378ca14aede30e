/** Steps and curves: which snapshot stands for a step, and how curves with their own steps share one axis. */

/** The index of the value nearest to `wanted` in an ascending list (the earlier one of a tie); −1 where it is empty. */
export function nearest(ascending: readonly number[], wanted: number): number {
  let best = -1;
  for (const [index, value] of ascending.entries()) {
    const kept = ascending[best];
    if (kept === undefined || Math.abs(value - wanted) < Math.abs(kept - wanted)) best = index;
  }
  return best;
}
