import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RepositoryKey } from '../../src/git/bare-repositories.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { git, writeCommit } from '../git/scratch.js';
import { signedEvent, testIdentity } from '../support/events.js';
import type { backupWorld } from './backup-world.js';

export const author = testIdentity(1);
export const project: RepositoryKey = { pubkey: author.pubkey, identifier: 'a project' };
export const sibling: RepositoryKey = { pubkey: testIdentity(2).pubkey, identifier: 'a project' };
export const proposals: RepositoryKey = { signer: author.pubkey, identifier: 'x' };

type World = Awaited<ReturnType<typeof backupWorld>>;

export const note = (number: number, more: Partial<NostrEvent> = {}): NostrEvent =>
  signedEvent(author, { content: `note ${number}`, created_at: 1_700_000_000 + number, ...more });

export async function put(world: World, ...events: readonly NostrEvent[]): Promise<void> {
  await Promise.all(events.map((event) => world.store.put(event).written));
}

/** A repository with a packed commit on main, and a loose one on a branch. */
export async function makeRepository(world: World, key: RepositoryKey): Promise<string> {
  await world.repositories.ensure(key);
  const gitDir = world.repositories.pathOf(key);
  const [packed, loose] = [writeCommit(gitDir, 'packed'), writeCommit(gitDir, 'loose')];
  git(gitDir, ['update-ref', 'refs/heads/main', packed]);
  git(gitDir, ['repack', '-q', '-a', '-d']);
  git(gitDir, ['update-ref', 'refs/heads/loose/one', loose]);
  return gitDir;
}

/** The one pack of a repository. */
export function packOf(gitDir: string): string {
  const folder = join(gitDir, 'objects/pack');
  return join(folder, readdirSync(folder).find((name) => name.endsWith('.pack')) ?? '');
}

export async function idsIn({ openRestored }: World): Promise<string[]> {
  const { store } = await openRestored();
  await using _ = store;
  return store.ids({}).sort();
}

export const idsOf = (events: readonly NostrEvent[]): string[] => events.map(({ id }) => id).sort();
