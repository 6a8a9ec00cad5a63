import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import type { Command, Invocation } from '../../src/commands/command.js';
import { dispatch } from '../../src/commands/dispatch.js';

type Call = Pick<Invocation, 'positionals' | 'flags' | 'readOptions'>;

const calls: Call[] = [];

function command(name: string, more: Partial<Command> = {}): Command {
  return {
    name,
    summary: `does ${name}`,
    details: '',
    usage: '',
    positionalsMin: 0,
    positionalsMax: 0,
    flags: [],
    takesOptions: true,
    async run(invocation) {
      calls.push(invocation);
      return 7;
    },
    ...more,
  };
}

const commands = [
  command('serve'),
  command('take', { usage: 'FILE', positionalsMin: 1, positionalsMax: 1 }),
  command('play', {
    takesOptions: false,
    flags: [{ name: 'speed', placeholder: 'N', about: 'How fast', isSwitch: false, isList: false }],
  }),
].map((made) => ({ name: made.name, load: async () => made }));

async function run(...args: string[]): Promise<{ code: number; text: string; call: Call | undefined }> {
  calls.length = 0;
  const stdout = new PassThrough();
  const code = await dispatch(args, commands, {
    environment: {},
    readFile: () => '{}',
    stdin: new PassThrough(),
    stdout,
    stderr: new PassThrough(),
    signal: new AbortController().signal,
    onHangup: () => {},
  });
  return { code, text: String(stdout.read() ?? ''), call: calls[0] };
}

test('without a name the first command runs, with the options', async () => {
  const { code, call } = await run('--relay-name', 'x', '--archive-all=false');
  expect(code).toBe(7);
  expect(call?.readOptions()).toMatchObject({ relayName: 'x', archiveAll: false });
});

test('arguments and own flags reach a command', async () => {
  expect((await run('take', 'file', '--log-level=warn')).call?.positionals).toEqual(['file']);
  expect((await run('take', '--', '-odd')).call?.positionals).toEqual(['-odd']);
  expect((await run('play', '--speed', '3')).call?.flags.get('speed')).toBe('3');
});

test.each([
  [['nope'], "there is no command 'nope'"],
  [['help', 'nope'], "there is no command 'nope'"],
  [['take'], 'take takes FILE'],
  [['take', 'a', 'b'], "unexpected argument 'b'"],
  [['serve', 'extra'], "unexpected argument 'extra'"],
  [['--relay-name', 'x', 'take'], "unexpected argument 'take'"],
  [['play', '--domain', 'x'], 'there is no option --domain'],
  [['play', '-h1'], 'there is no option -1'],
  [['--speed', '1'], 'there is no option --speed'],
])('%j is refused in one line', async (args, line) => {
  await expect(run(...args)).rejects.toThrow(line);
  expect(calls).toEqual([]);
});

test.each([['--help'], ['-h'], ['help']])('%s lists commands and options', async (arg) => {
  const { code, text } = await run(arg);
  expect(code).toBe(0);
  expect(text).toContain('take FILE  does take');
  expect(text).toContain('--bind-address IP:PORT');
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(110);
});

test('a command has its own help, also with an environment that is wrong', async () => {
  expect((await run('play', '--help')).text).toContain('--speed N');
  expect((await run('help', 'take')).text).toContain('Usage: graspd take FILE [options]');
});

test.each([['--version'], ['-V'], ['version']])('%s prints the version', async (arg) => {
  expect((await run(arg)).text).toMatch(/^graspd \d+\.\d+\.\d+\n$/);
});
