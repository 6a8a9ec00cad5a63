/** What the git side needs of a logger: pino's shape, details first. */
export type HostingLog = {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
};
