/** What sync needs of a logger: pino's shape, details first. Event content is never among the details. */
export type SyncLogger = {
  debug(details: object, message: string): void;
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
};
