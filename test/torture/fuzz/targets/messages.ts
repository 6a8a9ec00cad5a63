import { limits } from '../../../../src/config/limits.js';
import { GraspError } from '../../../../src/lib/errors.js';
import { boundedElements, JsonBoundsError, parseBoundedJson } from '../../../../src/nostr/bounded-json.js';
import {
  type ClientMessage,
  InvalidMessageError,
  parseClientMessage,
  parseRelayMessage,
  type RelayMessage,
  readClientMessage,
} from '../../../../src/nostr/message.js';
import { parseInformation } from '../../../../src/sync/dial/information.js';
import { readRejection, rejectsNegentropy } from '../../../../src/sync/peer/rejection.js';
import { relayLimits } from '../../../../src/sync/peer/relay-limits.js';
import { attempt, claim, claimSame, type Target } from '../target.js';
import { buffersOf, id64, sampleEvents, sampleFilters } from './samples.js';

const payload = '61000002'.padEnd(44, '0');
const types = [
  'EVENT',
  'REQ',
  'COUNT',
  'CLOSE',
  'AUTH',
  'NEG-OPEN',
  'NEG-MSG',
  'NEG-ERR',
  'NEG-CLOSE',
  'EOSE',
  'OK',
];

/** A refusal has a cause that is one of ours, or says where JSON ends. */
function refusalOf<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof InvalidMessageError)) throw error;
    const { cause } = error;
    if (cause !== undefined && !(cause instanceof GraspError) && !(cause instanceof SyntaxError)) throw cause;
    return undefined;
  }
}

function readInPieces(frame: string): ClientMessage {
  const reading = readClientMessage(frame);
  for (;;) {
    const piece = reading.next();
    if (piece.done === true) return piece.value;
    claim(piece.value.chars <= frame.length, 'a piece is longer than its frame');
  }
}

/** A message of a client as a client writes it. */
function clientFrame(message: ClientMessage): unknown[] {
  switch (message.type) {
    case 'EVENT':
    case 'AUTH':
      return [message.type, message.event];
    case 'REQ':
    case 'COUNT':
      return [message.type, message.subscription, ...message.filters];
    case 'NEG-OPEN':
      return [message.type, message.subscription, message.filter, message.payload];
    case 'NEG-MSG':
      return [message.type, message.subscription, message.payload];
    default:
      return [message.type, message.subscription];
  }
}

/** A message of a relay as a relay writes it. */
function relayFrame(message: RelayMessage): unknown[] {
  switch (message.type) {
    case 'EVENT':
      return ['EVENT', message.subscription, message.event];
    case 'OK':
      return ['OK', message.eventId, message.accepted, message.reason];
    case 'EOSE':
      return ['EOSE', message.subscription];
    case 'CLOSED':
      return ['CLOSED', message.subscription, message.reason];
    case 'NOTICE':
      return ['NOTICE', message.text];
    case 'AUTH':
      return ['AUTH', message.challenge];
    case 'COUNT':
      return ['COUNT', message.subscription, { count: message.count }];
    case 'NEG-MSG':
      return ['NEG-MSG', message.subscription, message.payload];
    case 'NEG-ERR':
      return ['NEG-ERR', message.subscription, message.reason, message.itemsMax];
  }
}

const clientMessages: Target = {
  name: 'client-message',
  form: 'json',
  words: types,
  seeds: () =>
    buffersOf([
      ...sampleEvents.map((event) => ['EVENT', event]),
      ['REQ', 's', ...sampleFilters],
      ...sampleFilters.map((filter) => ['COUNT', 'c', filter]),
      ['CLOSE', 's'],
      ['AUTH', sampleEvents.at(-1)],
      ['NEG-OPEN', 'n', { kinds: [1] }, payload],
      ['NEG-MSG', 'n', payload],
      ['NEG-CLOSE', 'n'],
    ]),
  run(input) {
    const frame = input.toString('utf8');
    const whole = refusalOf(() => parseClientMessage(frame));
    const inPieces = refusalOf(() => readInPieces(frame));
    claimSame(inPieces, whole, 'a frame is another one when it is read in pieces');
    if (whole === undefined) return;
    claimSame(
      parseClientMessage(JSON.stringify(clientFrame(whole))),
      whole,
      'a message is not what it was read from',
    );
  },
};

const relayMessages: Target = {
  name: 'relay-message',
  form: 'json',
  words: types,
  seeds: () =>
    buffersOf([
      ...sampleEvents.map((event) => ['EVENT', 's', event]),
      ['OK', id64, true, ''],
      ['OK', id64, false, 'rate-limited: slow down'],
      ['EOSE', 's'],
      ['CLOSED', 's', 'auth-required: log in'],
      ['NOTICE', 'too many subscriptions'],
      ['AUTH', 'abc'],
      ['COUNT', 's', { count: 7 }],
      ['NEG-MSG', 'n', payload],
      ['NEG-ERR', 'n', 'blocked: too big', 500_000],
    ]),
  run(input) {
    const message = refusalOf(() => parseRelayMessage(input.toString('utf8')));
    if (message === undefined) return;
    claimSame(
      parseRelayMessage(JSON.stringify(relayFrame(message))),
      message,
      'a message is not what it was read from',
    );
    if ('reason' in message) {
      claim(message.reason.length <= limits.remoteTextCharsMax, 'a reason is not cut');
      readRejection(message.reason);
    }
  },
};

const json: Target = {
  name: 'bounded-json',
  form: 'json',
  words: ['\\"', '\\\\', '"', '[[', '{"":', '\\u0022'],
  seeds: () =>
    buffersOf([
      ...sampleEvents,
      ...sampleFilters,
      ['REQ', '"]\\', { a: [{ b: [1, 2] }] }],
      ' [1 , "a,b" , {"c":"\\"]"} , [ ] ] ',
      '"\\\\\\""',
      '[]',
    ]),
  run(input) {
    const text = input.toString('utf8');
    const plain = attempt(() => ({ value: JSON.parse(text) as unknown }), SyntaxError);
    let bounded: { value: unknown } | undefined;
    try {
      bounded = attempt(() => ({ value: parseBoundedJson(text) }), SyntaxError);
    } catch (error) {
      if (!(error instanceof JsonBoundsError)) throw error;
      claim(text.length > limits.jsonDepthMax, 'a short text is out of bounds');
      return;
    }
    claimSame(bounded, plain, 'bounded JSON is not as JSON.parse reads it');
    const elements = attempt(() => boundedElements(text, 1_000), SyntaxError);
    if (
      plain !== undefined &&
      Array.isArray(plain.value) &&
      plain.value.length <= 1_000 &&
      plain.value.length > 0
    ) {
      claim(elements !== undefined, 'the elements of an array are not found');
      claimSame(
        elements.map((element) => JSON.parse(element.text)),
        plain.value,
        'elements are not those of the array',
      );
    }
  },
};

const information: Target = {
  name: 'information',
  form: 'json',
  words: ['supported_nips', 'limitation', 'max_subscriptions', 'max_limit', 'supported_grasps'],
  seeds: () =>
    buffersOf([
      {
        name: 'x',
        supported_nips: [1, 11, 77],
        supported_grasps: ['GRASP-01'],
        limitation: {
          max_subscriptions: 20,
          max_filters: 10,
          max_message_length: 65_536,
          max_limit: 500,
          auth_required: true,
        },
      },
    ]),
  run(input) {
    const read = parseInformation(input.toString('utf8'));
    const relay = relayLimits(read);
    const wholes = [relay.subscriptions, relay.liveSubscriptions, relay.requests, relay.negentropySessions];
    for (const number of [...wholes, relay.filtersPerSubscription, relay.messageBytes])
      claim(Number.isSafeInteger(number) && number >= 0, `a limit is ${number}`);
    claim(relay.requests >= 1 && relay.filtersPerSubscription >= 1, 'a relay may be asked nothing');
    for (const nip of read?.supportedNips ?? []) claim(Number.isInteger(nip), 'a NIP is no number');
  },
};

const rejections: Target = {
  name: 'rejection',
  form: 'text',
  words: [
    'too many ',
    ' results ',
    ' at most ',
    ' limit',
    'rate-limited:',
    ' max ',
    '500',
    '1_000',
    ' open',
    'auth-required:',
  ],
  seeds: () =>
    buffersOf([
      'rate-limited: too many concurrent REQs',
      'blocked: this query is too big, max records 500_000',
      'error: at most 20 open subscriptions',
      'unknown command NEG-OPEN',
      'too many filters',
    ]),
  run(input) {
    const text = input.toString('utf8');
    const rejection = readRejection(text);
    if (rejection.type === 'too-many-results' && rejection.itemsMax !== undefined)
      claim(Number.isSafeInteger(rejection.itemsMax) && rejection.itemsMax >= 10, 'a cap is no cap');
    claim(typeof rejectsNegentropy(text) === 'boolean', 'a notice says neither yes nor no');
  },
};

export const messageTargets: readonly Target[] = [
  clientMessages,
  relayMessages,
  json,
  information,
  rejections,
];
