import type { Verifier } from '../../../src/admission/verification/verifier.js';
import type { WritePolicy } from '../../../src/policy/write-policy.js';

/** Which events make our process throw, by their ids, and where. */
export type Tripping = {
  trips(id: string): boolean;
  /** Throws when that event trips there. */
  check(place: (typeof places)[number], id: string): void;
};

const places = ['precheck', 'decide', 'verify'] as const;

/** Faults of ours that some events set off: the given share of them, in policy or verifier. */
export function tripping(share: number): Tripping {
  const trips = (id: string) => Number.parseInt(id.slice(0, 4), 16) < share * 65_536;
  return {
    trips,
    check(place, id) {
      if (trips(id) && places[Number.parseInt(id.slice(4, 8), 16) % places.length] === place)
        throw new RangeError(`${id} trips in ${place}`);
    },
  };
}

export function trippingPolicy(policy: WritePolicy, { check }: Tripping): WritePolicy {
  return {
    precheck(event) {
      check('precheck', event.id);
      return policy.precheck(event);
    },
    decide(event) {
      check('decide', event.id);
      return policy.decide(event);
    },
    onStored: (event) => policy.onStored(event),
    onRemoved: (removed) => policy.onRemoved(removed),
    retryCandidates: (event) => policy.retryCandidates(event),
  };
}

export function trippingVerifier(verifier: Verifier, { check }: Tripping): Verifier {
  return {
    batchesMax: verifier.batchesMax,
    async verify(events) {
      for (const { id } of events) check('verify', id);
      return await verifier.verify(events);
    },
    [Symbol.asyncDispose]: () => verifier[Symbol.asyncDispose](),
  };
}
