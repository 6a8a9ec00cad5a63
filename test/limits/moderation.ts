import { createHash } from 'node:crypto';
import { ModerationLists } from '../../src/moderation/lists.js';
import { Authorization } from '../../src/moderation/management/authorization.js';
import { call } from '../../src/moderation/management/methods.js';
import type { Moderation } from '../../src/moderation/moderation.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { MemoryJournal } from '../../src/store/journal.js';
import { plainEvent } from '../relay/fakes.js';
import { type Entry, hex, takes } from './entry.js';

async function fits(
  list: 'banned-pubkey' | 'banned-event' | 'allowed-pubkey' | 'blocked-address',
  entries: number,
) {
  const lists = await ModerationLists.load(new MemoryJournal());
  return takes(() => lists.checkRoomFor(list, entries));
}

/** Whether the relay may be called so, or may say so much of itself. */
async function isLine(method: string, chars: number): Promise<boolean> {
  const moderation = { changeText: async () => {} } as unknown as Moderation;
  return 'result' in (await call(moderation, { method, params: ['x'.repeat(chars)] }, 'npub1'));
}

/** Who may call the management, and what authorizes a call, dated so many seconds ahead. */
function management() {
  let nowMs = 0;
  const clock = { now: () => nowMs };
  const verifier = {
    verify: async (events: readonly unknown[]) => ({ verdicts: events.map(() => 'valid' as const) }),
  };
  const authorization = new Authorization({
    clock,
    verifier,
    isAdmin: () => true,
    isOwnUrl: () => true,
  } as unknown as ConstructorParameters<typeof Authorization>[0]);
  const payload = createHash('sha256').update('').digest('hex');
  const tags = [
    ['u', 'https://a.example'],
    ['method', 'POST'],
    ['payload', payload],
  ];
  // As if the daemon had run for long.
  nowMs = 3_600_000;
  const signed = (ahead: number) =>
    plainEvent(1, { kind: 27_235, tags, created_at: clock.now() / 1_000 + ahead });
  return { authorization, signed };
}

const headerOf = (event: NostrEvent) => `Nostr ${Buffer.from(JSON.stringify(event)).toString('base64')}`;

/** What is moderated, and how it is managed. */
export const moderationEntries = {
  bannedPubkeysMax: { edge: (entries) => fits('banned-pubkey', entries) },
  bannedEventsMax: { edge: (entries) => fits('banned-event', entries) },
  allowedPubkeysMax: { edge: (entries) => fits('allowed-pubkey', entries) },
  blockedAddressesMax: { edge: (entries) => fits('blocked-address', entries) },
  moderationReasonCharsMax: {
    edge: async (chars) => {
      const lists = await ModerationLists.load(new MemoryJournal());
      await lists.add('banned-event', hex(1), { reason: 'x'.repeat(chars), sinceSeconds: 0 });
      return lists.entries('banned-event').get(hex(1))?.reason.length === chars;
    },
  },
  relayNameCharsMax: { edge: (chars) => isLine('changerelayname', chars) },
  relayDescriptionCharsMax: { edge: (chars) => isLine('changerelaydescription', chars) },
  managementBodyBytesMax: {
    test: [
      'moderation/management.test.ts',
      'is refused when it is too large, and when it is of another type',
    ],
  },
  httpAuthSecondsMax: {
    edge: (seconds) =>
      [seconds, -seconds].every((ahead) => {
        const { authorization, signed } = management();
        return takes(() => authorization.read(headerOf(signed(ahead))));
      }),
  },
  httpAuthsRememberedMax: {
    edge: async (calls) => {
      const { authorization, signed } = management();
      const body = Buffer.from('');
      try {
        for (let at = 0; at < calls; at += 1) await authorization.accept({ ...signed(0), id: hex(at) }, body);
        return true;
      } catch {
        return false;
      }
    },
  },
  takenAwayAtOnceMax: {
    pace: [
      'moderation/moderation.test.ts',
      'has very many events taken away in batches, in which others have their turn',
    ],
  },
  takenAwayReportMs: { pace: 'nothing more' },
} as const satisfies Record<string, Entry>;
