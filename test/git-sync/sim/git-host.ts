import { minuteMs, secondMs } from '../../../src/lib/clock.js';
import type { Random } from '../../../src/lib/random.js';
import { between, pick } from '../../sim/random.js';

/** What a simulated git server does, until the faults end; `partial` and `lying` stay what they are, `gone` never comes. */
export type HostKind = (typeof hostKinds)[number];

const hostKinds = [
  'honest',
  'honest',
  'slow',
  'partial',
  'lying',
  'gone',
  'limiting',
  'broken',
  'flapping',
  'hanging',
] as const;

export function drawHostKind(random: Random): HostKind {
  return pick(random, hostKinds);
}

/** A host of the world, what it was seen to be asked, and what it does when it is. */
export class SimGitHost {
  readonly name: string;
  readonly kind: HostKind;
  /** Objects that it has, by repository. */
  readonly objects = new Map<string, Set<string>>();
  /** When fetches were begun there, and how many run. */
  readonly begun: number[] = [];
  running = 0;
  /** Failures of the host in a row, when the last of them ended, and when it wants to be asked again. */
  failures = 0;
  failedAt = Number.NEGATIVE_INFINITY;
  retryAt = Number.NEGATIVE_INFINITY;
  readonly #random: Random;

  constructor(name: string, kind: HostKind, random: Random) {
    this.name = name;
    this.kind = kind;
    this.#random = random;
  }

  /** Whether it gives what it has once the faults are over. */
  get isHonestInTheEnd(): boolean {
    return this.kind !== 'gone' && this.kind !== 'lying';
  }

  has(repository: string, objectId: string): boolean {
    return this.objects.get(repository)?.has(objectId) === true;
  }

  put(repository: string, objectId: string): void {
    const objects = this.objects.get(repository) ?? new Set();
    this.objects.set(repository, objects.add(objectId));
  }

  latencyMs(faultsOn: boolean): number {
    if (faultsOn && this.kind === 'slow') return between(this.#random, 1, 8) * minuteMs;
    return between(this.#random, 5, 2 * secondMs);
  }

  /** How it fails this time, if it does. */
  mood(faultsOn: boolean): 'answers' | 'lying' | 'gone' | 'limiting' | 'broken' | 'hanging' {
    const { kind } = this;
    if (kind === 'gone' || kind === 'lying') return kind;
    if (!faultsOn) return 'answers';
    if (kind === 'flapping') return pick(this.#random, ['answers', 'gone', 'broken'] as const);
    if (kind === 'limiting' || kind === 'broken' || kind === 'hanging') return kind;
    return 'answers';
  }
}
