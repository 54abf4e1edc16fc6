import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uploadLarge } from './large-upload.ts';

test('a layer is streamed whatever its size, and begun anew when the registry is busy or cuts it off', async () => {
  const small = await uploadLarge(4);
  const large = await uploadLarge(100);
  assert.ok(
    large.peakMegabytes - small.peakMegabytes < 40,
    `${small.peakMegabytes} MB, then ${large.peakMegabytes} MB`,
  );
});
