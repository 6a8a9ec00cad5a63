import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exceeds } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import { userAgent } from '../config/version.js';
import type { GitStreamCommand, GitStreams } from '../git/git-streams.js';
import type { ProcessGate } from '../git/processes/process-gate.js';
import { type GitService, serviceHeader, withCapabilities } from '../git-protocol/advertisement.js';
import type { Asker } from '../http/asker.js';
import { GitFault } from './git-fault.js';
import { Kept } from './kept.js';

export type AdvertisementParts = {
  readonly streams: GitStreams;
  readonly gate: ProcessGate;
  /** Most bytes of all that are kept. */
  readonly bytesMax: number;
};

/**
 * What repositories advertise (`info/refs`). That of v0 and v1 is made once and kept until the refs of its repository
 * change; that of v2 says nothing of the repository but its object format, so it is made once for all. Those that were
 * asked for least recently give way to others.
 */
export class Advertisements {
  readonly #parts: AdvertisementParts;
  readonly #kept: Kept<Buffer | undefined>;

  constructor(parts: AdvertisementParts) {
    this.#parts = parts;
    this.#kept = new Kept({
      bytesMax: parts.bytesMax,
      entriesMax: limits.gitAdvertisementsKeptMax,
      bytesOf: (advertisement) => advertisement?.length ?? 0,
    });
  }

  /** Bytes of all that are kept. */
  get bytes(): number {
    return this.#kept.bytes;
  }

  /** How many were made since the start. */
  get made(): number {
    return this.#kept.made;
  }

  /**
   * The whole advertisement; `undefined` where it is too large to be kept, and has to be streamed. Rejects with `GitFault`,
   * and with `GitError` where too many wait for theirs. Making it counts for the first who asks.
   */
  async of(
    gitDir: string,
    service: GitService,
    version: 0 | 1 | 2,
    { signal, party }: Asker,
  ): Promise<Buffer | undefined> {
    const key = version === 2 ? `v2 ${await objectFormatOf(gitDir)}` : keyOf(gitDir, service, version);
    return await this.#kept.get(key, signal, async (making) => {
      const leave = await this.#parts.gate.enter(making, party);
      try {
        return await this.#make(gitDir, service, version, making);
      } finally {
        leave();
      }
    });
  }

  /** To be called after each change of a repository's refs or of its HEAD. */
  refsChanged(gitDir: string): void {
    for (const service of ['git-upload-pack', 'git-receive-pack'] as const) {
      this.#kept.forget(keyOf(gitDir, service, 0));
      this.#kept.forget(keyOf(gitDir, service, 1));
    }
  }

  async #make(
    gitDir: string,
    service: GitService,
    version: 0 | 1 | 2,
    signal: AbortSignal,
  ): Promise<Buffer | undefined> {
    const written = await this.#read(advertisingCommand(gitDir, service, version), signal);
    if (written === undefined || version === 2) return written;
    const whole = service === 'git-upload-pack' ? withCapabilities(written, userAgent) : written;
    return Buffer.concat([serviceHeader(service), whole]);
  }

  async #read(command: GitStreamCommand, signal: AbortSignal): Promise<Buffer | undefined> {
    const git = await this.#parts.streams.start(command, signal);
    git.input.end();
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of git.output) {
      bytes += (chunk as Buffer).length;
      if (exceeds('gitAdvertisementBytesMax', bytes)) break;
      chunks.push(chunk as Buffer);
    }
    if (exceeds('gitAdvertisementBytesMax', bytes)) git.end();
    const end = await git.ended;
    if (exceeds('gitAdvertisementBytesMax', bytes)) return undefined;
    if (end.exitCode !== 0) throw new GitFault(command.gitDir, end);
    return Buffer.concat(chunks);
  }
}

/** Git writes the advertisement without the header that HTTP puts before it. */
export function advertisingCommand(
  gitDir: string,
  service: GitService,
  version: 0 | 1 | 2,
): GitStreamCommand {
  const command = service.slice('git-'.length);
  return {
    gitDir,
    args: [command, '--stateless-rpc', '--advertise-refs', gitDir],
    config: service === 'git-receive-pack' ? [['receive.advertisePushOptions', 'true']] : [],
    ...(version === 0 ? {} : { protocol: `version=${version}` }),
    msMax: limits.gitMsMax,
  };
}

function keyOf(gitDir: string, service: GitService, version: 0 | 1): string {
  return `${service} ${version} ${gitDir}`;
}

async function objectFormatOf(gitDir: string): Promise<'sha1' | 'sha256'> {
  const config = await readFile(join(gitDir, 'config'), 'utf8');
  // Git writes it as `objectformat = sha256`, and it is nowhere else a value.
  return config.toLowerCase().includes('objectformat = sha256') ? 'sha256' : 'sha1';
}
