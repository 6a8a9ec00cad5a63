import { randomBytes } from 'node:crypto';
import { linkSync, mkdirSync, writeFileSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { Level } from 'level';
import { describe, expect, it } from 'vitest';
import { ClosingRefusedError } from '../../src/alignment/closing.js';
import { doctor } from '../../src/commands/doctor/doctor.js';
import { limits } from '../../src/config/limits.js';
import { readOptions } from '../../src/config/options.js';
import { systemClock } from '../../src/lib/clock.js';
import { npubOf } from '../../src/nostr/keys.js';
import { openLevelStore } from '../../src/store/level/open-level-store.js';
import { headOf, scratchFolder } from '../git/scratch.js';
import { openPurgatory } from '../purgatory/holding-world.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { address, announcement, domain, event, key, state } from './world.js';

const alice = key(1);
const identifier = 'repo\u001b[31m';

type Call = {
  readonly switches?: readonly string[];
  readonly acceptClosing?: string;
  readonly domain?: string;
};

async function callDoctor(path: string, call: Call = {}): Promise<{ code: number; said: string }> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const stop = new AbortController();
  const flags = new Map([
    ['domain', call.domain ?? domain],
    ['relay-data-path', join(path, 'relay')],
    ['git-data-path', join(path, 'git')],
  ]);
  const code = await doctor.run({
    stdin: new PassThrough(),
    stdout,
    stderr,
    positionals: [],
    flags: new Map([
      ...(call.switches ?? []).map((name) => [name, 'true'] as const),
      ...(call.acceptClosing === undefined ? [] : [['accept-closing', call.acceptClosing] as const]),
    ]),
    environment: {},
    givenValues: () => new Map(),
    readOptions: () => readOptions({ flags, environment: {}, readFile: () => '' }),
    signal: stop.signal,
    onHangup: () => {},
  });
  stop.abort();
  return { code, said: String(stdout.read() ?? '') };
}

describe('graspd doctor', () => {
  it('lists events that are damaged on disk, and has them forgotten with --fix', async () => {
    using folder = scratchFolder();
    const path = join(folder.path, 'relay');
    const { store } = await openLevelStore({ path, clock: systemClock });
    store.put(announcement(alice, 'repo'));
    const damaged = event(alice, 1621, [['a', address(alice, 'repo')]]);
    store.put(damaged);
    await store[Symbol.asyncDispose]();
    const raw = new Level<Uint8Array, Uint8Array>(join(path, 'events'), {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    const last = { gte: Buffer.from('b'), lt: Buffer.from('c'), reverse: true, limit: 1 };
    const [[key, body] = []] = await raw.iterator(last).all();
    if (key === undefined || body === undefined) throw new TypeError('no body is stored');
    body[body.length >>> 1]! ^= 1;
    await raw.put(key, body);
    await raw.close();

    const date = new Date(damaged.created_at * 1_000).toISOString();
    const line = `damaged    event ${damaged.id}, kind 1621, of ${date}\n`;
    for (let round = 0; round < 2; round += 1) {
      const { code, said } = await callDoctor(folder.path);
      expect(code).toBe(1);
      expect(said.split(line)).toHaveLength(2);
    }
    const fixed = await callDoctor(folder.path, { switches: ['fix'] });
    expect(fixed.code).toBe(0);
    expect(fixed.said).toContain(`${line}  lost: the daemon gets it from other relays that have it\n`);
    expect((await callDoctor(folder.path)).said).toBe('no faults\n');
  });

  it('finds files that LevelDB cannot read, and has them written anew with --fix', async () => {
    using folder = scratchFolder();
    const path = join(folder.path, 'relay');
    const events = Array.from({ length: 100 }, () =>
      event(alice, 1, [], { content: randomBytes(200).toString('base64') }),
    );
    const { store } = await openLevelStore({ path, clock: systemClock });
    for (const each of events) store.put(each);
    await store[Symbol.asyncDispose]();
    const tables = (await readdir(join(path, 'events'))).filter((name) => name.endsWith('.ldb')).sort();
    const table = join(path, 'events', tables.at(-1)!);
    const bytes = await readFile(table);
    bytes.fill(0xff, bytes.length >>> 2, (bytes.length >>> 2) + 6_000);
    await writeFile(table, bytes);

    const finding = 'files      the database has blocks that cannot be read, and will take no writes\n';
    expect((await callDoctor(folder.path)).said).toContain(finding);
    const fixed = await callDoctor(folder.path, { switches: ['fix'] });
    expect(fixed.said).toContain(`${finding}  made anew of what can be read\n`);
    expect(fixed.code).toBe(0);
    expect(await callDoctor(folder.path)).toEqual({ code: 0, said: 'no faults\n' });
    const again = await openLevelStore({ path, clock: systemClock });
    expect(again.store.size).toBeGreaterThan(50);
    expect(again.store.size).toBeLessThan(100);
    await again.store[Symbol.asyncDispose]();
  });

  it('reads the whole log, and says what is lost of it', async () => {
    using folder = scratchFolder();
    const path = join(folder.path, 'relay');
    const { store } = await openLevelStore({ path, clock: systemClock });
    for (let at = 0; at < 3; at += 1) await store.put(event(alice, 1, [])).written;
    await store[Symbol.asyncDispose]();
    const raw = new Level<Uint8Array, Uint8Array>(join(path, 'events'), { keyEncoding: 'view' });
    const segments = await raw.keys({ gte: Buffer.from('s'), lt: Buffer.from('t') }).all();
    await raw.del(segments[1]!);
    await raw.close();
    const { code, said } = await callDoctor(folder.path);
    expect(code).toBe(1);
    expect(said).toContain('log        lost in the middle of the log: 1 write, with 1 event at most\n');
  });

  it('reports, repairs with --fix, and lets no name steer the terminal', async () => {
    using folder = scratchFolder();
    const { store } = await openLevelStore({ path: join(folder.path, 'relay'), clock: systemClock });
    store.put(announcement(alice, identifier));
    store.put(state(alice, identifier, ['HEAD', 'ref: refs/heads/x'], ['refs/heads/x', '1'.repeat(40)]));
    await store[Symbol.asyncDispose]();
    const name = `${npubOf(alice)}/repo\u{fffd}[31m`;

    const before = await callDoctor(folder.path);
    expect(before).toEqual({ code: 1, said: `missing    ${name}\nfaults: 1, repaired: 0\n` });
    const fixed = await callDoctor(folder.path, { switches: ['fix'] });
    expect(fixed).toEqual({ code: 0, said: `missing    ${name}\n  repaired\nfaults: 1, repaired: 1\n` });
    const after = await callDoctor(folder.path);
    expect(after).toEqual({ code: 0, said: `waiting    ${name} refs/heads/x\nno faults\n` });
    expect(headOf(join(folder.path, 'git', npubOf(alice), `${identifier}.git`))).toBe('refs/heads/x');
  });

  it('tells what packs save that several repositories have in one file, which is no fault', async () => {
    using folder = scratchFolder();
    const { store } = await openLevelStore({ path: join(folder.path, 'relay'), clock: systemClock });
    for (const pubkey of [alice, key(2), key(3)]) store.put(announcement(pubkey, 'r'));
    await store[Symbol.asyncDispose]();
    await callDoctor(folder.path, { switches: ['fix'] });
    const packs = [alice, key(2), key(3)].map((pubkey) =>
      join(folder.path, 'git', npubOf(pubkey), 'r.git/objects/pack'),
    ) as [string, string, string];
    for (const path of packs) mkdirSync(path, { recursive: true });
    writeFileSync(join(packs[0], 'pack-a.pack'), Buffer.alloc(1_500_000));
    writeFileSync(join(packs[0], 'pack-a.idx'), '');
    expect((await callDoctor(folder.path)).said).toBe('no faults\n');
    for (const path of packs.slice(1))
      for (const name of ['pack-a.pack', 'pack-a.idx']) linkSync(join(packs[0], name), join(path, name));
    const line = 'shared     3.0 MB are saved by packs that several repositories have in one file\n';
    expect(await callDoctor(folder.path)).toEqual({ code: 0, said: `${line}no faults\n` });
  });

  it('closes many repositories only when it is told to, and opens what is served again', async () => {
    using folder = scratchFolder();
    const { store } = await openLevelStore({ path: join(folder.path, 'relay'), clock: systemClock });
    for (let number = 0; number < 12; number += 1) store.put(announcement(alice, `repo-${number}`));
    await store[Symbol.asyncDispose]();
    const fix = ['fix'];
    expect((await callDoctor(folder.path, { switches: fix })).said).toContain('repaired: 12');

    const moved = { domain: 'other.example', switches: fix };
    const refusal = callDoctor(folder.path, moved);
    await expect(refusal).rejects.toThrow(ClosingRefusedError);
    await expect(refusal).rejects.toThrow('12 of 12 repositories');
    await expect(callDoctor(folder.path, { ...moved, acceptClosing: '11' })).rejects.toThrow(
      '--accept-closing 12',
    );
    await expect(callDoctor(folder.path, { ...moved, acceptClosing: 'all' })).rejects.toThrow(
      'a whole number',
    );
    expect((await callDoctor(folder.path)).said).toBe('no faults\n');
    expect((await callDoctor(folder.path, { ...moved, acceptClosing: '12' })).said).toContain('repaired: 12');

    const back = await callDoctor(folder.path);
    expect(back.code).toBe(1);
    expect(back.said.match(/^shut .*though it is served$/gm)?.length).toBe(12);
    expect((await callDoctor(folder.path, { switches: fix })).said).toContain('repaired: 12');
    expect((await callDoctor(folder.path)).said).toBe('no faults\n');
  });

  it('tells of a closed repository whose mark cannot be read', async () => {
    using folder = scratchFolder();
    const { store } = await openLevelStore({ path: join(folder.path, 'relay'), clock: systemClock });
    store.put(announcement(alice, 'repo'));
    await store[Symbol.asyncDispose]();
    await callDoctor(folder.path, { switches: ['fix'] });
    writeFileSync(join(folder.path, 'git', npubOf(alice), 'repo.git', 'graspd-closed'), 'x');
    expect((await callDoctor(folder.path)).said).toContain('since a time that cannot be read');
  });

  it('knows what is held: its repository is left alone, also with --fix, until its time is over', async () => {
    using folder = scratchFolder();
    const hold = async (nowMs: number): Promise<void> => {
      const path = join(folder.path, 'relay');
      const { store, journal } = await openLevelStore({ path, clock: systemClock });
      const { purgatory } = await openPurgatory({ journal, clock: new VirtualClock(nowMs) });
      const held = [...purgatory.all()].map(({ event: { id } }) => id);
      for (const id of held) await purgatory.release(id, 'deleted');
      purgatory.hold(announcement(alice, 'repo'), { addressGroup: undefined, parents: [] });
      await store[Symbol.asyncDispose]();
    };
    await hold(Date.now());
    expect((await callDoctor(folder.path)).said).toContain('missing');
    expect((await callDoctor(folder.path, { switches: ['fix'] })).code).toBe(0);
    for (const switches of [[], ['fix']])
      expect((await callDoctor(folder.path, { switches })).said).toBe('no faults\n');
    await hold(Date.now() - limits.heldMsMax - 1);
    expect((await callDoctor(folder.path)).said).toContain('extra');
  });
});
