import { z } from 'zod';
import { isIdentifier } from '../config/identifier.js';
import { isHex32 } from '../lib/bytes.js';
import { journalNameOf, type PurgatoryRecord } from './records.js';

/*
 * The form of records of the journal: the purgatory reads them without a look, for the store gives what was put or nothing.
 * What comes from a file is looked at before it is put.
 */
const hex32 = z.string().refine(isHex32);
const identifier = z.string().refine(isIdentifier);
const ofAddress = { addressGroup: z.string().optional(), deadlineMs: z.number() };
const held = z.object({
  event: z.looseObject({ id: hex32 }),
  heldAtMs: z.number(),
  ...ofAddress,
});
const lapsed = z.object({ event: z.looseObject({ id: hex32 }), ...ofAddress });
const awaited = z.object({
  repository: z.union([
    z.strictObject({ pubkey: hex32, identifier }),
    z.strictObject({ signer: hex32, identifier }),
  ]),
  eventId: hex32,
  ...ofAddress,
});
const purgatoryShapes: Readonly<Record<PurgatoryRecord['type'], z.ZodType>> = { held, lapsed, awaited };

/** Whether a record that stands under that name in a journal has the form, and the name, that it was put with. */
export function isPurgatoryRecord(name: string, record: PurgatoryRecord): boolean {
  return purgatoryShapes[record.type].safeParse(record.value).success && journalNameOf(record) === name;
}
