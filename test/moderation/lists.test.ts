import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { ListFullError, ModerationLists } from '../../src/moderation/lists.js';
import { authorBanned, eventBanned } from '../../src/policy/policy-context.js';
import { MemoryJournal } from '../../src/store/journal.js';
import { key } from '../policy/world.js';

const [alice, bob] = [key(1), key(2)];
const entry = { reason: 'spam', sinceSeconds: 1_700_000_000 };

describe('the lists of moderation', () => {
  it('are the same after they are read again, beside the records of others', async () => {
    const journal = new MemoryJournal();
    await journal.put('held:1', Buffer.from('not ours'));
    const lists = await ModerationLists.load(journal);
    await lists.add('banned-pubkey', alice, entry);
    await lists.add('banned-event', key(7), entry);
    await lists.add('allowed-pubkey', bob, entry);
    await lists.add('blocked-address', '2001:db8::/64', entry);
    await lists.add('blocked-address', '192.0.2.0/24', entry);
    await lists.delete('blocked-address', '192.0.2.0/24');
    await lists.setText('name', 'another name');
    await lists.setText('icon', 'https://example.org/icon.png');
    await lists.setText('icon', '');
    const again = await ModerationLists.load(journal);
    for (const each of [lists, again]) {
      expect(each.refusalOf({ id: key(8), pubkey: alice })).toBe(authorBanned);
      expect(each.refusalOf({ id: key(7), pubkey: bob })).toBe(eventBanned);
      expect(each.refusalOf({ id: key(8), pubkey: bob })).toBeUndefined();
      expect([each.isAllowed(bob), each.isAllowed(alice)]).toEqual([true, false]);
      expect(each.addresses.has('2001:db8::/64')).toBe(true);
      expect(each.addresses.has('192.0.2.1')).toBe(false);
      expect([...each.entries('banned-pubkey')]).toEqual([[alice, entry]]);
      expect([each.text('name'), each.text('icon'), each.text('description')]).toEqual([
        'another name',
        undefined,
        undefined,
      ]);
    }
  });

  it('take no more than they have room for, and keep a reason that is too long in part', async () => {
    const lists = await ModerationLists.load(new MemoryJournal());
    const reason = 'x'.repeat(limits.moderationReasonCharsMax + 1);
    for (let number = 0; number < limits.allowedPubkeysMax; number += 1)
      await lists.add('allowed-pubkey', key(number), { ...entry, reason });
    await expect(lists.add('allowed-pubkey', key(limits.allowedPubkeysMax), entry)).rejects.toThrow(
      ListFullError,
    );
    // One that is on it needs no room.
    await lists.add('allowed-pubkey', key(0), entry);
    expect(lists.entries('allowed-pubkey').get(key(0))).toEqual(entry);
    expect(lists.entries('allowed-pubkey').get(key(1))?.reason).toHaveLength(limits.moderationReasonCharsMax);
    expect(lists.entries('allowed-pubkey').size).toBe(limits.allowedPubkeysMax);
  });

  it('say whether there was what is taken off', async () => {
    const lists = await ModerationLists.load(new MemoryJournal());
    await lists.add('banned-pubkey', alice, entry);
    expect(await lists.delete('banned-pubkey', alice)).toBe(true);
    expect(await lists.delete('banned-pubkey', alice)).toBe(false);
    expect(lists.refusalOf({ id: key(8), pubkey: alice })).toBeUndefined();
  });
});
