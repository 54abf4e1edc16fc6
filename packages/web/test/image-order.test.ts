import assert from 'node:assert/strict';
import { test } from 'node:test';
import { imageFilterOf } from '../src/managed-images/image-filter.ts';
import { firstOrder, orderAfter, orderNames, sorts } from '../src/managed-images/image-order.ts';

test('pressing the head of a column sorts by it, then the other way round, then as at first', () => {
  assert.equal(orderAfter(firstOrder, 'size'), '-size');
  assert.equal(orderAfter('-size', 'size'), 'size');
  assert.equal(orderAfter('size', 'size'), firstOrder);
  assert.equal(orderAfter('size', 'name'), 'name');
  assert.equal(orderAfter('name', 'name'), '-name');
  assert.equal(orderAfter(firstOrder, 'createdAt'), 'createdAt');
  assert.equal(orderAfter('createdAt', 'createdAt'), firstOrder);
});

test('every order has a name, and an address knows it; the first one needs no word in it', () => {
  assert.deepEqual(orderNames.map(({ value }) => value).toSorted(), sorts.toSorted());
  assert.equal(new Set(orderNames.map(({ label }) => label)).size, orderNames.length);
  for (const sort of sorts) assert.deepEqual(imageFilterOf({ sort }), sort === firstOrder ? {} : { sort });
  assert.deepEqual(imageFilterOf({ sort: 'nothing' }), {});
});
