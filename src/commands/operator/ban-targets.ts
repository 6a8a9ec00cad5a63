import { isIP } from 'node:net';
import { eventIdOf, pubkeyOfNpub } from '../../config/nip19.js';
import type { BanTarget } from '../../control/reports.js';
import { isHex32 } from '../../lib/bytes.js';
import { npubOf } from '../../nostr/keys.js';
import { type CommandFlag, type Invocation, UsageError } from '../command.js';

export const targetUsage = 'NPUB|NOTE|HEX|ADDRESS…';
export const targetsMax = 1_000;

/** Of the commands that ban and lift bans. */
export const eventFlag: CommandFlag = {
  name: 'event',
  placeholder: undefined,
  about: 'What is given as 64 hex digits is the id of an event; else it is a public key',
  isSwitch: true,
  isList: false,
};

/** What the arguments name. Throws `UsageError`. */
export function targetsOf({ positionals, flags }: Invocation): BanTarget[] {
  return positionals.map((text) => targetOf(text, flags.get(eventFlag.name) === 'true'));
}

/** How a target is written for the operator. */
export function targetText({ type, value }: Pick<BanTarget, 'value'> & { readonly type: string }): string {
  return type === 'pubkey' || type === 'allowed-pubkey' ? npubOf(value) : value;
}

function targetOf(text: string, isEvent: boolean): BanTarget {
  if (isHex32(text)) return { type: isEvent ? 'event' : 'pubkey', value: text };
  const pubkey = pubkeyOfNpub(text);
  if (pubkey !== undefined) return { type: 'pubkey', value: pubkey };
  const id = eventIdOf(text);
  if (id !== undefined) return { type: 'event', value: id };
  if (isIP(text.split('/', 1)[0] ?? '') !== 0) return { type: 'address', value: text };
  throw new UsageError(
    `'${text}' is no npub, no id of an event (note, nevent, 64 hex digits) and no IP address or network`,
  );
}
