/** Where the server tells its operator what happens: pino's shape, so that a pino logger is one. */
export interface ServerLog {
  info(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silentLog: ServerLog = { info: () => undefined, error: () => undefined };
