import { GraspError } from '../lib/errors.js';

/** The kernels would need more memory than their limit allows; smaller ranges, or waiting, may help. */
export class KernelMemoryError extends GraspError {
  constructor(bytesWanted: number, bytesMax: number) {
    super('kernel_memory', `the kernels need ${bytesWanted} bytes more; their limit is ${bytesMax}`, {
      retryable: true,
      details: { bytesWanted, bytesMax },
    });
  }
}

/** More different values are to be told apart than the kernels do at once; fewer filters or events help. */
export class KernelSymbolsError extends GraspError {
  constructor(symbolsMax: number) {
    super('kernel_symbols', `the kernels tell ${symbolsMax} different values apart already`, {
      retryable: true,
      details: { symbolsMax },
    });
  }
}

/** A call that cannot be meant: an index outside the set, an id of another length, a thing that was disposed. */
export class KernelUsageError extends GraspError {
  constructor(message: string) {
    super('kernel_usage', message);
  }
}
