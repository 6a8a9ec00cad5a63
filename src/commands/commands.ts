import type { Command } from './command.js';
import { demo } from './demo.js';
import { doctor } from './doctor.js';
import { exportCommand } from './export.js';
import { importCommand } from './import.js';
import { serve } from './serve.js';

/** All commands; the first is the one that a command line without a name means. */
export const commands: readonly Command[] = [serve, importCommand, exportCommand, doctor, demo];
