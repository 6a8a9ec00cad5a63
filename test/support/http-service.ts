import { pino } from 'pino';
import { type FrontPageExtras, relayRoute } from '../../src/http/built-in-routes.js';
import { createHttpService, type HttpServiceParts } from '../../src/http/http-service.js';
import { type RelayInformationDocument, relayInformation } from '../../src/http/relay-information.js';
import { systemClock } from '../../src/lib/clock.js';
import { freeAccounts } from './accounts.js';
import { silentFaults } from './faults.js';

/** What is at `/`, and whatever else there is to be of the port. */
export type ServedParts = Partial<HttpServiceParts> & {
  readonly information?: () => RelayInformationDocument;
  readonly frontPage?: FrontPageExtras;
};

/** The port of a daemon, on a free port of loopback, with little behind it. */
export async function serveHttp({ information = someInformation, frontPage, ...parts }: ServedParts) {
  const service = createHttpService({
    root: relayRoute(information, 'wss://git.example.org', frontPage),
    metrics: undefined,
    readiness: () => ({ ready: true, reasons: [] }),
    onUpgrade: () => ({ status: 503, reason: 'full' }),
    routes: [],
    trustedProxies: [],
    connectionsMax: undefined,
    accounts: freeAccounts(),
    clock: systemClock,
    logger: pino({ level: 'silent' }),
    faults: silentFaults(),
    ...parts,
  });
  const { port } = await service.listen({ host: '127.0.0.1', port: 0 });
  return { service, port, url: `http://127.0.0.1:${port}` };
}

function someInformation(): RelayInformationDocument {
  return relayInformation({
    name: 'a relay',
    description: 'for tests',
    pubkey: 'a'.repeat(64),
    supportedNips: [1],
    software: 'graspd',
    version: '1.2.3',
    icon: 'https://example.com/icon.png',
    limitation: {},
    supportedGrasps: [],
    repoAcceptanceCriteria: 'any',
    curation: undefined,
  });
}
