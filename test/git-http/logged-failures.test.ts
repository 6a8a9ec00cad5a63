import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { flushPkt, pktLine } from '../../src/git-protocol/pkt-line.js';
import { eventually } from '../support/eventually.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { ask, commitTo, gitHttpWorld, npub } from './world.js';

const uploadPath = `/${npub}/r.git/git-upload-pack`;

/** A world whose lines are kept, with how many warnings there are; its time stands still until it is told. */
async function loggedWorld() {
  const lines: { level: string }[] = [];
  const formatters = { level: (level: string) => ({ level }) };
  const logger = pino({ formatters }, { write: (line) => lines.push(JSON.parse(line)) });
  const clock = new VirtualClock();
  const world = await gitHttpWorld({ logger, clock });
  const commit = commitTo(await world.make('r'), 'one');
  const warnings = () => lines.filter(({ level }) => level === 'warn').length;
  const outcomes = async (outcome: string) => {
    const text = await world.registry.metrics();
    const series = `ngit_git_requests_total{service="git-upload-pack",step="exchange",outcome="${outcome}"} `;
    return Number(
      text
        .split('\n')
        .find((line) => line.startsWith(series))
        ?.slice(series.length) ?? 0,
    );
  };
  const post = (body: Uint8Array) => ask(world.port, 'POST', uploadPath, {}, body);
  return { world, clock, commit, warnings, outcomes, post };
}

const wanting = (id: string, ...rest: readonly (Uint8Array | string)[]) =>
  Buffer.concat([
    pktLine(`want ${id} multi_ack side-band-64k ofs-delta\n`),
    flushPkt,
    ...rest.map((each) => Buffer.from(each)),
  ]);

it('requests that git refuses are not failures, and nobody is warned of them', async () => {
  const { world, warnings, outcomes, post } = await loggedWorld();
  await using _world = world;
  for (const body of [wanting('7'.repeat(40), pktLine('done\n')), Buffer.from('zzzz and more')])
    expect((await post(body)).body.toString('latin1')).toMatch(/^[0-9a-f]{4}ERR /);
  await eventually(async () => (await outcomes('refused')) + (await outcomes('failed')) === 2);
  expect(await outcomes('refused')).toBe(2);
  expect(warnings()).toBe(0);
});

it('failures are warned of up to a number a minute, whoever causes them', async () => {
  const { world, clock, commit, warnings, outcomes, post } = await loggedWorld();
  await using _world = world;
  // What is wrong with it comes after the answer has begun.
  const failing = wanting(commit, pktLine(`have ${commit}\n`), 'zzzz and more');
  const count = limits.gitFailuresLoggedPerMinuteMax + 5;
  for (let at = 0; at < count; at += 1) await post(failing);
  await eventually(async () => (await outcomes('failed')) === count);
  expect(warnings()).toBe(limits.gitFailuresLoggedPerMinuteMax);
  await clock.advance(60_000);
  await post(failing);
  await eventually(async () => (await outcomes('failed')) === count + 1);
  expect(warnings()).toBe(limits.gitFailuresLoggedPerMinuteMax + 1);
});

it('so are pages that git cannot make', async () => {
  const { world, clock, warnings } = await loggedWorld();
  await using _world = world;
  const gitDir = await world.make('r');
  writeFileSync(join(gitDir, 'refs/heads/broken'), '7'.repeat(40));
  const askAnew = async () => {
    world.gitHttp.refsChanged(gitDir);
    expect((await ask(world.port, 'GET', `/${npub}/r`)).status).toBe(500);
  };
  for (let at = 0; at < limits.gitFailuresLoggedPerMinuteMax + 5; at += 1) await askAnew();
  expect(warnings()).toBe(limits.gitFailuresLoggedPerMinuteMax);
  await clock.advance(60_000);
  await askAnew();
  expect(warnings()).toBe(limits.gitFailuresLoggedPerMinuteMax + 1);
  expect(world.faults.counts.size).toBe(0);
});
