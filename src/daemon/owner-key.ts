import { randomUUID } from 'node:crypto';
import { link, open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { errorCode, errorMessage, GraspError } from '../lib/errors.js';
import { Identity, InvalidKeyError } from '../nostr/keys.js';

/** The key file cannot be read or made; the message says what an operator can do. */
export class OwnerKeyError extends GraspError {
  constructor(path: string, why: string, cause?: unknown) {
    super('owner_key', `the relay owner's key in ${path} ${why}`, { cause });
  }
}

/** The relay owner's identity, and where its key comes from. */
export type OwnerKey = {
  readonly identity: Identity;
  /** Given as an option, read from the key file, or made now and written there. */
  readonly origin: 'given' | 'file' | 'made';
};

/** Name of the file with the relay owner's secret key, in the working directory. */
export const ownerKeyFile = '.relay-owner.nsec';

/**
 * The relay owner's key: the given `nsec`, else the key in `directory`'s key file, which is made once, readable
 * by its owner only. Of several processes that start at the same moment one makes it and all use it. Throws
 * `InvalidKeyError` for the given key and `OwnerKeyError` for the file.
 */
export async function ownerKey(nsec: string | undefined, directory: string): Promise<OwnerKey> {
  if (nsec !== undefined) return { identity: Identity.fromNsec(nsec), origin: 'given' };
  const path = join(directory, ownerKeyFile);
  const existing = await readKey(path);
  if (existing !== undefined) return { identity: existing, origin: 'file' };
  await makeKey(path, Identity.generate());
  const made = await readKey(path);
  if (made === undefined) throw new OwnerKeyError(path, 'vanished while it was made');
  return { identity: made, origin: 'made' };
}

async function readKey(path: string): Promise<Identity | undefined> {
  try {
    return Identity.fromNsec(await readFile(path, 'utf8'));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined;
    if (error instanceof InvalidKeyError)
      throw new OwnerKeyError(path, 'is no nsec; mend or remove the file');
    throw new OwnerKeyError(path, `cannot be read: ${errorMessage(error)}`, error);
  }
}

/**
 * Writes the key to a file of its own and gives it the final name only when it is whole on disk. `link` never
 * replaces: when another process was first, its key stays.
 */
async function makeKey(path: string, identity: Identity): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    await writePrivately(draft, `${identity.toNsec()}\n`);
    await link(draft, path);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') {
      throw new OwnerKeyError(path, `cannot be made: ${errorMessage(error)}`, error);
    }
  } finally {
    await rm(draft, { force: true });
  }
}

async function writePrivately(path: string, text: string): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}
