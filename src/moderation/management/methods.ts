import { parseWebUrl } from '../../config/host.js';
import { limits } from '../../config/limits.js';
import { isHex32 } from '../../lib/bytes.js';
import { GraspError } from '../../lib/errors.js';
import { AddressError } from '../blocked-addresses.js';
import { type ChangeableText, ListFullError, type ListName } from '../lists.js';
import { type Moderation, ProtectedKeyError } from '../moderation.js';

/** A call that cannot be done; the message is for who called. */
class MethodError extends GraspError {
  constructor(message: string) {
    super('bad_call', message);
  }
}

/** Does what a method says; `by` is the npub of who called. */
type Method = (moderation: Moderation, params: readonly unknown[], by: string) => unknown;

/** The methods of NIP-86 that have a meaning here. There are no lists of kinds, no roles, and nothing waits for a moderator. */
const methods: Readonly<Record<string, Method>> = {
  async banpubkey(moderation, params, by) {
    await moderation.banPubkey(idIn(params), { by, reason: reasonIn(params) });
    return true;
  },
  async unbanpubkey(moderation, params, by) {
    await moderation.unbanPubkey(idIn(params), by);
    return true;
  },
  listbannedpubkeys: (moderation) => listed(moderation, 'banned-pubkey', 'pubkey'),
  async allowpubkey(moderation, params, by) {
    await moderation.allowPubkey(idIn(params), { by, reason: reasonIn(params) });
    return true;
  },
  async unallowpubkey(moderation, params, by) {
    await moderation.unallowPubkey(idIn(params), by);
    return true;
  },
  listallowedpubkeys: (moderation) => listed(moderation, 'allowed-pubkey', 'pubkey'),
  async banevent(moderation, params, by) {
    await moderation.banEvent(idIn(params), { by, reason: reasonIn(params) });
    return true;
  },
  unbanevent,
  // There is no list of events that are allowed: all are that are not banned.
  allowevent: unbanevent,
  listbannedevents: (moderation) => listed(moderation, 'banned-event', 'id'),
  changerelayname: (moderation, params, by) =>
    change(moderation, 'name', textIn(params, limits.relayNameCharsMax), by),
  changerelaydescription: (moderation, params, by) =>
    change(moderation, 'description', textIn(params, limits.relayDescriptionCharsMax), by),
  changerelayicon(moderation, params, by) {
    const url = textIn(params, limits.urlCharsMax);
    if (url !== '' && parseWebUrl(url) === undefined)
      throw new MethodError('the icon is a URL (https or http)');
    return change(moderation, 'icon', url, by);
  },
  async blockip(moderation, params, by) {
    await moderation.blockAddress(textIn(params, limits.urlCharsMax), { by, reason: reasonIn(params) });
    return true;
  },
  async unblockip(moderation, params, by) {
    await moderation.unblockAddress(textIn(params, limits.urlCharsMax), by);
    return true;
  },
  listblockedips: (moderation) => listed(moderation, 'blocked-address', 'ip'),
};

/** What a call answers (NIP-86). */
export type CallResult = { readonly result: unknown } | { readonly error: string };

/** Does what a call says. Rejects with what is no fault of who called. */
export async function call(moderation: Moderation, request: unknown, by: string): Promise<CallResult> {
  const { method, params = [] } = (request ?? {}) as { readonly method?: unknown; readonly params?: unknown };
  if (typeof method !== 'string' || !Array.isArray(params))
    return { error: 'a call is an object with a method and a list of params' };
  if (method === 'supportedmethods') return { result: ['supportedmethods', ...Object.keys(methods)] };
  const known = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (known === undefined)
    return { error: 'this method is not supported; supportedmethods lists those that are' };
  try {
    return { result: await known(moderation, params, by) };
  } catch (error) {
    const isTold =
      error instanceof MethodError ||
      error instanceof AddressError ||
      error instanceof ListFullError ||
      error instanceof ProtectedKeyError;
    if (isTold) return { error: error.message };
    throw error;
  }
}

async function unbanevent(moderation: Moderation, params: readonly unknown[], by: string): Promise<true> {
  await moderation.unbanEvent(idIn(params), by);
  return true;
}

/** An empty text has the setting hold again. */
async function change(moderation: Moderation, name: ChangeableText, text: string, by: string): Promise<true> {
  await moderation.changeText(name, text, by);
  return true;
}

function listed(moderation: Moderation, list: ListName, field: string): object[] {
  return [...moderation.lists.entries(list)].map(([value, { reason }]) => ({
    [field]: value,
    ...(reason === '' ? {} : { reason }),
  }));
}

function idIn([id]: readonly unknown[]): string {
  if (typeof id === 'string' && isHex32(id)) return id;
  throw new MethodError('the first param is 64 lower-case hex digits');
}

function reasonIn([, reason]: readonly unknown[]): string {
  return typeof reason === 'string' ? reason : '';
}

/** One line, as the setting. */
function textIn([text]: readonly unknown[], charsMax: number): string {
  if (typeof text !== 'string' || text.length > charsMax || /[\p{Cc}\u2028\u2029]/u.test(text))
    throw new MethodError(`the first param is a line of at most ${charsMax} characters`);
  return text.trim();
}
