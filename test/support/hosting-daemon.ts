import { DaemonProcess, type DaemonProcessOptions } from './daemon-process.js';
import { Hosting } from './hosting.js';
import { TestClient } from './test-client.js';

/** A single daemon that hosts repositories, of which the process is seen too. */
export class HostingDaemon extends Hosting<DaemonProcess> {
  static override async start(options: DaemonProcessOptions = {}): Promise<HostingDaemon> {
    const daemon = await DaemonProcess.start(options);
    return new HostingDaemon(daemon, await TestClient.connect(daemon.url));
  }

  get daemon(): DaemonProcess {
    return this.service;
  }
}
