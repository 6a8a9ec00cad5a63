import { certificateObstacle } from '../../support/certificates.js';
import { nameServerObstacle } from '../../support/daemon-process.js';
import type { Part, PartRun } from '../part.js';
import { certificates } from './certificates.js';
import { ipv6Only } from './ipv6-only.js';
import { lyingNames } from './lying-names.js';
import { silentNames } from './silent-names.js';

/** How long a daemon may take for what it has to do, on a busy machine. */
const patienceMs = 120_000;
/** Most strangers' relays, all of them silent, in one round. */
const silentRelaysMax = 120;

/** Names and certificates of others: DNS that lies, is slow or silent, wrong certificates, and IPv6 alone. */
export const names: Part = {
  name: 'names',
  about: 'DNS that lies or is silent, wrong certificates, IPv6 alone',
  share: 5,
  async obstacle() {
    return nameServerObstacle() ?? certificateObstacle();
  },
  async run(run) {
    let slowestMs = 0;
    do {
      const relays = 1 + Math.floor(run.random.next() * silentRelaysMax);
      const silent = await silentNames({ relays, gitServers: 1 + Math.floor(relays / 8), patienceMs });
      slowestMs = Math.max(slowestMs, silent.slowestMs);
      run.tried('lying-names', relays);
      run.figure('lying-names', 'slowest publish beside silent DNS', `${Math.round(slowestMs)} ms`);
      tell(run, 'lying-names', silent.findings, `${relays} silent relays`);
      run.signal.throwIfAborted();
      const lying = await lyingNames(patienceMs);
      run.tried('lying-names', lying.tried);
      tell(run, 'lying-names', lying.findings, 'names that lie');
      run.signal.throwIfAborted();
      const certified = await certificates(patienceMs);
      run.tried('bad-certificates', certified.tried);
      tell(run, 'bad-certificates', certified.findings, 'certificates');
      run.signal.throwIfAborted();
      run.tried('ipv6-alone');
      tell(run, 'ipv6-alone', await ipv6Only(patienceMs), 'IPv6 alone');
    } while (run.timeLeft() > 0);
  },
};

function tell(
  run: PartRun,
  promise: 'lying-names' | 'bad-certificates' | 'ipv6-alone',
  findings: readonly string[],
  of: string,
): void {
  for (const finding of findings) run.broken(promise, `${of}: ${finding}`);
  run.progress(`${of}: ${findings.length === 0 ? 'nothing found' : findings.join('; ')}`);
}
