import type { RecordReader } from '../../../../src/kernels/kernels.js';
import { createWasmKernels } from '../../../../src/kernels/wasm/kernels.js';
import { NegentropyClient } from '../../../../src/negentropy/client.js';
import { NegentropyError } from '../../../../src/negentropy/errors.js';
import { NegentropyServer } from '../../../../src/negentropy/server.js';
import { messageFromHex, messageToHex } from '../../../../src/negentropy/wire/frame.js';
import { MessageReader } from '../../../../src/negentropy/wire/reader.js';
import { recordBytesOf } from '../../../kernels/independent.js';
import { splitIds } from '../../../negentropy/exchange.js';
import { makeSets } from '../../../negentropy/sets.js';
import type { Item } from '../../../negentropy/sorted-storage.js';
import { attempt, claim, type Target } from '../target.js';

const frameBytesMax = 4_096;
const needIdsMax = 100;
const words = [
  '\x00',
  '\x01',
  '\x02',
  '\x61',
  '\x60',
  '\x80',
  '\x7f',
  '\xff'.repeat(9),
  '\x20',
  '\x81\x00',
  '\x00'.repeat(16),
  '\x02\x00',
];

const sets = makeSets({ seed: 9, shared: 300, onlyOurs: 8, onlyTheirs: 8, shape: 'few' });
const ours = storageOf(sets.ours);
const theirs = storageOf(sets.theirs);
const ourIds = new Set(sets.ours.map(({ id }) => Buffer.from(id).toString('hex')));

function storageOf(items: readonly Item[]): RecordReader {
  const builder = createWasmKernels().createRecordSet();
  builder.append(items.length).set(recordBytesOf(items));
  return builder.seal();
}

const newClient = () => new NegentropyClient(ours, { frameBytesMax, needIdsMax });

/** What both sides say to each other, from the first message to the last. */
function conversation(): { readonly asked: Buffer[]; readonly answered: Buffer[] } {
  const client = newClient();
  const server = new NegentropyServer(theirs, frameBytesMax);
  const asked: Buffer[] = [];
  const answered: Buffer[] = [];
  for (let message: Uint8Array | undefined = client.initiate(); message !== undefined; ) {
    asked.push(Buffer.from(message));
    const answer = server.respond(message);
    answered.push(Buffer.from(answer));
    message = client.receive(answer).next;
  }
  return { asked, answered };
}

const server: Target = {
  name: 'negentropy-server',
  cost: 3,
  form: 'bytes',
  words,
  seeds: () => conversation().asked,
  run(input) {
    const side = new NegentropyServer(theirs, frameBytesMax);
    const answer = attempt(() => side.respond(input), NegentropyError);
    if (answer === undefined) return;
    claim(answer.length <= frameBytesMax, `an answer of ${answer.length} bytes`);
    const reader = new MessageReader(answer);
    while (reader.next() !== undefined) claim(true, 'an answer can be read');
  },
};

const client: Target = {
  name: 'negentropy-client',
  cost: 6,
  form: 'bytes',
  words,
  seeds: () => conversation().answered,
  run(input) {
    const side = newClient();
    side.initiate();
    // The same answer again and again, as who does not get on would give it: it has to end.
    for (let round = 0; ; round += 1) {
      const step = attempt(() => side.receive(input), NegentropyError);
      if (step === undefined) {
        claim(side.state.status === 'failed', 'what failed goes on');
        return;
      }
      claim(step.need.length % 32 === 0 && step.need.length <= 32 * needIdsMax, 'more is needed than may be');
      for (const id of splitIds(step.have)) claim(ourIds.has(id), 'we have what we do not have');
      if (step.next === undefined) return;
      claim(step.next.length <= frameBytesMax, `a question of ${step.next.length} bytes`);
      claim(round < 1_000, 'an exchange has no end');
    }
  },
};

const hex: Target = {
  name: 'negentropy-hex',
  form: 'text',
  words: ['0', 'F', 'g', ' ', '0x', '\u00b0', '\xff'],
  seeds: () => conversation().asked.map((message) => Buffer.from(messageToHex(message))),
  run(input) {
    const text = input.toString('utf8');
    const message = attempt(() => messageFromHex(text), NegentropyError);
    if (message === undefined) return;
    claim(messageToHex(message) === text.toLowerCase(), 'hex is read as what it is not');
    const reader = new MessageReader(Uint8Array.of(0x61, ...message.subarray(1, 200)));
    attempt(() => {
      while (reader.next() !== undefined) claim(true, 'a message can be read');
    }, NegentropyError);
  },
};

export const negentropyTargets: readonly Target[] = [server, client, hex];
