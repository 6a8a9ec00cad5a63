import { z } from 'zod';
import {
  parseBindAddress,
  parseDomain,
  parseNetwork,
  parseRelayUrl,
  parseSocksProxyUrl,
  parseWebUrl,
} from './host.js';
import { isNsec, pubkeyOfNpub } from './nip19.js';
import { parseRepositoryPattern } from './repository-pattern.js';
import { urlOf } from './url.js';

/** A setting as it is given: text; from a config file or a repeated flag also a list of texts. */
export type RawValue = string | readonly string[];

/** A kind of value: how its text is read, and how help and errors speak of it. */
export type ValueKind<T> = {
  readonly schema: z.ZodType<T>;
  /** Completes the sentence "`--flag` takes …". */
  readonly takes: string;
  /** Stands for the value in `--flag VALUE`; none for a switch, which may stand alone. */
  readonly placeholder: string | undefined;
  /** Whether the flag may be given more than once. */
  readonly isList?: boolean;
  /** Whether the value must never be shown. */
  readonly isSecret?: boolean;
};

/** Splits a list; blanks around and between entries do not count. */
export function splitList(raw: RawValue): string[] {
  const texts = typeof raw === 'string' ? raw.split(',') : raw;
  return texts.map((text) => text.trim()).filter((text) => text !== '');
}

/** A schema of text that `parse` reads; what it answers `undefined` to is an error. */
function readText<T>(parse: (text: string) => T | undefined): z.ZodType<T, string> {
  return z
    .string()
    .trim()
    .transform((text, context) => {
      const value = parse(text);
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message: 'cannot be read' });
      return z.NEVER;
    });
}

/** One value that `parse` reads. */
function single<T>(takes: string, placeholder: string, parse: (text: string) => T | undefined): ValueKind<T> {
  return { takes, placeholder, schema: readText(parse) };
}

/** Any number of values, none of them twice; each is read by `parse`. */
function list<T>(
  takes: string,
  placeholder: string,
  parse: (text: string) => T | undefined,
): ValueKind<readonly T[]> {
  const schema = z
    .union([z.string(), z.array(z.string())])
    .transform(splitList)
    .pipe(z.array(readText(parse)));
  return { takes, placeholder, isList: true, schema };
}

export const bindAddress = single('ip:port', 'IP:PORT', parseBindAddress);
export const domain = single('a host name, or host:port', 'HOST[:PORT]', parseDomain);
export const webUrl = single('a URL (https or http)', 'URL', parseWebUrl);
export const socksProxyUrl = single(
  'the URL of a SOCKS proxy that looks names up itself (socks5h)',
  'URL',
  parseSocksProxyUrl,
);
export const path = single('a path', 'PATH', (text) =>
  text === '' || text.includes('\0') ? undefined : text,
);
export const nsec: ValueKind<string> = {
  ...single('a secret key in nsec form (NIP-19)', 'NSEC', (text) => (isNsec(text) ? text : undefined)),
  isSecret: true,
};

export const postgresUrl: ValueKind<string> = {
  ...single('a URL of PostgreSQL (postgres://user@host/database)', 'URL', (text) =>
    /^postgres(ql)?:$/.test(urlOf(text)?.protocol ?? '') ? text : undefined,
  ),
  // It may hold a password.
  isSecret: true,
};

export const token: ValueKind<string> = {
  ...single('16 to 200 letters, digits, - and _', 'TOKEN', (text) =>
    /^[\w-]{16,200}$/.test(text) ? text : undefined,
  ),
  isSecret: true,
};

export const domains = list('host names (or host:port), comma separated', 'HOST,…', parseDomain);
export const relayUrls = list('relay URLs (ws or wss), comma separated', 'URL,…', parseRelayUrl);
export const networks = list('IP addresses or networks (CIDR), comma separated', 'CIDR,…', parseNetwork);
export const npubs = list('npubs, comma separated', 'NPUB,…', pubkeyOfNpub);
export const repositoryPatterns = list(
  'entries of the form npub, npub/identifier or identifier, comma separated',
  'ENTRY,…',
  parseRepositoryPattern,
);

/** A switch: stands alone, or has `=true` or `=false`. */
export const toggle: ValueKind<boolean> = {
  takes: 'true or false',
  placeholder: undefined,
  schema: z.stringbool({ truthy: ['true', '1', 'yes', 'on'], falsy: ['false', '0', 'no', 'off'] }),
};

/** A text of one line, of at most `charsMax` characters. */
export function line(charsMax: number): ValueKind<string> {
  return single(`a text of one line, at most ${charsMax} characters`, 'TEXT', (text) =>
    text !== '' && text.length <= charsMax && !/[\r\n]/.test(text) ? text : undefined,
  );
}

/** A whole number within bounds, both of them allowed. */
export function whole(min: number, max: number): ValueKind<number> {
  return single(`a whole number from ${min} to ${max}`, 'N', (text) => {
    const value = Number(text);
    return /^\d{1,15}$/.test(text) && value >= min && value <= max ? value : undefined;
  });
}

/** One of some words; `aliases` are further words that mean one of them. */
export function choice<const T extends string>(
  words: readonly T[],
  aliases: Readonly<Record<string, T>> = {},
): ValueKind<T> {
  const also = Object.entries(aliases).map(([alias, word]) => ` (${alias} means ${word})`);
  const takes = `${words.slice(0, -1).join(', ')} or ${words.at(-1)}${also.join('')}`;
  return single(takes, words.join('|'), (text) => {
    const word = text.toLowerCase();
    return (
      words.find((known) => known === word) ?? (Object.hasOwn(aliases, word) ? aliases[word] : undefined)
    );
  });
}
