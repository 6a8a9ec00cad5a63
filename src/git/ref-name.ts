import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { utf8Length } from '../lib/bytes.js';

/**
 * What git forbids anywhere in a ref name (git-check-ref-format): control characters, space, `~^:?*[\`, `..`, `@{`.
 * A lone surrogate has no UTF-8 form, so two different names would be one on disk.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const forbidden = /[\u0000-\u0020\u007f~^:?*[\\]|\.\.|@\{|\p{Surrogate}/u;

/** Names of letters, digits, `_`, `-` and single dots within a part: nearly all there are, and quickly seen to be right. */
const plain = /^refs(?:\/[\w-]+(?:\.[\w-]+)*){2,}$/;

/**
 * Whether `name` is a full ref name by git's own rules, of not too many parts, and each of these fits a file name with room
 * for git's `.lock`.
 */
export function isRefName(name: string): boolean {
  if (name.length <= limits.refNamePartBytesMax && plain.test(name) && !name.includes('.lock'))
    return !exceeds('refNamePartsMax', refNameParts(name));
  if (!name.startsWith('refs/') || name.endsWith('.') || forbidden.test(name)) return false;
  if (exceeds('refNameBytesMax', utf8Length(name))) return false;
  const parts = name.split('/');
  return parts.length > 2 && !exceeds('refNamePartsMax', parts.length) && parts.every(isRefNamePart);
}

/** How many parts a ref name has: all but the last are folders on the disk. */
export function refNameParts(name: string): number {
  let parts = 1;
  for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) parts += 1;
  return parts;
}

function isRefNamePart(part: string): boolean {
  return (
    part !== '' &&
    !part.startsWith('.') &&
    !part.endsWith('.lock') &&
    utf8Length(part) <= limits.refNamePartBytesMax
  );
}

/** Whether `name` is a head or tag: the refs that a repository state declares. */
export function isHeadOrTag(name: string): boolean {
  return name.startsWith('refs/heads/') || name.startsWith('refs/tags/');
}

/** Where the commit of a pull request is found: `refs/nostr/<event id>`. */
export function pullRequestRef(eventId: string): string {
  return `refs/nostr/${eventId}`;
}

const pullRequestRefForm = /^refs\/nostr\/[0-9a-f]{64}$/;

export function isPullRequestRef(name: string): boolean {
  return pullRequestRefForm.test(name);
}
