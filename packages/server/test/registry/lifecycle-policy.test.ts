import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expendableTags, lifecyclePolicy } from '../../src/registry/ecr/lifecycle-policy.ts';

type Rule = {
  readonly rulePriority: number;
  readonly selection: {
    readonly tagStatus: string;
    readonly tagPatternList?: readonly string[];
    readonly countType: string;
  };
};

function rulesOf(trimmedTags: readonly string[]): readonly Rule[] {
  const policy = lifecyclePolicy(trimmedTags, 14);
  assert.ok(policy.length < 30_720, 'as long as Amazon takes it');
  return (JSON.parse(policy) as { rules: readonly Rule[] }).rules;
}

test('a policy hits what has no tag and what was given up, whatever the tags are', () => {
  const tags = fc.array(
    fc.oneof(fc.stringMatching(/^v[1-9]\d{0,3}$/), fc.string(), fc.constantFrom('*', 'v*', '', '..', 'a'.repeat(200))),
    {
      maxLength: 80,
    },
  );
  fc.assert(
    fc.property(tags, (trimmed) => {
      const rules = rulesOf(trimmed);
      assert.ok(rules.length <= 50);
      assert.equal(new Set(rules.map(({ rulePriority }) => rulePriority)).size, rules.length);
      for (const { selection } of rules) {
        assert.equal(selection.countType, 'sinceImagePushed', 'never by count');
        if (selection.tagStatus === 'untagged') continue;
        assert.equal(selection.tagStatus, 'tagged');
        const [tag = '', ...more] = selection.tagPatternList ?? [];
        assert.deepEqual(more, []);
        assert.ok(trimmed.includes(tag) && !tag.includes('*'), tag);
      }
    }),
  );
});

test('without anything given up only what has no tag goes', () => {
  assert.deepEqual(
    rulesOf([]).map(({ selection }) => selection.tagStatus),
    ['untagged'],
  );
});

test('an image goes only when all its tags were given up, and then by any of them', () => {
  const image = (digest: string, ...tags: string[]) => ({ digest, tags, sizeBytes: undefined });
  const stored = [image('one', 'v1', 'v4'), image('two', 'v2', 'v3'), image('three', 'v5'), image('untagged')];
  assert.deepEqual(expendableTags(stored, ['v1', 'v2', 'v6']), [], 'v3 and v4 name the same images');
  assert.deepEqual(expendableTags(stored, ['v1', 'v2', 'v3']), ['v2', 'v3']);
  assert.deepEqual(expendableTags(stored, ['v5', 'v4', 'v1']), ['v5', 'v4', 'v1']);
});
