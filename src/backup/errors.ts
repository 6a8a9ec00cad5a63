import { GraspError } from '../lib/errors.js';

/** A backup cannot be made, written, read or restored; the message is one line for the operator. */
export class BackupError extends GraspError {
  constructor(code: string, message: string, cause?: unknown) {
    super(code, message, { cause });
  }
}

/** The file is no backup, or not the one that was written. */
export function damagedBackup(why: string, cause?: unknown): BackupError {
  return new BackupError('backup_damaged', `the backup cannot be used: ${why}`, cause);
}
