import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Logger } from 'pino';
import { exceeds, noteUse, reaches } from '../config/limit-use.js';
import { limits } from '../config/limits.js';
import type { AddressAccount, AddressAccounts } from '../lib/budgets/address-accounts.js';
import type { Clock } from '../lib/clock.js';
import { Growth } from '../lib/collections/growth.js';
import type { UpgradeRefusal } from '../lib/upgrade-refusal.js';
import { ClientAddresses } from './client-addresses.js';

export type GateParts = {
  /** Most connections that are open at the same time, idle ones too; `undefined` is no limit. */
  readonly connectionsMax: number | undefined;
  /** Networks (CIDR) of the proxies whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[];
  readonly accounts: AddressAccounts;
  /** Which address groups the operator blocked; without it none. */
  readonly blocked?: { has(group: string): boolean };
  readonly clock: Clock;
  readonly logger: Logger;
};

const isFull: UpgradeRefusal = {
  status: 503,
  reason: 'the relay has no room for more connections; try again later',
};

const hasTooManyHeaders: UpgradeRefusal = {
  status: 431,
  reason: `a request has ${limits.httpHeadersMax} headers at most`,
};

const isShutOut: UpgradeRefusal = {
  status: 429,
  reason: 'rate-limited: too many messages that cannot be read, or above the rates; wait a minute',
};

const isBlocked: UpgradeRefusal = { status: 403, reason: 'blocked: this address is blocked here' };

/**
 * Who may connect and ask. Each connection takes a descriptor that the store may need, so all that are open are counted,
 * idle ones too. One above a limit is answered once, so that its client knows why, and has little time to ask; when even
 * these are many, it is closed at once.
 */
export class ConnectionGate {
  readonly #parts: GateParts;
  readonly #addresses: ClientAddresses;
  /** Connections that are open by the address group that they are counted for; proxies have none. */
  readonly #groups = new Map<Duplex, string>();
  /** Answers that are not finished, by the address group that asked: a proxy's connection has those of many. */
  readonly #answers = new Map<ServerResponse, string>();
  readonly #refused = new Map<Duplex, UpgradeRefusal>();
  readonly #bytes = new WeakMap<Duplex, Growth>();
  #open = 0;

  constructor(parts: GateParts) {
    this.#parts = parts;
    this.#addresses = new ClientAddresses(parts.trustedProxies, parts.logger);
  }

  /** Counts a connection that has just come. */
  admit(socket: Socket): void {
    if (this.#open >= (this.#parts.connectionsMax ?? Number.POSITIVE_INFINITY)) {
      this.#refuse(socket, isFull);
      return;
    }
    const group = this.#addresses.directGroupOf(socket);
    const refusal = group === undefined ? undefined : this.#join(socket, group);
    if (refusal !== undefined) {
      this.#refuse(socket, refusal);
      return;
    }
    this.#open += 1;
    socket.once('close', () => {
      this.#open -= 1;
    });
  }

  /** Whoever sent the request sends what costs more to read than it can be meant for. */
  noteViolation(request: IncomingMessage): void {
    this.#accountOf(request).noteViolation(0, limits.httpSmallPiecesMs);
  }

  /** The address group of whoever sent the request. */
  groupOf(request: IncomingMessage): string {
    return this.#addresses.groupOf(request);
  }

  /** Counts a request, with the bytes of its answer, or says why it is not served. */
  takeRequest(request: IncomingMessage, response?: ServerResponse): UpgradeRefusal | undefined {
    // Not all headers are here, so perhaps not that of a proxy which says who its client is.
    if (exceeds('httpHeadersMax', request.rawHeaders.length / 2)) return hasTooManyHeaders;
    const account = this.#accountOf(request);
    const { socket } = request;
    if (response !== undefined) {
      this.#answers.set(response, account.group);
      response.once('close', () => {
        this.#answers.delete(response);
        account.addBytes(this.#grownBytes(socket));
      });
    }
    if (this.#parts.blocked?.has(account.group)) return isBlocked;
    if (account.isShutOut) return isShutOut;
    return this.#refused.get(socket) ?? refusalOf(account.takeRequest());
  }

  /** The same for a request for a WebSocket, whose connection counts for an address from now on. */
  takeUpgrade(request: IncomingMessage, stream: Duplex): UpgradeRefusal | undefined {
    const refusal = this.takeRequest(request);
    // One that came by no proxy was counted when it came.
    if (refusal !== undefined || this.#addresses.directGroupOf(request.socket) !== undefined) return refusal;
    return this.#join(stream, this.groupOf(request));
  }

  /** Ends the connections of addresses that are blocked by now, and what is answered to them by way of proxies. */
  endBlocked(): void {
    for (const [ending, group] of [...this.#groups, ...this.#answers])
      if (this.#parts.blocked?.has(group)) ending.destroy();
  }

  #accountOf(request: IncomingMessage): AddressAccount {
    const account = this.#parts.accounts.of(this.groupOf(request));
    noteUse('addressAccountsMax', this.#parts.accounts.size);
    return account;
  }

  #join(stream: Duplex, group: string): UpgradeRefusal | undefined {
    if (this.#parts.blocked?.has(group)) return isBlocked;
    const account = this.#parts.accounts.of(group);
    if (account.isShutOut) return isShutOut;
    const reason = account.openConnection();
    if (reason !== undefined) return refusalOf(reason);
    this.#groups.set(stream, group);
    stream.once('close', () => {
      this.#groups.delete(stream);
      account.closeConnection();
    });
    return undefined;
  }

  #grownBytes(socket: Socket): number {
    const growth = this.#bytes.get(socket) ?? new Growth();
    this.#bytes.set(socket, growth);
    return growth.since(socket.bytesRead + socket.bytesWritten);
  }

  #refuse(socket: Socket, refusal: UpgradeRefusal): void {
    // Who is shut out gets no answer: what it sends would be read for that.
    if (refusal === isShutOut || reaches('httpRefusedConnectionsMax', this.#refused.size)) {
      socket.destroy();
      return;
    }
    this.#refused.set(socket, refusal);
    const cancel = this.#parts.clock.after(limits.httpRefusedMsMax, () => socket.destroy());
    socket.once('close', () => {
      cancel();
      this.#refused.delete(socket);
    });
  }
}

function refusalOf(reason: string | undefined): UpgradeRefusal | undefined {
  return reason === undefined ? undefined : { status: 429, reason };
}
