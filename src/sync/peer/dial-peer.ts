import { limits } from '../../config/limits.js';
import { within } from '../../lib/time-limit.js';
import type { Dialer, DialTarget, RelayInformation } from '../dial/transport.js';
import { Peer, type PeerParts } from './peer.js';
import { relayLimits } from './relay-limits.js';

/** A connection, and what the remote says about itself. */
export type Dialled = { readonly peer: Peer; readonly information: RelayInformation | undefined };

export type DialParts = Omit<PeerParts, 'limits' | 'authRequired' | 'relay'> & { readonly dialer: Dialer };

/**
 * Reads the NIP-11 document of a remote, then connects to it. Rejects with `TransportError`, `TimeLimitError` or the
 * signal's reason; nothing is left open then.
 */
export async function dialPeer(parts: DialParts, target: DialTarget, signal: AbortSignal): Promise<Dialled> {
  const { dialer, clock } = parts;
  const information = await within(
    clock,
    'the relay information',
    limits.remoteInformationMsMax,
    signal,
    async (attempt) => await dialer.information(target, attempt),
  ).catch(() => undefined);
  signal.throwIfAborted();
  const peer = new Peer({
    ...parts,
    relay: target.url,
    limits: relayLimits(information),
    authRequired: information?.authRequired === true,
  });
  const socket = await within(
    clock,
    'the connection',
    limits.remoteDialMsMax,
    signal,
    async (attempt) => await dialer.dial(target, peer.handlers, attempt),
  );
  peer.attach(socket);
  return { peer, information };
}
