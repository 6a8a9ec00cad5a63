import { relayRoute } from '../../src/http/built-in-routes.js';
import { createHttpService } from '../../src/http/http-service.js';
import { relayInformation } from '../../src/http/relay-information.js';
import type { AddressLimits } from '../../src/lib/budgets/address-accounts.js';
import { systemClock } from '../../src/lib/clock.js';
import { RelayServer } from '../../src/relay/relay-server.js';
import { limitationOf, type RelaySettings, servedNips } from '../../src/relay/settings.js';
import { accountsOf } from '../support/accounts.js';
import { relayParts } from './fakes.js';

/** A relay over a memory store on a free port of loopback. */
export async function serveRelay(
  settings: Partial<RelaySettings> = {},
  addressLimits: Partial<AddressLimits> = {},
) {
  const parts = {
    ...relayParts(systemClock, { eventsPerMinuteMax: undefined, ...settings }),
    accounts: accountsOf(addressLimits),
  };
  const relay = new RelayServer(parts);
  const http = createHttpService({
    root: relayRoute(
      () =>
        relayInformation({
          name: 'test',
          description: '',
          pubkey: 'a'.repeat(64),
          supportedNips: servedNips,
          software: 'https://example.com/graspd',
          version: '0',
          icon: 'https://example.com/icon.png',
          limitation: limitationOf(parts.settings),
          supportedGrasps: [],
          repoAcceptanceCriteria: '',
          curation: undefined,
        }),
      'ws://127.0.0.1',
    ),
    metrics: undefined,
    readiness: () => ({ ready: true, reasons: [] }),
    onUpgrade: relay.handleUpgrade,
    routes: [],
    trustedProxies: ['127.0.0.1/32'],
    connectionsMax: undefined,
    accounts: parts.accounts,
    clock: systemClock,
    logger: parts.logger,
    faults: parts.faults,
  });
  const { port } = await http.listen({ host: '127.0.0.1', port: 0 });
  return {
    ...parts,
    relay,
    port,
    url: `ws://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await relay.close();
      await http.close();
    },
  };
}

/** How many clients a relay refused or dropped, by reason. */
export async function droppedFrom({
  metrics,
}: Pick<Awaited<ReturnType<typeof serveRelay>>, 'metrics'>): Promise<Record<string, number>> {
  const { values } = await metrics.dropped.get();
  return Object.fromEntries(
    values.filter(({ value }) => value > 0).map(({ labels, value }) => [String(labels.reason), value]),
  );
}
