import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { z } from 'zod';
import { eventually } from './eventually.js';
import { freePort } from './free-port.js';

/** Whether there is a `prometheus`; Debian has it in the package of that name. */
export const hasPrometheus = spawnSync('prometheus', ['--version']).error === undefined;

const queryAnswer = z.object({
  status: z.string(),
  error: z.string().optional(),
  data: z.object({ result: z.array(z.unknown()) }).optional(),
});
const rulesAnswer = z.object({
  data: z.object({
    groups: z.array(
      z.object({ rules: z.array(z.object({ name: z.string(), health: z.string(), state: z.string() })) }),
    ),
  }),
});

/** A real Prometheus on loopback that reads the metrics of some daemons twice a second; it ends with its test. */
export class PrometheusProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #directory: string;
  readonly #url: string;

  private constructor(child: ChildProcess, directory: string, port: number) {
    this.#child = child;
    this.#directory = directory;
    this.#url = `http://127.0.0.1:${port}`;
  }

  /** Starts it for daemons at these ports, with a file of rules; resolves when it answers. */
  static async start(ports: readonly number[], rulesPath: string): Promise<PrometheusProcess> {
    const directory = await mkdtemp(join(tmpdir(), 'graspd-prometheus-'));
    const config = join(directory, 'prometheus.yml');
    const static_configs = [{ targets: ports.map((port) => `127.0.0.1:${port}`) }];
    await writeFile(
      config,
      stringify({
        global: { scrape_interval: '500ms', evaluation_interval: '1s' },
        rule_files: [rulesPath],
        scrape_configs: [{ job_name: 'graspd', static_configs }],
      }),
    );
    const port = await freePort();
    const child = spawn(
      'prometheus',
      [
        `--config.file=${config}`,
        `--storage.tsdb.path=${join(directory, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--log.level=error',
      ],
      { stdio: 'ignore' },
    );
    const onExit = () => child.kill('SIGKILL');
    process.once('exit', onExit);
    child.once('exit', () => process.off('exit', onExit));
    const started = new PrometheusProcess(child, directory, port);
    await eventually(
      async () => (await fetch(`${started.#url}/-/ready`).catch(() => undefined))?.ok === true,
    );
    return started;
  }

  /** The number of series that an expression gives. Throws with what Prometheus has against it. */
  async seriesOf(expression: string): Promise<number> {
    const response = await fetch(`${this.#url}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { status, error, data } = queryAnswer.parse(await response.json());
    if (status !== 'success') throw new Error(`${expression}: ${error}`);
    return data?.result.length ?? 0;
  }

  /** Its rules: whether each could be evaluated (`ok`), and its state (`inactive`, `pending` or `firing`). */
  async rules(): Promise<readonly { name: string; health: string; state: string }[]> {
    const response = await fetch(`${this.#url}/api/v1/rules`);
    return rulesAnswer.parse(await response.json()).data.groups.flatMap(({ rules }) => rules);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const exited = once(this.#child, 'exit');
    if (this.#child.exitCode === null && this.#child.kill('SIGTERM')) await exited;
    await rm(this.#directory, { recursive: true, force: true });
  }
}
