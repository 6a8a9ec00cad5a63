import type { BodyFault } from '../../backend.js';

/** What is wrong with a store that lies on the disk, in sentences for the operator. */
export type StoreFinding = {
  /**
   * `files`: LevelDB cannot read its files. `log`: something is missing of the index log. `missing`, `damaged`, `unreadable`:
   * an event that the index has is not to be had. `unsigned`: its signature is wrong. `stray`: an event is there that the
   * index does not know. `index`: the index has it otherwise. `deleted`, `overtaken`, `ephemeral`: it stands against the
   * rules (NIP-09, NIP-01). `snapshot`: the snapshot of the index is not what the log comes to. `journal`: a record is
   * damaged.
   */
  readonly what:
    | 'files'
    | 'log'
    | BodyFault
    | 'unsigned'
    | 'stray'
    | 'index'
    | 'deleted'
    | 'overtaken'
    | 'ephemeral'
    | 'snapshot'
    | 'journal';
  readonly about: string;
};
