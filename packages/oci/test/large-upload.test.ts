import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uploadLarge } from './large-upload.ts';

test('a layer is streamed whatever its size, and begun anew when the registry is busy or cuts it off', async () => {
  const small = await uploadLarge(4);
  const large = await uploadLarge(300);
  // When memory is collected depends on what else the machine does; a blob that was held would take all of its 300 MB.
  assert.ok(
    large.peakMegabytes - small.peakMegabytes < 120,
    `${small.peakMegabytes} MB, then ${large.peakMegabytes} MB`,
  );
});
