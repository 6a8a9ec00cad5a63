import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Identity } from '../../../src/nostr/keys.js';
import { npubOf } from '../../../src/nostr/keys.js';
import { signedEvent } from '../../support/events.js';
import { GitClient } from '../../support/git-client.js';
import type { LiveWorld } from './live-world.js';

/** Pushes so many random bytes to a new repository; what git says, `''` where it is taken. */
export async function push(world: LiveWorld, bytes: number): Promise<string> {
  const owner = world.author();
  await using git = await GitClient.init();
  const commit = await git.commit('file', randomBytes(bytes).toString('base64'));
  const state = signedEvent(owner, {
    kind: 30618,
    tags: [
      ['d', 'pushed'],
      ['refs/heads/main', commit],
      ['HEAD', 'ref: refs/heads/main'],
    ],
  });
  await world.publish(world.hosted(owner, 'pushed'), state);
  const { code, stderr } = await git.run('push', world.urlOf(owner, 'pushed'), 'main');
  return code === 0 ? '' : stderr;
}

/** The same to a repository of pull requests, before there is an event. */
export async function pushProposal(
  world: LiveWorld,
  signer: Identity,
  identifier: string,
  bytes = 10,
): Promise<string> {
  await using git = await GitClient.init();
  await git.commit('file', randomBytes(bytes).toString('base64'));
  const url = `http://127.0.0.1:${world.port}/prs/${npubOf(signer.pubkey)}/${identifier}.git`;
  const ref = `refs/nostr/${randomBytes(32).toString('hex')}`;
  const { code, stderr } = await git.run('push', url, `main:${ref}`);
  return code === 0 ? '' : stderr;
}

const waitMs = 500;

/**
 * What a git request is answered while another one, of the same sort to the same repository, never ends: a status, or that it
 * waits.
 */
export async function besideOneThatStays(
  world: LiveWorld,
  service: 'git-upload-pack' | 'git-receive-pack',
  whole: string,
): Promise<number | 'waits'> {
  const owner = world.author();
  await world.publish(world.hosted(owner, 'busy'));
  const url = `${world.urlOf(owner, 'busy')}/${service}`;
  const options = {
    method: 'POST',
    headers: { 'content-type': `application/x-${service}-request`, 'git-protocol': 'version=2' },
  };
  const staying = request(url, options).on('error', () => {});
  staying.write('0014command');
  await new Promise((resolve) => setTimeout(resolve, waitMs));
  const asked = request(url, options).on('error', () => {});
  try {
    return await new Promise((resolve) => {
      asked.once('response', ({ statusCode = 0 }) => resolve(statusCode));
      setTimeout(() => resolve('waits'), 2 * waitMs);
      asked.end(whole);
    });
  } finally {
    asked.destroy();
    staying.destroy();
  }
}
