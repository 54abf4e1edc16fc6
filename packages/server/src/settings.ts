import { readFileSync } from 'node:fs';
import { machinePlatform } from '@mir/builder';
import { Fault, platforms } from '@mir/core';
import { isRepositoryName } from '@mir/oci';
import { parse } from 'smol-toml';
import { z } from 'zod';
import { debianPythons } from './images/spec.ts';
import { parseEcrHost } from './registry/ecr/ecr-host.ts';

const hosts = z.array(z.string().regex(/^[A-Za-z0-9.-]+(:\d{1,5})?$/, 'must be HOST or HOST:PORT'));
const address = z.string().regex(/^(\[[0-9A-Fa-f:]+\]|[^:[\]\s]+):\d{1,5}$/, 'must be ADDRESS:PORT');

/** Every setting, with what is allowed. The file has these names; the environment has them as {@link environmentNames} say. */
const settingsSchema = z.strictObject({
  listen: address.default('127.0.0.1:8480').describe('Where the server listens.'),
  public_url: z
    .url({ protocol: /^https?$/, error: 'must be an http or https address' })
    .optional()
    .describe(
      'How clients reach the server, where that is not the address it listens on: behind a proxy or a load balancer.',
    ),
  trust_proxy: z.boolean().default(false).describe('Whether X-Forwarded-For of a proxy in front is believed.'),
  database_url: z
    .string()
    .optional()
    .describe('A PostgreSQL 15 or newer. Without it an embedded one runs below MIR_HOME.'),
  database_connections: z.int().min(2).max(200).default(10).describe('How many connections one process holds at most.'),
  workers: z
    .int()
    .min(0)
    .max(64)
    .default(1)
    .describe('Workers that the server starts itself; 0 where they are deployed on their own.'),
  deployment: z
    .enum(['self-hosted', 'cloud'])
    .default('self-hosted')
    .describe('In a cloud deployment there are no managed images.'),
  customer_name: z.string().min(1).max(128).default('default').describe('The name that the original clients are told.'),
  default_python: z.enum(debianPythons).default('3.11').describe('The Python of images that ask for none.'),
  platforms: z
    .array(z.enum(platforms))
    .min(1)
    .default([machinePlatform()])
    .describe('What images are built for when they do not say it.'),
  build_deadline_seconds: z
    .int()
    .min(1)
    .max(86_400)
    .default(3600)
    .describe('How long a build may run; waiting does not count.'),
  wheel_hosts: hosts.default([]).describe('Hosts that requirements may name addresses of wheels on.'),
  base_registries: hosts
    .default([])
    .describe('Registries that bases may come from, besides Debian, and images in tests that are not managed here.'),
  prewarm: z.boolean().default(true).describe('Whether system images are built in the background.'),
  image_types: z
    .string()
    .optional()
    .describe('A file with the image types, as image-types.toml of this program is one; without it, that one.'),
  log_level: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .describe('How much is logged.'),
  image_registry_config: z
    .strictObject({
      enable: z.boolean().default(true).describe('Whether there are managed images at all.'),
      allow_external_custom_images: z
        .boolean()
        .default(true)
        .describe('Whether images that are not managed here may be used: as bases, and in tests.'),
      repository_prefix: z
        .string()
        .refine(
          (prefix) => prefix === '' || isRepositoryName(prefix),
          'must be the name of a repository: ml/managed-images',
        )
        .default('')
        .describe(
          'Below which every repository of the instance lies. Empty: what it was at the first start, and then `rime-managed-images`. It cannot be changed while there are images.',
        ),
    })
    .prefault({}),
  sandbox: z
    .strictObject({
      probe: z
        .enum(['where-possible', 'required', 'off'])
        .default('where-possible')
        .describe(
          'Whether every version is tried before it is READY. Where a machine cannot, "where-possible" says so at the version and "required" fails it.',
        ),
      run_memory_bytes: z
        .int()
        .min(64 << 20)
        .default(4 * 1024 ** 3)
        .describe('The memory that a test run may have at most, and has when it asks for none.'),
      run_time_limit_seconds: z
        .int()
        .min(1)
        .max(86_400)
        .default(3600)
        .describe('How long a test run may take at most, and may when it says nothing.'),
      run_upload_bytes: z
        .int()
        .min(1)
        .max(1024 ** 3)
        .default(64 << 20)
        .describe('How large the files of a test run may be together; as large may be what it leaves.'),
      external_image_bytes: z
        .int()
        .min(1)
        .default(20 * 1024 ** 3)
        .describe(
          'How large an image that is not managed here may be, as its registry has it, to be used in a test run.',
        ),
      run_days: z
        .int()
        .min(1)
        .max(3650)
        .default(30)
        .describe('How long the output of test runs, and what they left, is kept.'),
      network_hosts: z
        .array(z.string().regex(/^(\*|[A-Za-z0-9.-]+(:\d{1,5})?)$/, 'must be HOST, HOST:PORT or *'))
        .default([])
        .describe(
          'What a test run that asks for network may reach, through the proxy of the sandbox; "*" for any public address.',
        ),
    })
    .prefault({}),
  registry: z
    .strictObject({
      kind: z
        .enum(['embedded', 'oci', 'ecr'])
        .default('embedded')
        .describe('Where images are kept: in the server itself, in any OCI registry, or in Amazon ECR.'),
      host: hosts.element
        .optional()
        .describe('The registry, for kind "oci" and "ecr"; for "ecr" `ACCOUNT.dkr.ecr.REGION.amazonaws.com`.'),
      insecure_http: z
        .boolean()
        .default(false)
        .describe(
          'Whether the registry is talked to without encryption; loopback addresses are, unless `registry.ca_file` is set.',
        ),
      ca_file: z
        .string()
        .min(1)
        .optional()
        .describe(
          'A PEM file with certificates that the registry’s own may be signed with, besides those of the system.',
        ),
      region: z
        .string()
        .regex(/^[a-z]{2,}(?:-[a-z]+)+-\d+$/, 'must be a region, eu-central-1')
        .optional()
        .describe('The region of ECR; without it, the one in `registry.host`.'),
      immutable_tags: z.boolean().default(true).describe('Whether ECR lets no tag of an image move.'),
      scan_on_push: z.boolean().default(true).describe('Whether ECR scans what is pushed.'),
      kms_key: z
        .string()
        .min(1)
        .optional()
        .describe('The KMS key that ECR encrypts repositories with; needs permissions of its own.'),
      resource_tags: z
        .array(z.string().regex(/^[^=]{1,128}=.{0,256}$/, 'must be KEY=VALUE'))
        .default([])
        .describe('Tags that ECR repositories get, `KEY=VALUE`; needs the permission `ecr:TagResource`.'),
      untagged_days: z.int().min(1).max(3650).default(14).describe('How long ECR keeps what no tag names.'),
      builders_profile: z
        .string()
        .min(1)
        .optional()
        .describe(
          'The profile of the AWS configuration that workers use, where one machine runs server and workers with a role for each.',
        ),
      anonymous_pull: z.boolean().default(false).describe('Whether anybody may pull from the embedded registry.'),
      test_namespace: z
        .string()
        .refine((name) => isRepositoryName(name), 'must be the name of a repository')
        .optional()
        .describe(
          'Where whoever has MIR_REGISTRY_TEST_PASSWORD may push and delete, for trying the embedded registry.',
        ),
    })
    .prefault({}),
});

/** The settings of an instance. */
export type Settings = z.infer<typeof settingsSchema>;

/** Which variable of the environment sets what; it goes before the file. */
export const environmentNames: Readonly<Record<string, readonly string[]>> = {
  MIR_LISTEN: ['listen'],
  MIR_PUBLIC_URL: ['public_url'],
  MIR_TRUST_PROXY: ['trust_proxy'],
  DATABASE_URL: ['database_url'],
  MIR_DATABASE_CONNECTIONS: ['database_connections'],
  MIR_WORKERS: ['workers'],
  MIR_DEPLOYMENT: ['deployment'],
  MIR_CUSTOMER_NAME: ['customer_name'],
  MIR_DEFAULT_PYTHON: ['default_python'],
  MIR_PLATFORMS: ['platforms'],
  MIR_BUILD_DEADLINE_SECONDS: ['build_deadline_seconds'],
  MIR_WHEEL_HOSTS: ['wheel_hosts'],
  MIR_BASE_REGISTRIES: ['base_registries'],
  MIR_PREWARM: ['prewarm'],
  MIR_IMAGE_TYPES: ['image_types'],
  MIR_LOG_LEVEL: ['log_level'],
  MIR_IMAGE_REGISTRY_ENABLE: ['image_registry_config', 'enable'],
  MIR_ALLOW_EXTERNAL_CUSTOM_IMAGES: ['image_registry_config', 'allow_external_custom_images'],
  MIR_REPOSITORY_PREFIX: ['image_registry_config', 'repository_prefix'],
  MIR_SANDBOX_PROBE: ['sandbox', 'probe'],
  MIR_RUN_MEMORY_BYTES: ['sandbox', 'run_memory_bytes'],
  MIR_RUN_TIME_LIMIT_SECONDS: ['sandbox', 'run_time_limit_seconds'],
  MIR_RUN_UPLOAD_BYTES: ['sandbox', 'run_upload_bytes'],
  MIR_EXTERNAL_IMAGE_BYTES: ['sandbox', 'external_image_bytes'],
  MIR_RUN_DAYS: ['sandbox', 'run_days'],
  MIR_NETWORK_HOSTS: ['sandbox', 'network_hosts'],
  MIR_REGISTRY_KIND: ['registry', 'kind'],
  MIR_REGISTRY_HOST: ['registry', 'host'],
  MIR_REGISTRY_INSECURE_HTTP: ['registry', 'insecure_http'],
  MIR_REGISTRY_CA_FILE: ['registry', 'ca_file'],
  MIR_REGISTRY_REGION: ['registry', 'region'],
  MIR_REGISTRY_IMMUTABLE_TAGS: ['registry', 'immutable_tags'],
  MIR_REGISTRY_SCAN_ON_PUSH: ['registry', 'scan_on_push'],
  MIR_REGISTRY_KMS_KEY: ['registry', 'kms_key'],
  MIR_REGISTRY_RESOURCE_TAGS: ['registry', 'resource_tags'],
  MIR_REGISTRY_UNTAGGED_DAYS: ['registry', 'untagged_days'],
  MIR_REGISTRY_BUILDERS_PROFILE: ['registry', 'builders_profile'],
  MIR_REGISTRY_ANONYMOUS_PULL: ['registry', 'anonymous_pull'],
  MIR_REGISTRY_TEST_NAMESPACE: ['registry', 'test_namespace'],
};

/** Variables that mean something to other parts of the program. */
const otherNames = [
  'MIR_HOME',
  'MIR_CONFIG',
  'MIR_ADMIN_PASSWORD',
  'MIR_REGISTRY_TEST_PASSWORD',
  'MIR_SECRETS_KEY',
  'MIR_DEBUG',
  'MIR_URL',
  'MIR_API_KEY',
  'MIR_INDEX_URL',
  'MIR_EXTRA_INDEX_URL',
  'MIR_DEBIAN_ARCHIVE',
  'MIR_DEBIAN_SECURITY_ARCHIVE',
  'MIR_LAYER_POOL',
  'MIR_RECORDS',
  'MIR_WEB',
];

/**
 * The settings of the file that is given (or that `MIR_CONFIG` names) and of the environment.
 *
 * @throws Fault `settings/unreadable`, `settings/unknown`, `settings/wrong`: name, value, and what is allowed
 */
export function readSettings(
  environment: NodeJS.ProcessEnv,
  given: { readonly file?: string; readonly listen?: string } = {},
): Settings {
  const path = given.file ?? (environment['MIR_CONFIG'] || undefined);
  const data: Record<string, unknown> = path === undefined ? {} : readFile(path);
  const sources = new Map<string, string>();
  for (const [name, value] of Object.entries(environment)) {
    const place = environmentNames[name];
    if (place === undefined) {
      if (name.startsWith('MIR_') && !otherNames.includes(name)) throw unknownVariable(name);
      continue;
    }
    if (value === undefined || value === '') continue;
    assign(data, place, valueFrom(place, value));
    sources.set(place.join('.'), name);
  }
  if (given.listen !== undefined) data['listen'] = given.listen;
  const result = settingsSchema.safeParse(data);
  if (!result.success) throw wrongSetting(result.error, data, sources, path);
  requireRegistry(result.data);
  return result.data;
}

/** What one setting alone cannot tell. */
function requireRegistry({ registry, image_registry_config }: Settings): void {
  const { kind, host, region } = registry;
  if (kind === 'embedded') return;
  if (host === undefined) {
    throw settingsFault(
      'registry.host',
      `The setting registry.host is missing, and registry.kind is "${kind}"`,
      kind === 'ecr'
        ? 'Name the registry: 123456789012.dkr.ecr.eu-central-1.amazonaws.com.'
        : 'Name the registry: registry.example:5000.',
    );
  }
  if (kind === 'oci') return;
  // The grammar of the original, which Terraform's policies follow. Instances with other registries may have had other prefixes before.
  const { repository_prefix: prefix } = image_registry_config;
  if (prefix !== '' && !/^[a-z][a-z0-9]*(?:[/_-][a-z0-9]+)*$/.test(prefix)) {
    throw settingsFault(
      'image_registry_config.repository_prefix',
      `The setting image_registry_config.repository_prefix is wrong: "${prefix}" cannot be a prefix in Amazon ECR`,
      'Use lower-case words joined by single /, - or _, a letter first: ml/managed-images.',
    );
  }
  const known = parseEcrHost(host);
  if (known === undefined && region === undefined) {
    throw settingsFault(
      'registry.host',
      `The setting registry.host is wrong: "${host}" does not tell the region of an ECR registry`,
      'It is ACCOUNT.dkr.ecr.REGION.amazonaws.com; for another name, such as that of a proxy, set registry.region.',
    );
  }
  if (known !== undefined && region !== undefined && region !== known.region) {
    throw settingsFault(
      'registry.region',
      `The setting registry.region is wrong: it is "${region}", and registry.host is of "${known.region}"`,
      'Leave registry.region out: registry.host tells it.',
    );
  }
}

function readFile(path: string): Record<string, unknown> {
  try {
    return parse(readFileSync(path, 'utf8'));
  } catch (thrown) {
    const why = thrown instanceof Error ? (thrown.message.split('\n')[0] ?? '') : '';
    throw new Fault('settings/unreadable', {
      what: `The settings in ${path} cannot be read: ${why}`,
      subject: path,
      hint: 'It is a TOML file; docs/settings.md has all settings with an example.',
    });
  }
}

function assign(data: Record<string, unknown>, [name = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    data[name] = value;
    return;
  }
  const inner = data[name];
  const table: Record<string, unknown> = typeof inner === 'object' && inner !== null ? { ...inner } : {};
  assign(table, rest, value);
  data[name] = table;
}

/** The environment has texts only; what a setting is tells how one is read. What cannot be read so is left for the check to refuse. */
function valueFrom(place: readonly string[], text: string): unknown {
  const { type } = kindOf(place);
  if (type === 'boolean')
    return text === 'true' || text === '1' ? true : text === 'false' || text === '0' ? false : text;
  if (type === 'number') return /^-?\d+$/.test(text) ? Number(text) : text;
  if (type === 'array')
    return text
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== '');
  return text;
}

function kindOf(place: readonly string[]): { readonly type: string } {
  const schema: unknown = z.toJSONSchema(settingsSchema, { io: 'input' });
  const found = place.reduce<unknown>(
    (at, name) => (at as { properties?: Record<string, unknown> } | undefined)?.properties?.[name],
    schema,
  ) as { type?: string } | undefined;
  return { type: found?.type === 'integer' ? 'number' : (found?.type ?? 'string') };
}

function wrongSetting(
  error: z.ZodError,
  data: unknown,
  sources: ReadonlyMap<string, string>,
  path: string | undefined,
): Fault {
  const [issue] = error.issues;
  const place = issue?.path.map(String) ?? [];
  if (issue?.code === 'unrecognized_keys') {
    const name = [...place, issue.keys[0] ?? ''].join('.');
    return settingsFault(
      name,
      `There is no setting ${name}${path === undefined ? '' : ` (in ${path})`}`,
      `Settings are: ${settingNames().join(', ')}.`,
    );
  }
  const name = place.filter((part) => !/^\d+$/.test(part)).join('.');
  const value = place.reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], data);
  const shown = /url/.test(name) ? 'its value' : JSON.stringify(value);
  const source = sources.get(name);
  return settingsFault(
    name,
    `The setting ${name}${source === undefined ? '' : ` (${source})`} is wrong: ${shown} ${issue?.message ?? ''}`,
    'docs/settings.md has all settings and what they may be.',
  );
}

function settingNames(): string[] {
  return Object.values(environmentNames).map((place) => place.join('.'));
}

function unknownVariable(name: string): Fault {
  const known = [...Object.keys(environmentNames), ...otherNames].filter((one) => one.startsWith('MIR_'));
  return settingsFault(
    name,
    `${name} is set, and there is no such setting`,
    `Unset it, or correct its name: ${known.join(', ')}.`,
  );
}

function settingsFault(subject: string, what: string, hint: string): Fault {
  return new Fault(what.startsWith('There is no') || what.includes('no such') ? 'settings/unknown' : 'settings/wrong', {
    what,
    subject,
    hint,
  });
}
