import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GitProtocolError } from '../../src/git-protocol/errors.js';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import { type PushCommand, ReceiveRequestParser } from '../../src/git-protocol/receive-request.js';
import { randomInteger, seededRandom } from '../../src/lib/random.js';
import { git, scratchFolder, writeCommit } from '../git/scratch.js';

/** `GRASPD_FUZZ=100000 npx vitest run test/git-protocol/receive-fuzz.test.ts` is the long mode. */
const bodies = Number(process.env.GRASPD_FUZZ ?? 2_000);
const atOnce = 4;
const zero = '0'.repeat(40);
/** A pack of no objects, with its checksum. */
const emptyPack = Buffer.from('5041434b0000000200000000029d08823bd8a8eab510ad6ac75c823cfd3ed31e', 'hex');

type Draw = (below: number) => number;

/** A push of one to four commands, as a client would send it, before anything is done to it. */
function lines(draw: Draw, commit: string): Buffer[] {
  const refs = ['refs/heads/main', 'refs/heads/a', 'refs/tags/v1', 'refs/heads/x/y'];
  const count = 1 + draw(4);
  const shallow = draw(6) === 0 ? [pktLine(`shallow ${commit}`)] : [];
  const commands = refs.slice(0, count).map((ref, index) => {
    const [old, next] = draw(5) === 0 ? [commit, zero] : [zero, commit];
    const capabilities =
      index === 0 ? `\0 report-status delete-refs ${draw(4) === 0 ? 'atomic' : 'agent=x'}` : '';
    return pktLine(`${old} ${next} ${ref}${capabilities}${draw(2) === 0 ? '\n' : ''}`);
  });
  return [...shallow, ...commands, flushPkt];
}

const pieces = [
  '\0',
  '\n',
  ' ',
  'f',
  'A',
  '0',
  '0000',
  '0001',
  '0004',
  '0005x',
  'push-cert\0',
  'ERR x',
  'shallow ',
  '%',
  '\xff',
];

/** One change to a push, as a fault or an attacker makes it. */
function mutate(draw: Draw, body: Buffer): Buffer {
  const at = draw(body.length);
  const to = Math.min(body.length, at + 1 + draw(12));
  const piece = Buffer.from(pieces[draw(pieces.length)] ?? '', 'latin1');
  const before = body.subarray(0, at);
  switch (draw(5)) {
    case 0:
      return Buffer.concat([before, piece, body.subarray(at)]);
    case 1:
      return Buffer.concat([before, body.subarray(to)]);
    case 2:
      return Buffer.concat([before, piece, body.subarray(at + piece.length)]);
    case 3:
      return Buffer.concat([before, body.subarray(at, to), body.subarray(at, to), body.subarray(to)]);
    default:
      return Buffer.concat([before, Buffer.of(draw(256)), body.subarray(at + 1)]);
  }
}

/** What git takes the body for: the results of its report and the commands that its hook was given; `undefined` if it gave up. */
async function asGitReads(
  gitDir: string,
  body: Buffer,
  seenPath: string,
): Promise<{ readonly results: string[]; readonly seen: string[] } | undefined> {
  const child = spawn('git', ['receive-pack', '--stateless-rpc', gitDir], {
    env: { PATH: process.env.PATH, GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: '/dev/null', SEEN: seenPath },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const output: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
  child.stdin.on('error', () => {});
  writeFileSync(seenPath, '');
  child.stdin.end(body);
  await new Promise((resolve) => child.once('close', resolve));
  const report = Buffer.concat(output).toString('latin1');
  if (!report.includes('unpack ')) return undefined;
  const results = [...report.matchAll(/[0-9a-f]{4}((?:ok|ng) [^\n]*)\n/g)].map(([, result = '']) => result);
  const seen = readFileSync(seenPath, 'latin1').split('\n');
  return { results, seen: seen.filter((line) => line !== '') };
}

function parse(body: Buffer): readonly PushCommand[] | undefined {
  try {
    return new ReceiveRequestParser({ linesMax: 100, bytesMax: 100_000 }).push(body)?.commands;
  } catch (error) {
    if (error instanceof GitProtocolError) return undefined;
    throw error;
  }
}

describe('what a push commands', () => {
  it(
    `is the same to git and to us, for ${bodies} bodies that were tampered with`,
    async () => {
      using folder = scratchFolder();
      const gitDir = join(folder.path, 'r.git');
      git(gitDir, ['init', '--quiet', '--bare', '--template=']);
      const commit = writeCommit(gitDir, 'one');
      mkdirSync(join(gitDir, 'hooks'));
      // Nothing that is pushed changes the repository: each body meets the same one.
      writeFileSync(join(gitDir, 'hooks', 'pre-receive'), '#!/bin/sh\ncat >"$SEEN"\nexit 1\n');
      chmodSync(join(gitDir, 'hooks', 'pre-receive'), 0o755);
      const random = seededRandom(7);
      const draw: Draw = (below) => randomInteger(random, below);
      let compared = 0;
      const runner = async (name: string) => {
        for (let left = bodies / atOnce; left > 0; left -= 1) {
          let head: Buffer = Buffer.concat(lines(draw, commit));
          for (let changes = draw(4); changes > 0; changes -= 1) head = mutate(draw, head);
          const body = Buffer.concat([head, emptyPack]);
          const ours = parse(body);
          if (ours === undefined || ours.length === 0) continue;
          const theirs = await asGitReads(gitDir, body, join(folder.path, name));
          if (theirs === undefined) continue;
          compared += 1;
          const latin1 = (text: string) => Buffer.from(text).toString('latin1');
          const told = JSON.stringify(body.toString('latin1'));
          expect(theirs.results.length, told).toBe(ours.length);
          for (const [index, { ref }] of ours.entries()) {
            const name = latin1(ref);
            const isOfIt = [`ok ${name}`, `ng ${name} `].some((text) =>
              theirs.results[index]?.startsWith(text),
            );
            expect(isOfIt, told).toBe(true);
          }
          const commands = ours.map(({ old, new: next, ref }) => `${old} ${next} ${latin1(ref)}`);
          for (const line of theirs.seen) expect(commands, told).toContain(line);
        }
      };
      await Promise.all(Array.from({ length: atOnce }, (_, index) => runner(`seen-${index}`)));
      expect(compared).toBeGreaterThan(bodies / 4);
    },
    120_000 + bodies * 100,
  );
});
