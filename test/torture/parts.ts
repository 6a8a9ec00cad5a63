import type { Part } from './part.js';

/** All parts, in the order in which they run. */
export const parts: readonly Part[] = [];
