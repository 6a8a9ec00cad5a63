import { pino } from 'pino';
import { createHttpService, type HttpServiceParts } from '../../src/http/http-service.js';
import { relayInformation } from '../../src/http/relay-information.js';
import { systemClock } from '../../src/lib/clock.js';
import { freeAccounts } from './accounts.js';
import { silentFaults } from './faults.js';

/** The port of a daemon, on a free port of loopback, with little behind it. */
export async function serveHttp(parts: Partial<HttpServiceParts>) {
  const service = createHttpService({
    information: () =>
      relayInformation({
        name: 'a relay',
        description: 'for tests',
        pubkey: 'a'.repeat(64),
        supportedNips: [1],
        software: undefined,
        version: '1.2.3',
        icon: undefined,
        limitation: {},
        supportedGrasps: [],
        repoAcceptanceCriteria: 'any',
        curation: undefined,
      }),
    relayUrl: 'wss://git.example.org',
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
