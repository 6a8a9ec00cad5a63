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

/** The filters ask for more different values than can be told apart at once; fewer filters help. */
export class KernelSymbolsError extends GraspError {
  constructor(symbolsMax: number) {
    super('kernel_symbols', `the filters ask for ${symbolsMax} different values already`, {
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
