import type { Admission } from '../../../../src/admission/admission.js';
import { createReferenceKernels } from '../../../../src/kernels/reference/kernels.js';
import type { EventStore } from '../../../../src/store/event-store.js';
import { RelaySide } from '../../ring/relay-side.js';
import { urlOf } from '../network/node-network.js';
import type { LifeParts } from './node-life.js';

/** The relay of a node towards its clients. */
export function relayOf(
  { node, clock, logger, report }: LifeParts,
  admission: Pick<Admission, 'submit' | 'waitForCapacity' | 'hasCapacity' | 'feed'>,
  store: EventStore,
): RelaySide {
  const process = { admission, store, clock };
  return new RelaySide({ url: urlOf(node), process, kernels: createReferenceKernels(), report, logger });
}
