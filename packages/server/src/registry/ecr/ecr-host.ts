/** What the name of an ECR registry tells. */
export type EcrHost = { readonly accountId: string; readonly region: string };

// "Amazon ECR private registry": ACCOUNT.dkr.ecr.REGION.amazonaws.com; dual-stack and FIPS endpoints besides.
const pattern =
  /^(\d{12})\.dkr(?:\.ecr|-ecr)(?:-fips)?\.([a-z]{2,}(?:-[a-z]+)+-\d+)\.(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn)$/;

/** Account and region of a registry's name; undefined for another name, such as that of a proxy. */
export function parseEcrHost(host: string): EcrHost | undefined {
  const [, accountId, region] = pattern.exec(host) ?? [];
  return accountId === undefined || region === undefined ? undefined : { accountId, region };
}
