import { describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { unixSeconds } from '../../src/lib/clock.js';
import type { Identity } from '../../src/nostr/keys.js';
import { kinds } from '../../src/nostr/kinds.js';
import { signedEvent, testIdentity } from '../support/events.js';
import { sessionWorld } from './fakes.js';

const author = testIdentity(1);
const stranger = testIdentity(2);
const event = signedEvent(author, { tags: [['-']] });

type World = ReturnType<typeof sessionWorld>;
type Client = ReturnType<World['client']>;

/** The challenge that the client was sent; it wanted what only the author may do. */
function challengeOf({ send, outbox }: Client): string {
  send('EVENT', event);
  return outbox.ofType('AUTH').at(-1)?.[1] as string;
}

function authEvent(world: World, identity: Identity, challenge: string, changes: Partial<AuthFields> = {}) {
  const fields = { kind: kinds.clientAuthentication, relay: 'ws://127.0.0.1:7/', ageSeconds: 0, ...changes };
  return identity.sign({
    kind: fields.kind,
    created_at: unixSeconds(world.clock) - fields.ageSeconds,
    tags: [
      ['relay', fields.relay],
      ['challenge', challenge],
    ],
    content: '',
  });
}

type AuthFields = { readonly kind: number; readonly relay: string; readonly ageSeconds: number };

const lastOk = ({ outbox }: Client) => outbox.ofType('OK').at(-1);

describe('a protected event', () => {
  it('is taken from its author who has authenticated, and the client that wants less is asked nothing', async () => {
    const world = sessionWorld();
    const client = world.client();
    client.send('REQ', 'a', {});
    await world.settle();
    expect(client.outbox.ofType('AUTH')).toEqual([]);
    const challenge = challengeOf(client);
    expect(challenge).toMatch(/^[0-9a-f]{32}$/);
    expect(lastOk(client)).toEqual(['OK', event.id, false, expect.stringMatching(/^auth-required: /)]);
    const auth = authEvent(world, author, challenge);
    client.send('AUTH', auth);
    await world.settle();
    expect(lastOk(client)).toEqual(['OK', auth.id, true, '']);
    client.send('EVENT', event);
    await world.settle();
    expect(lastOk(client)).toEqual(['OK', event.id, true, '']);
  });

  it('is refused from others, also inside of a repost', async () => {
    const world = sessionWorld();
    const client = world.client();
    client.send('AUTH', authEvent(world, stranger, challengeOf(client)));
    await world.settle();
    const repost = signedEvent(stranger, { kind: 6, content: JSON.stringify(event) });
    for (const refused of [event, repost]) {
      client.send('EVENT', refused);
      expect(lastOk(client)).toEqual(['OK', refused.id, false, expect.stringMatching(/^restricted: /)]);
    }
    expect(world.admission.submitted).toEqual([]);
  });
});

describe('authentication', () => {
  it.each<[string, Partial<AuthFields> & { challenge?: string; forged?: boolean }, RegExp]>([
    ['another challenge', { challenge: 'x' }, /^invalid: .*challenge/],
    ['the URL of another relay', { relay: 'wss://elsewhere.example' }, /^invalid: .*URL/],
    ['no URL', { relay: '' }, /^invalid: .*URL/],
    ['another kind', { kind: 1 }, /^invalid: .*kind/],
    ['an age', { ageSeconds: limits.authAgeSecondsMax + 1 }, /^invalid: created_at/],
    ['a time to come', { ageSeconds: -limits.authAgeSecondsMax - 1 }, /^invalid: created_at/],
    ['a forged signature', { forged: true }, /^invalid: .*signature/],
  ])('with %s is refused', async (_, { challenge, forged = false, ...fields }, reason) => {
    const world = sessionWorld();
    const client = world.client();
    const sent = challengeOf(client);
    const auth = authEvent(world, author, challenge ?? sent, fields);
    client.send('AUTH', forged ? { ...auth, sig: event.sig } : auth);
    await world.settle();
    expect(lastOk(client)).toEqual(['OK', auth.id, false, expect.stringMatching(reason)]);
    client.send('EVENT', event);
    expect(lastOk(client)).toEqual(['OK', event.id, false, expect.stringMatching(/^auth-required: /)]);
  });

  it('without a challenge is given one; the challenge of another connection is worth nothing', async () => {
    const world = sessionWorld();
    const [one, two] = [world.client(), world.client()];
    const auth = authEvent(world, author, challengeOf(one));
    two.send('AUTH', auth);
    await world.settle();
    expect(two.outbox.frames).toEqual([
      ['AUTH', expect.any(String)],
      ['OK', auth.id, false, expect.stringMatching(/^auth-required: /)],
    ]);
    two.send('AUTH', auth);
    await world.settle();
    expect(lastOk(two)).toEqual(['OK', auth.id, false, expect.stringMatching(/^invalid: /)]);
  });

  it('takes several keys, up to a limit, and one signature is checked at a time', async () => {
    const world = sessionWorld();
    const client = world.client();
    const challenge = challengeOf(client);
    client.send('AUTH', authEvent(world, author, challenge));
    client.send('AUTH', authEvent(world, stranger, challenge));
    await world.settle();
    expect(client.outbox.ofType('OK').map(([, , accepted]) => accepted)).toEqual([false, false, true]);
    for (let number = 2; number <= limits.clientPubkeysMax + 1; number += 1) {
      client.send('AUTH', authEvent(world, testIdentity(number), challenge));
      await world.settle();
    }
    expect(lastOk(client)?.[3]).toMatch(/^restricted: /);
    client.send('EVENT', event);
    await world.settle();
    expect(lastOk(client)).toEqual(['OK', event.id, true, '']);
  });
});
