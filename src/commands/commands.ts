import { backup } from './backup/backup.js';
import { restore } from './backup/restore.js';
import { check } from './check/check.js';
import { checkConfig } from './check-config.js';
import type { Command } from './command.js';
import { completionOf } from './completion/completion.js';
import { demo } from './demo.js';
import { doctor } from './doctor/doctor.js';
import { exportCommand } from './export.js';
import { importCommand } from './import/import.js';
import { migrate } from './migrate.js';
import { ban } from './operator/ban.js';
import { bans } from './operator/bans.js';
import { deleteCommand } from './operator/delete.js';
import { events } from './operator/events.js';
import { relays } from './operator/relays.js';
import { reload } from './operator/reload.js';
import { repositories } from './operator/repositories.js';
import { status } from './operator/status.js';
import { sync } from './operator/sync.js';
import { unban } from './operator/unban.js';
import { repair } from './repair/repair.js';
import { serve } from './serve.js';

/** All commands; the first is the one that a command line without a name means. */
export const commands: readonly Command[] = [
  serve,
  status,
  relays,
  repositories,
  events,
  sync,
  reload,
  deleteCommand,
  ban,
  unban,
  bans,
  backup,
  restore,
  importCommand,
  exportCommand,
  doctor,
  check,
  repair,
  migrate,
  checkConfig,
  completionOf(() => commands),
  demo,
];
