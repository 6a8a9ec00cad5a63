import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPoolVerifier } from '../../src/admission/verification/pool-verifier.js';
import type { Verifier } from '../../src/admission/verification/verifier.js';
import { type BackupParts, makeBackup } from '../../src/backup/backup.js';
import type { Manifest } from '../../src/backup/format.js';
import { checkBackup } from '../../src/backup/restore/check-backup.js';
import { type RestoreParts, restoreBackup } from '../../src/backup/restore/restore.js';
import { BareRepositories } from '../../src/git/bare-repositories.js';
import { GitRunner } from '../../src/git/git-runner.js';
import { RepositoryLocks } from '../../src/git/locks/repository-locks.js';
import { systemClock } from '../../src/lib/clock.js';
import { ReleaseStack } from '../../src/lib/release-stack.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { silentFaults } from '../support/faults.js';

/** Turns that are never over. */
const endless = { isOver: false, next: async () => {}, spend: () => {} };

/** A store, new or at `relay`, and repositories on a real disk, and what backs them up and restores them beside it. */
export async function backupWorld(relay?: string) {
  const stack = new ReleaseStack();
  const path = mkdtempSync(join(tmpdir(), 'graspd-backup-'));
  stack.defer(() => rmSync(path, { recursive: true, force: true }));
  const stop = new AbortController();
  stack.defer(() => stop.abort());
  const git = new GitRunner(systemClock, stop.signal);
  const repositories = new BareRepositories(join(path, 'git'), git);
  await repositories.open();
  const opened = await openLevelStore({ path: relay ?? join(path, 'relay'), clock: systemClock });
  stack.use(opened.store);
  const verifier = stack.use(createPoolVerifier({ workers: 1, faults: silentFaults() }));
  const unreadable: unknown[] = [];
  const warnings: string[] = [];
  const moments: Manifest[] = [];
  const locks = new RepositoryLocks();
  const parts: BackupParts = {
    image: opened.image!,
    hasRepositories: true,
    size: () => opened.store.size,
    repositories,
    git,
    locks,
    domain: 'git.example.org',
    clock: systemClock,
    turns: endless,
    onMoment: (manifest) => void moments.push(manifest),
    onUnreadable: (key) => void unreadable.push(key),
  };
  const restoreParts: RestoreParts = {
    verifier,
    git,
    signal: stop.signal,
    onProgress: () => {},
    folders: { events: join(path, 'restored/relay'), git: join(path, 'restored/git') },
    isUpdate: false,
    openStore: (at) => openLevelStore({ path: at, clock: systemClock, durability: 'system' }),
    warn: (line) => void warnings.push(line),
  };
  const restored = new BareRepositories(restoreParts.folders.git, git);
  return {
    path,
    ...opened,
    git,
    locks,
    repositories,
    unreadable,
    warnings,
    moments,
    /** The repositories that a restore made. */
    restored,
    folders: restoreParts.folders,
    stream: (signal = stop.signal) => makeBackup(parts, signal),
    async take(more: Partial<BackupParts> = {}): Promise<Buffer> {
      const pieces: Buffer[] = [];
      for await (const piece of makeBackup({ ...parts, ...more }, stop.signal)) pieces.push(piece);
      return Buffer.concat(pieces);
    },
    restore: (bytes: Buffer, signal = stop.signal, more: Partial<RestoreParts> = {}) =>
      restoreBackup(piecesOf(bytes), { ...restoreParts, signal, ...more }),
    check: (bytes: Buffer) => checkBackup(piecesOf(bytes), restoreParts),
    /** One that tells of all that it is given. */
    verifier: (tell: (events: readonly NostrEvent[]) => void): Verifier => ({
      batchesMax: verifier.batchesMax,
      verify(events) {
        tell(events);
        return verifier.verify(events);
      },
      [Symbol.asyncDispose]: async () => {},
    }),
    /** Opens what was restored. */
    openRestored: () => openLevelStore({ path: restoreParts.folders.events, clock: systemClock }),
    [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose](),
  };
}

/** Bytes in pieces of a size that fits nothing. */
export async function* piecesOf(bytes: Buffer, size = 1_777): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}
