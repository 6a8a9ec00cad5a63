/**
 * Some held events, which may be very many: one by its id, those that hang on one, those that refer to an id or an address, or
 * the states of an identifier. Who goes through them gets those that are there then.
 */
export type HeldSet = {
  readonly type: 'event' | 'hanging-on' | 'naming' | 'states-of';
  readonly name: string;
};
