import { Fault } from '@mir/core';
import type { Refusal } from '@mir/oci';
import type { EcrRole } from './permissions.ts';
import { ecrActions } from './rates.ts';

/** Every way in which Amazon ECR stands in the way. */
export type EcrFaultCode =
  | 'ecr/no-credentials'
  | 'ecr/expired-credentials'
  | 'ecr/refused-credentials'
  | 'ecr/other-registry'
  | 'ecr/denied'
  | 'ecr/kms'
  | 'ecr/limit'
  | 'ecr/throttled'
  | 'ecr/unreachable'
  | 'ecr/failed';

/** Faults of what is wanted, which stay however often it is tried. */
export type RepositoryFaultCode = 'repository/not-ours';

/** Who asks: one of the two roles, or whoever operates the instance, with credentials of their own. */
export type EcrActor = EcrRole | 'operator';

/** Who asked for what. */
export type EcrRequest = {
  readonly role: EcrActor;
  /** As policies name it: `ecr:CreateRepository`. */
  readonly action: string;
  /** What it was asked for: a repository, the registry. */
  readonly subject: string;
};

/** What a role is called where its permissions are given. */
const roleNames: Readonly<Record<EcrActor, string>> = {
  server: "the server's role",
  builders: "the builders' role",
  operator: 'whoever runs this command',
};

/** The typed fault behind something that the SDK threw. */
export function ecrFault(thrown: unknown, request: EcrRequest): Fault {
  if (thrown instanceof Fault) return thrown;
  const { name, message } = thrown instanceof Error ? thrown : { name: '', message: String(thrown) };
  if (name === 'CredentialsProviderError' || /could not load credentials/i.test(message)) {
    return isExpired(name, message) ? expired(request, message, thrown) : noCredentials(request, message, thrown);
  }
  if (isExpired(name, message)) return expired(request, message, thrown);
  const fault = (code: EcrFaultCode, what: string, hint: string) =>
    new Fault<EcrFaultCode>(code, { what, subject: request.subject, hint, cause: thrown });
  if (isDenial(name)) return denied(request, message, thrown);
  if (['UnrecognizedClientException', 'InvalidSignatureException', 'InvalidClientTokenId'].includes(name)) {
    return fault(
      'ecr/refused-credentials',
      `Amazon ECR does not know the credentials of ${roleNames[request.role]}, or not in this region: ${message}`,
      'Check the keys, and that registry.host and registry.region name the region that they are for.',
    );
  }
  if (/^Kms/i.test(name)) return kms(request, message, thrown);
  if (name === 'LimitExceededException') {
    return fault(
      'ecr/limit',
      `Amazon ECR has no room for ${request.subject}: ${message}`,
      'Raise the quota of the account (Service Quotas, Amazon ECR), or remove images that nobody needs.',
    );
  }
  if (isThrottling(thrown)) {
    return fault(
      'ecr/throttled',
      `Amazon ECR has no time for ${request.action} of ${request.subject}: ${message}`,
      'It is tried again later; if it stays, something else uses up the rate of this account.',
    );
  }
  const status = (thrown as { $metadata?: { httpStatusCode?: number } } | undefined)?.$metadata?.httpStatusCode;
  if (status === undefined) {
    return fault(
      'ecr/unreachable',
      `Amazon ECR cannot be reached for ${request.action} of ${request.subject}: ${message || name}`,
      'Check the network, the region, and the proxy or VPC endpoint (AWS_ENDPOINT_URL_ECR) in between.',
    );
  }
  return fault(
    'ecr/failed',
    `Amazon ECR refused ${request.action} of ${request.subject}: ${name}: ${message}`,
    'It is tried again; if it stays, look at the state of the service and at the settings below [registry].',
  );
}

/** Whether Amazon has thrown something out for the rate. */
export function isThrottling(thrown: unknown): boolean {
  return thrown instanceof Error && /Throttl|TooManyRequests|RequestLimitExceeded|SlowDown/i.test(thrown.name);
}

/** The fault for a refusal of the registry itself; undefined where it is one as of any registry. */
export function explainEcr(role: EcrRole): (refusal: Refusal) => Fault | undefined {
  return (refusal) => {
    const { action, status, message, registry, act } = refusal;
    const request = { role, action: ecrActions[action], subject: registry };
    if (/\bKMS\b/i.test(message)) return kms(request, message, { status });
    if (status === 401 || isExpired('', message)) {
      return new Fault<EcrFaultCode>('ecr/expired-credentials', {
        what: `${registry} refused to ${act}: the password of ${roleNames[role]} is not taken${said(message)}`,
        subject: registry,
        hint: 'It is tried again with a new one; if it stays, compare the clock of this machine.',
        cause: { status },
      });
    }
    return status === 403 ? denied(request, message, { status }) : undefined;
  };
}

/** The fault for a repository that stands there and that this instance never asked for. */
export function notOurs(path: string, where: string): Fault<RepositoryFaultCode> {
  return new Fault<RepositoryFaultCode>('repository/not-ours', {
    what: `The repository ${path} exists in ${where}, and this instance has not made it: nothing in it was touched`,
    subject: path,
    hint: 'Give the image another name, or the instance another repository_prefix; or remove the repository if nobody needs it.',
  });
}

/** The fault for credentials of another account or region than the registry that is set. */
export function otherRegistry(set: string, given: string, role: EcrRole): Fault<EcrFaultCode> {
  return new Fault<EcrFaultCode>('ecr/other-registry', {
    what: `registry.host is ${set}, and the credentials of ${roleNames[role]} are for ${given}`,
    subject: set,
    hint: 'Use the credentials of that account and region, or correct registry.host and registry.region.',
  });
}

function denied({ role, action, subject }: EcrRequest, message: string, cause: unknown): Fault<EcrFaultCode> {
  // What Amazon names is what is missing; it may be another one than was asked for.
  const [, named = action, resource] =
    /not authorized to perform: ([\w-]+:\w+)(?: on resource: (\S+))?/.exec(message) ?? [];
  return new Fault<EcrFaultCode>('ecr/denied', {
    what: `${capitalised(roleNames[role])} may not ${named} on ${resource ?? subject}${said(message)}`,
    subject: named,
    hint:
      role === 'operator'
        ? `Use credentials that allow ${named}: neither role of the instance may do it.`
        : `Allow ${named} to ${roleNames[role]} ${resource === '*' ? 'on *' : 'below the repository prefix'}: the module in deploy/terraform gives each role what it needs.`,
    cause,
  });
}

function kms({ role, action, subject }: EcrRequest, message: string, cause: unknown): Fault<EcrFaultCode> {
  return new Fault<EcrFaultCode>('ecr/kms', {
    what: `The KMS key cannot be used for ${action} of ${subject} by ${roleNames[role]}${said(message)}`,
    subject: 'registry.kms_key',
    hint: `Check that the key of registry.kms_key is enabled and in this region, and that its policy lets ${roleNames[role]} use it.`,
    cause,
  });
}

function noCredentials({ role }: EcrRequest, message: string, cause: unknown): Fault<EcrFaultCode> {
  return new Fault<EcrFaultCode>('ecr/no-credentials', {
    what: `There are no AWS credentials for ${roleNames[role]}${said(message)}`,
    subject: role,
    hint: 'Give the process a role (IRSA, EKS Pod Identity, an instance profile), AWS_PROFILE, or keys in the environment; registry.builders_profile is for workers that share a machine with the server.',
    cause,
  });
}

function expired({ role }: EcrRequest, message: string, cause: unknown): Fault<EcrFaultCode> {
  return new Fault<EcrFaultCode>('ecr/expired-credentials', {
    what: `The AWS credentials of ${roleNames[role]} have expired${said(message)}`,
    subject: role,
    hint: 'Renew them (aws sso login, new session keys), or let the process have a role that renews them itself.',
    cause,
  });
}

function isDenial(name: string): boolean {
  return ['AccessDeniedException', 'AccessDenied', 'UnauthorizedOperation', 'NotAuthorized'].includes(name);
}

function isExpired(name: string, message: string): boolean {
  return (
    ['ExpiredToken', 'ExpiredTokenException', 'RequestExpired'].includes(name) ||
    /\b(?:has|is|have) expired\b/i.test(message)
  );
}

function said(message: string): string {
  return message === '' ? '' : ` (${message.slice(0, 500)})`;
}

function capitalised(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
