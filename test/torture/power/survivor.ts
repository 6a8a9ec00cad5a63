import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { npubOf } from '../../../src/nostr/keys.js';
import { DaemonProcess } from '../../support/daemon-process.js';
import { jsonLines, runCommand } from '../../support/run-command.js';
import { TestClient } from '../../support/test-client.js';
import type { Ledger } from './ledger.js';
import { flags, type Load } from './load.js';

const idsAtOnce = 200;
/** How long repositories may take after a start until they are what the events say. */
const alignmentMs = 20_000;

/** Tells of a promise that was broken. */
export type Broken = (how: string) => void;

/** Starts graspd on what a power failure left in `directory`, and looks whether all that was promised is there. */
export async function examineSurvivor(directory: string, ledger: Ledger, load: Load, broken: Broken) {
  const backups = [...ledger.backups].filter(([, { ackedAt }]) => ackedAt !== undefined);
  for (const [name] of backups) {
    const { code, stderr } = await runCommand({ directory }, 'restore', '--check', name);
    if (code !== 0) broken(`the finished backup ${name} is not whole: ${stderr.trim()}`);
  }
  const daemon = await DaemonProcess.start({ directory, flags }).catch((error: Error) => {
    broken(`it does not start: ${error.message}`);
    return undefined;
  });
  if (daemon === undefined) return;
  {
    await using _ = daemon;
    await examineEvents(daemon, ledger, broken);
    await examineBans(daemon, ledger, broken);
    for (const number of ledger.pushes.keys()) await examineRepository(daemon, ledger, load, number, broken);
    await pushOneHeld(daemon, ledger, load, broken);
    for (const { level, msg, ...details } of daemon.log) {
      // Of a write that was never acknowledged the disk may have the end and not the beginning: LevelDB takes that for damage.
      if (String(details.loss).startsWith('damaged in events/')) continue;
      if (level === 'error' || level === 'fatal') broken(`it logs ${msg} ${JSON.stringify(details)}`);
    }
  }
  if ((await daemon.exited) !== 0) broken(`it ends with ${await daemon.exited}`);
  const { code, stdout, stderr } = await runCommand({ directory }, 'doctor', ...flags.slice(0, 2));
  if (code !== 0) broken(`doctor finds ${stdout}${stderr}`);
}

async function examineEvents(daemon: DaemonProcess, ledger: Ledger, broken: Broken): Promise<void> {
  await using client = await TestClient.connect(daemon.url);
  const { there, gone } = ledger.expected();
  const ids = [...ledger.events.keys()];
  const served = new Set<string>();
  for (let from = 0; from < ids.length; from += idsAtOnce) {
    const some = ids.slice(from, from + idsAtOnce);
    for (const event of await client.query({ ids: some, limit: idsAtOnce })) {
      served.add(event.id);
      const { sig } = ledger.events.get(event.id)?.event ?? {};
      if (event.sig !== sig) broken(`event ${event.id} is another one now`);
    }
  }
  for (const id of there) {
    if (served.has(id)) continue;
    const { kind } = ledger.events.get(id)!.event;
    broken(`event ${id} of kind ${kind} is gone`);
  }
  for (const id of gone) if (served.has(id)) broken(`event ${id} is there again`);
}

async function examineBans(daemon: DaemonProcess, ledger: Ledger, broken: Broken): Promise<void> {
  const promised = [...ledger.bans].filter(([, { ackedAt }]) => ackedAt !== undefined);
  if (promised.length === 0) return;
  const listed = jsonLines<{ value: string }>(await runCommand(daemon, 'bans', '--json'));
  for (const [id] of promised)
    if (!listed.some(({ value }) => value === id)) broken(`event ${id} is banned no more`);
}

/** Whether `main` is what was pushed last, with all that it leads to. */
async function examineRepository(
  daemon: DaemonProcess,
  ledger: Ledger,
  load: Load,
  number: number,
  broken: Broken,
): Promise<void> {
  const repository = load.repositories[number]!;
  const commits = ledger.commitsOf(number);
  if (commits.length === 0) return;
  const listing = async () => {
    const { stdout } = await repository.git.run(
      'ls-remote',
      load.urlOf(repository, daemon.port),
      'refs/heads/main',
    );
    return stdout.slice(0, 40);
  };
  let main = await listing();
  for (const until = Date.now() + alignmentMs; !commits.includes(main) && Date.now() < until; ) {
    await sleep(200);
    main = await listing();
  }
  const name = `repository ${number}`;
  if (!commits.includes(main)) {
    broken(`${name} has main at '${main}', not at ${commits.join(' or ')}`);
    return;
  }
  const gitDir = join(daemon.directory, 'data/git', npubOf(repository.signer.pubkey), `repo-${number}.git`);
  const checked = await fsck(gitDir);
  if (checked !== '') broken(`git fsck finds in ${name}: ${checked}`);
}

function fsck(gitDir: string): Promise<string> {
  const args = [`--git-dir=${gitDir}`, 'fsck', '--full', '--no-dangling', '--no-progress'];
  return new Promise((resolve) => {
    execFile('git', args, (error, stdout, stderr) =>
      resolve(error === null ? '' : `${stdout}${stderr}`.trim()),
    );
  });
}

/** What waits for its push still does. */
async function pushOneHeld(daemon: DaemonProcess, ledger: Ledger, load: Load, broken: Broken): Promise<void> {
  const held = [...ledger.held].find(([, { ackedAt }]) => ackedAt !== undefined);
  if (held === undefined) return;
  const repository = load.repositories[held[0]]!;
  if (ledger.pushes.has(repository.number)) return;
  const { code, stderr } = await repository.git.run(
    ...['push', '--quiet', load.urlOf(repository, daemon.port), 'HEAD:refs/heads/main'],
  );
  if (code !== 0) broken(`repository ${repository.number} waits for its push no more: ${stderr.trim()}`);
}
