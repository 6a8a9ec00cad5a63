import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import type { GitStreamCommand, GitStreams } from '../../src/git/git-streams.js';
import { ProcessGate } from '../../src/git/processes/process-gate.js';
import { Advertisements } from '../../src/git-http/advertisements.js';
import { deferred, onAbort } from '../../src/lib/abort.js';

/** Processes that say nothing and end with their signal, and a gate that they pass. */
function stuck() {
  const started: string[] = [];
  const streams: GitStreams = {
    async start({ gitDir }: GitStreamCommand, signal) {
      started.push(gitDir);
      const output = new PassThrough();
      const ended = deferred<{ exitCode: null; complaint: string; isLate: boolean }>();
      const end = () => {
        output.destroy(new Error('the stream broke off'));
        ended.resolve({ exitCode: null, complaint: '', isLate: false });
      };
      onAbort(signal, end);
      return { input: new PassThrough(), output, ended: ended.promise, end };
    },
  };
  const gate = new ProcessGate({ runningMax: 4, waitingMax: 4 });
  const advertisements = new Advertisements({ streams, gate, bytesMax: 1_000_000 });
  const ask = (gitDir: string, party: string) => {
    const leaving = new AbortController();
    const answer = advertisements.of(gitDir, 'git-upload-pack', 0, { party, signal: leaving.signal });
    answer.catch(() => {});
    return { answer, leave: () => leaving.abort() };
  };
  return { gate, started, ask };
}

describe('an advertisement', () => {
  it('is waited for within the share of who asks first, so that others get theirs', async () => {
    const { started, ask } = stuck();
    for (const gitDir of ['/1', '/2', '/3', '/4']) ask(gitDir, 'a');
    await expect(ask('/5', 'a').answer).rejects.toMatchObject({ code: 'git_busy' });
    ask('/6', 'b');
    await expect.poll(() => started).toEqual(['/1', '/2', '/6']);
  });

  it('keeps no place when all who asked for it have gone', async () => {
    const { gate, started, ask } = stuck();
    const [first, second] = [ask('/1', 'a'), ask('/1', 'b')];
    const [, waiting] = [ask('/2', 'a'), ask('/3', 'a')];
    await expect.poll(() => started).toEqual(['/1', '/2']);
    expect([gate.running, gate.waiting]).toEqual([2, 1]);
    waiting.leave();
    first.leave();
    await expect(first.answer).rejects.toMatchObject({ name: 'AbortError' });
    await expect.poll(() => [gate.running, gate.waiting]).toEqual([2, 0]);
    second.leave();
    await expect.poll(() => gate.running).toBe(1);
    ask('/1', 'a');
    await expect.poll(() => started).toEqual(['/1', '/2', '/1']);
  });
});
