import { GraspError } from '../../lib/errors.js';

/**
 * The life of the one connection to a relay (docs/sync.md §2):
 * `Connecting → Connected → (Updating ↔ Connected) → Disconnected → Backoff → Connecting`, and `Dead` in the place of
 * `Backoff` after a day of failure. Times are monotonic milliseconds.
 */
export type ConnectionState =
  | { readonly type: 'connecting'; readonly since: number }
  | { readonly type: 'connected'; readonly since: number }
  /** Connected, and its subscriptions are being changed. */
  | { readonly type: 'updating'; readonly since: number }
  | { readonly type: 'disconnected'; readonly at: number }
  | { readonly type: 'backoff'; readonly until: number }
  | { readonly type: 'dead'; readonly until: number };

type StateOf<Type extends ConnectionState['type']> = Extract<ConnectionState, { type: Type }>;

/** A transition was asked for in a state that does not have it: a fault of ours. */
export class ConnectionStateError extends GraspError {
  constructor(verb: string, state: ConnectionState['type']) {
    super('connection_state', `cannot ${verb} while ${state}`);
  }
}

/** Backoff | Dead → Connecting. */
export function connect(state: ConnectionState, now: number): StateOf<'connecting'> {
  from('connect', state, 'backoff', 'dead');
  return { type: 'connecting', since: now };
}

/** Connecting → Connected. */
export function connected(state: ConnectionState, now: number): StateOf<'connected'> {
  from('become connected', state, 'connecting');
  return { type: 'connected', since: now };
}

/** Connected → Updating. */
export function beginUpdate(state: ConnectionState): StateOf<'updating'> {
  const { since } = from('update', state, 'connected');
  return { type: 'updating', since };
}

/** Updating → Connected. */
export function endUpdate(state: ConnectionState): StateOf<'connected'> {
  const { since } = from('end an update', state, 'updating');
  return { type: 'connected', since };
}

/** Connecting | Connected | Updating → Disconnected. */
export function disconnect(state: ConnectionState, now: number): StateOf<'disconnected'> {
  from('disconnect', state, 'connecting', 'connected', 'updating');
  return { type: 'disconnected', at: now };
}

/** Disconnected → Backoff; `until` is now for the free reconnect of a healthy relay. */
export function backOff(state: ConnectionState, until: number): StateOf<'backoff'> {
  from('back off', state, 'disconnected');
  return { type: 'backoff', until };
}

/** Disconnected → Dead. */
export function giveUp(state: ConnectionState, until: number): StateOf<'dead'> {
  from('give up', state, 'disconnected');
  return { type: 'dead', until };
}

function from<Type extends ConnectionState['type']>(
  verb: string,
  state: ConnectionState,
  ...allowed: readonly Type[]
): StateOf<Type> {
  if (!(allowed as readonly string[]).includes(state.type)) throw new ConnectionStateError(verb, state.type);
  return state as StateOf<Type>;
}
