import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Fault } from '@mir/core';
import type { BuildTarget, ProcessMessage } from '../../src/worker/build-message.ts';
import { Deliveries } from '../../src/worker/deliveries.ts';

const targetOf = (repository: string): BuildTarget => ({ kind: 'embedded', repository, tag: 'v1' });

test('an image goes to several targets at once, and each is answered for itself', { timeout: 10_000 }, async () => {
  const said: ProcessMessage[] = [];
  const deliveries = new Deliveries((message) => said.push(message));
  deliveries.begin();
  deliveries.ask(1, targetOf('one'));
  const begun = new Map<string, { readonly resolve: () => void; readonly reject: (thrown: Error) => void }>();
  let allBegun: () => void = () => undefined;
  const three = new Promise<void>((resolve) => {
    allBegun = resolve;
  });
  const made = deliveries.make(({ repository }) => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    begun.set(repository, { resolve, reject });
    if (begun.size === 3) allBegun();
    return promise;
  });
  deliveries.ask(2, targetOf('two'));
  deliveries.ask(3, targetOf('three'));
  await three;
  begun.get('two')?.resolve();
  begun.get('one')?.reject(new Fault('registry/refused', { what: 'The registry is full', hint: 'Wait.' }));
  deliveries.end();
  begun.get('three')?.resolve();
  await made;
  const ends = said.map((message) => message.type === 'delivered' && [message.id, message.fault?.code]);
  assert.deepEqual(
    new Map(ends.filter((end) => end !== false) as [number, string | undefined][]),
    new Map([
      [2, undefined],
      [1, 'registry/refused'],
      [3, undefined],
    ]),
  );
});

test('what was said of a build that failed is not about the next one', { timeout: 10_000 }, async () => {
  const said: ProcessMessage[] = [];
  const deliveries = new Deliveries((message) => said.push(message));
  deliveries.ask(1, targetOf('of-the-one-before'));
  deliveries.end();
  deliveries.begin();
  const made = deliveries.make(async () => undefined);
  deliveries.ask(2, targetOf('mine'));
  deliveries.end();
  await made;
  assert.deepEqual(said, [{ type: 'delivered', id: 2 }]);
});
