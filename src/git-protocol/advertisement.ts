import { flushPkt, pktLine } from './pkt-line.js';

/** What a client asks of a repository over HTTP: to read it, or to push to it. */
export type GitService = 'git-upload-pack' | 'git-receive-pack';

export function isGitService(name: string | null): name is GitService {
  return name === 'git-upload-pack' || name === 'git-receive-pack';
}

/** What stands before the advertisement of protocols v0 and v1 over HTTP (gitprotocol-http). */
export function serviceHeader(service: GitService): Buffer {
  return Buffer.concat([pktLine(`# service=${service}\n`), flushPkt]);
}

const zeroId = '0'.repeat(40);

/** Of a repository without refs, for readers: as newer versions of git have it, with what our repositories allow. */
const emptyCapabilities = [
  'multi_ack thin-pack side-band side-band-64k ofs-delta shallow deepen-since deepen-not deepen-relative no-progress',
  'include-tag multi_ack_detailed allow-tip-sha1-in-want allow-reachable-sha1-in-want no-done filter object-format=sha1',
].join(' ');

const versionOne = pktLine('version 1\n');

/**
 * The advertisement of `git upload-pack`, made fit for all clients: git before 2.41 says nothing of a repository without
 * refs, and a browser client that sees no capability gives the server up. `agent` names us in the line that is ours.
 */
export function withCapabilities(advertisement: Buffer, agent: string): Buffer {
  const line = pktLine(`${zeroId} capabilities^{}\0${emptyCapabilities} agent=${agent}\n`);
  if (advertisement.equals(flushPkt)) return Buffer.concat([line, flushPkt]);
  const emptyOfVersionOne = Buffer.concat([versionOne, flushPkt]);
  if (advertisement.equals(emptyOfVersionOne)) return Buffer.concat([versionOne, line, flushPkt]);
  return advertisement;
}

/** Longest message of an error, in characters. */
const errorCharsMax = 1_000;

/** What ends an exchange with a line that git shows to the person: `remote error: <message>`. */
export function errorPkt(message: string): Buffer {
  return pktLine(`ERR ${message.replaceAll(/\s+/g, ' ').trim().slice(0, errorCharsMax)}`);
}

/** Whether what begins so is such a line. */
export function isErrorPkt(beginning: Buffer): boolean {
  return beginning.subarray(4, 8).toString('latin1') === 'ERR ';
}
