import type { NostrEvent } from '../../../src/nostr/event.js';

/** The time of `recorder.c`. */
export type Time = bigint;

/** When something was asked for, and when that it is done was heard; `undefined` when it was not. */
type Done = { readonly sentAt: Time; ackedAt: Time | undefined };

export type EventFact = Done & { readonly event: NostrEvent };
/** Events that are to be served no more. */
export type RemovalFact = Done & { readonly ids: readonly string[] };
/** What `main` of a repository was set to. */
export type PushFact = Done & { readonly commit: string };

/** What was asked of a daemon, and what it promised. */
export class Ledger {
  readonly events = new Map<string, EventFact>();
  readonly removals: RemovalFact[] = [];
  /** By the number of a repository, in order. */
  readonly pushes = new Map<number, PushFact[]>();
  /** By the name of the file. */
  readonly backups = new Map<string, Done>();
  readonly bans = new Map<string, Done>();
  /** Repositories that are announced with a state, and were pushed to by nobody yet. */
  readonly held = new Map<number, Done>();

  /** What was so at a moment: what came later was never asked for. */
  at(moment: Time): Ledger {
    const then = new Ledger();
    const isAsked = ({ sentAt }: Done) => sentAt <= moment;
    const known = <Fact extends Done>(fact: Fact): Fact => ({
      ...fact,
      ackedAt: fact.ackedAt !== undefined && fact.ackedAt <= moment ? fact.ackedAt : undefined,
    });
    for (const [key, fact] of this.events) if (isAsked(fact)) then.events.set(key, known(fact));
    for (const fact of this.removals) if (isAsked(fact)) then.removals.push(known(fact));
    for (const [key, facts] of this.pushes) then.pushes.set(key, facts.filter(isAsked).map(known));
    for (const [key, fact] of this.backups) if (isAsked(fact)) then.backups.set(key, known(fact));
    for (const [key, fact] of this.bans) if (isAsked(fact)) then.bans.set(key, known(fact));
    for (const [key, fact] of this.held) if (isAsked(fact)) then.held.set(key, known(fact));
    return then;
  }

  /** Ids of events that have to be served, and of those that must not be; of others nothing was promised. */
  expected(): { readonly there: ReadonlySet<string>; readonly gone: ReadonlySet<string> } {
    const there = new Set<string>();
    for (const [id, { ackedAt }] of this.events) if (ackedAt !== undefined) there.add(id);
    const gone = new Set<string>();
    for (const { ids, ackedAt } of this.removals) {
      for (const id of ids) {
        there.delete(id);
        if (ackedAt !== undefined) gone.add(id);
      }
    }
    return { there, gone };
  }

  /** What `main` of a repository may be: what was heard to be done last, or what was asked for since. */
  commitsOf(repository: number): readonly string[] {
    const pushes = this.pushes.get(repository) ?? [];
    const last = pushes.findLastIndex(({ ackedAt }) => ackedAt !== undefined);
    return last < 0 ? [] : pushes.slice(last).map(({ commit }) => commit);
  }
}

/** Does something and notes when it was asked for and done. */
export async function noted<Fact extends Done>(fact: Fact, work: () => Promise<void>): Promise<void> {
  await work();
  fact.ackedAt = process.hrtime.bigint();
}
