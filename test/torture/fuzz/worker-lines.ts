/** What a worker is to do: these targets, one after the other, in that time altogether. */
export type WorkerOptions = { readonly seed: number; readonly ms: number; readonly names: readonly string[] };

/** What became of one target. */
export type TargetReport = {
  readonly target: string;
  readonly inputs: number;
  readonly ms: number;
  /** Inputs that ran something new, and the functions that were run in all. */
  readonly corpus: number;
  readonly functions: number;
  readonly findings: readonly { readonly what: string; readonly hex: string }[];
};

/** What a worker says, a line of JSON at a time. */
export type WorkerLine =
  | { readonly type: 'going'; readonly target: string; readonly inputs: number }
  | ({ readonly type: 'done' } & TargetReport);
