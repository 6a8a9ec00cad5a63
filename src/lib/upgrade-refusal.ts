/** Why a request for a WebSocket is not taken, as it is answered: an HTTP status, a line of text, further headers. */
export type UpgradeRefusal = {
  readonly status: number;
  readonly reason: string;
  readonly headers?: Readonly<Record<string, string>>;
};
