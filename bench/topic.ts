/** How large the works are: as in the tables of `docs/performance.md`, or just large enough to run. */
export type Scale = 'full' | 'small';

/** What a contender is: ours, its plain reference, somebody else's, or the least that the machine could take. */
export type Role = 'candidate' | 'reference' | 'rival' | 'floor';

/** Numbers beside the time: bytes and rounds of a reconciliation, say. */
export type Figures = Readonly<Record<string, number>>;

/** One way to do a work. */
export type Contender<Input = unknown> = {
  readonly name: string;
  readonly role: Role;
  /** Makes what one run is given, outside of the time taken. */
  readonly prepare?: () => Input;
  /** What is timed; the result is kept from being optimised away. */
  readonly run: (input: Input) => unknown;
  /** Asked once, after the last run. */
  readonly figures?: () => Figures;
  /** Takes seconds: fewer samples are taken. */
  readonly slow?: boolean;
};

/** Something to be done, and who does it. The first contender is the candidate. */
export type Work = {
  readonly name: string;
  /** The size that the work grows with. */
  readonly n: number;
  /** How many units one run does (events matched, ranges asked for); times are given for one. */
  readonly units?: number;
  readonly contenders: readonly Contender[];
};

/** Works on one subject. They are made one after another, so that only one holds its memory at a time. */
export type Topic = {
  readonly name: string;
  readonly works: (scale: Scale) => Iterable<Work> | AsyncIterable<Work>;
};

/** Keeps the type of `prepare` and `run` together, then forgets it: the bench treats all contenders alike. */
export function contender<Input>(given: Contender<Input>): Contender {
  return given as Contender;
}
