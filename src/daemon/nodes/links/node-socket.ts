import type { RawData } from 'ws';

/** What two graspd use of the WebSocket between them; in the simulation there is no network below it. */
export type NodeSocket = {
  readonly readyState: number;
  readonly bufferedAmount: number;
  send(frame: string): void;
  ping(): void;
  pause(): void;
  resume(): void;
  close(code: number): void;
  terminate(): void;
  on(event: 'open' | 'close' | 'pong', listener: () => void): unknown;
  on(event: 'message', listener: (data: RawData) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
};
