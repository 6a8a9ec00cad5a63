import type { Clock } from '../../lib/clock.js';
import type { Peer } from '../peer/peer.js';
import { stabilityMs } from './health.js';

/** Looks once a minute whether a connection has proven itself, and says so once. Returns the way to stop. */
export function watchStability(
  clock: Clock,
  peer: Pick<Peer, 'hasAnswered'>,
  onStable: () => void,
): () => void {
  let cancel = () => {};
  const look = () => {
    if (peer.hasAnswered) onStable();
    else cancel = clock.after(stabilityMs, look);
  };
  cancel = clock.after(stabilityMs, look);
  return () => cancel();
}
