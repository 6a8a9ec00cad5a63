import type { Feed } from '../../../../src/admission/admission.js';
import type { AdmissionPipeline } from '../../../../src/admission/admission-pipeline.js';
import type { ModerationLists } from '../../../../src/moderation/lists.js';
import type { EventStore } from '../../../../src/store/event-store.js';
import type { OpenedStore } from '../../../../src/store/opened-store.js';
import type { RelaySide } from '../../ring/relay-side.js';

/** What a node serves its clients with while it follows, or while it writes. */
export type Side = {
  readonly relay: RelaySide;
  readonly store: EventStore;
  readonly feed: Feed;
  /** Of the one that writes. */
  readonly writing?: {
    readonly admission: AdmissionPipeline;
    readonly lists: ModerationLists;
    readonly opened: OpenedStore;
  };
};
