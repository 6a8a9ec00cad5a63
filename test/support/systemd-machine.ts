import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventually } from './eventually.js';

const systemd = '/lib/systemd/systemd';

/** The hierarchy of control groups in which systemd keeps its services: of its own (version 1), or the only one. */
const hierarchy = ['/sys/fs/cgroup/systemd', '/sys/fs/cgroup'].find((path) =>
  existsSync(`${path}/cgroup.procs`),
);
const namespaces = [
  '--fork',
  '--kill-child',
  '--pid',
  '--mount',
  '--uts',
  '--ipc',
  '--cgroup',
  '--mount-proc',
];

/** Whether a systemd can be booted here: that takes root, namespaces, and control groups that may be made. */
export const canBootSystemd = ((): boolean => {
  if (hierarchy === undefined || !existsSync(systemd)) return false;
  const probe = join(hierarchy, `graspd-probe-${process.pid}`);
  try {
    mkdirSync(probe);
    rmdirSync(probe);
  } catch {
    return false;
  }
  return spawnSync('unshare', [...namespaces, 'mount', '--make-rprivate', '/']).status === 0;
})();

/** Where this project, and the program of Node, are for the units. */
export const projectThere = '/run/project';
export const nodeThere = '/run/node';

/** Enters the group that is to be the root of all groups, and then the namespaces. */
const enter = `echo $$ > "$1/cgroup.procs"; shift; exec unshare ${namespaces.join(' ')} "$@"`;

/** Makes the first process of the namespaces systemd. */
const boot = `
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock ${projectThere}
: > ${nodeThere}
mount --bind "$node" ${nodeThere}
# Each by itself: who runs the service may not be let through the folders above.
for entry in dist node_modules assets; do
  mkdir ${projectThere}/$entry
  mount --bind "$project/$entry" ${projectThere}/$entry
done
: > ${projectThere}/package.json
mount --bind "$project/package.json" ${projectThere}/package.json
cp -r "$units" /run/units
mount -t tmpfs -o mode=755 tmpfs /var/lib
umount -R -l /sys/fs/cgroup
if [ "$hierarchy" = /sys/fs/cgroup ]; then
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
  mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
  mkdir "$hierarchy"
  mount -t cgroup -o none,name=systemd cgroup "$hierarchy"
fi
# What systemd would set of the kernel is this machine's.
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
export container=test SYSTEMD_UNIT_PATH=/run/units
exec ${systemd} --system --log-target=null --show-status=0`;

/**
 * A real systemd that is the first process of namespaces of its own: it has the files and the network of this machine, but
 * `/run` and `/var/lib` of its own, and no units but those that it is given. It ends with its test.
 */
export class SystemdMachine implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #group: string;
  readonly #folder: string;

  private constructor(child: ChildProcess, group: string, folder: string) {
    this.#child = child;
    this.#group = group;
    this.#folder = folder;
  }

  /** Boots it with these units, by the names of their files, and has it start `wanted`. */
  static async boot(units: Readonly<Record<string, string>>, wanted: string): Promise<SystemdMachine> {
    const folder = await mkdtemp(join(tmpdir(), 'graspd-systemd-'));
    const first = `[Unit]\nDefaultDependencies=no\nWants=${wanted}\n`;
    for (const [name, text] of Object.entries({ ...units, 'default.target': first })) {
      await writeFile(join(folder, name), text);
    }
    const group = join(hierarchy ?? '', `graspd-test-${process.pid}`);
    mkdirSync(group);
    const child = spawn('/bin/sh', ['-c', enter, 'sh', group, '/bin/sh', '-e', '-c', boot], {
      stdio: 'ignore',
      env: {
        PATH: process.env.PATH,
        units: folder,
        project: resolve('.'),
        node: process.execPath,
        hierarchy,
      },
    });
    return new SystemdMachine(child, group, folder);
  }

  /** Runs a command beside its first process; gives exit code and what it wrote. */
  run(...command: readonly string[]): { readonly code: number | null; readonly text: string } {
    const pid = readFileSync(`/proc/${this.#child.pid}/task/${this.#child.pid}/children`, 'utf8').trim();
    const { status, stdout, stderr } = spawnSync('nsenter', ['-t', pid, '-m', '-p', ...command], {
      encoding: 'utf8',
    });
    return { code: status, text: `${stdout}${stderr}`.trim() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    if (this.#child.exitCode === null && this.#child.signalCode === null) await once(this.#child, 'exit');
    // All its processes ended with the first one, and groups without any can be removed.
    await eventually(() => {
      removeGroups(this.#group);
      return !existsSync(this.#group);
    });
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Removes a group and those below it, as far as no process is left in them. */
function removeGroups(path: string): void {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) removeGroups(join(path, entry.name));
    }
    rmdirSync(path);
  } catch {
    // It is looked at again.
  }
}
