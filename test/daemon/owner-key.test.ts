import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { OwnerKeyError, ownerKey, ownerKeyFile } from '../../src/daemon/owner-key.js';
import { Identity } from '../../src/nostr/keys.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'graspd-test-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('the key is made once, for its owner only, and used from then on', async () => {
  const { identity: made, origin } = await ownerKey(undefined, folder);
  expect(origin).toBe('made');
  const path = join(folder, ownerKeyFile);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readFile(path, 'utf8')).toBe(`${made.toNsec()}\n`);
  expect(await ownerKey(undefined, folder)).toMatchObject({
    identity: { pubkey: made.pubkey },
    origin: 'file',
  });
});

test('of many that start at once one makes the key and all use it', async () => {
  const keys = await Promise.all(Array.from({ length: 20 }, () => ownerKey(undefined, folder)));
  expect(new Set(keys.map(({ identity }) => identity.pubkey)).size).toBe(1);
  expect(await readdir(folder)).toEqual([ownerKeyFile]);
});

test('a given key is used, and no file is made', async () => {
  const given = Identity.generate();
  const found = await ownerKey(given.toNsec(), folder);
  expect(found).toMatchObject({ identity: { pubkey: given.pubkey }, origin: 'given' });
  expect(await readdir(folder)).toEqual([]);
});

test('a file that holds no key is an error that does not repeat it', async () => {
  await writeFile(join(folder, ownerKeyFile), 'nsec1broken');
  await expect(ownerKey(undefined, folder)).rejects.toThrow(OwnerKeyError);
  await expect(ownerKey(undefined, folder)).rejects.toThrow(/is no nsec; mend or remove the file$/);
});

test('a folder that cannot be written is an error', async () => {
  await expect(ownerKey(undefined, join(folder, 'missing'))).rejects.toThrow('cannot be made');
});
