import { readFileSync } from 'node:fs';

/** An input that once broke something, kept so that it never does again. */
export type Case = {
  readonly target: string;
  /** What went wrong. */
  readonly was: string;
  readonly input: Buffer;
};

type Written = {
  readonly target: string;
  readonly was: string;
  readonly text?: string;
  readonly hex?: string;
};

/** The cases of `cases.json`: inputs are text, where they are UTF-8, or hex. */
export function readCases(): readonly Case[] {
  const text = readFileSync(new URL('./cases.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as Written[]).map(({ target, was, text, hex }) => ({
    target,
    was,
    input: hex === undefined ? Buffer.from(text ?? '') : Buffer.from(hex, 'hex'),
  }));
}
