import { spawnSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { unknownVariables } from '../../src/config/sources/unknown-variables.js';
import { DaemonProcess } from '../support/daemon-process.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const dockerfile = await readFile(join(root, 'deploy/docker/Dockerfile'), 'utf8');

/** The arguments of an instruction, one list for each time it stands there. */
function instructions(name: string, text = dockerfile): string[][] {
  return text
    .replaceAll('\\\n', ' ')
    .split('\n')
    .filter((line) => line.trim().startsWith(`${name} `))
    .map((line) =>
      line
        .trim()
        .slice(name.length + 1)
        .split(' '),
    );
}

/** The command that says whether the container is healthy. */
function healthCheck(): string[] {
  const text = instructions('HEALTHCHECK').flat().join(' ');
  return JSON.parse(text.slice(text.indexOf('['))) as string[];
}

const [buildStage = '', runStage = ''] = dockerfile.split(/^FROM /m).slice(1);

// No container is made: where there is no Docker these steps are what can be shown.
describe('the image', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'graspd-image-'));
  });
  afterAll(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  it('is built from what its first stage copies, and needs no more to run than its second', async () => {
    const build = join(folder, 'build');
    for (const args of instructions('COPY', buildStage)) {
      const to = args.at(-1) ?? '';
      for (const from of args.slice(0, -1)) {
        const source = join(root, from);
        const isFolder = statSync(source).isDirectory();
        await cp(source, isFolder ? join(build, to) : join(build, to, basename(from)), { recursive: true });
      }
    }
    await symlink(join(root, 'node_modules'), join(build, 'node_modules'));
    const built = spawnSync('node', ['.ci/prepare.mjs'], { cwd: build, encoding: 'utf8' });
    expect(built).toMatchObject({ status: 0 });
    const image = join(folder, 'image');
    for (const [, from = '', to = ''] of instructions('COPY', runStage)) {
      const name = basename(from);
      const target = join(image, basename(to) === name ? dirname(to) : to, name);
      await mkdir(dirname(target), { recursive: true });
      await cp(join(build, name), target, { recursive: true, verbatimSymlinks: true });
    }
    const program = join(image, 'opt/graspd/dist/main.js');
    const asked = spawnSync('node', [program, '--version'], { encoding: 'utf8' });
    expect(asked).toMatchObject({ status: 0, stdout: expect.stringMatching(/^graspd \d/) });
    await using daemon = await DaemonProcess.start({ program });
    for (const path of ['/', '/status', '/assets/style.css'])
      expect((await fetch(`http://127.0.0.1:${daemon.port}${path}`)).status).toBe(200);
  }, 120_000);

  it('takes no file of the repository that its first stage does not copy', async () => {
    const ignored = await readFile(join(root, 'deploy/docker/Dockerfile.dockerignore'), 'utf8');
    const kept = ignored.split('\n').filter((line) => line.startsWith('!'));
    const copied = instructions('COPY', buildStage).flatMap((args) => args.slice(0, -1));
    expect(kept.map((line) => line.slice(1)).sort()).toEqual([...copied].sort());
  });

  it('is healthy while it serves, and not before', async () => {
    const [program = '', ...args] = healthCheck();
    expect(program).toBe('node');
    const check = (port: number) =>
      spawnSync(
        program,
        args.map((arg) => arg.replace(':7334/', `:${port}/`)),
      ).status;
    await using daemon = await DaemonProcess.start();
    expect(check(daemon.port)).toBe(0);
    daemon.kill('SIGTERM');
    await daemon.exited;
    expect(check(daemon.port)).toBe(1);
  });
});

/** A compose file, as far as it is looked at here. */
type Service = {
  readonly environment?: Readonly<Record<string, string>>;
  readonly secrets?: readonly string[];
  readonly volumes?: readonly string[];
};
type Compose = {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: Readonly<Record<string, unknown>>;
  readonly secrets?: Readonly<Record<string, unknown>>;
};

describe('the compose files', () => {
  const composeOf = async (name: string) =>
    parse(await readFile(join(root, 'deploy/docker', name), 'utf8'), { merge: true }) as Compose;
  let base: Compose;
  let withDatabase: Compose;
  beforeAll(async () => {
    base = await composeOf('compose.yaml');
    withDatabase = await composeOf('compose.postgresql.yaml');
  });

  it('set what graspd knows, and nothing else', () => {
    for (const { services } of [base, withDatabase]) {
      const environments = Object.values(services).map(({ environment }) => environment ?? {});
      for (const environment of environments)
        expect(unknownVariables(environment)).toEqual({ ofNgitGrasp: [], misspelt: [] });
    }
  });

  it('name volumes and secrets that there are', () => {
    for (const { services, volumes, secrets = {} } of [base, withDatabase]) {
      const used = Object.values(services).flatMap((service) => service.volumes ?? []);
      const named = used.map((volume) => volume.split(':')[0] ?? '').filter((name) => !name.startsWith('.'));
      for (const name of named) expect({ ...base.volumes, ...volumes }).toHaveProperty(name);
      for (const name of Object.values(services).flatMap((service) => service.secrets ?? []))
        expect(secrets).toHaveProperty(name);
    }
  });

  it('give all graspd the same repositories and settings, and each a folder and a name of its own', () => {
    const { graspd, second, third, caddy } = withDatabase.services;
    const ownOf = (service: Service | undefined) => {
      const { NGIT_RELAY_DATA_PATH, NGIT_NODE_URL, ...shared } = service?.environment ?? {};
      expect(Object.keys(shared).filter((name) => name.endsWith('_PATH'))).toEqual([]);
      return { shared, own: [NGIT_RELAY_DATA_PATH, NGIT_NODE_URL] };
    };
    const nodes = [graspd, second, third].map(ownOf);
    for (const { shared } of nodes) expect(shared).toEqual(nodes[0]?.shared);
    expect(nodes.map(({ own }) => own)).toEqual([
      [undefined, 'http://graspd:7334'],
      ['/data/data/relay-second', 'http://second:7334'],
      ['/data/data/relay-third', 'http://third:7334'],
    ]);
    expect(caddy?.environment).toMatchObject({ GRASPD: 'graspd:7334 second:7334 third:7334' });
  });
});
