import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A key and a certificate, as PEM. */
export type Certified = { readonly key: string; readonly cert: string };

export type CertificateOptions = {
  /** The name that it is for. */
  readonly host: string;
  /** From when to when it holds, in days from now; from yesterday until tomorrow otherwise. */
  readonly days?: readonly [from: number, until: number];
};

/** Why no certificates can be made on this machine; `undefined` when they can. */
export function certificateObstacle(): string | undefined {
  try {
    execFileSync('openssl', ['version'], { stdio: 'pipe' });
    return undefined;
  } catch {
    return 'openssl is not installed';
  }
}

/** A certificate authority of a test, in a folder of its own, by the `openssl` command. */
export class CertificateAuthority {
  readonly #folder: string;
  #made = 0;

  constructor(folder: string) {
    this.#folder = folder;
    this.#write('openssl.cnf', configuration);
    this.#write('index', '');
    this.#write('serial', '01');
    const subject = ['-subj', '/CN=an authority of tests', '-days', '2', '-extensions', 'authority'];
    this.#openssl('req', '-x509', ...newKey('ca.key'), '-out', 'ca.pem', ...subject);
  }

  /** The file of its own certificate, for `NODE_EXTRA_CA_CERTS`. */
  get file(): string {
    return join(this.#folder, 'ca.pem');
  }

  issue({ host, days: [from, until] = [-1, 1] }: CertificateOptions): Certified {
    const [key, request] = this.#names('key', 'csr');
    this.#openssl(
      'req',
      ...newKey(key),
      '-out',
      request,
      '-subj',
      `/CN=${host}`,
      '-addext',
      alternative(host),
    );
    const dates = ['-startdate', dateIn(from), '-enddate', dateIn(until)];
    const cert = this.#openssl('ca', '-batch', '-notext', '-in', request, ...dates);
    return { key: this.#read(key), cert };
  }

  /** A certificate that vouches for itself. */
  selfSigned(host: string): Certified {
    const [key] = this.#names('key');
    const subject = ['-subj', `/CN=${host}`, '-addext', alternative(host), '-days', '2'];
    return { cert: this.#openssl('req', '-x509', ...newKey(key), ...subject), key: this.#read(key) };
  }

  #names<Ends extends readonly string[]>(...ends: Ends): { [End in keyof Ends]: string } {
    this.#made += 1;
    return ends.map((end) => `${this.#made}.${end}`) as { [End in keyof Ends]: string };
  }

  #openssl(command: string, ...args: readonly string[]): string {
    const config = ['-config', 'openssl.cnf'];
    return execFileSync('openssl', [command, ...config, ...args], {
      cwd: this.#folder,
      stdio: 'pipe',
      encoding: 'utf8',
    });
  }

  #read(name: string): string {
    return readFileSync(join(this.#folder, name), 'utf8');
  }

  #write(name: string, text: string): void {
    writeFileSync(join(this.#folder, name), text);
  }
}

const configuration = `
[req]
distinguished_name = none
[none]
[authority]
basicConstraints = critical,CA:true
[ca]
default_ca = tests
[tests]
database = index
serial = serial
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
`;

function newKey(file: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file];
}

function alternative(host: string): string {
  return `subjectAltName=DNS:${host}`;
}

/** As openssl takes it: `20260131235959Z`. */
function dateIn(days: number): string {
  const date = new Date(Date.now() + days * 86_400_000).toISOString();
  return `${date.replaceAll(/[-:T]/g, '').slice(0, 14)}Z`;
}
