import { expect, it } from 'vitest';
import { priorities, TurnOrder } from '../../src/lib/turns/turn-order.js';

/** Takes the immediates that were asked for by now, as a turn of the event loop does. */
function world() {
  let immediates: (() => void)[] = [];
  const order = new TurnOrder((task) => immediates.push(task));
  const log: string[] = [];
  const turn = () => {
    const taken = immediates;
    immediates = [];
    for (const task of taken) task();
    return log.splice(0).join(' ');
  };
  return { order, log, turn };
}

it('has the work of a turn done in the order of its priorities, whoever asked first', () => {
  const { order, log, turn } = world();
  for (const priority of [...priorities].reverse()) order.of(priority)(() => log.push(priority));
  order.of('clients')(() => log.push('clients'));
  expect(turn()).toBe('clients clients delivery catch-up care');
  expect(turn()).toBe('');
});

it('leaves what is asked for within a turn to the next, of whatever priority', () => {
  const { order, log, turn } = world();
  const again = (priority: 'clients' | 'care') => () => {
    log.push(priority);
    for (const next of ['care', 'clients'] as const) order.of(next)(() => log.push(`${next} again`));
  };
  order.of('care')(again('care'));
  order.of('clients')(again('clients'));
  expect(turn()).toBe('clients care');
  expect(turn()).toBe('clients again clients again care again care again');
  expect(turn()).toBe('');
});

it('lets the microtasks of one go on before the next begins', async () => {
  const order = new TurnOrder();
  const log: string[] = [];
  await new Promise<void>((resolve) => {
    order.of('care')(() => {
      log.push('care');
      resolve();
    });
    order.of('clients')(() => {
      log.push('clients');
      void Promise.resolve()
        .then(() => {})
        .then(() => log.push('and what follows'));
    });
  });
  expect(log).toEqual(['clients', 'and what follows', 'care']);
});

it('gives the others their turn when one throws', () => {
  const immediates: (() => void)[] = [];
  const order = new TurnOrder((task) => immediates.push(task));
  const log: string[] = [];
  order.of('care')(() => log.push('first'));
  order.of('care')(() => {
    throw new Error('tripped');
  });
  order.of('care')(() => log.push('last'));
  const faults: unknown[] = [];
  for (const task of immediates) {
    try {
      task();
    } catch (error) {
      faults.push(error);
    }
  }
  expect(log).toEqual(['first', 'last']);
  expect(faults).toEqual([new Error('tripped')]);
});
