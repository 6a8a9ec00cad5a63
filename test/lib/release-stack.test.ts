import { expect, it } from 'vitest';
import { ReleaseStack } from '../../src/lib/release-stack.js';

it('releases in reverse order, once, and goes on after a step that fails', async () => {
  const order: string[] = [];
  const stack = new ReleaseStack();
  stack.defer(() => void order.push('first'));
  stack.defer(async () => {
    order.push('failing');
    throw new Error('cannot close');
  });
  stack.use({ [Symbol.asyncDispose]: async () => void order.push('last') });
  await expect(stack[Symbol.asyncDispose]()).rejects.toThrow('cannot close');
  expect(order).toEqual(['last', 'failing', 'first']);
  await stack[Symbol.asyncDispose]();
  expect(order).toHaveLength(3);
});
