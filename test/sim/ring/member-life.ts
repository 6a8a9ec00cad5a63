import type { Verifier } from '../../../src/admission/verification/verifier.js';
import { createReferenceKernels } from '../../../src/kernels/reference/kernels.js';
import { eventJson, type NostrEvent } from '../../../src/nostr/event.js';
import { createFakeVerifier } from '../daemon/fake-verifier.js';
import { DaemonProcess, type ProcessParts } from '../daemon/process.js';
import { tripping } from '../daemon/tripping.js';
import type { Trace } from '../trace.js';
import { RelaySide } from './relay-side.js';
import { RingClient } from './ring-client.js';

export type LifeParts = Pick<ProcessParts, 'clock' | 'random' | 'network' | 'disk' | 'settings' | 'rules'> & {
  readonly url: string;
  /** Told of each event that the client was told to be stored. */
  readonly onAcknowledged: (event: NostrEvent) => void;
  readonly trace: Trace;
  readonly report: (what: string) => void;
};

/** One process of a member, from its start to its end: with its relay, and a client beside it. */
export class MemberLife {
  readonly process: DaemonProcess;
  readonly relay: RelaySide;
  readonly client: RingClient;
  readonly #report: (what: string) => void;
  readonly #verified = new Set<string>();

  constructor({ url, onAcknowledged, trace, report, ...parts }: LifeParts) {
    this.#report = report;
    this.process = new DaemonProcess({
      ...parts,
      kernels: createReferenceKernels(),
      verifier: this.#watchedVerifier(),
      identity: undefined,
      logger: loggerTo(trace),
      refusedIdsMax: 100_000,
      hotCacheDurationMs: 120_000,
      tripping: tripping(0),
      onFault: (error) => report(error instanceof Error ? `${error.stack}` : String(error)),
    });
    this.process.admission.feed.onAccepted(({ event, source }) =>
      trace(() => `stored ${eventJson(event)} (${source.type})`),
    );
    this.relay = new RelaySide({ url, process: this.process, kernels: createReferenceKernels(), report });
    this.client = new RingClient(this.relay, onAcknowledged, report);
  }

  /** Ends as `kill -9` does. The network has to end the connections to it. */
  kill(): void {
    this.process.kill();
    this.#leave();
  }

  /** Ends as SIGTERM does; settles when all is closed. */
  async stop(): Promise<void> {
    await this.process.stop();
    this.#leave();
  }

  #leave(): void {
    this.client.close();
    this.relay[Symbol.dispose]();
  }

  /** An event comes so far into admission once; what was stored before that life not at all. */
  #watchedVerifier(): Verifier {
    const verifier = createFakeVerifier();
    return {
      ...verifier,
      verify: (events: readonly NostrEvent[]) => {
        for (const { id } of events) {
          if (this.#verified.has(id)) this.#report(`${id} is checked once more`);
          if (this.process.store.has(id)) this.#report(`${id} is checked, which is stored`);
          this.#verified.add(id);
        }
        return verifier.verify(events);
      },
    };
  }
}

function loggerTo(trace: Trace) {
  const line = (level: string) => (details: object, message: string) => {
    trace(() => `${level}: ${message} ${JSON.stringify(details)}`);
  };
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') };
}
