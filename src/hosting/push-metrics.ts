import { Counter, type Registry } from 'prom-client';
import type { CommandVerdict } from './push-verdict.js';

const verdicts = ['accepted', 'partly', 'refused'] as const;

/** What became of a whole push: every ref, some, or none. */
export type PushVerdict = (typeof verdicts)[number];

/** What pushes show of themselves. */
export class PushMetrics {
  readonly #pushes: Counter<'verdict'>;
  readonly #commands: Counter<'verdict'>;
  readonly #bytes: Counter;

  /** `prefix`: of the names, which tell pushes to announced repositories from others. */
  constructor(registry: Registry, prefix = 'ngit_git') {
    this.#pushes = new Counter({
      name: `${prefix}_pushes_total`,
      help: 'Pushes by verdict: accepted, partly (some refs were refused) or refused',
      labelNames: ['verdict'],
      registers: [registry],
    });
    for (const verdict of verdicts) this.#pushes.inc({ verdict }, 0);
    this.#commands = new Counter({
      name: `${prefix}_push_commands_total`,
      help: 'Refs of pushes by verdict: set, same (it was so already) or refused',
      labelNames: ['verdict'],
      registers: [registry],
    });
    this.#bytes = new Counter({
      name: `${prefix}_push_pack_bytes_total`,
      help: 'Bytes of the packs that came with pushes',
      registers: [registry],
    });
  }

  countPush(verdict: PushVerdict, bytes: number): void {
    this.#pushes.inc({ verdict });
    this.#bytes.inc(bytes);
  }

  countCommand(verdict: CommandVerdict['type']): void {
    this.#commands.inc({ verdict });
  }
}
