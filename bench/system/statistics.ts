/** The value below which the share `quantile` of the values lies (nearest rank); `NaN` of none. */
export function percentile(values: ArrayLike<number>, quantile: number): number {
  const sorted = Float64Array.from(values).sort();
  const rank = Math.max(0, Math.ceil(quantile * sorted.length) - 1);
  return sorted[rank] ?? Number.NaN;
}

/** Milliseconds since an arbitrary moment that is the same in all processes of the machine. */
export function machineMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
