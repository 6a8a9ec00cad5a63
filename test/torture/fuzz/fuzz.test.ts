import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/lib/random.js';
import { readCases } from './cases.js';
import { findingOf, fuzz } from './fuzz.js';
import { Breach, type Target } from './target.js';
import { targets } from './targets.js';

/** Of all targets together, in each run of the tests. */
const inputsInAll = 20_000;

describe('what was found', () => {
  it.each(readCases().map((one) => [one.was, one] as const))('is found no more: %s', async (_, one) => {
    const target = targets.find(({ name }) => name === one.target);
    expect(target, one.target).toBeDefined();
    expect(await findingOf(target as Target, one.input)).toBeUndefined();
  });
});

describe('a parser does with any input what it says', () => {
  const shareOf = ({ cost = 1 }: Target) => 1 / cost;
  const shares = targets.reduce((sum, target) => sum + shareOf(target), 0);

  it.each(targets.map((target) => [target.name, target] as const))('%s', async (_, target) => {
    for (const seed of target.seeds()) expect(await findingOf(target, seed)).toBeUndefined();
    const inputs = Math.ceil((inputsInAll * shareOf(target)) / shares);
    const outcome = await fuzz(target, { random: seededRandom(16), inputs, mayGoOn: () => true });
    const findings = outcome.findings.map(
      ({ what, input }) => `${what}\n${JSON.stringify(input.toString('latin1'))}`,
    );
    expect(findings).toEqual([]);
    expect(outcome.inputs).toBe(inputs);
  });
});

describe('the fuzzer', () => {
  const reader: Target = {
    name: 'reader',
    form: 'json',
    seeds: () => [Buffer.from('{"a":[1,2,{"b":"text"}]}')],
    run(input) {
      if (input.includes('__proto__')) throw new Breach('it reads a prototype');
    },
  };

  it('finds what is wrong, in a short input', async () => {
    const { findings, inputs } = await fuzz(reader, {
      random: seededRandom(1),
      inputs: 2_000,
      mayGoOn: () => true,
    });
    expect(inputs).toBe(2_000);
    expect(findings).toEqual([{ input: Buffer.from('__proto__'), what: 'Error: it reads a prototype' }]);
  });

  it('gives the same inputs for the same seed', async () => {
    const given = async () => {
      const inputs: string[] = [];
      const target = { ...reader, run: (input: Buffer) => void inputs.push(input.toString('latin1')) };
      await fuzz(target, { random: seededRandom(2), inputs: 200, mayGoOn: () => true });
      return inputs;
    };
    expect(await given()).toEqual(await given());
  });
});
