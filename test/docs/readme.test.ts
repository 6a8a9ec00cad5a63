import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readOptions } from '../../src/config/options.js';
import { servingRulesOf } from '../../src/daemon/settings.js';
import { parseAnnouncement } from '../../src/nostr/repository.js';
import { RepositoryServing } from '../../src/repositories/serving.js';
import { foreign, key } from '../policy/world.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const steps = readme.slice(readme.indexOf('## A first sync'), readme.indexOf('## How it is built'));
const blocks = (language: string) =>
  [...steps.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(
    ([, text]) => text as string,
  );

describe('the steps of the README', () => {
  it('share one config file in every command that starts graspd', () => {
    const commands = blocks('sh')
      .flatMap((text) => text.split('\n'))
      .filter((line) => /npm start|dist\/main/.test(line));
    expect(commands.length).toBeGreaterThan(4);
    for (const command of commands) expect(command).toContain('--config graspd.json');
  });

  it('have config files that can be read, and each serves what the one before it served', () => {
    const files = blocks('json');
    expect(files.length).toBe(2);
    for (const file of files) {
      const flags = new Map([['config', 'graspd.json']]);
      const options = readOptions({ flags, environment: {}, readFile: () => file });
      const serving = new RepositoryServing(servingRulesOf(options));
      expect(serving.serves(parseAnnouncement(foreign(key(1), 'archived')))).toBe(true);
    }
  });
});
