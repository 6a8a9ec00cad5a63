import { OwnService } from '../../src/nostr/relay-url.js';
import type { ServingRules } from '../../src/repositories/serving.js';

/** The rules of a service that hosts what lists it, and archives nothing. */
export function hostingRules(domain: string, bindAddress = '127.0.0.1:7334'): ServingRules {
  return {
    ownService: new OwnService(domain, bindAddress),
    repositoryWhitelist: [],
    repositoryBlacklist: [],
    archiveAll: false,
    archiveWhitelist: [],
    archiveGraspServices: [],
    archiveReadOnly: false,
    archiveHoldUntilGitData: false,
    grasp06Enable: false,
  };
}
