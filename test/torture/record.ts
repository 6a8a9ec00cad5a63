import { type PromiseName, promises } from './promise-table.js';

/** How many findings of one promise are kept; more are counted. */
const keptFindingsMax = 20;

/** What became of one promise. */
export type Finding = {
  tried: number;
  broken: number;
  /** How it was broken, the first times. */
  readonly how: string[];
  readonly figures: Map<string, string>;
};

/** What a run of the torture tried and found, by promise. */
export class TortureRecord {
  readonly #findings = new Map<PromiseName, Finding>();

  of(promise: PromiseName): Finding {
    let finding = this.#findings.get(promise);
    if (finding === undefined) {
      finding = { tried: 0, broken: 0, how: [], figures: new Map() };
      this.#findings.set(promise, finding);
    }
    return finding;
  }

  tried(promise: PromiseName, count = 1): void {
    this.of(promise).tried += count;
  }

  broken(promise: PromiseName, how: string): void {
    const finding = this.of(promise);
    finding.broken += 1;
    if (finding.how.length < keptFindingsMax) finding.how.push(how);
  }

  figure(promise: PromiseName, name: string, value: string): void {
    this.of(promise).figures.set(name, value);
  }

  get brokenCount(): number {
    return [...this.#findings.values()].reduce((sum, { broken }) => sum + broken, 0);
  }

  /** The table of promises, as Markdown: what was tried, how often, and what was found. */
  table(): string {
    const rows = (Object.keys(promises) as PromiseName[]).map((name) => {
      const { tried, broken, figures } = this.of(name);
      const found = [
        ...(tried === 0
          ? ['not tried']
          : broken === 0
            ? ['holds']
            : [broken === 1 ? 'broken once' : `broken ${broken.toLocaleString('en')} times`]),
        ...[...figures].map(([figure, value]) => `${figure} ${value}`),
      ];
      return `| ${promises[name].says} | ${tried.toLocaleString('en')} | ${found.join('; ')} |`;
    });
    return ['| promise | tried | found |', '|---|---:|---|', ...rows].join('\n');
  }

  /** How promises were broken, a line each; empty when all hold. */
  breaches(): string[] {
    return [...this.#findings].flatMap(([name, { broken, how }]) => [
      ...how.map((line) => `${name}: ${line}`),
      ...(broken > how.length ? [`${name}: and ${broken - how.length} more`] : []),
    ]);
  }
}
