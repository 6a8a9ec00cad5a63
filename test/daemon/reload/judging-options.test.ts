import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it } from 'vitest';
import { openCore } from '../../../src/daemon/core.js';
import { CurrentOptions } from '../../../src/daemon/reload/current-options.js';
import { surroundingsOf } from '../../../src/daemon/surroundings.js';
import { npubOf } from '../../../src/nostr/keys.js';
import { signedEvent, testIdentity } from '../../support/events.js';
import { optionsWith, type Settings } from './live-world.js';

const author = testIdentity(1);
const elsewhere = signedEvent(testIdentity(2), { kind: 30617, tags: [['d', 'elsewhere']] });
const listed = signedEvent(author, { kind: 30617, tags: [['d', 'listed']] });

it('what lists refused is forgotten by a start with other lists, and by no other start', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'graspd-core-'));
  const start = (settings: Settings) =>
    openCore(
      new CurrentOptions(
        optionsWith({ relayDataPath: join(folder, 'relay'), gitDataPath: join(folder, 'git'), ...settings }),
      ),
      { ...surroundingsOf(pino({ level: 'silent' })), diskSpace: { freeBytes: async () => 1e15 } },
      { closingAccepted: 0 },
    );
  const blacklist = { eventBlacklist: npubOf(author.pubkey) };
  try {
    {
      await using core = await start(blacklist);
      for (const event of [elsewhere, listed])
        expect(
          await core.admission.submit(event, { type: 'catchup', relay: 'wss://a.example' }),
        ).toMatchObject({
          type: 'refused',
        });
    }
    {
      await using core = await start({ ...blacklist, keyEvents: '7' });
      for (const { id } of [elsewhere, listed]) expect(core.refused.reasonFor(id)).toMatch(/^blocked: /);
    }
    await using core = await start({});
    for (const { id } of [elsewhere, listed]) expect(core.refused.reasonFor(id)).toBeUndefined();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
