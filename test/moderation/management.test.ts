import { createHash } from 'node:crypto';
import { verifyEvent } from 'nostr-tools/pure';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { limits } from '../../src/config/limits.js';
import { isRelayUrl } from '../../src/daemon/information.js';
import { relayRoute } from '../../src/http/built-in-routes.js';
import { createHttpService, type HttpService } from '../../src/http/http-service.js';
import { relayInformation } from '../../src/http/relay-information.js';
import type { AddressAccounts } from '../../src/lib/budgets/address-accounts.js';
import { ModerationLists } from '../../src/moderation/lists.js';
import { Authorization } from '../../src/moderation/management/authorization.js';
import { Management } from '../../src/moderation/management/management.js';
import { Moderation } from '../../src/moderation/moderation.js';
import type { NostrEvent } from '../../src/nostr/event.js';
import { createMemoryStore } from '../../src/store/memory-store.js';
import { foreign, key } from '../policy/world.js';
import { accountsOf } from '../support/accounts.js';
import { testIdentity } from '../support/events.js';
import { silentFaults } from '../support/faults.js';
import { openHoldingAdmission } from '../support/holding-admission.js';
import { VirtualClock } from '../support/virtual-clock.js';

const [owner, admin, stranger] = [testIdentity(1), testIdentity(2), testIdentity(3)];
const relayUrl = 'https://git.example.org';
const call = (method: string, ...params: unknown[]) => JSON.stringify({ method, params });

let clock: VirtualClock;
let accounts: AddressAccounts;
let lists: ModerationLists;
let service: HttpService;
let store: ReturnType<typeof createMemoryStore>['store'];
let verified: number;
let url: string;

beforeEach(async () => {
  clock = new VirtualClock(Date.UTC(2026, 0, 1));
  accounts = accountsOf({ failedAuthorizationsPerMinuteMax: 3 }, clock);
  const opened = createMemoryStore({ clock });
  store = opened.store;
  lists = await ModerationLists.load(opened.journal);
  const here = await openHoldingAdmission({ opened, clock, bans: lists });
  verified = 0;
  const isAdmin = (pubkey: string) => pubkey === owner.pubkey || pubkey === admin.pubkey;
  const moderation = new Moderation({
    ...opened,
    ...here,
    lists,
    repositories: { async *list() {} },
    alignment: { run: () => {} },
    isProtected: isAdmin,
    trustedProxies: ['127.0.0.0/8', '10.0.0.1/32'],
    endBlocked: () => {},
    clock,
    log: { info: () => {}, error: () => {} },
    signal: new AbortController().signal,
  });
  const management = new Management({
    moderation,
    verifier: {
      verify: async (events) => {
        verified += events.length;
        return { verdicts: events.map((event) => (verifyEvent({ ...event }) ? 'valid' : 'wrong-signature')) };
      },
    },
    clock,
    accounts,
    isAdmin,
    isOwnUrl: (text) => isRelayUrl({ domain: 'git.example.org' }, text),
  });
  service = createHttpService({
    root: relayRoute(() => relayInformation({} as Parameters<typeof relayInformation>[0]), relayUrl, {
      manage: (request, response) => management.handle(request, response),
    }),
    metrics: undefined,
    readiness: () => ({ ready: true, reasons: [] }),
    onUpgrade: () => ({ status: 503, reason: 'none' }),
    routes: [],
    trustedProxies: ['127.0.0.0/8'],
    connectionsMax: undefined,
    accounts,
    clock,
    logger: pino({ level: 'silent' }),
    faults: silentFaults(),
  });
  const { port } = await service.listen({ host: '127.0.0.1', port: 0 });
  url = `http://127.0.0.1:${port}/`;
});
afterEach(() => service.close());

type Wrong = {
  readonly by?: typeof owner;
  readonly kind?: number;
  readonly tags?: Readonly<Record<string, string | undefined>>;
  readonly secondsAhead?: number;
  readonly change?: (event: NostrEvent) => NostrEvent;
};

/** The header of NIP-98 for a body, right but for what is said. */
function authorization(
  body: string,
  { by = owner, kind = 27235, tags = {}, secondsAhead = 0, change }: Wrong = {},
) {
  const payload = createHash('sha256').update(body).digest('hex');
  const all = Object.entries({ u: relayUrl, method: 'POST', payload, ...tags });
  const signed = by.sign({
    kind,
    created_at: Math.floor(clock.now() / 1_000) + secondsAhead,
    tags: all.filter((tag): tag is [string, string] => tag[1] !== undefined),
    content: '',
  });
  return `Nostr ${Buffer.from(JSON.stringify(change?.(signed) ?? signed)).toString('base64')}`;
}

async function send(
  body: string,
  header: string | undefined = authorization(body),
  more: Record<string, string> = {},
): Promise<[number, { result?: unknown; error?: string }]> {
  const response = await fetch(url, {
    method: 'POST',
    body,
    headers: {
      'Content-Type': 'application/nostr+json+rpc',
      ...(header === '' ? {} : { Authorization: header }),
      ...more,
    },
  });
  expect(response.headers.get('access-control-allow-origin')).toBe('*');
  return [response.status, (await response.json()) as { result?: unknown; error?: string }];
}

describe('a call of the management', () => {
  const body = call('listbannedpubkeys');

  it('is taken from the owner and from admins', async () => {
    expect(await send(body)).toEqual([200, { result: [] }]);
    expect(await send(body, authorization(body, { by: admin }))).toEqual([200, { result: [] }]);
    expect(await send(body, authorization(body, { tags: { u: 'wss://git.example.org/' } }))).toEqual([
      200,
      { result: [] },
    ]);
  });

  it.each<[string, string | Wrong, RegExp]>([
    ['without an authorization', '', /an authorization is needed/],
    ['with another scheme', 'Basic YTpi', /an authorization is needed/],
    ['with what is no event', `Nostr ${Buffer.from('{"id":1}').toString('base64')}`, /no event in base64/],
    ['of another kind', { kind: 22242 }, /the kind/],
    ['of a stranger', { by: stranger }, /may not manage/],
    ['that is too old', { secondsAhead: -61 }, /created_at/],
    ['that is too far ahead', { secondsAhead: 61 }, /created_at/],
    ['from before the start of the relay', { secondsAhead: -1 }, /before the start/],
    ['for another relay', { tags: { u: 'https://other.example.org' } }, /'u' is not/],
    ['for another path', { tags: { u: `${relayUrl}/other` } }, /'u' is not/],
    ['for a connection without TLS', { tags: { u: 'http://git.example.org' } }, /'u' is not/],
    ['for another method', { tags: { method: 'GET' } }, /'method' is not/],
    ['for another body', { tags: { payload: '0'.repeat(64) } }, /'payload' is not/],
    ['without a hash of the body', { tags: { payload: undefined } }, /'payload' is not/],
    ['that is forged', { change: (event) => ({ ...event, sig: '0'.repeat(128) }) }, /signature is wrong/],
    [
      'that pretends to be of the owner',
      { by: stranger, change: (event) => ({ ...event, pubkey: owner.pubkey }) },
      /signature is wrong/,
    ],
  ])('is answered with 401 and the reason %s', async (_, wrong, reason) => {
    const header = typeof wrong === 'string' ? wrong : authorization(body, wrong);
    const [status, answered] = await send(body, header);
    expect([status, answered.error]).toEqual([401, expect.stringMatching(reason)]);
    expect(lists.entries('banned-pubkey').size).toBe(0);
  });

  it('is taken once: what was used is not good again within its time, nor after it', async () => {
    const ban = call('banpubkey', key(1));
    const header = authorization(ban, { secondsAhead: 30 });
    expect(await send(ban, header)).toEqual([200, { result: true }]);
    for (const seconds of [0, 60, 30, 1]) {
      await clock.advance(seconds * 1_000);
      expect((await send(ban, header))[0]).toBe(401);
    }
  });

  it('is too old when its body came too late, though it began in time', async () => {
    const verifier = { verify: async () => ({ verdicts: ['valid' as const] }) };
    const taking = new Authorization({ verifier, clock, isOwnUrl: () => true, isAdmin: () => true });
    const again = taking.read(authorization(body));
    await taking.accept(again, Buffer.from(body));
    await clock.advance(61_000);
    // Makes room in what is remembered.
    await taking.accept(taking.read(authorization(body)), Buffer.from(body));
    await expect(taking.accept(again, Buffer.from(body))).rejects.toThrow('created_at');
  });

  it('does not have the signatures of strangers checked', async () => {
    await send(body, authorization(body, { by: stranger }));
    expect(verified).toBe(0);
  });

  it('is not looked at after too many from one address that were not right, until a while later', async () => {
    const from = { 'X-Forwarded-For': '192.0.2.1' };
    for (let times = 0; times < 3; times += 1) expect((await send(body, '', from))[0]).toBe(401);
    expect((await send(body, undefined, from))[0]).toBe(429);
    expect((await send(body, undefined, { 'X-Forwarded-For': '192.0.2.2' }))[0]).toBe(200);
    await clock.advance(60_000);
    expect((await send(body, undefined, from))[0]).toBe(200);
  });

  it('is refused when it is too large, and when it is of another type', async () => {
    const large = call('banpubkey', key(1), 'x'.repeat(limits.managementBodyBytesMax));
    expect((await send(large))[0]).toBe(413);
    expect((await send(body, undefined, { 'Content-Type': 'application/json' }))[0]).toBe(415);
    expect(lists.entries('banned-pubkey').size).toBe(0);
  });

  it.each([
    ['no JSON', '{', /no JSON/],
    ['no call', '[]', /is an object/],
    ['null', 'null', /is an object/],
    ['a list of params that is none', '{"method":"banpubkey","params":{}}', /is an object/],
    ['an unknown method', call('allowkind', 1), /not supported/],
    ['a method of every object', call('toString'), /not supported/],
    ['no public key', call('banpubkey', 'npub1'), /64 lower-case hex/],
    ['the key of the owner', call('banpubkey', owner.pubkey), /cannot be banned/],
    ['loopback', call('blockip', '127.0.0.1'), /loopback/],
    ['a trusted proxy', call('blockip', '10.0.0.1'), /trusted proxy/],
    ['a name of two lines', call('changerelayname', 'a\nb'), /a line of at most/],
    ['a name that is too long', call('changerelayname', 'x'.repeat(201)), /a line of at most 200/],
    ['an icon that is no URL', call('changerelayicon', 'javascript:alert(1)'), /is a URL/],
  ])('says what is wrong with %s', async (_, wrong, error) => {
    expect(await send(wrong)).toEqual([200, { error: expect.stringMatching(error) }]);
  });
});

describe('the methods', () => {
  const result = async (method: string, ...params: unknown[]) => {
    // Each call is signed at another time, so that none is a copy of one before.
    await clock.advance(1_000);
    return (await send(call(method, ...params)))[1].result;
  };

  it('are listed, and each does something', async () => {
    const names = (await result('supportedmethods')) as string[];
    for (const name of names)
      expect((await send(call(name)))[1].error ?? '', name).not.toMatch(/not supported/);
    expect(names).toContain('banpubkey');
  });

  it('ban authors, whose stored events go, and allow them again', async () => {
    const announced = foreign(key(1), 'project');
    store.put(announced);
    expect(await result('banpubkey', key(1), 'spam')).toBe(true);
    expect(await result('listbannedpubkeys')).toEqual([{ pubkey: key(1), reason: 'spam' }]);
    expect(store.size).toBe(0);
    expect(await result('allowpubkey', key(1))).toBe(true);
    expect(await result('listbannedpubkeys')).toEqual([]);
    expect(await result('listallowedpubkeys')).toEqual([{ pubkey: key(1) }]);
    expect(await result('unallowpubkey', key(1))).toBe(true);
    expect(await result('listallowedpubkeys')).toEqual([]);
    await result('banpubkey', key(1));
    expect(await result('unbanpubkey', key(1))).toBe(true);
    expect(await result('listbannedpubkeys')).toEqual([]);
  });

  it('ban events and addresses, and lift that', async () => {
    expect(await result('banevent', key(5), 'illegal')).toBe(true);
    expect(await result('listbannedevents')).toEqual([{ id: key(5), reason: 'illegal' }]);
    expect(await result('allowevent', key(5))).toBe(true);
    expect(await result('listbannedevents')).toEqual([]);
    expect(await result('blockip', '192.0.2.77/24', 'abuse')).toBe(true);
    expect(await result('listblockedips')).toEqual([{ ip: '192.0.2.0/24', reason: 'abuse' }]);
    expect(await result('unblockip', '192.0.2.0/24')).toBe(true);
    expect(await result('listblockedips')).toEqual([]);
  });

  it('change what the relay says of itself; an empty text takes that back', async () => {
    expect(await result('changerelayname', ' Another name ')).toBe(true);
    expect(await result('changerelaydescription', 'Other words')).toBe(true);
    expect(await result('changerelayicon', 'https://example.org/icon.png')).toBe(true);
    expect(['name', 'description', 'icon'].map((text) => lists.text(text as 'name'))).toEqual([
      'Another name',
      'Other words',
      'https://example.org/icon.png',
    ]);
    expect(await result('changerelayname', '')).toBe(true);
    expect(lists.text('name')).toBeUndefined();
  });
});
