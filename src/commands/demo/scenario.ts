import type { NostrEvent } from '../../nostr/event.js';
import { Identity, npubOf } from '../../nostr/keys.js';
import { kinds } from '../../nostr/kinds.js';
import { repositoryAddress } from '../../nostr/repository.js';

/** A relay of the demonstration, by the authority (`host:port`) that announcements name. */
export type Service = { readonly name: string; readonly domain: string };

/** An event that its author publishes to one relay. */
export type Publication = { readonly author: Identity; readonly to: Service; readonly event: NostrEvent };

/**
 * What is published, in stages: an event refers only to events of earlier stages. `history` is there before the third
 * relay starts, `live` comes while it runs.
 */
export type Scenario = { readonly history: Publication[][]; readonly live: Publication[][] };

type Repository = {
  readonly identifier: string;
  readonly maintainer: Identity;
  /** Where it is announced, and where people write about it. */
  readonly home: Service;
};

type Draft = Pick<NostrEvent, 'kind' | 'tags' | 'content'>;

const comment = 1111;
const statusApplied = 1631;

/** Builds the whole scenario, signed with throw-away keys; `nowSeconds` is the time of the newest event. */
export function makeScenario(
  sources: readonly Service[],
  all: readonly Service[],
  nowSeconds: number,
): Scenario {
  const [first, second] = sources as readonly [Service, Service];
  const people = Array.from({ length: 8 }, () => Identity.generate());
  const repositories = [
    { identifier: 'atlas', home: first },
    { identifier: 'beacon', home: second },
    { identifier: 'cairn', home: first },
    { identifier: 'delta', home: second },
  ].map((repository) => ({ ...repository, maintainer: Identity.generate() }));
  const newcomer = { identifier: 'ember', home: second, maintainer: Identity.generate() };
  const history = new Writer(people, all, nowSeconds - 3_600);
  const live = new Writer(people, all, nowSeconds);
  const past = history.write(repositories, 6);
  const present = live.write([newcomer], 2);
  // What is said live about the past is said at the other relay: it knows the repository by now.
  const talk = repositories.flatMap((repository, index) => {
    const root = past.roots.find((publication) => publication.to === repository.home);
    const to = repository.home === first ? second : first;
    return root === undefined ? [] : [live.comment(root.event, to, index)];
  });
  return { history: past.stages, live: [...present.stages, talk] };
}

type Written = { readonly stages: Publication[][]; readonly roots: Publication[] };

/** Writes what people publish about repositories; every event is a second later than the one before. */
class Writer {
  readonly #people: readonly Identity[];
  readonly #services: readonly Service[];
  #time: number;

  constructor(people: readonly Identity[], services: readonly Service[], timeSeconds: number) {
    this.#people = people;
    this.#services = services;
    this.#time = timeSeconds;
  }

  /** All about some repositories; `size` is how many issues and patches each has. */
  write(repositories: readonly Repository[], size: number): Written {
    const numbers = Array.from({ length: size }, (_, number) => number);
    const announcements = repositories.map((repository) => this.#announcement(repository));
    const states = repositories.map((repository) => this.#state(repository));
    const roots = repositories.flatMap((repository) =>
      numbers.flatMap((number) => [
        this.#issue(repository, number),
        this.#patch(repository, number),
        this.#pullRequest(repository, number),
      ]),
    );
    const comments = roots.flatMap(({ event, to }, index) => [
      this.comment(event, to, index),
      this.comment(event, to, index + 1),
    ]);
    const statuses = roots.flatMap(({ event, to }, index) =>
      index % 3 === 1 ? [this.#status(event, to)] : [],
    );
    const updates = roots.flatMap((root) =>
      root.event.kind === kinds.pullRequest ? [this.#pullRequestUpdate(root)] : [],
    );
    return { stages: [announcements, states, roots, comments, [...statuses, ...updates]], roots };
  }

  /** A comment (NIP-22) names its root only, not the repository. */
  comment(root: NostrEvent, to: Service, turn: number): Publication {
    const tags = [
      ['E', root.id, '', root.pubkey],
      ['K', String(root.kind)],
      ['P', root.pubkey],
      ['e', root.id, '', root.pubkey],
      ['k', String(root.kind)],
      ['p', root.pubkey],
    ];
    return this.#publish(this.#person(turn), to, {
      kind: comment,
      tags,
      content: `A word about it (${turn})`,
    });
  }

  #announcement({ identifier, maintainer, home }: Repository): Publication {
    const npub = npubOf(maintainer.pubkey);
    const tags = [
      ['d', identifier],
      ['name', identifier],
      ['description', `The ${identifier} project`],
      ['clone', ...this.#services.map(({ domain }) => `http://${domain}/${npub}/${identifier}.git`)],
      ['relays', ...this.#services.map(({ domain }) => `ws://${domain}`)],
    ];
    return this.#publish(maintainer, home, { kind: kinds.repositoryAnnouncement, tags, content: '' });
  }

  #state({ identifier, maintainer, home }: Repository): Publication {
    const tags = [
      ['d', identifier],
      ['refs/heads/main', commitOf(identifier)],
      ['HEAD', 'ref: refs/heads/main'],
    ];
    return this.#publish(maintainer, home, { kind: kinds.repositoryState, tags, content: '' });
  }

  #issue(repository: Repository, number: number): Publication {
    const tags = [...about(repository), ['subject', `Issue ${number}`], ['t', 'bug']];
    const draft = { kind: kinds.issue, tags, content: `Something is wrong in ${repository.identifier}` };
    return this.#publish(this.#person(number), repository.home, draft);
  }

  #patch(repository: Repository, number: number): Publication {
    const content = `From ${commitOf(`patch ${number}`)} Mon Sep 17 00:00:00 2001\nSubject: [PATCH] Change ${number}\n`;
    const draft = { kind: kinds.patch, tags: [...about(repository), ['t', 'root']], content };
    return this.#publish(this.#person(number + 3), repository.home, draft);
  }

  #pullRequest(repository: Repository, number: number): Publication {
    const tags = [
      ...about(repository),
      ['subject', `Pull request ${number}`],
      ['c', commitOf(`pull ${number}`)],
    ];
    const draft = { kind: kinds.pullRequest, tags, content: 'Please pull' };
    return this.#publish(this.#person(number + 5), repository.home, draft);
  }

  #pullRequestUpdate({ author, event, to }: Publication): Publication {
    const address = event.tags.filter(([name]) => name === 'a');
    const tags = [...address, ['E', event.id], ['P', event.pubkey], ['c', commitOf(`update ${event.id}`)]];
    return this.#publish(author, to, { kind: kinds.pullRequestUpdate, tags, content: '' });
  }

  #status(root: NostrEvent, to: Service): Publication {
    const tags = [
      ['e', root.id, '', 'root'],
      ['p', root.pubkey],
    ];
    return this.#publish(this.#person(root.created_at), to, { kind: statusApplied, tags, content: '' });
  }

  #person(turn: number): Identity {
    return this.#people[turn % this.#people.length] as Identity;
  }

  #publish(author: Identity, to: Service, draft: Draft): Publication {
    this.#time += 1;
    return { author, to, event: author.sign({ ...draft, created_at: this.#time }) };
  }
}

function about({ maintainer, identifier }: Repository): string[][] {
  return [
    ['a', repositoryAddress(maintainer.pubkey, identifier)],
    ['p', maintainer.pubkey],
  ];
}

/** An object id as git would give it; nobody looks for the object. */
function commitOf(text: string): string {
  return Buffer.from(text.padEnd(20)).toString('hex').slice(0, 40);
}
