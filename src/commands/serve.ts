import type { Logger } from 'pino';
import { openSignatureCheck } from '../admission/verification/signature-check.js';
import { unknownVariables } from '../config/sources/unknown-variables.js';
import { type Daemon, startDaemon } from '../daemon/daemon.js';
import { logFormatOf } from '../daemon/logger.js';
import { inheritedSocket, notifyReady } from '../daemon/operator/systemd.js';
import { systemSurroundings } from '../daemon/surroundings.js';
import { isAbort } from '../lib/abort.js';
import { errorMessage } from '../lib/errors.js';
import { acceptClosingFlag, acceptedClosing } from './accept-closing.js';
import type { Command, Invocation } from './command.js';
import { firstWords } from './first-words.js';
import { aborted } from './signals.js';

/** Runs the daemon until the process is asked to end, or the store fails. */
export const serve: Command = {
  name: 'serve',
  summary: 'Run the relay and git server (this is what graspd does without a command)',
  details:
    'The exit code is 0 after SIGTERM or SIGINT, 2 for wrong settings, 3 for a store that cannot be used, 4 for an address that ' +
    'cannot, and 1 for whatever else keeps the server from starting or going on.',
  usage: '',
  positionalsMin: 0,
  positionalsMax: 0,
  flags: [acceptClosingFlag],
  takesOptions: true,
  async run(invocation) {
    const { environment, signal, stdout } = invocation;
    const options = invocation.readOptions();
    const closingAccepted = acceptedClosing(invocation);
    const socket = inheritedSocket(environment, process.pid);
    const format = logFormatOf(options.logFormat, stdout);
    const surroundings = systemSurroundings(options.logLevel ?? 'info', 1, format);
    const { logger } = surroundings;
    warnOfUnknown(invocation, logger);
    const hangups = hangupsOf(invocation, logger);
    try {
      const { givenValues } = invocation;
      const onFollowing = () => void notifyReady(environment, signal);
      const choices = { closingAccepted, socket, givenValues, signal, onFollowing };
      await using daemon = await startDaemon(options, surroundings, choices);
      hangups.reloadBy(daemon);
      const { name: signatures } = await openSignatureCheck();
      if (format === 'text') stdout.write(firstWords(options, { ...daemon, signatures }));
      else logger.info({ ownerKey: daemon.owner.origin, signatures }, 'started');
      if (!(await notifyReady(environment, signal)) && !signal.aborted) {
        logger.warn({}, 'systemd could not be told that graspd is ready; is systemd-notify on the PATH?');
      }
      await Promise.race([daemon.closed, aborted(signal)]);
      logger.info({ why: errorMessage(signal.reason) }, 'stopping');
    } catch (error) {
      // Asked to end while it waited for another to let go of the database.
      if (!isAbort(error, signal)) throw error;
    }
    logger.info({}, 'stopped');
    return 0;
  },
};

/**
 * SIGHUP has the settings read anew. It never ends the process: one that comes while the daemon starts counts when it has
 * started, and one that comes while it stops is nothing.
 */
function hangupsOf({ onHangup, signal }: Invocation, logger: Pick<Logger, 'error'>) {
  let daemon: Pick<Daemon, 'reload'> | undefined;
  let isAwaited = false;
  const reload = (): void => {
    isAwaited = daemon === undefined;
    if (signal.aborted) return;
    daemon?.reload().catch((error: unknown) => {
      if (!signal.aborted) logger.error({ error: errorMessage(error) }, 'the settings could not be reloaded');
    });
  };
  onHangup(reload);
  return {
    reloadBy(started: Pick<Daemon, 'reload'>): void {
      daemon = started;
      if (isAwaited) reload();
    },
  };
}

/** A misspelt name sets nothing, and nobody would notice. */
function warnOfUnknown({ environment }: Invocation, logger: Pick<Logger, 'warn' | 'info'>): void {
  const { misspelt, ofNgitGrasp } = unknownVariables(environment);
  for (const { variable, meant } of misspelt) {
    logger.warn({ variable, meant }, 'no setting has this name; it is ignored');
  }
  if (ofNgitGrasp.length > 0)
    logger.info({ variables: ofNgitGrasp }, 'settings of ngit-grasp that graspd needs not');
}
