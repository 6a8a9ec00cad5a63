import { type Contender, contender } from './topic.js';

/**
 * The least that any work over `bytes` bytes of memory could take: the C library looks through as many bytes for
 * one that is not there.
 */
export function streamingRead(bytes: number): Contender {
  const memory = Buffer.alloc(bytes, 1);
  return contender({ name: `read ${formatBytes(bytes)}`, role: 'floor', run: () => memory.indexOf(0) });
}

/** The least that any work that writes `bytes` bytes could take: they are copied as one. */
export function memoryCopy(bytes: number): Contender {
  const from = Buffer.alloc(bytes, 1);
  const to = Buffer.alloc(bytes, 2);
  return contender({ name: `copy ${formatBytes(bytes)}`, role: 'floor', run: () => from.copy(to) });
}

const formatBytes = (bytes: number): string =>
  bytes < 1e6 ? `${Math.round(bytes / 1e3)} kB` : `${Math.round(bytes / 1e6)} MB`;
