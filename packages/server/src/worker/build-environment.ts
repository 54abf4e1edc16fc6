/** By which a program of AWS finds keys in its environment, or the way to them. */
export const awsKeyVariables = [
  'AWS_ACCESS_KEY_ID',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN',
  'AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE',
  'AWS_CONTAINER_CREDENTIALS_FULL_URI',
  'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_WEB_IDENTITY_TOKEN_FILE',
];

/** What a build process must not be able to see. */
const secretVariables = [
  ...awsKeyVariables,
  'DATABASE_URL',
  'MIR_ADMIN_PASSWORD',
  'MIR_API_KEY',
  'MIR_REGISTRY_TEST_PASSWORD',
  'MIR_SECRETS_KEY',
];

/** What a build process sees of its worker's environment. */
export function buildEnvironment(environment: NodeJS.ProcessEnv, layerPool: string | undefined): NodeJS.ProcessEnv {
  const seen = { ...environment };
  for (const name of secretVariables) delete seen[name];
  // A pool that somebody has named goes before that of the registry.
  if (layerPool !== undefined) seen['MIR_LAYER_POOL'] ||= layerPool;
  return seen;
}
