/**
 * A setting that the daemon cannot start with. The message is the one line that the operator is shown: it names the
 * setting where it was given (flag, environment variable or key of the config file) and says what it takes.
 */
export class OptionsError extends Error {
  readonly code = 'invalid_option';

  constructor(message: string) {
    // What an operator wrote stands in it as it is, control characters too.
    super(message.replaceAll(/\p{Cc}+/gu, ' '));
    this.name = 'OptionsError';
  }
}
